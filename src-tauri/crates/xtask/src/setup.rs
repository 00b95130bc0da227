//! What building and testing needs: Debian packages and npm packages.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::error::TaskError;
use crate::program::{self, is_there, npm, output, root};
use crate::steps::{confirm, say};

/// How long to wait for another apt that is at work, as machines do after their first start.
const APT_LOCK_TIMEOUT: &str = "DPkg::Lock::Timeout=300";
/// How often apt tries a download again.
const APT_RETRIES: &str = "Acquire::Retries=3";

/// Debian packages: up to `pkg-config` to build, the others for the demo and the tests.
const PACKAGES: &[&str] = &[
    "ca-certificates",
    "libwebkit2gtk-4.1-dev",
    "librsvg2-dev",
    "libayatana-appindicator3-dev",
    "libssl-dev",
    "libdbus-1-dev",
    "pkg-config",
    "desktop-file-utils",
    "webkit2gtk-driver",
    "xvfb",
    "dbus",
    "dbus-x11",
    "dunst",
    "gnome-keyring",
    "at-spi2-core",
    "xdotool",
    "openbox",
    "imagemagick",
    "fonts-dejavu-core",
    "chromium",
    "chromium-driver",
    "libsecret-tools",
    // What the sources are tested with. Only the programs: tests start their own servers, see `SERVICES`.
    "postgresql-15",
    "pgbouncer",
    "mariadb-server-core",
    "mariadb-client-core",
    "prometheus",
    "victoria-metrics",
    "prometheus-postgres-exporter",
    "prometheus-mysqld-exporter",
    "prometheus-node-exporter",
    "pg-activity",
];

/// The services that these packages bring. Those that are new to the machine are neither started nor enabled.
const SERVICES: &str = "postgresql pgbouncer prometheus victoria-metrics prometheus-postgres-exporter \
                        prometheus-mysqld-exporter prometheus-node-exporter";
/// Installs packages without their services.
const INSTALL: &str = include_str!("setup/install.sh");

/// Says that the packages are there under other names.
const DONE_ELSEWHERE: &str = "FAULTLINE_SETUP_DONE";

/// Folder of the PostgreSQL packages.
const SERVERS: &str = "src-tauri/crates/lab/servers";
/// Folders with an npm lock file.
const NPM_FOLDERS: &[&str] = &["ui", SERVERS];

/// Where npm notes what it installed.
const NPM_RECEIPT: &str = "node_modules/.package-lock.json";

/// Installs what is missing; asks before it installs Debian packages, unless `yes`.
pub(crate) fn run(yes: bool) -> Result<(), TaskError> {
    debian(yes)?;
    for folder in NPM_FOLDERS {
        npm_packages(&root().join(folder))?;
    }
    Ok(())
}

/// Installs the PostgreSQL packages where they are missing; nothing else.
pub(crate) fn servers() -> Result<(), TaskError> {
    npm_packages(&root().join(SERVERS))
}

fn debian(yes: bool) -> Result<(), TaskError> {
    if std::env::var_os(DONE_ELSEWHERE).is_some() {
        say("Debian packages: left alone (FAULTLINE_SETUP_DONE is set)");
        return Ok(());
    }
    if !is_there(Command::new("dpkg-query").arg("--version")) {
        return Err(TaskError::NotDebian { packages: PACKAGES.join(" ") });
    }
    let missing = missing();
    if missing.is_empty() {
        say("Debian packages: all there");
        return Ok(());
    }
    let packages = missing.join(" ");
    say(&format!("Debian packages that are missing: {packages}"));
    if !yes && !confirm("Install them?") {
        return Err(TaskError::Declined { packages });
    }
    let options = ["-o", APT_LOCK_TIMEOUT, "-o", APT_RETRIES];
    program::run(as_root("apt-get").args(options).arg("update"))?;
    // `--no-remove`: something of the user's that is in the way of a package is worth more than our tests.
    let install = ["install", "--yes", "--no-install-recommends", "--no-remove"];
    let mut script = as_root("sh");
    script.args(["-c", INSTALL, "install.sh", SERVICES]).args(options).args(install).args(missing);
    match script.status() {
        Ok(status) if status.success() => Ok(()),
        // The script itself would fill pages.
        Ok(status) => {
            Err(TaskError::Failed { command: format!("apt-get install {packages}"), code: status.code() })
        }
        Err(source) => Err(TaskError::Missing { program: "sh".to_owned(), source }),
    }
}

fn missing() -> Vec<&'static str> {
    let is_installed = |package: &&&str| {
        output(Command::new("dpkg-query").args(["--show", "--showformat=${db:Status-Status}", package]))
            .is_some_and(|status| status.trim() == "installed")
    };
    PACKAGES.iter().filter(|package| !is_installed(package)).copied().collect()
}

/// A program that asks nothing, by sudo for those who are not root.
fn as_root(program: &str) -> Command {
    let is_root = output(Command::new("id").arg("-u")).is_some_and(|id| id.trim() == "0");
    let mut command = if is_root {
        Command::new(program)
    } else {
        let mut sudo = Command::new("sudo");
        sudo.args(["--preserve-env=DEBIAN_FRONTEND", program]);
        sudo
    };
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn npm_packages(folder: &Path) -> Result<(), TaskError> {
    let lock = folder.join("package-lock.json");
    if !lock.exists() {
        return Ok(());
    }
    let name = folder.strip_prefix(root()).unwrap_or(folder).display().to_string();
    let receipt = folder.join(NPM_RECEIPT);
    if is_newer(&receipt, &lock)? {
        say(&format!("npm packages in {name}: up to date"));
        return Ok(());
    }
    say(&format!("npm packages in {name}: installing"));
    program::run(npm(folder).args(["ci", "--no-audit", "--no-fund"]))
}

/// Whether a file is there and not older than another.
fn is_newer(file: &Path, than: &Path) -> Result<bool, TaskError> {
    let changed = |path: &Path| fs::metadata(path).and_then(|data| data.modified());
    let limit = changed(than).map_err(|source| TaskError::Unreadable { path: than.to_path_buf(), source })?;
    Ok(changed(file).is_ok_and(|changed| changed >= limit))
}
