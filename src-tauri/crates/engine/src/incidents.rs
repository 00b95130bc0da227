//! What happens around an incident: every event is written down, told to listeners, and turned into one notification
//! that is updated when the verdict changes and taken away when it is over.

use std::collections::HashMap;
use std::sync::Arc;

use faultline_history::History;
use faultline_model::{
    ClusterName, Deploy, EventKind, HealthLevel, HealthRow, IncidentEvent, IncidentId, Notice, Notifier,
    Opened, Timestamp, Verdict,
};
use tokio::sync::Mutex;

use crate::error::EngineError;
use crate::health::HealthBoard;
use crate::hub::{EngineEvent, Hub};
use crate::notice::{self, Gist};

/// What is remembered of an open incident for its notification.
#[derive(Debug)]
struct OpenIncident {
    opened: Opened,
    verdict: Option<Verdict>,
    shown: Option<Notice>,
    /// The user closed the notification that said this.
    dismissed: Option<Option<Gist>>,
}

/// Says whether there is a way back for a deploy.
pub(crate) type CanRollBack = Arc<dyn Fn(&Deploy) -> bool + Send + Sync>;

/// Writes incidents down and keeps their notifications true.
pub(crate) struct Incidents {
    history: History,
    hub: Hub,
    health: HealthBoard,
    notifier: Arc<dyn Notifier>,
    can_roll_back: CanRollBack,
    open: Mutex<HashMap<IncidentId, OpenIncident>>,
}

impl Incidents {
    pub(crate) fn new(
        history: History,
        hub: Hub,
        health: HealthBoard,
        notifier: Arc<dyn Notifier>,
        can_roll_back: CanRollBack,
    ) -> Self {
        Self { history, hub, health, notifier, can_roll_back, open: Mutex::default() }
    }

    /// Takes up an incident that was open when the program ended.
    pub(crate) async fn take_up(&self, opened: Opened, verdict: Option<Verdict>) {
        let incident = OpenIncident { opened: opened.clone(), verdict, shown: None, dismissed: None };
        self.open.lock().await.insert(opened.incident, incident);
    }

    /// Writes the event down, tells it, and brings the notification up to date.
    pub(crate) async fn on_event(&self, cluster: &ClusterName, event: IncidentEvent) {
        if let Err(error) = self.history.record_event(cluster, &event).await {
            tracing::error!(%error, %cluster, "Could not write an incident down.");
        }
        self.hub.tell(EngineEvent::Incident { cluster: cluster.clone(), event: event.clone() });
        match event.kind {
            EventKind::Opened(opened) => {
                let id = opened.incident.clone();
                let incident = OpenIncident { opened, verdict: None, shown: None, dismissed: None };
                self.open.lock().await.insert(id, incident);
            }
            EventKind::Verdict(verdict) => {
                let id = verdict.incident.clone();
                if let Some(incident) = self.open.lock().await.get_mut(&id) {
                    incident.verdict = Some(verdict);
                }
                self.notify(&id).await;
            }
            EventKind::Recovering { .. } => {}
            EventKind::Resolved { incident } => {
                self.open.lock().await.remove(&incident);
                self.notifier.close(&incident).await;
            }
        }
    }

    /// Shows the incident although no verdict has come yet.
    pub(crate) async fn notify_without_verdict(&self, id: &IncidentId) {
        let waits = self.open.lock().await.get(id).is_some_and(|incident| incident.verdict.is_none());
        if waits {
            self.notify(id).await;
        }
    }

    /// The user closed the notification: it stays away until the verdict changes.
    pub(crate) async fn dismissed(&self, id: &IncidentId) {
        if let Some(incident) = self.open.lock().await.get_mut(id) {
            incident.dismissed = Some(incident.verdict.as_ref().map(Gist::of));
        }
    }

    /// The cluster is not watched any more: its incident is over as far as anybody can tell.
    pub(crate) async fn let_go(&self, cluster: &ClusterName, incident: IncidentId, now: Timestamp) {
        self.on_event(cluster, IncidentEvent { t: now, kind: EventKind::Resolved { incident } }).await;
    }

    /// Shows a notice of another kind in the incident's place.
    pub(crate) async fn show(&self, notice: Notice) {
        let shown = self.notifier.show(notice).await;
        self.note_notifier(shown);
    }

    async fn notify(&self, id: &IncidentId) {
        let mut open = self.open.lock().await;
        let Some(incident) = open.get_mut(id) else { return };
        let gist = incident.verdict.as_ref().map(Gist::of);
        if incident.dismissed.as_ref() == Some(&gist) {
            return;
        }
        let deploy = match self.suspect(incident.verdict.as_ref()).await {
            Ok(deploy) => deploy,
            Err(error) => {
                tracing::error!(%error, "Could not look the suspect deploy up.");
                None
            }
        };
        let can_roll_back = deploy.as_ref().is_some_and(|deploy| (self.can_roll_back)(deploy));
        let notice =
            notice::notice(&incident.opened, incident.verdict.as_ref(), deploy.as_ref(), can_roll_back);
        if incident.shown.as_ref() == Some(&notice) {
            return;
        }
        let shown = self.notifier.show(notice.clone()).await;
        if shown.is_ok() {
            incident.shown = Some(notice);
            incident.dismissed = None;
        }
        drop(open);
        self.note_notifier(shown);
    }

    async fn suspect(&self, verdict: Option<&Verdict>) -> Result<Option<Deploy>, EngineError> {
        let Some(id) = verdict.and_then(notice::named_suspect).and_then(|suspect| suspect.id.as_ref()) else {
            return Ok(None);
        };
        Ok(self.history.deploy(id).await?)
    }

    fn note_notifier(&self, shown: Result<(), String>) {
        let row = match shown {
            Ok(()) => HealthRow::new("notifications", "server", HealthLevel::Ok, "Notifications are shown."),
            Err(message) => {
                tracing::warn!(%message, "No notification could be shown.");
                HealthRow::new("notifications", "server", HealthLevel::Warning, message).with_hint(
                    "Start a notification server in this desktop session (dunst, mako, or your desktop's own). \
                     Incidents show in the window meanwhile.",
                )
            }
        };
        if self.health.update([row]) {
            self.hub.tell(EngineEvent::Health);
        }
    }
}
