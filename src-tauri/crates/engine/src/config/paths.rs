//! Where configuration and data are when the user does not say.

use std::path::PathBuf;

use directories::ProjectDirs;

use super::ConfigError;

/// The platform's places for this user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// `config.toml` in the configuration folder; it may not exist.
    pub config_file: PathBuf,
    /// Folder of the store; it may not exist.
    pub data_folder: PathBuf,
}

/// The platform's places: on Linux `~/.config/faultline/config.toml` and `~/.local/share/faultline`.
///
/// # Errors
/// When the user has no home folder.
pub fn default_paths() -> Result<Paths, ConfigError> {
    let folders = ProjectDirs::from("", "", "Faultline").ok_or(ConfigError::NoHome)?;
    Ok(Paths {
        config_file: folders.config_dir().join("config.toml"),
        data_folder: folders.data_local_dir().to_owned(),
    })
}
