//! For programs without a desktop: notifications go nowhere.

use faultline_model::{IncidentId, Notice, Notifier};

/// Shows nothing and says that it did.
#[derive(Clone, Copy, Debug, Default)]
pub struct SilentNotifier;

#[async_trait::async_trait]
impl Notifier for SilentNotifier {
    async fn show(&self, _notice: Notice) -> Result<(), String> {
        Ok(())
    }

    async fn close(&self, _incident: &IncidentId) {}
}
