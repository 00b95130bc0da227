//! The watch over one source: opens it, polls it when it is due, has it look closer when something is suspected, tests it
//! every hour, and hands what it saw to the cluster. One task a source, so that one that hangs delays nobody else. A
//! secret that comes later, or another one, is taken up at once; after a sleep or a jump of the clock everything begins
//! anew, because nothing that spans it can be trusted.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use faultline_model::{
    Clock, Fingerprint, HealthLevel, HealthRow, INSPECT_EVERY, NodeId, Polled, Source, Timestamp,
};
use futures::FutureExt as _;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::cadence::{Attention, Schedule};
use crate::health::HealthBoard;
use crate::hub::{EngineEvent, Hub};
use crate::pulse::Pulse;
use crate::secrets::Secrets;
use crate::target::{self, Target};
use crate::voices::Voice;

/// Time after which a source that could not be opened is tried again: its secret may have become readable.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// Time between two full self-tests of a source; there is one at its first connection.
const SELF_TEST_EVERY: Duration = Duration::from_secs(3_600);

/// Longest time that the closing of a source may hold up its watch.
const CLOSE_DEADLINE: Duration = Duration::from_secs(5);

/// The aspect under which the self-test says whether the source can be opened at all.
const ASPECT: &str = "configuration";

/// What a cluster suspects on a node, and wants looked at closer; `None` is nothing.
pub(crate) type Ask = Option<Arc<[Fingerprint]>>;

/// What a watch hands to its cluster.
#[derive(Debug)]
pub(crate) struct Report {
    /// The node that the source watches.
    pub(crate) id: NodeId,
    /// Which of the node's sources it is.
    pub(crate) voice: Voice,
    /// When the polling ended, on the observer's clock.
    pub(crate) at: Timestamp,
    /// Whether the slow facts were looked at.
    pub(crate) facts_due: bool,
    /// What was seen.
    pub(crate) polled: Polled,
}

/// What the watch over a source works with.
pub(crate) struct Watcher {
    pub(crate) id: NodeId,
    /// What the self-test calls it.
    pub(crate) name: String,
    pub(crate) voice: Voice,
    pub(crate) target: Box<dyn Target>,
    pub(crate) secrets: Secrets,
    pub(crate) schedule: Schedule,
    pub(crate) attention: watch::Receiver<Attention>,
    /// What the cluster suspects; `None` for sources that cannot look closer.
    pub(crate) asks: Option<watch::Receiver<Ask>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) reports: mpsc::Sender<Report>,
    pub(crate) health: HealthBoard,
    pub(crate) hub: Hub,
    pub(crate) stop: CancellationToken,
}

/// Why a source is not polled any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// The watch is over.
    Stopped,
    /// The source is to be opened anew.
    Reopen,
    /// The source failed in a way that it must not; it is to be opened anew after a while.
    Broken,
}

/// When things were last done that are not done with every poll.
#[derive(Default)]
struct Done {
    inspected: Option<Instant>,
    tested: Option<Instant>,
}

impl Watcher {
    /// Watches the source until `stop`.
    pub(crate) async fn run(mut self) {
        let mut changes = self.secrets.changes();
        loop {
            let stop = self.stop.clone();
            let opened = tokio::select! {
                () = stop.cancelled() => return,
                opened = self.target.open() => opened,
            };
            let ended = match opened {
                Ok(source) => {
                    if self.health.forget(|row| row.target == self.name && row.aspect == ASPECT) {
                        self.hub.tell(EngineEvent::Health);
                    }
                    self.watch(source, &mut changes).await
                }
                Err(error) => {
                    self.say(error.to_string(), None);
                    Ended::Broken
                }
            };
            match ended {
                Ended::Stopped => return,
                Ended::Reopen => {}
                Ended::Broken if self.wait(&mut changes).await => {}
                Ended::Broken => return,
            }
        }
    }

    /// Polls the source until something ends that, and closes it.
    async fn watch(
        &mut self,
        mut source: Box<dyn Source>,
        changes: &mut broadcast::Receiver<String>,
    ) -> Ended {
        let ended = self.poll_on(source.as_mut(), changes).await;
        // What a source knows that failed may be half changed: it is left alone.
        if ended != Ended::Broken && tokio::time::timeout(CLOSE_DEADLINE, source.close()).await.is_err() {
            tracing::debug!(source = self.name, "A source did not close in time and is dropped.");
        }
        ended
    }

    async fn poll_on(&mut self, source: &mut dyn Source, changes: &mut broadcast::Receiver<String>) -> Ended {
        let mut pulse = Pulse::new(self.clock.now());
        let mut done = Done::default();
        loop {
            let looked_at = *self.attention.borrow_and_update();
            tokio::select! {
                () = self.stop.cancelled() => return Ended::Stopped,
                () = tokio::time::sleep(self.schedule.wait(self.clock.now())) => {}
                changed = changes.recv() => {
                    if self.is_about(&changed) {
                        return Ended::Reopen;
                    }
                    continue;
                }
                changed = self.attention.changed() => {
                    if changed.is_err() {
                        return Ended::Stopped; // the cluster's task has ended
                    }
                    // Suspicion wants the counters at once, not at the node's next turn.
                    if !self.schedule.hurries() || *self.attention.borrow() <= looked_at {
                        continue;
                    }
                }
            }
            if let Some(ended) = self.turn(source, &mut pulse, &mut done).await {
                return ended;
            }
        }
    }

