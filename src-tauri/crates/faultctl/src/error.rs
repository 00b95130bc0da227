//! What ends a command early, and with which exit code.

use std::net::SocketAddr;
use std::path::PathBuf;

use faultline_engine::logging::LoggingError;
use faultline_engine::{EngineError, HistoryError};
use faultline_recording::RecordingError;

/// Cannot judge, or the input is unreadable.
pub(crate) const EXIT_UNREADABLE: u8 = 2;
/// The command line is wrong.
const EXIT_USAGE: u8 = 64;
/// The configuration is wrong.
const EXIT_CONFIGURATION: u8 = 78;

#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    #[error("{message}")]
    Usage { message: String },
    #[error(transparent)]
    Config(#[from] faultline_engine::config::ConfigError),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    History(#[from] HistoryError),
    #[error(
        "nothing was seen of {cluster} in that range; name another range, or see whether Faultline watches it"
    )]
    NothingSeen { cluster: String },
    #[error("{}: {source}", file.display())]
    Recording { file: PathBuf, source: RecordingError },
    #[error(
        "{address} cannot be listened on: {source}; name another one with --listen (port 0 is any free one)"
    )]
    Listen { address: SocketAddr, source: std::io::Error },
    #[error("nothing can be printed any more: {source}")]
    Output { source: std::io::Error },
    #[error("the program cannot start its threads: {source}")]
    Runtime { source: std::io::Error },
    #[error(transparent)]
    Logging(#[from] LoggingError),
    #[error("signals cannot be caught: {source}")]
    Signals { source: std::io::Error },
}

impl CommandError {
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage { .. } => EXIT_USAGE,
            Self::Config(_) | Self::Engine(EngineError::Config(_)) => EXIT_CONFIGURATION,
            Self::Engine(_)
            | Self::History(_)
            | Self::NothingSeen { .. }
            | Self::Recording { .. }
            | Self::Listen { .. }
            | Self::Output { .. }
            | Self::Runtime { .. }
            | Self::Logging(_)
            | Self::Signals { .. } => EXIT_UNREADABLE,
        }
    }
}
