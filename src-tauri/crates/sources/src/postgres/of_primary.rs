//! What a session tells of the cluster's primary: that it is on it, or, on a replica, what the primary wrote about itself
//! into the table of `faultctl primary table-sql`. What becomes of the rows is in `crate::primary`.

use std::time::Duration;

use faultline_fingerprint::{Dialect, normalise};
use faultline_model::{Due, Frame, QueryText};
use sqlx::postgres::PgRow;
use tokio::time::Instant;

use super::row::{bool_of, float, int, text};
use super::source::PostgresSource;
use super::sql::{micros, statement};
use super::trouble::Trouble;
use crate::common::Found;
use crate::primary::{ASPECT, LONGEST_BACKLOG_S, Standing, Table, Tick};
use crate::query_book::{BookedQuery, PrimaryWay, QueryBook};

/// How often a replica without the table is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// Most rows of the table that are read at a time.
const MAX_TICKS: usize = 16;
/// Most texts that are read at a time.
const MAX_TEXTS: usize = 200;

/// What is known of the primary from here.
#[derive(Debug, Default)]
pub(super) struct OfPrimary {
    book: QueryBook,
    table: Table,
    /// When it was last looked whether there is a table that we may read, and whether there is.
    looked: Option<(Instant, bool)>,
}

impl OfPrimary {
    pub(super) fn new(book: QueryBook) -> Self {
        Self { book, ..Self::default() }
    }
}

impl PostgresSource {
    /// Says who speaks for the primary, and gives its word when that is us. Failures are on the board.
    pub(super) async fn word_of_primary(&mut self, due: Due) -> Option<Frame> {
        let in_recovery = self.has.as_ref()?.in_recovery;
        if !in_recovery {
            let _spoken =
                self.of_primary.book.speak_for_primary(PrimaryWay::Direct, &self.spec.id, Instant::now());
            self.of_primary.table = Table::default();
            self.board.set(Found::ok(ASPECT, "the primary is seen by a session on it"));
            return None;
        }
        self.of_primary.book.is_replica(&self.spec.id);
        if !due.counters {
            return None;
        }
        match self.read_table().await {
            Ok(Some((standing, frame))) => {
                self.board.set(standing.found());
                frame
            }
            Ok(None) => {
                self.board.recovered(Found::none(ASPECT, "the primary writes no table about itself"));
                None
            }
            Err(trouble) => {
                // Whether the connection is gone with it shows with the next poll.
                let _noted = self.failed(ASPECT, trouble);
                self.of_primary.looked = None;
                None
            }
        }
    }

    /// Reads what is new in the table; `None` where there is none.
    async fn read_table(&mut self) -> Result<Option<(Standing, Option<Frame>)>, Trouble> {
        let now = Instant::now();
        let known = self.of_primary.looked.filter(|(at, there)| *there || now - *at < LOOK_AGAIN);
        let there = match known {
            Some((_, there)) => there,
            None => match self.look_for_table(now).await? {
                Some(standing) => return Ok(Some((standing, None))),
                None => self.of_primary.looked.is_some_and(|(_, there)| there),
            },
        };
        if !there {
            return Ok(None);
        }
        let rows = self.ask(ticks(self.of_primary.table.after_us())).await?;
        let now_us = rows.first().map(|row| int(row, "now_us")).transpose()?.flatten().unwrap_or_default();
        let mut ticks = Vec::with_capacity(rows.len());
        for row in rows.iter().rev() {
            ticks.extend(tick(row)?);
        }
        match Table::unknown(&ticks, &self.of_primary.book) {
            Ok(ids) => self.learn_texts(&ids).await?,
            Err(standing) => return Ok(Some((standing, None))),
        }
        let OfPrimary { book, table, .. } = &mut self.of_primary;
        let taken = table.take(self.clock.now(), book.primary(), now_us, &ticks, book);
        let Some(frame) = taken.frame else { return Ok(Some((taken.standing, None))) };
        match book.speak_for_primary(PrimaryWay::Table, &self.spec.id, now) {
            Ok(()) => Ok(Some((taken.standing, Some(frame)))),
            Err(way) => Ok(Some((Standing::Ignored(way), None))),
        }
    }

