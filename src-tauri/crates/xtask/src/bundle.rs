//! The packages for Debian and RPM systems: cargo builds the programs, the Tauri command line packs them.
//!
//! What a package holds and needs is said in the `bundle` section of `tauri.conf.json`; here is added what depends on the
//! build: the command line program and the licences of what is built in.

mod notices;

use std::fs;
use std::path::Path;
use std::process::Command;

use clap::Args;
use serde_json::{Value, json};

use crate::error::TaskError;
use crate::program::{self, root};
use crate::steps::say;
use crate::{demo, setup};

/// The Tauri command line, as the window's lock file has it.
const TAURI: &str = "ui/node_modules/.bin/tauri";
/// The program with the window.
const PROGRAM: &str = "faultline";
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
    pub(crate) fn folder(self) -> &'static str {
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
    // A folder of its own in the place of cargo's: the Tauri command line writes the program anew, even unchanged, which
    // fails while it runs and makes cargo build again what needs it.
    let work = bundle.join("work");
    remove(&work)?;
    copy(&programs.join(PROGRAM), &work.join(build.folder()).join(PROGRAM))?;
    let notices = notices::write(&work)?;
    let additions = additions(&programs.join("faultctl"), &notices);
    let mut tauri = Command::new(root().join(TAURI));
    tauri.current_dir(root()).env("CARGO_TARGET_DIR", &work);
    tauri.args(["bundle", "--ci", "--no-sign", "--bundles", &KINDS.join(",")]);
    // Otherwise the program's data say which kind of package it came in, for an updater that Faultline does not have.
    tauri.arg("--no-binary-patching");
    tauri.args(["--config", &additions.to_string()]);
    if build == Build::Development {
        tauri.arg("--debug");
    }
    program::run(&mut tauri)?;
    for kind in KINDS {
        hand_over(&work.join(build.folder()).join("bundle").join(kind), &bundle.join(kind), kind)?;
    }
    remove(&work)
}

/// What the configuration cannot know: where this build's files are.
fn additions(faultctl: &Path, notices: &Path) -> Value {
    let kinds = NOTICES.into_iter().map(|(kind, place)| {
        let files = json!({ "/usr/bin/faultctl": faultctl, place: notices });
        (kind.to_owned(), json!({ "files": files }))
    });
    json!({ "bundle": { "linux": Value::Object(kinds.collect()) } })
}

/// Moves the package to where it is looked for, in place of earlier ones, and says how large it is.
fn hand_over(from: &Path, to: &Path, kind: &str) -> Result<(), TaskError> {
    remove(to)?;
    fs::create_dir_all(to).map_err(unwritable(to))?;
    for entry in fs::read_dir(from).map_err(unreadable(from))? {
        let made = entry.map_err(unreadable(from))?.path();
        if made.extension().is_none_or(|end| end != kind) {
            continue;
        }
        let package = to.join(made.file_name().unwrap_or_default());
        fs::rename(&made, &package).map_err(unwritable(&package))?;
        let bytes = fs::metadata(&package).map_err(unreadable(&package))?.len();
        #[expect(clippy::cast_precision_loss, reason = "a size for the eye")]
        let size_mib = bytes as f64 / MIB;
        say(&format!("{size_mib:6.1} MiB  {}", package.display()));
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<(), TaskError> {
    let folder = to.parent().unwrap_or(to);
    fs::create_dir_all(folder).map_err(unwritable(folder))?;
    fs::copy(from, to).map(|_bytes| ()).map_err(unreadable(from))
}

fn remove(folder: &Path) -> Result<(), TaskError> {
    match fs::remove_dir_all(folder) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(unwritable(folder)(source)),
        _ => Ok(()),
    }
}

fn unreadable(path: &Path) -> impl FnOnce(std::io::Error) -> TaskError {
    let path = path.to_path_buf();
    move |source| TaskError::Unreadable { path, source }
}

fn unwritable(path: &Path) -> impl FnOnce(std::io::Error) -> TaskError {
    let path = path.to_path_buf();
    move |source| TaskError::Unwritable { path, source }
}
