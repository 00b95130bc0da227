//! The part of the self-test that asks the server for more than what it is and has.

use super::selftest;
use super::source::PostgresSource;
use super::trouble::Trouble;
use crate::common::BUDGET_SHARE;

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
        self.board.set(selftest::plans(&has));
        let Some(extension) = has.counters() else { return Ok(()) };
        self.read_counters(extension).await.map(|_reading| ())
    }
}
