//! Finds the server's programs, which come as npm packages or are Debian's. Getting them is `npm ci`'s and apt's job.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use nix::unistd::{Uid, User};
use serde::Deserialize;

use crate::error::{Error, Result, io};
use crate::folder::{Folder, Owner};

/// Where `npm ci` puts the packages, unless the environment says otherwise.
const SERVERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/servers");
/// Where Debian puts its versions.
const SYSTEM: &str = "/usr/lib/postgresql";
/// Environment variable that names another folder with `node_modules` in it.
const SERVERS_VARIABLE: &str = "FAULTLINE_LAB_SERVERS";
/// PostgreSQL refuses to run as root; then it runs under this account. `initdb` wants one with a name.
const UNPRIVILEGED: &str = "nobody";

/// The programs of one major version.
#[derive(Clone, Debug)]
pub struct Binaries {
    major: u8,
    folder: PathBuf,
    owner: Option<Owner>,
    /// Keeps a copy alive that was made because `owner` cannot read the original.
    _copy: Option<Arc<Folder>>,
}

impl Binaries {
    /// Finds the programs of a major version (14 to 18), makes its libraries loadable, and copies them where the
    /// account that will run them cannot reach them.
    ///
    /// # Errors
    /// When the packages are not installed, or there are none for this machine.
    pub fn locate(major: u8) -> Result<Self> {
        let servers =
            std::env::var_os(SERVERS_VARIABLE).map_or_else(|| PathBuf::from(SERVERS), PathBuf::from);
        Self::locate_in(&servers, major)
    }

    /// The same, with the folder that `npm ci` was run in.
    ///
    /// # Errors
    /// When the packages are not installed there, or there are none for this machine.
    pub fn locate_in(servers: &Path, major: u8) -> Result<Self> {
        let package = servers.join("node_modules").join(format!("pg{major}-{}", platform()?));
        let folder = package.join("native");
        if !folder.join("bin/postgres").is_file() {
            return Err(Error::ServerMissing { major, path: package, servers: servers.to_owned() });
        }
        link_libraries(&package)?;
        let owner = unprivileged()?;
        if owner.is_none() || reachable_by_all(&folder) {
            return Ok(Self { major, folder, owner, _copy: None });
        }
        let copy = copy_of(&folder, owner)?;
        Ok(Self { major, folder: copy.path().join("native"), owner, _copy: Some(copy) })
    }

    /// Finds Debian's own programs of a major version.
    ///
    /// # Errors
    /// When its package is not installed.
    pub fn of_the_system(major: u8) -> Result<Self> {
        let folder = Path::new(SYSTEM).join(major.to_string());
        if !folder.join("bin/postgres").is_file() {
            return Err(Error::SystemServerMissing { major, path: folder });
        }
        Ok(Self { major, folder, owner: unprivileged()?, _copy: None })
    }

    /// Major version.
    pub fn major(&self) -> u8 {
        self.major
    }

    /// Path of a program: `initdb`, `pg_ctl` or `postgres`.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join("bin").join(name)
    }

    /// Who must own the data folder and run the programs; `None` for whoever runs the lab.
    pub fn owner(&self) -> Option<Owner> {
        self.owner
    }
}

fn platform() -> Result<&'static str> {
    match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => Ok("linux-x64"),
        ("linux", "aarch64") => Ok("linux-arm64"),
        (os, arch) => Err(Error::UnsupportedPlatform { os, arch }),
    }
}

fn unprivileged() -> Result<Option<Owner>> {
    if !Uid::effective().is_root() {
        return Ok(None);
    }
    let missing = Error::NoUnprivilegedUser { name: UNPRIVILEGED };
    let user = User::from_name(UNPRIVILEGED).ok().flatten().ok_or(missing)?;
    Ok(Some(Owner { uid: user.uid.as_raw(), gid: user.gid.as_raw() }))
}

/// A symbolic link that npm packages cannot carry.
#[derive(Deserialize)]
struct Link {
    source: PathBuf,
    target: PathBuf,
}

/// Makes the links that the package's install script would have made; npm may be told to run no scripts.
fn link_libraries(package: &Path) -> Result<()> {
    let list = package.join("native/pg-symlinks.json");
    let cannot = || format!("make the library links of {}", list.display());
    let links: Vec<Link> = match fs::read(&list) {
        Ok(text) => serde_json::from_slice(&text).map_err(|error| io(cannot())(error.into()))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io(cannot())(error)),
    };
    for link in links {
        let Some(name) = link.source.file_name() else { continue };
        match symlink(name, package.join(&link.target)) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(io(cannot())(error)),
        }
    }
    Ok(())
}

/// Whether everybody may walk down to the folder.
fn reachable_by_all(folder: &Path) -> bool {
    const WALK_THROUGH: u32 = 0o001;
    let Ok(real) = folder.canonicalize() else { return false };
    real.ancestors().all(|step| {
        fs::metadata(step).is_ok_and(|metadata| metadata.permissions().mode() & WALK_THROUGH != 0)
    })
}

/// One copy a version and process, since it is tens of megabytes.
fn copy_of(folder: &Path, owner: Option<Owner>) -> Result<Arc<Folder>> {
    static COPIES: Mutex<Vec<(PathBuf, std::sync::Weak<Folder>)>> = Mutex::new(Vec::new());
    let mut copies = COPIES.lock().unwrap_or_else(PoisonError::into_inner);
    copies.retain(|(_, copy)| copy.strong_count() > 0);
    if let Some(copy) = copies.iter().find(|(of, _)| of == folder).and_then(|(_, copy)| copy.upgrade()) {
        return Ok(copy);
    }
    let copy = Arc::new(Folder::create(owner)?);
    copy.copy_in(folder, "native")?;
    copies.push((folder.to_owned(), Arc::downgrade(&copy)));
    Ok(copy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_server_names_the_command_that_installs_it() {
        let empty = tempfile::tempdir().unwrap();
        let error = Binaries::locate_in(empty.path(), 18).unwrap_err().to_string();
        assert!(error.contains("PostgreSQL 18"), "{error}");
        assert!(error.contains(&format!("run `npm ci` in {}", empty.path().display())), "{error}");
    }
}
