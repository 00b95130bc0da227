//! What the engine tells whoever listens: the window, the command line, the notifications.

use std::sync::{Arc, Mutex, PoisonError};

use faultline_model::{ClusterName, DeployId, IncidentEvent, IncidentId, Timestamp};
use serde::Serialize;
use tokio::sync::broadcast;

/// Most messages that wait for a slow listener; a listener further behind is told that it missed some.
const MAX_WAITING_MESSAGES: usize = 1_024;

/// Something that a listener may want to know.
#[derive(Clone, Debug)]
pub enum EngineEvent {
    /// New frames of a cluster were stored.
    Frames {
        /// The cluster.
        cluster: ClusterName,
    },
    /// Analysis said something.
    Incident {
        /// The cluster.
        cluster: ClusterName,
        /// What it said.
        event: IncidentEvent,
    },
    /// A rollback went on.
    Rollback(RollbackProgress),
    /// A deploy is new or changed.
    Deploys,
    /// A row of the self-test changed.
    Health,
    /// The configuration was read anew, or cannot be used any more.
    Configuration,
    /// The user asked, by a notification or a link, to see something.
    Navigate(Destination),
}

/// Where to go in the window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// An incident.
    Incident(IncidentId),
    /// A deploy.
    Deploy(DeployId),
    /// The prepared rollback of a deploy.
    Rollback {
        /// The incident it is for.
        incident: IncidentId,
        /// The deploy to undo.
        deploy: DeployId,
    },
}

/// How far a rollback is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RollbackState {
    /// Confirmed by the user and written down.
    Requested,
    /// Sent to the deploy system.
    Running,
    /// The deploy system says it is done; the database is being watched.
    Succeeded,
    /// The deploy system refused or failed.
    Failed,
    /// The answer never came.
    Unknown,
    /// The guilty queries are gone and the load is back.
    Verified,
    /// Done, but the database did not recover.
    NotVerified,
}

/// One step of a rollback; printed by `faultctl watch --json` as an event of its own.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RollbackProgress {
    /// When.
    pub t: Timestamp,
    /// Always `rollback`.
    pub event: &'static str,
    /// The incident it is for, if any.
    pub incident: Option<IncidentId>,
    /// The deploy that is undone.
    pub deploy: DeployId,
    /// The run; the same key is the same run.
    pub key: String,
    /// How far it is.
    pub state: RollbackState,
    /// One sentence.
    pub message: String,
}

/// Hands events to all listeners. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Hub {
    sender: broadcast::Sender<EngineEvent>,
    /// Keeps what is told before anybody can listen, for the first who does.
    unheard: Arc<Mutex<Option<broadcast::Receiver<EngineEvent>>>>,
}

impl Default for Hub {
    fn default() -> Self {
        let (sender, unheard) = broadcast::channel(MAX_WAITING_MESSAGES);
        Self { sender, unheard: Arc::new(Mutex::new(Some(unheard))) }
    }
}

impl Hub {
    /// Tells all listeners; nobody listening is fine.
    pub(crate) fn tell(&self, event: EngineEvent) {
        self.sender.send(event).ok();
    }

    /// A listener that hears everything from now on; the first one also hears what was told before, so that nothing
    /// said during the start is lost.
    pub(crate) fn listen(&self) -> broadcast::Receiver<EngineEvent> {
        let unheard = self.unheard.lock().unwrap_or_else(PoisonError::into_inner).take();
        unheard.unwrap_or_else(|| self.sender.subscribe())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_listener_hears_what_was_told_before_it_listened() {
        let hub = Hub::default();
        hub.tell(EngineEvent::Deploys);
        let (mut first, mut second) = (hub.listen(), hub.listen());
        hub.tell(EngineEvent::Health);
        assert!(matches!(first.try_recv(), Ok(EngineEvent::Deploys)));
        assert!(matches!(first.try_recv(), Ok(EngineEvent::Health)));
        assert!(matches!(second.try_recv(), Ok(EngineEvent::Health)));
        assert!(first.try_recv().is_err() && second.try_recv().is_err());
    }
}
