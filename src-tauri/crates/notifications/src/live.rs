//! The notifications that stand: which incident has which, and what its buttons mean now.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use faultline_model::{DeployId, IncidentId, NoticeAction};
use notify_rust::{CloseReason, NotificationHandle, NotificationResponse};
use tokio::task::AbortHandle;

use crate::MAX_LIVE;

/// Connections of one notification that listen for its buttons: some servers answer the connection that showed it
/// first, some the one that updated it last.
const MAX_LISTENERS: usize = 2;

/// A notification that stands.
struct Live {
    id: u32,
    rollback: Option<DeployId>,
    handle: Arc<NotificationHandle>,
    listeners: VecDeque<(u64, AbortHandle)>,
    shown: u64,
}

impl Drop for Live {
    fn drop(&mut self) {
        for (_, listener) in &self.listeners {
            listener.abort();
        }
    }
}

/// All notifications that stand.
#[derive(Default)]
pub(crate) struct Shelf {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    live: HashMap<IncidentId, Live>,
    counter: u64,
}

impl Shelf {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The server's id of the incident's notification.
    pub(crate) fn id_of(&self, incident: &IncidentId) -> Option<u32> {
        self.lock().live.get(incident).map(|live| live.id)
    }

    /// Puts a notification that was just shown in place of the incident's earlier one. `listen` starts to listen for
    /// its buttons; it is given the listener's number. Returns the oldest notification when there are too many.
    pub(crate) fn put(
        &self,
        incident: &IncidentId,
        rollback: Option<DeployId>,
        handle: &Arc<NotificationHandle>,
        listen: impl FnOnce(u64) -> AbortHandle,
    ) -> Option<Arc<NotificationHandle>> {
        let mut inner = self.lock();
        inner.counter += 1;
        let number = inner.counter;
        let mut listeners = match inner.live.remove(incident) {
            Some(mut earlier) if earlier.id == handle.id() => std::mem::take(&mut earlier.listeners),
            _ => VecDeque::new(),
        };
        listeners.push_back((number, listen(number)));
        while listeners.len() > MAX_LISTENERS {
            if let Some((_, oldest)) = listeners.pop_front() {
                oldest.abort();
            }
        }
        let live = Live { id: handle.id(), rollback, handle: Arc::clone(handle), listeners, shown: number };
        inner.live.insert(incident.clone(), live);
        if inner.live.len() <= MAX_LIVE {
            return None;
        }
        let oldest =
            inner.live.iter().min_by_key(|(_, live)| live.shown).map(|(incident, _)| incident.clone())?;
        inner.live.remove(&oldest).map(|live| Arc::clone(&live.handle))
    }

    /// Takes the incident's notification off, to close it.
    pub(crate) fn take(&self, incident: &IncidentId) -> Option<Arc<NotificationHandle>> {
        self.lock().live.remove(incident).map(|live| Arc::clone(&live.handle))
    }

    /// What a response means now. The notification is gone after it; a response that another listener has already
    /// told means nothing.
    pub(crate) fn respond(
        &self,
        incident: &IncidentId,
        id: u32,
        response: &NotificationResponse,
    ) -> Option<NoticeAction> {
        let mut inner = self.lock();
        if inner.live.get(incident)?.id != id {
            return None;
        }
        let live = inner.live.remove(incident)?;
        let incident = incident.clone();
        match response {
            NotificationResponse::Action(name) if name == crate::desktop::ROLLBACK => {
                live.rollback.clone().map(|deploy| NoticeAction::Rollback { incident, deploy })
            }
            NotificationResponse::Default | NotificationResponse::Action(_) => {
                Some(NoticeAction::Show { incident })
            }
            NotificationResponse::Closed(CloseReason::Dismissed) => {
                Some(NoticeAction::Dismissed { incident })
            }
            NotificationResponse::Closed(_) | NotificationResponse::Reply(_) => None,
        }
    }

    /// A listener ended without a response: the bus is gone. When it was the last one, so is the notification.
    pub(crate) fn deaf(&self, incident: &IncidentId, number: u64) {
        let mut inner = self.lock();
        if let Some(live) = inner.live.get_mut(incident) {
            live.listeners.retain(|(one, _)| *one != number);
            if live.listeners.is_empty() {
                inner.live.remove(incident);
            }
        }
    }
}
