//! The configuration: one TOML file, its types, and errors that name file, line, column and key.
//!
//! In here: reading and checking, and edits that keep everything else of the file. Not in here: secrets (the file only names them, see [`crate::secrets`]), and what is
//! done with the settings.

mod edit;
mod error;
mod file;
mod metrics;
mod model;
mod parse;
mod paths;
mod section;
#[cfg(test)]
mod tests;
mod values;

use std::io::Read;
use std::path::Path;

pub use edit::{Edit, NewNode};
pub use error::ConfigError;
pub(crate) use file::{ConfigFile, Look};
pub use model::{
    ClusterConfig, Config, DeployFeedConfig, DesktopConfig, HeaderText, HttpRollbackConfig, Intervals,
    MetricsAuth, MetricsConfig, MetricsKind, NodeConfig, ProgressConfig, Retention, RollbackConfig,
    RollbackProvider, SecretRef, ServiceConfig, StoreConfig,
};
pub use paths::{Paths, default_paths};

/// Longest configuration file, bytes.
pub const MAX_CONFIG_BYTES: u64 = 1024 * 1024;

/// Reads and checks a configuration file.
///
/// # Errors
/// When the file cannot be read, is too long, or says something that has no meaning.
pub fn load(path: &Path) -> Result<Config, ConfigError> {
    let cannot_read = |source| ConfigError::Read { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(cannot_read)?;
    let mut text = String::new();
    file.take(MAX_CONFIG_BYTES + 1).read_to_string(&mut text).map_err(cannot_read)?;
    if text.len() as u64 > MAX_CONFIG_BYTES {
        return Err(ConfigError::TooLong { path: path.to_owned(), limit_bytes: MAX_CONFIG_BYTES });
    }
    parse(&text, &path.display().to_string())
}

/// Checks what stands where a file names a secret: `keyring:NAME` or `env:NAME`.
///
/// # Errors
/// A sentence that says what to write instead and does not repeat the text.
pub fn secret_ref(text: &str) -> Result<SecretRef, String> {
    values::secret(text)
}

/// Checks the address of a database, as in `url` of a node.
///
/// # Errors
/// A sentence that says what to write instead and does not repeat the text.
pub fn database_url(text: &str, engine: faultline_model::Engine) -> Result<String, String> {
    values::database_url(text, engine)
}

/// Checks the text of a configuration; `name` is what errors call the file.
///
/// # Errors
/// The first thing in the text that has no meaning, with its place.
pub fn parse(text: &str, name: &str) -> Result<Config, ConfigError> {
    parse::config(&section::Document { text, name })
}
