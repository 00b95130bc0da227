//! Reading the statement counters, and the texts behind ids never seen.

use std::time::Duration;

use faultline_model::ROUND_TRIP_DEADLINE;
use tokio::time::Instant;

use super::capabilities::Statements;
use super::connection::STATEMENT_DEADLINE;
use super::delta::{QueryId, Reading};
use super::row::{bool_of, int, text};
use super::selftest;
use super::source::PostgresSource;
use super::sql;
use super::statements::{self, Outcome};
use super::texts::{Kept, MAX_TEXTS_PER_READ};
use super::trouble::Trouble;

/// Longest time that the reading of texts may take, there and back.
const TEXTS_DEADLINE: Duration = ROUND_TRIP_DEADLINE;

impl PostgresSource {
    /// What the statement counters say happened since the reading before.
    pub(super) async fn counters(&mut self) -> Result<Option<Outcome>, Trouble> {
        let Some(has) = self.has.clone() else { return Ok(None) };
        let Some(extension) = has.counters() else { return Ok(None) };
        let Some(now) = self.read_counters(extension).await? else { return Ok(None) };
        let deltas = match self.statements.advance(now) {
            Ok(deltas) => deltas,
            Err(gap) => {
                tracing::debug!(node = %self.spec.id, ?gap, "the statement counters start over");
                return Ok(None);
            }
        };
        if deltas.implausible > 0 {
            tracing::warn!(node = %self.spec.id, rows = deltas.implausible, "counters that cannot be true were dropped");
        }
        let mut unseen = self.statements.unseen(&deltas, &self.texts);
        unseen.extend(self.texts.doubtful());
        let asked = self.read_texts(extension, unseen).await;
        let complete = has.counts_everything() && asked.is_ok();
        let outcome = self.statements.fold(deltas, &self.texts, &asked.unwrap_or_default(), complete);
        *self.counted_cost_ms.get_or_insert(0.0) += outcome.ours_ms;
        // Where not everything is counted, no rows mean nothing at all.
        Ok((has.counts_everything() || !outcome.queries.rows.is_empty()).then_some(outcome))
    }

    /// One reading of the counters; `None` when it is not to be had.
    pub(super) async fn read_counters(&mut self, extension: &Statements) -> Result<Option<Reading>, Trouble> {
        let answer = self.link.ask(sql::counters(extension), STATEMENT_DEADLINE).await;
        match answer.and_then(|answer| statements::reading(&answer, self.link.last_trip())) {
            Ok(now) => {
                self.fine(selftest::COUNTERS, "the statement counters are read");
                Ok(Some(now))
            }
            Err(trouble) => self.failed(selftest::COUNTERS, trouble).map(|()| None),
        }
    }

    /// Reads the texts of ids never seen, if it is time. The ids that were asked for and answered as far as they can be.
    pub(super) async fn read_texts(
        &mut self,
        extension: &Statements,
        mut ids: Vec<QueryId>,
    ) -> Result<Vec<QueryId>, Trouble> {
        if ids.is_empty() || !self.texts.may_read(Instant::now()) {
            return Ok(Vec::new());
        }
        ids.truncate(MAX_TEXTS_PER_READ);
        let began = Instant::now();
        let answer = self.link.ask(sql::texts(extension, &ids), TEXTS_DEADLINE).await;
        self.texts.was_read(Instant::now(), began.elapsed());
        let kept = answer.and_then(|mut answer| {
            answer.pop().unwrap_or_default().iter().map(kept).collect::<Result<Vec<_>, _>>()
        });
        self.statements.texts_read(kept.is_ok());
        match kept {
            Ok(kept) => {
                for kept in kept {
                    match kept {
                        Ok(kept) => self.texts.learn(kept),
                        Err(put_off) => ids.retain(|id| *id != put_off),
                    }
                }
                self.texts.asked(&ids);
                Ok(ids)
            }
            Err(trouble) => self.failed(selftest::COUNTERS, trouble).map(|()| Vec::new()),
        }
    }
}

/// From a row of the answer to [`sql::texts`]: a text, or the id whose text was put off.
fn kept(row: &sqlx::postgres::PgRow) -> Result<Result<Kept, QueryId>, Trouble> {
    let id = QueryId {
        dbid: int(row, "dbid")?.unwrap_or_default(),
        queryid: int(row, "queryid")?.unwrap_or_default(),
    };
    if bool_of(row, "put_off")?.unwrap_or(false) {
        return Ok(Err(id));
    }
    let (user, database) = (text(row, "user_name")?, text(row, "database_name")?);
    Ok(Ok(Kept { id, text: text(row, "query")?, user, database }))
}
