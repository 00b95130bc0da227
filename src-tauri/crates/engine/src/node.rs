//! The watch over one node: polls it when it is due and hands what it saw to the cluster. One task a node, so that a
//! node that hangs delays nobody else.

use std::sync::Arc;

use faultline_model::{Clock, Polled, Source};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::cadence::{Attention, Schedule};

/// What a node's watch hands to its cluster.
#[derive(Debug)]
pub(crate) struct NodeReport {
    pub(crate) polled: Polled,
}

/// Polls the node until `stop`.
pub(crate) async fn watch_node(
    mut source: Box<dyn Source>,
    mut schedule: Schedule,
    mut attention: watch::Receiver<Attention>,
    clock: Arc<dyn Clock>,
    reports: mpsc::Sender<NodeReport>,
    stop: CancellationToken,
) {
    loop {
        let looked_at = *attention.borrow_and_update();
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(schedule.wait(clock.now())) => {}
            changed = attention.changed() => {
                if changed.is_err() {
                    break; // the cluster's task has ended
                }
                // Suspicion wants the counters at once, not at the node's next turn.
                if *attention.borrow() <= looked_at {
                    continue;
                }
            }
        }
        let due = schedule.take(clock.now(), *attention.borrow());
        let polled = tokio::select! {
            () = stop.cancelled() => break,
            polled = source.poll(due) => polled,
        };
        if reports.send(NodeReport { polled }).await.is_err() {
            break;
        }
    }
    source.close().await;
}
