//! The configuration's file while the program runs: read anew when it changes, and edited in one step.
//!
//! It is looked at rather than watched: a look costs one call, and sees changes through links, on network folders and
//! by editors that write a new file in the old one's place.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::edit::{self, Edit};
use super::{Config, ConfigError, load, parse};

/// What tells one content of the file from another without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length_bytes: u64,
    inode: u64,
}

/// What a look at the file found.
#[derive(Debug)]
pub(crate) enum Look {
    /// Nothing new.
    Same,
    /// Another content, and what it says.
    New(Result<Box<Config>, ConfigError>),
}

/// The file.
#[derive(Debug)]
pub(crate) struct ConfigFile {
    path: PathBuf,
    /// What the last look found; `None` before the first, `Some(None)` when there was no file.
    seen: Option<Option<Stamp>>,
    /// Whether it may be missing: then nothing is configured yet.
    optional: bool,
}

impl ConfigFile {
    /// The file at `path`, not read yet.
    pub(crate) fn new(path: PathBuf, optional: bool) -> Self {
        Self { path, seen: None, optional }
    }

    /// Reads the file when it is another than at the last look.
    pub(crate) fn look(&mut self) -> Look {
        let stamp = stamp(&self.path);
        if self.seen == Some(stamp) {
            return Look::Same;
        }
        self.seen = Some(stamp);
        match load(&self.path) {
            Err(error) if error.is_not_found() && self.optional => Look::New(Ok(Box::default())),
            read => Look::New(read.map(Box::new)),
        }
    }

    /// Writes the edit into the file, if what comes out is a configuration. The file is replaced in one step, so that
    /// nobody ever reads half of it.
    ///
    /// # Errors
    /// When the file cannot be read or written, or would not be a configuration any more; then nothing has changed.
    pub(crate) fn edit(&self, edit: &Edit) -> Result<(), ConfigError> {
        let cannot_read = |source| ConfigError::Read { path: self.path.clone(), source };
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(cannot_read(error)),
        };
        let name = self.path.display().to_string();
        let edited = edit::apply(&text, &name, edit)?;
        parse(&edited, &name)?;
        replace(&self.path, &edited).map_err(|source| ConfigError::Write { path: self.path.clone(), source })
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let data = fs::metadata(path).ok()?;
    Some(Stamp { modified: data.modified().ok(), length_bytes: data.len(), inode: inode(&data) })
}

#[cfg(unix)]
fn inode(data: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(data)
}

#[cfg(not(unix))]
fn inode(_: &fs::Metadata) -> u64 {
    0
}

/// Puts `text` in the place of the file, with its permissions; a link stays a link.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_missing| path.to_owned());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().prefix(".faultline-").suffix(".toml").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    if let Ok(data) = fs::metadata(&path) {
        file.as_file().set_permissions(data.permissions())?;
    }
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(())
}
