//! What can go wrong with a task, in words that say what to do.

use std::path::PathBuf;
use std::process::ExitCode;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TaskError {
    /// A program is not there.
    #[error("{program} could not be started: {source}; install it or run `cargo xtask setup`")]
    Missing {
        /// The program.
        program: String,
        /// Why.
        source: std::io::Error,
    },
    /// A program failed.
    #[error("`{command}` failed{}", code.map_or_else(|| " (ended by a signal)".to_owned(), |code| format!(" with exit code {code}")))]
    Failed {
        /// The command line.
        command: String,
        /// Its exit code.
        code: Option<i32>,
    },
    /// The user said no.
    #[error(
        "nothing was installed; run `cargo xtask setup --yes` to install without a question, or install by hand: {packages}"
    )]
    Declined {
        /// What is missing.
        packages: String,
    },
    /// Not a Debian.
    #[error(
        "this is not a Debian or Ubuntu (there is no dpkg-query); install the counterparts of these packages by hand \
         and set FAULTLINE_SETUP_DONE=1: {packages}"
    )]
    NotDebian {
        /// What is needed.
        packages: String,
    },
    /// A file could not be read.
    #[error("{} could not be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file could not be written.
    #[error("{} could not be written: {source}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Steps failed. The summary has said which.
    #[error("steps failed")]
    Steps,
}

impl TaskError {
    /// The exit code of the task: that of the program that failed, where there was one.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Failed { code: Some(code), .. } => {
                u8::try_from(*code).map_or(ExitCode::FAILURE, ExitCode::from)
            }
            _ => ExitCode::FAILURE,
        }
    }
}