    /// One turn: a poll, and what else is due after it. `Some` when the source is not to be polled any more.
    async fn turn(&mut self, source: &mut dyn Source, pulse: &mut Pulse, done: &mut Done) -> Option<Ended> {
        if self.jumped(pulse) {
            return Some(Ended::Reopen);
        }
        let due = self.schedule.take(self.clock.now(), *self.attention.borrow());
        let polled = match self.guarded(source.poll(due)).await {
            Ok(polled) => polled,
            Err(ended) => return Some(ended),
        };
        // What was asked before a sleep and answered after it has no time that is true.
        if self.jumped(pulse) {
            return Some(Ended::Reopen);
        }
        let is_up = !polled.frames.is_empty();
        if let Err(ended) = self.report(polled, due.facts).await {
            return Some(ended);
        }
        if is_up && let Err(ended) = self.look_closer(source, done).await {
            return Some(ended);
        }
        if is_up && let Err(ended) = self.test(source, done).await {
            return Some(ended);
        }
        // The time that this took is accounted for with the next turn.
        None
    }

    /// Whether the machine slept, or its clock was set, since the last look.
    fn jumped(&self, pulse: &mut Pulse) -> bool {
        let Some(jump_s) = pulse.beat(self.clock.now()) else { return false };
        tracing::info!(source = self.name, jump_s, "The clock jumped, or this machine slept: begins anew.");
        true
    }

    /// Has the source look closer, at most every [`INSPECT_EVERY`]. It does so on its one connection and right after a
    /// poll, so that the next poll waits for it as long as its statements may take, and no longer.
    async fn look_closer(&self, source: &mut dyn Source, done: &mut Done) -> Result<(), Ended> {
        let Some(suspects) = self.asks.as_ref().and_then(|asks| asks.borrow().clone()) else { return Ok(()) };
        if done.inspected.is_some_and(|last| last.elapsed() < INSPECT_EVERY) {
            return Ok(());
        }
        done.inspected = Some(Instant::now());
        let polled = self.guarded(source.inspect(&suspects)).await?;
        self.report(polled, false).await
    }

    /// The full self-test, at the first connection and every hour.
    async fn test(&self, source: &mut dyn Source, done: &mut Done) -> Result<(), Ended> {
        if done.tested.is_some_and(|last| last.elapsed() < SELF_TEST_EVERY) {
            return Ok(());
        }
        done.tested = Some(Instant::now());
        let health = self.guarded(source.self_test()).await?;
        self.report(Polled { health, ..Polled::default() }, false).await
    }

    /// Runs something of the source that may fail by a fault of ours, until the watch is over.
    async fn guarded<T>(&self, work: impl Future<Output = T>) -> Result<T, Ended> {
        let done = tokio::select! {
            () = self.stop.cancelled() => return Err(Ended::Stopped),
            done = AssertUnwindSafe(work).catch_unwind() => done,
        };
        done.map_err(|_| {
            let hint = "Watching goes on with a new connection. Copy the diagnostics and report this.";
            self.say("Faultline itself failed while it looked at this.".to_owned(), Some(hint));
            Ended::Broken
        })
    }

    async fn report(&self, mut polled: Polled, facts_due: bool) -> Result<(), Ended> {
        target::name_rows(&mut polled.health, &self.id, &self.name);
        let (id, voice, at) = (self.id.clone(), self.voice, self.clock.now());
        let report = Report { id, voice, at, facts_due, polled };
        self.reports.send(report).await.map_err(|_| Ended::Stopped)
    }

    /// Waits until another try makes sense; `false` when the watch is over.
    async fn wait(&self, changes: &mut broadcast::Receiver<String>) -> bool {
        let retry = tokio::time::sleep(RETRY_AFTER);
        tokio::pin!(retry);
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return false,
                () = &mut retry => return true,
                changed = changes.recv() => {
                    if self.is_about(&changed) {
                        return true;
                    }
                }
            }
        }
    }

    /// Whether a changed secret is one of the source's; whoever missed some looks again.
    fn is_about(&self, changed: &Result<String, RecvError>) -> bool {
        self.target.needs(changed.as_deref().ok())
    }

    fn say(&self, message: String, hint: Option<&str>) {
        let row = HealthRow::new(&self.name, ASPECT, HealthLevel::Error, message);
        let row = match hint {
            Some(hint) => row.with_hint(hint),
            None => row,
        };
        // Said once, however often it is tried.
        if self.health.update([row.clone()]) {
            tracing::error!(source = self.name, message = row.message, "A source is not watched.");
            self.hub.tell(EngineEvent::Health);
        }
    }
}

#[cfg(test)]
#[path = "watcher_tests.rs"]
mod tests;
