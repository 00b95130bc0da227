//! Native notifications: one for each incident, updated in place, with *Roll back* and *Show*.
//!
//! In here: everything that speaks to the desktop's notification server, and making texts fit for it. Not in here:
//! when a notification is due and what it says.

mod error;
mod text;

#[cfg(all(unix, not(target_os = "macos")))]
#[path = "freedesktop.rs"]
mod desktop;
#[cfg(not(all(unix, not(target_os = "macos"))))]
#[path = "plain.rs"]
mod desktop;
#[cfg(all(unix, not(target_os = "macos")))]
mod live;
#[cfg(all(unix, not(target_os = "macos")))]
mod server;

pub use desktop::DesktopNotifier;
pub use error::NotificationError;
pub use text::{MAX_BODY_CHARS, MAX_TITLE_CHARS};

use std::time::Duration;

/// Longest time that the notification server may take to answer one call.
pub const CALL_DEADLINE: Duration = Duration::from_secs(3);

/// Most notifications that stand at once; a further one takes the place of the oldest.
pub const MAX_LIVE: usize = 16;
