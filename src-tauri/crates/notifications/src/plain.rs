//! Notifications on macOS and Windows, through notify-rust: title and body, without buttons and without updates in
//! place, which its API for these systems offers only in a blocking form.

use async_trait::async_trait;
use faultline_model::{IncidentId, Notice, NoticeAction, Notifier};
use notify_rust::Notification;
use tokio::sync::mpsc;

use crate::CALL_DEADLINE;
use crate::error::NotificationError;
use crate::text;

/// Shows native notifications.
#[derive(Clone)]
pub struct DesktopNotifier {
    app_name: String,
}

impl DesktopNotifier {
    /// A notifier that shows notifications as `app_name`. There are no buttons here, so that nothing is ever sent to
    /// `actions`.
    pub fn start(app_name: impl Into<String>, _actions: mpsc::Sender<NoticeAction>) -> Self {
        Self { app_name: app_name.into() }
    }

    /// Whether notifications have buttons: never here.
    ///
    /// # Errors
    /// None on these systems.
    pub async fn probe(&self) -> Result<bool, NotificationError> {
        Ok(false)
    }

    async fn try_show(&self, notice: Notice) -> Result<(), NotificationError> {
        let app_name = self.app_name.clone();
        let shown = tokio::task::spawn_blocking(move || {
            Notification::new()
                .appname(&app_name)
                .summary(&text::title(&notice.title))
                .body(&text::body(&notice.body, false))
                .show()
                .map(drop)
                .map_err(|error| error.to_string())
        });
        match tokio::time::timeout(CALL_DEADLINE, shown).await {
            Err(_) => Err(NotificationError::Deadline { seconds: CALL_DEADLINE.as_secs() }),
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(message))) => Err(NotificationError::Refused { message }),
            Ok(Err(error)) => Err(NotificationError::Refused { message: error.to_string() }),
        }
    }
}

#[async_trait]
impl Notifier for DesktopNotifier {
    async fn show(&self, notice: Notice) -> Result<(), String> {
        self.try_show(notice).await.map_err(|error| error.to_string())
    }

    async fn close(&self, _incident: &IncidentId) {}
}
