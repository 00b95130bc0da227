//! The closer look on suspicion: who waits for whom, and how the suspected queries are planned. What is found are facts.
//! Nothing is executed (`EXPLAIN` without `ANALYZE`, in a transaction that reads only), everything has the limits of any
//! other statement of ours, and what cannot be seen is a row that says what would let us.

mod condition;
mod hint;
mod locks;
mod plan;
mod planning;

use std::time::Duration;

use faultline_model::{Facts, Fingerprint, Frame, Polled};
use serde_json::Value;
use tokio::time::Instant;

use self::locks::Party;
use super::selftest;
use super::source::PostgresSource;
use super::sql;
use super::trouble::Trouble;

/// Most queries that are planned in one look.
const MAX_SUSPECTS: usize = 3;
/// Time after which no further query is planned in this look: the samples must go on.
const PLANNING_TIME: Duration = Duration::from_secs(3);

impl PostgresSource {
    /// Looks closer: locks first, because they are gone first.
    pub(super) async fn look_closer(&mut self, suspects: &[Fingerprint]) -> Polled {
        let mut found = Facts::new();
        if self.connected().await.is_ok() {
            let looked = match self.lock_tree(&mut found).await {
                Ok(()) => self.plans(suspects, &mut found).await,
                Err(trouble) => Err(trouble),
            };
            if let Err(trouble) = looked {
                tracing::debug!(node = %self.spec.id, %trouble, "the closer look ended early");
            }
        }
        let mut frame = Frame::new(self.clock.now(), self.spec.id.node.clone());
        frame.facts = self.facts.news(found);
        frame.texts = self.texts.take();
        let cost_ms = self.link.take_cost().as_secs_f64() * 1_000.0;
        self.account(cost_ms);
        let frames = if frame.is_empty() { Vec::new() } else { vec![frame] };
        Polled { frames, health: self.board.take_news(), cost_ms }
    }

    async fn lock_tree(&mut self, found: &mut Facts) -> Result<(), Trouble> {
        if !self.has.as_ref().is_some_and(|has| has.reads_all_stats) {
            return Ok(());
        }
        let rows = self.ask(sql::locks()).await;
        match rows.and_then(|rows| rows.iter().map(Party::from_row).collect::<Result<Vec<_>, _>>()) {
            Ok(parties) => {
                self.fine(selftest::LOCKS, "lock waits are looked at");
                found.extend(locks::facts(&parties, &mut self.texts));
                Ok(())
            }
            Err(trouble) => self.failed(selftest::LOCKS, trouble),
        }
    }

    async fn plans(&mut self, suspects: &[Fingerprint], found: &mut Facts) -> Result<(), Trouble> {
        let began = Instant::now();
        for fingerprint in suspects.iter().take(MAX_SUSPECTS) {
            if began.elapsed() > PLANNING_TIME {
                break;
            }
            let Some(whole) = self.whole(fingerprint).await? else { continue };
            let Some(seen) = self.plan(&whole).await? else { continue };
            found.insert(format!("plan:{fingerprint}"), Value::from(seen.shape));
            found.insert(format!("plan_summary:{fingerprint}"), Value::from(seen.summary));
            let (statement, basis) = match seen.hint {
                Some(hint) => (Value::from(hint.statement), Value::from(hint.basis)),
                None => (Value::Null, Value::Null),
            };
            found.insert(format!("index_hint:{fingerprint}"), statement);
            found.insert(format!("index_basis:{fingerprint}"), basis);
        }
        Ok(())
    }
}
