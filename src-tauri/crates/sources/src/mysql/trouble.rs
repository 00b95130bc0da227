//! What can go wrong on the way to the server and back, told apart so that each has its own advice.

use std::time::Duration;

use sqlx::Error;
use sqlx::mysql::MySqlDatabaseError;

/// Error numbers of the server that have an advice of their own; their names are those of the servers' manuals.
pub(super) mod number {
    /// `ER_CON_COUNT_ERROR`: no connection is left.
    pub(in super::super) const TOO_MANY_CONNECTIONS: u16 = 1040;
    /// `ER_DBACCESS_DENIED_ERROR`: no access to a schema.
    pub(in super::super) const SCHEMA_DENIED: u16 = 1044;
    /// `ER_ACCESS_DENIED_ERROR`: wrong user or password.
    pub(in super::super) const ACCESS_DENIED: u16 = 1045;
    /// `ER_SERVER_SHUTDOWN`.
    pub(in super::super) const SHUTDOWN: u16 = 1053;
    /// `ER_HOST_IS_BLOCKED`: too many failed connections from here.
    pub(in super::super) const HOST_BLOCKED: u16 = 1129;
    /// `ER_HOST_NOT_PRIVILEGED`: no account for this machine.
    pub(in super::super) const HOST_DENIED: u16 = 1130;
    /// `ER_TABLEACCESS_DENIED_ERROR`.
    pub(in super::super) const TABLE_DENIED: u16 = 1142;
    /// `ER_COLUMNACCESS_DENIED_ERROR`.
    pub(in super::super) const COLUMN_DENIED: u16 = 1143;
    /// `ER_TOO_MANY_USER_CONNECTIONS`.
    pub(in super::super) const TOO_MANY_OF_USER: u16 = 1203;
    /// `ER_USER_LIMIT_REACHED`.
    pub(in super::super) const USER_LIMIT: u16 = 1226;
    /// `ER_SPECIFIC_ACCESS_DENIED_ERROR`: a global privilege is missing.
    pub(in super::super) const PRIVILEGE_MISSING: u16 = 1227;
    /// `ER_ACCESS_DENIED_NO_PASSWORD_ERROR`, as of `unix_socket` accounts.
    pub(in super::super) const PLUGIN_DENIED: u16 = 1698;
    /// MySQL's `ER_QUERY_TIMEOUT`.
    pub(in super::super) const QUERY_TIMEOUT: u16 = 3024;
    /// MySQL's `ER_SECURE_TRANSPORT_REQUIRED`.
    pub(in super::super) const TLS_REQUIRED: u16 = 3159;
    /// MariaDB's `ER_STATEMENT_TIMEOUT`.
    pub(in super::super) const STATEMENT_TIMEOUT: u16 = 1969;
}

/// Numbers after which the server closes the connection: shut down, killed, idle for too long.
const CLOSING: [u16; 4] = [number::SHUTDOWN, 1079, 1927, 4031];

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
    #[error("{message} ({number})")]
    Server {
        /// The server's error number.
        number: u16,
        /// The server's words.
        message: String,
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
            Error::Database(database) => Self::Server {
                number: database.try_downcast_ref::<MySqlDatabaseError>().map_or(0, |found| found.number()),
                message: mask(database.message()),
            },
            Error::Tls(reason) => Self::Tls { reason: mask(&reason.to_string()) },
            Error::ColumnDecode { .. }
            | Error::ColumnNotFound(_)
            | Error::ColumnIndexOutOfBounds { .. }
            | Error::Decode(_)
            | Error::TypeNotFound { .. }
            | Error::RowNotFound => Self::Unreadable { reason: mask(&error.to_string()) },
            // What the TLS library says of certificates comes as an error of the socket.
            other => match mask(&other.to_string()) {
                reason if reason.contains("certificate") => Self::Tls { reason },
                reason => Self::Unreachable { reason },
            },
        }
    }

    /// Whether the connection can be used no longer.
    pub(super) fn ends_connection(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Silent { .. } | Self::Tls { .. } | Self::BackingOff => true,
            Self::Server { number, .. } => CLOSING.contains(number),
            Self::Unreadable { .. } => false,
        }
    }

    /// The server's error number, 0 where the server did not answer.
    pub(super) fn number(&self) -> u16 {
        match self {
            Self::Server { number, .. } => *number,
            _ => 0,
        }
    }

    /// Whether a privilege is missing.
    pub(super) fn is_denied(&self) -> bool {
        [number::SCHEMA_DENIED, number::TABLE_DENIED, number::COLUMN_DENIED, number::PRIVILEGE_MISSING]
            .contains(&self.number())
    }

    /// Whether the statement ran into its limit on the server.
    pub(super) fn is_timeout(&self) -> bool {
        [number::QUERY_TIMEOUT, number::STATEMENT_TIMEOUT].contains(&self.number())
    }
}
