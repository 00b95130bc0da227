//! The packages for Debian and RPM systems: cargo builds the programs, the Tauri command line packs them.
//!
//! What a package holds and needs is said in the `bundle` section of `tauri.conf.json`; here is added what depends on the
//! build: the command line program and the licences of what is built in.

mod notices;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use serde_json::{Value, json};

use crate::error::TaskError;
use crate::program::{self, root};
use crate::steps::say;
use crate::{demo, setup};

/// The Tauri command line, as the window's lock file has it.
const TAURI: &str = "ui/node_modules/.bin/tauri";
/// Kinds of packages, as the Tauri command line calls them and their files end.
const KINDS: [&str; 2] = ["deb", "rpm"];
/// Where a package keeps the licences of what is built in.
const NOTICES: [(&str, &str); 2] = [
    ("deb", "/usr/share/doc/faultline/THIRD-PARTY-LICENSES.gz"),
    ("rpm", "/usr/share/licenses/faultline/THIRD-PARTY-LICENSES.gz"),
];
/// Mebibyte, bytes.
const MIB: f64 = 1_048_576.0;

/// What to pack.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The development build, which the tests install: sooner built and several times as large
    #[arg(long)]
    debug: bool,
    /// Install what is missing without asking
    #[arg(long)]
    yes: bool,
}

/// Which build of the programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Build {
    /// That of the tests and the demo.
    Development,
    /// That for users.
    Release,
}

impl Build {
    /// Its folder under cargo's target folder.
    fn folder(self) -> &'static str {
        match self {
            Self::Development => "debug",
            Self::Release => "release",
        }
    }

    /// Builds the programs with the same choice of packages and features as everything else here, so that cargo compiles
    /// nothing twice.
    pub(crate) fn programs(self) -> Result<(), TaskError> {
        let mut build = program::cargo();
        build.args(["build", "--locked", "--workspace", "--bins", "--features", demo::FEATURES]);
        if self == Self::Release {
            build.arg("--release");
        }
        program::run(&mut build)
    }
}

/// Builds the window and the programs and packs them.
pub(crate) fn run(options: &Options) -> Result<(), TaskError> {
    let build = if options.debug { Build::Development } else { Build::Release };
    setup::run(options.yes)?;
    demo::build_window()?;
    build.programs()?;
    pack(build)
}

/// Packs the programs as they were built.
pub(crate) fn pack(build: Build) -> Result<(), TaskError> {
    let programs = program::target_folder()?.join(build.folder());
    let bundle = programs.join("bundle");
    // What an earlier version left would be taken for this one's.
    for kind in KINDS {
        remove(&bundle.join(kind))?;
    }
    let notices = notices::write(&bundle)?;
    let additions = additions(&programs.join("faultctl"), &notices);
    let mut tauri = Command::new(root().join(TAURI));
    tauri.current_dir(root()).args(["bundle", "--ci", "--no-sign", "--bundles", &KINDS.join(",")]);
    // The program says in its data which kind of package it came in, for an updater that Faultline does not have;
    // cargo would see a program that it did not build.
    tauri.arg("--no-binary-patching");
    tauri.args(["--config", &additions.to_string()]);
    if build == Build::Development {
        tauri.arg("--debug");
    }
    program::run(&mut tauri)?;
    for kind in KINDS {
        tidy(&bundle.join(kind), kind)?;
    }
    Ok(())
}

/// What the configuration cannot know: where this build's files are.
fn additions(faultctl: &Path, notices: &Path) -> Value {
    let kinds = NOTICES.into_iter().map(|(kind, place)| {
        let files = json!({ "/usr/bin/faultctl": faultctl, place: notices });
        (kind.to_owned(), json!({ "files": files }))
    });
    json!({ "bundle": { "linux": Value::Object(kinds.collect()) } })
}

/// Leaves nothing but the package in its folder, and says how large it is.
fn tidy(folder: &Path, kind: &str) -> Result<(), TaskError> {
    let unreadable = |path: &Path| {
        let path = path.to_path_buf();
        move |source| TaskError::Unreadable { path, source }
    };
    for entry in fs::read_dir(folder).map_err(unreadable(folder))? {
        let path = entry.map_err(unreadable(folder))?.path();
        if path.is_dir() {
            remove(&path)?;
        } else if path.extension().is_some_and(|end| end == kind) {
            let bytes = fs::metadata(&path).map_err(unreadable(&path))?.len();
            #[expect(clippy::cast_precision_loss, reason = "a size for the eye")]
            let size_mib = bytes as f64 / MIB;
            say(&format!("{size_mib:6.1} MiB  {}", path.display()));
        }
    }
    Ok(())
}

fn remove(folder: &Path) -> Result<(), TaskError> {
    match fs::remove_dir_all(folder) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(TaskError::Unwritable { path: PathBuf::from(folder), source })
        }
        _ => Ok(()),
    }
}