    /// Looks whether there is a table that we may read. `Some` when there is one that we may not.
    async fn look_for_table(&mut self, now: Instant) -> Result<Option<Standing>, Trouble> {
        let rows = self.ask(table_there()).await?;
        let (there, readable) = match rows.first() {
            Some(row) => (true, bool_of(row, "readable")?.unwrap_or(false)),
            None => (false, false),
        };
        // Once the grant is there, it is to be seen with the next poll.
        self.of_primary.looked = (readable || !there).then_some((now, readable));
        let user = self.has.as_ref().map(|has| has.user.clone()).unwrap_or_default();
        Ok((there && !readable).then_some(Standing::Forbidden { user }))
    }

    /// Reads the texts of these ids, as far as the primary has written them down, into the book.
    async fn learn_texts(&mut self, ids: &[i64]) -> Result<(), Trouble> {
        if ids.is_empty() {
            return Ok(());
        }
        let rows = self.ask(texts(&ids[..ids.len().min(MAX_TEXTS)])).await?;
        for row in &rows {
            let (Some(database), Some(queryid), Some(query)) =
                (text(row, "database")?, int(row, "queryid")?, text(row, "query")?)
            else {
                continue;
            };
            let normalised = normalise(&query, Dialect::Postgres);
            let text = QueryText {
                fp: normalised.fingerprint,
                text: normalised.text,
                database: Some(database.clone()),
                user: text(row, "role")?,
            };
            self.of_primary.book.write(BookedQuery { database, queryid }, text);
        }
        Ok(())
    }
}

/// Whether the table is there, and ours to read; no row where it is not.
fn table_there() -> String {
    statement(
        "has_schema_privilege(n.oid, 'USAGE') AND bool_and(has_table_privilege(c.oid, 'SELECT')) AS readable \
         FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid \
         WHERE n.nspname = 'faultline' AND c.relname IN ('load', 'statement_text') AND c.relkind = 'r' \
         GROUP BY n.oid HAVING count(*) = 2",
    )
}

/// The server's clock, and the rows that were written after `after_us`, newest first; at first the newest alone.
fn ticks(after_us: Option<i64>) -> String {
    let (after_us, limit) = after_us.map_or((0, 1), |after_us| (after_us, MAX_TICKS));
    statement(&format!(
        "{now} AS now_us, {written} AS written_us, l.span_ms::float8 AS span_ms, l.complete AS complete, \
         l.statements::text AS statements, l.counters::text AS counters, l.sessions::text AS sessions \
         FROM (SELECT clock_timestamp() AS at) c LEFT JOIN faultline.load l \
           ON l.written_at > timestamptz '1970-01-01 00:00:00+00' + {after_us} * interval '1 microsecond' \
           AND l.written_at > c.at - interval '{window_s} seconds' \
         ORDER BY l.written_at DESC LIMIT {limit}",
        now = micros("c.at"),
        written = micros("l.written_at"),
        window_s = 2 * LONGEST_BACKLOG_S,
    ))
}

/// What the primary wrote down as the texts of these ids.
fn texts(ids: &[i64]) -> String {
    let ids: Vec<_> = ids.iter().map(i64::to_string).collect();
    statement(&format!(
        "t.database::text AS database, t.queryid::int8 AS queryid, t.role::text AS role, t.text::text AS query \
         FROM faultline.statement_text t WHERE t.queryid IN ({})",
        ids.join(",")
    ))
}

/// From a row of [`ticks`]; `None` for the one that only has the clock.
fn tick(row: &PgRow) -> Result<Option<Tick>, Trouble> {
    let Some(written_us) = int(row, "written_us")? else { return Ok(None) };
    let need = |name: &str| text(row, name).map(Option::unwrap_or_default);
    Ok(Some(Tick {
        written_us,
        span_ms: float(row, "span_ms")?,
        complete: bool_of(row, "complete")?.unwrap_or(false),
        statements: need("statements")?,
        counters: need("counters")?,
        sessions: need("sessions")?,
    }))
}

#[cfg(test)]
mod tests {
    use super::super::sql::MARKER;
    use super::*;

    #[test]
    fn every_statement_carries_the_marker() {
        for text in [table_there(), ticks(None), ticks(Some(5)), texts(&[1, -2])] {
            assert_eq!(text.matches(MARKER).count(), 2, "{text}");
        }
    }

    #[test]
    fn at_first_the_newest_row_is_enough() {
        assert!(ticks(None).ends_with("LIMIT 1"));
        assert!(ticks(Some(-7)).contains("+ -7 * interval") && ticks(Some(-7)).ends_with("LIMIT 16"));
    }
}
