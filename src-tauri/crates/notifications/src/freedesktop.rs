//! Notifications by the desktop notifications specification (Linux and the BSDs), through notify-rust.

use std::sync::Arc;

use async_trait::async_trait;
use faultline_model::{IncidentId, Notice, NoticeAction, Notifier};
use notify_rust::{Hint, Notification, NotificationHandle, NotificationResponse, Timeout, Urgency};
use tokio::sync::{Mutex, mpsc};

use crate::error::NotificationError;
use crate::live::Shelf;
use crate::server::{Abilities, abilities, within_deadline};
use crate::text;

/// Key of the button *Roll back*.
pub(crate) const ROLLBACK: &str = "rollback";
/// Key of the button *Show*.
const SHOW: &str = "show";
/// Key of pressing the notification itself.
const DEFAULT: &str = "default";
/// Name of the desktop entry and the icon.
const DESKTOP_ENTRY: &str = "faultline";

/// Shows native notifications: one for each incident, updated in place. What the user does with them is sent to the
/// channel that it was started with.
#[derive(Clone)]
pub struct DesktopNotifier {
    inner: Arc<Inner>,
}

struct Inner {
    app_name: String,
    actions: mpsc::Sender<NoticeAction>,
    shelf: Shelf,
    /// One notification is shown at a time, so that an update finds the id of what it updates.
    showing: Mutex<()>,
}

impl DesktopNotifier {
    /// A notifier that shows notifications as `app_name` and sends what the user does with them to `actions`. Nothing
    /// is asked of the desktop before the first notification. To be used inside a Tokio runtime.
    pub fn start(app_name: impl Into<String>, actions: mpsc::Sender<NoticeAction>) -> Self {
        let (app_name, shelf) = (app_name.into(), Shelf::default());
        Self { inner: Arc::new(Inner { app_name, actions, shelf, showing: Mutex::new(()) }) }
    }

    /// Whether there is a notification server that answers, and how much it can do; for the self-test.
    ///
    /// # Errors
    /// When there is none; the error says what to do. A server without buttons is fine (`Ok(false)`).
    pub async fn probe(&self) -> Result<bool, NotificationError> {
        abilities().await.map(|abilities| abilities.actions)
    }

    async fn try_show(&self, notice: Notice) -> Result<(), NotificationError> {
        let _one_at_a_time = self.inner.showing.lock().await;
        let abilities = abilities().await?;
        let mut notification = self.inner.compose(&notice, abilities);
        if let Some(id) = self.inner.shelf.id_of(&notice.incident) {
            notification.id(id);
        }
        let handle = within_deadline(notification.show_async())
            .await?
            .map_err(|error| NotificationError::Refused { message: error.to_string() })?;
        let handle = Arc::new(handle);
        let too_many = self.inner.shelf.put(&notice.incident, notice.rollback, &handle, |number| {
            let (inner, incident) = (Arc::clone(&self.inner), notice.incident.clone());
            tokio::spawn(listen(inner, incident, Arc::clone(&handle), number)).abort_handle()
        });
        if let Some(oldest) = too_many {
            close(&oldest).await;
        }
        Ok(())
    }
}

impl Inner {
    fn compose(&self, notice: &Notice, abilities: Abilities) -> Notification {
        let mut notification = Notification::new();
        notification
            .appname(&self.app_name)
            .icon(DESKTOP_ENTRY)
            .hint(Hint::DesktopEntry(DESKTOP_ENTRY.to_owned()))
            .summary(&text::title(&notice.title))
            .body(&text::body(&notice.body, abilities.markup));
        if notice.critical {
            notification.urgency(Urgency::Critical).timeout(Timeout::Never);
        } else {
            notification.urgency(Urgency::Normal).timeout(Timeout::Default);
        }
        if abilities.actions {
            notification.action(DEFAULT, "Show");
            if notice.rollback.is_some() {
                notification.action(ROLLBACK, "Roll back");
            }
            notification.action(SHOW, "Show");
        }
        notification
    }
}

/// Tells the shelf that a listener has ended, however it ended.
struct Ended<'a> {
    inner: &'a Inner,
    incident: &'a IncidentId,
    number: u64,
}

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.inner.shelf.deaf(self.incident, self.number);
    }
}

/// Waits until the user or the server is done with a notification and sends on what that means.
async fn listen(inner: Arc<Inner>, incident: IncidentId, handle: Arc<NotificationHandle>, number: u64) {
    let _ended = Ended { inner: &inner, incident: &incident, number };
    let mut response: Option<NotificationResponse> = None;
    handle.wait_for_action_async(|given: &NotificationResponse| response = Some(given.clone())).await;
    let action = response.and_then(|response| inner.shelf.respond(&incident, handle.id(), &response));
    if let Some(action) = action {
        let (actions, action) = (inner.actions.clone(), action);
        // The shelf forgets this task with the notification; what the user pressed is delivered all the same.
        let pressed = Arc::clone(&handle);
        tokio::spawn(async move {
            let stands = !matches!(action, NoticeAction::Dismissed { .. });
            if actions.send(action).await.is_err() {
                tracing::warn!("nobody listens for the buttons of notifications any more");
            }
            // Most servers take a notification away when one of its buttons is pressed, but not all of them.
            if stands {
                close(&pressed).await;
            }
        });
    }
}

/// Takes a notification away; a server that does not answer is left alone.
async fn close(handle: &NotificationHandle) {
    if let Err(error) = within_deadline(handle.close_async()).await {
        tracing::warn!(%error, "a notification could not be taken away");
    }
}

#[async_trait]
impl Notifier for DesktopNotifier {
    async fn show(&self, notice: Notice) -> Result<(), String> {
        self.try_show(notice).await.map_err(|error| error.to_string())
    }

    async fn close(&self, incident: &IncidentId) {
        let _one_at_a_time = self.inner.showing.lock().await;
        let taken = self.inner.shelf.take(incident);
        if let Some(handle) = taken {
            close(&handle).await;
        }
    }
}
