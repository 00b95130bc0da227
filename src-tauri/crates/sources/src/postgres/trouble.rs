//! What can go wrong on the way to the server and back, told apart so that each has its own advice.

use std::time::Duration;

use sqlx::Error;
use sqlx::postgres::{PgDatabaseError, PgSeverity};

/// SQLSTATE of what replay cancelled.
const SERIALIZATION_FAILURE: &str = "40001";

/// One failed round trip.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(super) enum Trouble {
    /// No connection came about, or it broke.
    #[error("{reason}")]
    Unreachable {
        /// What the network said.
        reason: String,
    },
    /// The server did not answer in time; the connection was dropped.
    #[error("no answer within {} s", deadline.as_secs_f64())]
    Silent {
        /// How long we waited.
        deadline: Duration,
    },
    /// TLS could not be agreed upon.
    #[error("TLS failed: {reason}")]
    Tls {
        /// What the TLS library said.
        reason: String,
    },
    /// The server answered with an error.
    #[error("{message} ({code})")]
    Server {
        /// SQLSTATE.
        code: String,
        /// The server's words.
        message: String,
    },
    /// A standby cancelled our statement because replay had to go on: a gap, and no fault of anybody.
    #[error("replay cancelled the statement")]
    Conflict {
        /// Whether the session was ended with it.
        ended: bool,
    },
    /// Not tried: the last attempt failed a moment ago.
    #[error("waiting before the next attempt")]
    BackingOff,
    /// The answer had not the columns or types that the statement asked for.
    #[error("the answer could not be read: {reason}")]
    Unreadable {
        /// What was wrong with it.
        reason: String,
    },
}

impl Trouble {
    /// From sqlx's error; `mask` blots out the password.
    pub(super) fn from_sqlx(error: &Error, mask: impl Fn(&str) -> String) -> Self {
        match error {
            Error::Database(database) if is_conflict(database.as_ref()) => Self::Conflict {
                ended: database
                    .try_downcast_ref::<PgDatabaseError>()
                    .is_some_and(|error| matches!(error.severity(), PgSeverity::Fatal | PgSeverity::Panic)),
            },
            Error::Database(database) => Self::Server {
                code: database.code().map(|code| code.into_owned()).unwrap_or_default(),
                message: mask(
                    database
                        .try_downcast_ref::<PgDatabaseError>()
                        .map_or(database.message(), |e| e.message()),
                ),
            },
            Error::Tls(reason) => Self::Tls { reason: mask(&reason.to_string()) },
            Error::ColumnDecode { .. }
            | Error::ColumnNotFound(_)
            | Error::ColumnIndexOutOfBounds { .. }
            | Error::Decode(_)
            | Error::TypeNotFound { .. }
            | Error::RowNotFound => Self::Unreadable { reason: mask(&error.to_string()) },
            other => Self::Unreachable { reason: mask(&other.to_string()) },
        }
    }

    /// Whether the connection can be used no longer.
    pub(super) fn ends_connection(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Silent { .. } | Self::Tls { .. } | Self::BackingOff => true,
            // 08: connection exceptions, 57P: the server shuts down or starts up, 28: refused login.
            Self::Server { code, .. } => ["08", "57P", "28"].iter().any(|class| code.starts_with(class)),
            Self::Conflict { ended } => *ended,
            Self::Unreadable { .. } => false,
        }
    }

    /// The SQLSTATE, where the server answered.
    pub(super) fn code(&self) -> &str {
        match self {
            Self::Server { code, .. } => code,
            _ => "",
        }
    }
}

/// Whether replay on a standby cancelled a statement. Our statements read only and each alone, so that nothing else makes
/// them fail to be serialised.
fn is_conflict(error: &dyn sqlx::error::DatabaseError) -> bool {
    error.code().is_some_and(|code| code == SERIALIZATION_FAILURE)
}
