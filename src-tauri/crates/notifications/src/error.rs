//! Why a notification could not be shown. The messages say what to do.

/// Why a notification could not be shown.
#[derive(Debug, thiserror::Error)]
pub enum NotificationError {
    /// There is no session bus to find a notification server on.
    #[error(
        "there is no D-Bus session bus ({message}); start Faultline from the desktop session, or under dbus-run-session"
    )]
    NoBus {
        /// What the bus said.
        message: String,
    },
    /// Nobody on the session bus shows notifications.
    #[error(
        "no notification server is running; turn notifications on in the desktop's settings, or install one such as \
         dunst or mako and start it"
    )]
    NoServer,
    /// The server did not answer in time.
    #[error(
        "the notification server did not answer within {seconds} s; restart it (or log out and in again)"
    )]
    Deadline {
        /// How long was waited.
        seconds: u64,
    },
    /// The server refused.
    #[error("the notification server refused the notification: {message}; see its log")]
    Refused {
        /// What it said.
        message: String,
    },
}
