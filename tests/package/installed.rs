//! The package that was built, and the root that it is installed into.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use tempfile::TempDir;

/// Where this machine's dpkg keeps what is installed.
const STATUS: &str = "/var/lib/dpkg/status";
/// Runs as any user, and without the programs that dpkg only needs for packages with scripts.
const ANYONE: &str = "--force-not-root,bad-path";
/// What to do about a package that is missing or old.
const ADVICE: &str = "run `cargo xtask bundle --debug`";

/// A root of our own for dpkg, in which this machine's packages count as installed. Gone when dropped.
pub(crate) struct Root {
    folder: TempDir,
    books: TempDir,
}

impl Root {
    pub(crate) fn new() -> Self {
        let (folder, books) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for name in ["info", "updates"] {
            fs::create_dir(books.path().join(name)).unwrap();
        }
        let installed = fs::read_to_string(STATUS)
            .unwrap_or_else(|error| panic!("{STATUS}: {error}; packages are tested on Debian and Ubuntu"));
        let others: Vec<_> =
            installed.split("\n\n").filter(|one| !one.starts_with("Package: faultline\n")).collect();
        fs::write(books.path().join("status"), others.join("\n\n")).unwrap();
        Self { folder, books }
    }

    /// Installs the package that was built from what is being tested.
    pub(crate) fn install(&self) {
        output(self.dpkg().arg("--install").arg(package()));
    }

    /// Removes it and whatever belongs to it.
    pub(crate) fn remove(&self) {
        output(self.dpkg().args(["--purge", "faultline"]));
    }

    fn dpkg(&self) -> Command {
        let mut command = Command::new("dpkg");
        command.arg(format!("--instdir={}", self.folder.path().display()));
        command.arg(format!("--admindir={}", self.books.path().display()));
        command.arg(format!("--log={}", self.books.path().join("log").display())).arg(ANYONE);
        command
    }

    /// `dpkg-query --show` of this root.
    pub(crate) fn query(&self) -> Command {
        let mut command = Command::new("dpkg-query");
        command.arg(format!("--admindir={}", self.books.path().display())).arg("--show");
        command
    }

    /// Where something is that the package has installed.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Every file (or what else is no folder) in the root with its mode, in order, and every empty folder.
    pub(crate) fn files(&self) -> Vec<(String, u32)> {
        let mut found = Vec::new();
        let mut folders = vec![self.folder.path().to_path_buf()];
        while let Some(folder) = folders.pop() {
            let entries: Vec<_> = fs::read_dir(&folder).unwrap().map(Result::unwrap).collect();
            if entries.is_empty() && folder != self.folder.path() {
                found.push(self.entry(&folder));
            }
            for entry in entries {
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                } else {
                    found.push(self.entry(&entry.path()));
                }
            }
        }
        found.sort();
        found
    }

    fn entry(&self, path: &Path) -> (String, u32) {
        let mode = fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777;
        (path.strip_prefix(self.folder.path()).unwrap().display().to_string(), mode)
    }
}

/// The package of this build.
fn package() -> PathBuf {
    // …/target/PROFILE/deps/TEST
    let test = std::env::current_exe().unwrap();
    let profile = test.ancestors().nth(2).unwrap();
    let folder = profile.join("bundle/deb");
    let found: Vec<PathBuf> = fs::read_dir(&folder)
        .map(|entries| entries.map(|entry| entry.unwrap().path()).collect())
        .unwrap_or_default();
    let [package] = found.as_slice() else {
        panic!("{} holds {} packages instead of one: {ADVICE}", folder.display(), found.len());
    };
    for program in ["faultline", "faultctl"] {
        let program = profile.join(program);
        let is_newer = program.is_file() && changed(&program) > changed(package);
        assert!(!is_newer, "{} was built after the package: {ADVICE}", program.display());
    }
    package.clone()
}

fn changed(path: &Path) -> SystemTime {
    fs::metadata(path).and_then(|data| data.modified()).unwrap()
}

/// What a program says when it ends well.
pub(crate) fn output(command: &mut Command) -> String {
    let said =
        command.output().unwrap_or_else(|error| panic!("{command:?}: {error}; run `cargo xtask setup`"));
    let (out, errors) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    assert!(said.status.success(), "{command:?}: {}\n{out}\n{errors}", said.status);
    out.into_owned()
}
