//! What can go wrong with the store, each with what to do about it.

use std::path::{Path, PathBuf};

use faultline_model::IncidentId;

/// Why the store could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// The folder cannot be made or entered.
    #[error("cannot use the data folder {}: {source}; check its permissions or name another with --data", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file or its folder cannot be written.
    #[error("the store {} is read-only; make the file and its folder writable or name another folder with --data", file.display())]
    ReadOnly {
        /// The store.
        file: PathBuf,
    },
    /// No space is left.
    #[error("no space is left for the store {}; free some, nothing that was stored before is lost", file.display())]
    DiskFull {
        /// The store.
        file: PathBuf,
    },
    /// The file is not a store.
    #[error("{} is not a Faultline store; move it away or name another folder with --data", file.display())]
    NotAStore {
        /// The file.
        file: PathBuf,
    },
    /// The file is a store, but damaged.
    #[error(
        "the store {} is damaged ({detail}); quit Faultline, move the file away together with those ending in -wal and -shm, and start again, or put back a backup",
        file.display()
    )]
    Damaged {
        /// The store.
        file: PathBuf,
        /// What was found.
        detail: String,
    },
    /// The file was written by a later version of Faultline.
    #[error(
        "the store {} was written by a newer Faultline (format {found}, this one knows up to {known}); update Faultline or name another folder with --data",
        file.display()
    )]
    Newer {
        /// The store.
        file: PathBuf,
        /// Format of the file.
        found: i64,
        /// Latest format known.
        known: i64,
    },
    /// Someone else kept the store locked for longer than the deadline.
    #[error("the store {} is locked by another program; end what holds it (a backup or an SQLite shell) and try again", file.display())]
    Busy {
        /// The store.
        file: PathBuf,
    },
    /// The disk failed.
    #[error("reading or writing the store {} failed ({detail}); check the disk", file.display())]
    Disk {
        /// The store.
        file: PathBuf,
        /// What SQLite said.
        detail: String,
    },
    /// A question or a thing to store is beyond a limit.
    #[error("more than {limit} {what}; ask for a shorter range or store less at once")]
    TooMuch {
        /// Of what, plural.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// A step of a chart that is no positive, finite number of at least a millisecond.
    #[error("a step of {step_s} seconds cannot be drawn; give at least 0.001")]
    Step {
        /// The step, seconds.
        step_s: f64,
    },
    /// Something was said of an incident that was never opened, or opened in another cluster.
    #[error("incident {incident} is not known in this cluster; record that it was opened first")]
    UnknownIncident {
        /// The incident.
        incident: IncidentId,
    },
    /// Something was said of a rollback that never began.
    #[error("no rollback with the key {key} was begun; begin it first")]
    UnknownRollback {
        /// The idempotency key.
        key: String,
    },
    /// The store was closed.
    #[error("the store is closed; open it again")]
    Closed,
    /// Anything else that SQLite says.
    #[error("the store {} failed: {source}; if it persists, report this sentence", file.display())]
    Database {
        /// The store.
        file: PathBuf,
        /// What SQLite said.
        source: sqlx::Error,
    },
}

/// Primary result codes of SQLite (<https://sqlite.org/rescode.html>); the extended ones have them in the low byte.
mod code {
    pub(super) const BUSY: i32 = 5;
    pub(super) const LOCKED: i32 = 6;
    pub(super) const READONLY: i32 = 8;
    pub(super) const IOERR: i32 = 10;
    pub(super) const CORRUPT: i32 = 11;
    pub(super) const FULL: i32 = 13;
    pub(super) const CANTOPEN: i32 = 14;
    pub(super) const NOTADB: i32 = 26;
}

impl HistoryError {
    /// Sorts what SQLite says into what the user can do.
    pub(crate) fn from_sqlx(file: &Path, source: sqlx::Error) -> Self {
        let file = file.to_owned();
        match &source {
            sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => return Self::Closed,
            sqlx::Error::PoolTimedOut => return Self::Busy { file },
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::RowNotFound => {
                return Self::Damaged { file, detail: source.to_string() };
            }
            _ => {}
        }
        let Some(extended) = source
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code)
            .and_then(|code| code.parse::<i32>().ok())
        else {
            return Self::Database { file, source };
        };
        match extended & 0xff {
            code::BUSY | code::LOCKED => Self::Busy { file },
            code::READONLY | code::CANTOPEN => Self::ReadOnly { file },
            code::FULL => Self::DiskFull { file },
            code::CORRUPT => Self::Damaged { file, detail: source.to_string() },
            code::NOTADB => Self::NotAStore { file },
            code::IOERR => Self::Disk { file, detail: source.to_string() },
            _ => Self::Database { file, source },
        }
    }

    /// A body that cannot be decoded.
    pub(crate) fn damaged(file: &Path, detail: impl ToString) -> Self {
        Self::Damaged { file: file.to_owned(), detail: detail.to_string() }
    }
}
