//! Temporary folders that are gone afterwards, whatever happens.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use crate::error::{Result, io};
use crate::watchdog::Watched;

/// Who owns a folder's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Numeric user.
    pub uid: u32,
    /// Numeric group.
    pub gid: u32,
}

/// A folder under the system's folder for temporary files. Removed when dropped, and by the watchdog after a crash.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    owner: Option<Owner>,
    _watched: Watched,
}

impl Folder {
    /// Makes an empty folder that only its owner can enter.
    ///
    /// # Errors
    /// When the folder for temporary files cannot be written.
    pub fn create(owner: Option<Owner>) -> Result<Self> {
        let made = tempfile::Builder::new()
            .prefix("faultline-lab-")
            .tempdir()
            .map_err(io("make a temporary folder"))?;
        let watched = Watched::folder(made.path())?;
        let folder = Self { path: made.keep(), owner, _watched: watched };
        folder.give_away(&folder.path)?;
        Ok(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file, readable by the folder's owner alone.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, name: &str, content: &str) -> Result<PathBuf> {
        let path = self.path.join(name);
        let cannot = || format!("write {}", path.display());
        fs::write(&path, content).map_err(io(cannot()))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).map_err(io(cannot()))?;
        self.give_away(&path)?;
        Ok(path)
    }

    /// Copies a whole folder to `name` in here, with modes and symbolic links.
    ///
    /// # Errors
    /// When something cannot be read or written.
    pub fn copy_in(&self, from: &Path, name: &str) -> Result<PathBuf> {
        let to = self.path.join(name);
        self.copy(from, &to)?;
        Ok(to)
    }

    fn copy(&self, from: &Path, to: &Path) -> Result<()> {
        let cannot = || format!("copy {} to {}", from.display(), to.display());
        let metadata = fs::symlink_metadata(from).map_err(io(cannot()))?;
        if metadata.is_symlink() {
            let target = fs::read_link(from).map_err(io(cannot()))?;
            return std::os::unix::fs::symlink(target, to).map_err(io(cannot()));
        }
        if metadata.is_dir() {
            fs::create_dir(to).map_err(io(cannot()))?;
            for entry in fs::read_dir(from).map_err(io(cannot()))? {
                let entry = entry.map_err(io(cannot()))?;
                self.copy(&entry.path(), &to.join(entry.file_name()))?;
            }
            fs::set_permissions(to, metadata.permissions()).map_err(io(cannot()))?;
        } else if metadata.is_file() {
            fs::copy(from, to).map_err(io(cannot()))?;
        } else {
            return Ok(()); // sockets and pipes belong to a running process
        }
        self.give_away(to)
    }

    fn give_away(&self, path: &Path) -> Result<()> {
        match self.owner {
            Some(Owner { uid, gid }) => chown(path, Some(uid), Some(gid))
                .map_err(io(format!("give {} to user {uid}", path.display()))),
            None => Ok(()),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::warn!(%error, path = %self.path.display(), "a temporary folder could not be removed");
        }
    }
}
