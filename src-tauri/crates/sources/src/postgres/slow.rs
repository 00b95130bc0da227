//! The slow part of a poll: settings, schema, role, clock skew.

use std::time::Duration;

use faultline_model::Facts;
use tokio::time::Instant;

use super::connection::STATEMENT_DEADLINE;
use super::paced::Paced;
use super::row::int;
use super::schema::{self, Part, Table};
use super::selftest;
use super::source::PostgresSource;
use super::trouble::Trouble;
use super::{facts, sql};
use crate::common::skew_s;

/// What a look at the whole schema may cost once a minute without further ado.
const CHEAP_SCHEMA: Duration = Duration::from_millis(250);
/// Longest pause between two looks at the whole schema, whatever they cost.
const LONGEST_SCHEMA_PAUSE: Duration = Duration::from_secs(3_600);

/// The pauses between two looks at the whole schema: none, unless it is so large that they are dear.
pub(super) const fn schema_paced() -> Paced {
    Paced::new(CHEAP_SCHEMA, Duration::ZERO, LONGEST_SCHEMA_PAUSE)
}

impl PostgresSource {
    /// Settings, schema, role, clock skew.
    pub(super) async fn slow_facts(&mut self) -> Result<Facts, Trouble> {
        self.measure_skew().await?;
        self.probe().await?;
        let mut found = Facts::new();
        let read = match self.settings_and_schema(&mut found).await {
            Ok(()) => {
                self.fine(selftest::FACTS, "settings and schema are read");
                Ok(())
            }
            Err(trouble) => self.failed(selftest::FACTS, trouble),
        };
        read.map(|()| self.facts.news(found))
    }

    async fn settings_and_schema(&mut self, found: &mut Facts) -> Result<(), Trouble> {
        let rows = self.ask(sql::settings()).await?;
        found.extend(facts::settings(&rows)?);
        let rows = self.ask(sql::tables(&self.schema.followed())).await?;
        let tables = rows.iter().map(Table::from_row).collect::<Result<Vec<_>, _>>()?;
        found.extend(self.schema.tables(&tables));
        let began = Instant::now();
        if self.schema_paced.is_due(began) {
            let rows = self.ask(sql::hashes()).await;
            self.schema_paced.was_done(Instant::now(), began.elapsed());
            let hashes = rows?.iter().map(schema::hash).collect::<Result<Vec<_>, _>>()?;
            found.extend(self.schema.hashes(hashes));
        }
        if self.schema.is_stale() {
            found.extend(self.schema_details().await?);
        }
        Ok(())
    }

    async fn schema_details(&mut self) -> Result<Facts, Trouble> {
        let answer = self.link.ask(sql::details(&self.schema.followed()), STATEMENT_DEADLINE).await?;
        let [columns, indexes] = answer.as_slice() else {
            return Err(Trouble::Unreadable { reason: "two answers were expected".to_owned() });
        };
        let parts =
            |rows: &[sqlx::postgres::PgRow]| rows.iter().map(Part::from_row).collect::<Result<Vec<_>, _>>();
        let (columns, indexes) = (parts(columns)?, parts(indexes)?);
        Ok(self.schema.details(columns, indexes))
    }

    pub(super) async fn measure_skew(&mut self) -> Result<(), Trouble> {
        self.link.forget_network();
        let sent = self.clock.now();
        let rows = self.ask(sql::clock()).await;
        let received = self.clock.now();
        match rows.and_then(|rows| rows.first().map(|row| int(row, "now_us")).transpose()) {
            Ok(Some(Some(server_us))) => {
                let skew_s = skew_s(sent, server_us, received);
                self.board.set(selftest::clock(skew_s));
                self.skew_s = Some(skew_s);
                Ok(())
            }
            Ok(_) => Ok(()),
            Err(trouble) => self.failed(selftest::CLOCK, trouble),
        }
    }
}
