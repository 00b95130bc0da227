//! A private desktop session without a screen: session bus, X server, window manager and, as a test wants them, a
//! notification server, a Secret Service and a tray. Nothing of it touches the user's own session.

mod keyring;
mod notification_server;
mod part;
mod session;
mod silent;
mod tray;

pub use keyring::Keyring;
pub use notification_server::{Asked, Behaviour, NotificationServer, Notified};
pub use session::Session;
pub use silent::SilentService;
pub use tray::{Tray, TrayItem};

use crate::error::Error;

/// Turns an error of the bus into ours.
fn bus(what: &str) -> impl FnOnce(zbus::Error) -> Error {
    let what = what.to_owned();
    move |error| Error::Io { what, source: std::io::Error::other(error) }
}
