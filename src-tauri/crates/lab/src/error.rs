//! What can go wrong in the lab. Every message says what to do where there is something to do.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Result of what the lab does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong in the lab.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server packages are not installed.
    #[error("PostgreSQL {major} is not installed at {path}: run `npm ci` in {servers}")]
    ServerMissing {
        /// Major version.
        major: u8,
        /// Where it was looked for.
        path: PathBuf,
        /// Where `npm ci` installs it.
        servers: PathBuf,
    },
    /// Debian's server is not installed.
    #[error("Debian's PostgreSQL {major} is not in {path}; run `cargo xtask setup`")]
    SystemServerMissing {
        /// Major version.
        major: u8,
        /// Where it was looked for.
        path: PathBuf,
    },
    /// There is no server package for this machine.
    #[error(
        "there is no PostgreSQL package for {os} on {arch}; the lab runs on Linux, x86-64 and (15 to 18) ARM64"
    )]
    UnsupportedPlatform {
        /// Operating system.
        os: &'static str,
        /// Processor.
        arch: &'static str,
    },
    /// Running as root without an account to give the servers to.
    #[error(
        "PostgreSQL refuses to run as root and there is no account {name:?} to run it under: run as another user"
    )]
    NoUnprivilegedUser {
        /// The account looked for.
        name: &'static str,
    },
    /// A file, folder or pipe.
    #[error("cannot {what}: {source}")]
    Io {
        /// What was tried, with its path.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
    /// A workload's or scenario's file says something that makes no sense.
    #[error("{}:{line}: {message}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Where in it, from 1.
        line: usize,
        /// What is wrong, and what would be right.
        message: String,
    },
    /// A program could not be started.
    #[error("cannot start {program}: {source}; is it installed?")]
    Spawn {
        /// The program.
        program: String,
        /// Why it failed.
        source: io::Error,
    },
    /// A program ended that should have gone on, or with a failure.
    #[error("{program} ended with {status}; its last words:\n{log}")]
    Ended {
        /// The program.
        program: String,
        /// How it ended.
        status: String,
        /// The end of its log.
        log: String,
    },
    /// Something took too long.
    #[error("{what} did not happen within {} s{}", .deadline.as_secs_f64(), if .log.is_empty() { String::new() } else { format!("; last words:\n{}", .log) })]
    Deadline {
        /// What was waited for.
        what: String,
        /// How long was waited.
        deadline: Duration,
        /// The end of the log of whoever was waited for; may be empty.
        log: String,
    },
    /// A statement failed.
    #[error("database: cannot {what}: {source}")]
    Database {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: Box<sqlx::Error>,
    },
    /// A request failed or its answer made no sense.
    #[error("request to {url}: {reason}")]
    Request {
        /// Whereto.
        url: String,
        /// Why it failed.
        reason: String,
    },
    /// A page could not be driven.
    #[error("cannot {what}: {reason}")]
    Page {
        /// What was tried.
        what: String,
        /// Why it failed.
        reason: String,
    },
    /// The product said something else than the truth.
    #[error("{what}")]
    Wrong {
        /// What was expected and what came.
        what: String,
    },
    /// Ctrl-C or SIGTERM.
    #[error("interrupted")]
    Interrupted,
}

/// Turns the error of a file operation into ours.
pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Error {
    let what = what.into();
    move |source| Error::Io { what, source }
}

/// Turns the error of a statement into ours.
pub(crate) fn database(what: impl Into<String>) -> impl FnOnce(sqlx::Error) -> Error {
    let what = what.into();
    move |source| Error::Database { what, source: Box::new(source) }
}
