//! What the notification server can do.

use zbus::Connection;

use crate::CALL_DEADLINE;
use crate::error::NotificationError;

/// What matters of the server's capabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Abilities {
    /// It shows buttons.
    pub(crate) actions: bool,
    /// It reads markup in the body.
    pub(crate) markup: bool,
}

/// Asks the server. It may have been replaced since the last notification, so this is asked each time.
pub(crate) async fn abilities() -> Result<Abilities, NotificationError> {
    let asked = async {
        let bus = Connection::session()
            .await
            .map_err(|error| NotificationError::NoBus { message: error.to_string() })?;
        let reply = bus
            .call_method(
                Some("org.freedesktop.Notifications"),
                "/org/freedesktop/Notifications",
                Some("org.freedesktop.Notifications"),
                "GetCapabilities",
                &(),
            )
            .await
            .map_err(from_zbus)?;
        reply.body().deserialize::<Vec<String>>().map_err(from_zbus)
    };
    let names = within_deadline(asked).await??;
    let has = |wanted: &str| names.iter().any(|name| name == wanted);
    Ok(Abilities { actions: has("actions"), markup: has("body-markup") })
}

/// Waits for an answer, not longer than [`CALL_DEADLINE`].
pub(crate) async fn within_deadline<T>(call: impl Future<Output = T>) -> Result<T, NotificationError> {
    tokio::time::timeout(CALL_DEADLINE, call)
        .await
        .map_err(|_| NotificationError::Deadline { seconds: CALL_DEADLINE.as_secs() })
}

/// Says what a failed call means.
fn from_zbus(error: zbus::Error) -> NotificationError {
    let is_missing = |name: &str| name.ends_with(".ServiceUnknown") || name.contains(".Spawn.");
    match &error {
        zbus::Error::MethodError(name, ..) if is_missing(name.as_str()) => NotificationError::NoServer,
        zbus::Error::FDO(inner) if matches!(**inner, zbus::fdo::Error::ServiceUnknown(_)) => {
            NotificationError::NoServer
        }
        _ => NotificationError::Refused { message: error.to_string() },
    }
}
