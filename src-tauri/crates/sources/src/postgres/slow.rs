//! The slow part of a poll: settings, table sizes, role, clock skew.

use super::row::int;
use super::selftest;
use super::source::PostgresSource;
use super::trouble::Trouble;
use super::{facts, sql};
use crate::common::skew_s;

impl PostgresSource {
    /// Settings, table sizes, role, clock skew.
    pub(super) async fn slow_facts(&mut self) -> Result<faultline_model::Facts, Trouble> {
        self.measure_skew().await?;
        self.probe().await?;
        let mut found = faultline_model::Facts::new();
        for (text, read) in [
            (sql::settings(), facts::settings as fn(&[sqlx::postgres::PgRow]) -> Result<_, _>),
            (sql::tables(), facts::tables),
        ] {
            match self.ask(text).await.and_then(|rows| read(&rows)) {
                Ok(more) => found.extend(more),
                Err(trouble) => {
                    self.failed(selftest::FACTS, trouble)?;
                    return Ok(self.facts.news(found));
                }
            }
        }
        self.fine(selftest::FACTS, "settings and table sizes are read");
        Ok(self.facts.news(found))
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
