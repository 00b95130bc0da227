//! What can be wrong with a configuration, in sentences that say what to do.

use std::io;
use std::path::PathBuf;

/// Why a configuration cannot be used. Texts from the file that may be secret are never repeated.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("cannot read the configuration {}: {source}; {}", path.display(), what_to_do(source))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is too long to be a configuration.
    #[error("the configuration {} has more than {limit_bytes} bytes; is this the right file?", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Longest configuration, bytes.
        limit_bytes: u64,
    },
    /// Something in the file has no meaning.
    #[error("{file}:{line}:{column}: {}{problem}", if key.is_empty() { String::new() } else { format!("{key}: ") })]
    Invalid {
        /// Name of the file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// Full name of the key, such as `cluster[1].node[2].url`; empty when the text is not even TOML.
        key: String,
        /// What is wrong and what to write instead.
        problem: String,
    },
    /// The file could not be written.
    #[error("cannot write the configuration {}: {source}; check your permission to write it and the disk", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// An edit does not fit the file as it stands.
    #[error("{file}: {problem}")]
    Edit {
        /// Name of the file.
        file: String,
        /// Why, and what to do.
        problem: String,
    },
    /// The program runs without a file.
    #[error("there is no configuration file to write to; start Faultline with --config FILE")]
    NoFile,
    /// The platform knows no folder for the user's files.
    #[error(
        "there is no home folder to look for the configuration and the data in; name them with --config and --data"
    )]
    NoHome,
}

fn what_to_do(source: &io::Error) -> &'static str {
    if source.kind() == io::ErrorKind::NotFound {
        "copy config.example.toml there and say what to watch, or name another file with --config"
    } else {
        "check the path and your permission to read it"
    }
}

impl ConfigError {
    /// Whether there is no such file: the user has not configured anything yet.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Read { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}
