//! The watch over one node: opens it, polls it when it is due and hands what it saw to the cluster. One task a node, so
//! that a node that hangs delays nobody else. A password that comes later, or another one, is taken up at once.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use faultline_model::{Clock, HealthLevel, HealthRow, NodeId, Polled, Source};
use faultline_sources::QueryBook;
use futures::FutureExt as _;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::cadence::{Attention, Schedule};
use crate::config::{NodeConfig, SecretRef};
use crate::convert;
use crate::error::EngineError;
use crate::health::HealthBoard;
use crate::hub::{EngineEvent, Hub};
use crate::secrets::Secrets;

/// Time after which a node that could not be opened is tried again: its password may have become readable.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// The aspect under which the self-test says whether the node can be opened at all.
const ASPECT: &str = "configuration";

/// What a node's watch hands to its cluster.
#[derive(Debug)]
pub(crate) struct NodeReport {
    pub(crate) polled: Polled,
}

/// What the watch over a node works with.
pub(crate) struct NodeWatch {
    pub(crate) id: NodeId,
    pub(crate) config: NodeConfig,
    pub(crate) secrets: Secrets,
    pub(crate) schedule: Schedule,
    pub(crate) attention: watch::Receiver<Attention>,
    pub(crate) clock: Arc<dyn Clock>,
    /// What the nodes of the cluster know of each other's statements.
    pub(crate) book: QueryBook,
    pub(crate) reports: mpsc::Sender<NodeReport>,
    pub(crate) health: HealthBoard,
    pub(crate) hub: Hub,
    pub(crate) stop: CancellationToken,
}

/// Why a node is not polled any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// The watch is over.
    Stopped,
    /// The node is to be opened anew.
    Reopen,
    /// The source failed in a way that it must not; it is to be opened anew after a while.
    Broken,
}

impl NodeWatch {
    /// Watches the node until `stop`.
    pub(crate) async fn run(mut self) {
        let mut changes = self.secrets.changes();
        loop {
            let stop = self.stop.clone();
            let opened = tokio::select! {
                () = stop.cancelled() => return,
                opened = self.open() => opened,
            };
            let ended = match opened {
                Ok(source) => {
                    if self.health.forget(|row| row.target == self.id.to_string() && row.aspect == ASPECT) {
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

    async fn open(&self) -> Result<Box<dyn Source>, EngineError> {
        let spec = convert::node(&self.id, &self.config, &self.secrets).await?;
        faultline_sources::open(spec, Arc::clone(&self.clock), self.book.clone())
            .map_err(|source| EngineError::Source { node: self.id.clone(), source })
    }

    /// Polls the node until something ends that.
    async fn watch(
        &mut self,
        mut source: Box<dyn Source>,
        changes: &mut broadcast::Receiver<String>,
    ) -> Ended {
        let ended = loop {
            let looked_at = *self.attention.borrow_and_update();
            tokio::select! {
                () = self.stop.cancelled() => break Ended::Stopped,
                () = tokio::time::sleep(self.schedule.wait(self.clock.now())) => {}
                changed = changes.recv() => {
                    if is_about(self.config.password.as_ref(), &changed) {
                        break Ended::Reopen;
                    }
                    continue;
                }
                changed = self.attention.changed() => {
                    if changed.is_err() {
                        break Ended::Stopped; // the cluster's task has ended
                    }
                    // Suspicion wants the counters at once, not at the node's next turn.
                    if *self.attention.borrow() <= looked_at {
                        continue;
                    }
                }
            }
            let due = self.schedule.take(self.clock.now(), *self.attention.borrow());
            let polled = tokio::select! {
                () = self.stop.cancelled() => break Ended::Stopped,
                polled = AssertUnwindSafe(source.poll(due)).catch_unwind() => polled,
            };
            let Ok(polled) = polled else {
                // What the source knows may be half changed: it is left alone, and another one opened.
                let hint = "Watching goes on with a new connection. Copy the diagnostics and report this.";
                self.say("Faultline itself failed while it looked at this node.".to_owned(), Some(hint));
                return Ended::Broken;
            };
            if self.reports.send(NodeReport { polled }).await.is_err() {
                break Ended::Stopped;
            }
        };
        source.close().await;
        ended
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
                    if is_about(self.config.password.as_ref(), &changed) {
                        return true;
                    }
                }
            }
        }
    }

    fn say(&self, message: String, hint: Option<&str>) {
        let row = HealthRow::new(self.id.to_string(), ASPECT, HealthLevel::Error, message);
        let row = match hint {
            Some(hint) => row.with_hint(hint),
            None => row,
        };
        // Said once, however often it is tried.
        if self.health.update([row.clone()]) {
            tracing::error!(node = %self.id, message = row.message, "The node is not watched.");
            self.hub.tell(EngineEvent::Health);
        }
    }
}

/// Whether a changed secret is the node's; whoever missed some looks again.
fn is_about(password: Option<&SecretRef>, changed: &Result<String, RecvError>) -> bool {
    match (password, changed) {
        (Some(SecretRef::Keyring(name)), Ok(changed)) => name == changed,
        (Some(SecretRef::Keyring(_)), Err(_)) => true,
        _ => false,
    }
}
