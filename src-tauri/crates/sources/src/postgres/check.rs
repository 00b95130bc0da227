//! The part of the self-test that asks the server for more than what it is and has.

use super::connection::STATEMENT_DEADLINE;
use super::selftest;
use super::source::PostgresSource;
use super::trouble::Trouble;
use super::{sql, statements};
use crate::common::{BUDGET_SHARE, Found};

impl PostgresSource {
    /// The part of the self-test that a look at the capabilities does not tell.
    pub(super) async fn test_parts(&mut self) -> Result<(), Trouble> {
        self.measure_skew().await?;
        self.sessions().await?;
        let Some(has) = self.has.clone() else { return Ok(()) };
        if has.in_recovery {
            self.replay(&mut None).await?;
        } else {
            self.board.set(selftest::replication(false, false, false, true));
        }
        self.board.set(selftest::budget(self.budget.pace(), BUDGET_SHARE));
        let Some(extension) = has.statements.as_ref().filter(|_| has.track.is_some()) else { return Ok(()) };
        let answer = self.link.ask(sql::counters(extension), STATEMENT_DEADLINE).await;
        match answer.and_then(|answer| statements::reading(&answer)) {
            Ok(_) => {
                self.board.recovered(Found::ok(selftest::COUNTERS, "the statement counters are read"));
                Ok(())
            }
            Err(trouble) => self.failed(selftest::COUNTERS, trouble),
        }
    }
}
