//! Whether anything on this desktop shows StatusNotifierItems.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use zbus::fdo::DBusProxy;
use zbus::names::BusName;

/// The name that a panel with a tray owns on the session bus.
const WATCHER: &str = "org.kde.StatusNotifierWatcher";

/// Longest time for the bus to answer.
const ANSWER_DEADLINE: Duration = Duration::from_secs(2);

/// Longest time for a panel to come up after the session has started this program.
const PANEL_DEADLINE: Duration = Duration::from_secs(15);

/// How often to look whether the panel has come up.
const LOOK: Duration = Duration::from_millis(500);

/// Finds out at once.
///
/// # Errors
/// Why there is none.
pub(super) async fn probe() -> Result<(), String> {
    match timeout(ANSWER_DEADLINE, has_owner()).await {
        Ok(Ok(true)) => Ok(()),
        Ok(Ok(false)) => Err(format!("nothing on this desktop owns {WATCHER}")),
        Ok(Err(error)) => Err(format!("the session bus does not answer: {error}")),
        Err(_) => Err(format!("the session bus did not answer within {} s", ANSWER_DEADLINE.as_secs())),
    }
}

/// Waits for one to come up.
///
/// # Errors
/// Why there is none in the end.
pub(super) async fn wait() -> Result<(), String> {
    let begun = Instant::now();
    loop {
        match probe().await {
            Err(_) if begun.elapsed() < PANEL_DEADLINE => sleep(LOOK).await,
            found => return found,
        }
    }
}

async fn has_owner() -> zbus::Result<bool> {
    let bus = zbus::Connection::session().await?;
    let owned = DBusProxy::new(&bus).await?.name_has_owner(BusName::try_from(WATCHER)?).await?;
    Ok(owned)
}
