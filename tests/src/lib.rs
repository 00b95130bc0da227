//! What the test binaries share: where the programs are. The tests themselves are beside this folder.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The built `faultctl` of this workspace, from the same target folder as the running test. It is built first where it
/// is missing; where it is there it is taken as it is, so build it before the tests after an edit
/// (`cargo build -p faultctl`, or `--workspace`).
///
/// # Panics
/// When it is missing and cannot be built.
pub fn faultctl() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| find_or_build("faultctl"))
}

/// The built desktop program of this workspace, its window served from the program itself; found and built in the same
/// way.
///
/// # Panics
/// When it is missing and cannot be built.
pub fn faultline() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| find_or_build("faultline"))
}

/// The built `faultline-lab`; found and built in the same way.
///
/// # Panics
/// When it is missing and cannot be built.
pub fn lab() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| find_or_build("faultline-lab"))
}

fn find_or_build(package: &str) -> PathBuf {
    // …/target/PROFILE/deps/TEST
    let test = std::env::current_exe().unwrap_or_else(|error| panic!("where is this test? {error}"));
    let profile =
        test.ancestors().nth(2).unwrap_or_else(|| panic!("{} is in no target folder", test.display()));
    let program = profile.join(package).with_extension(std::env::consts::EXE_EXTENSION);
    if program.is_file() {
        return program;
    }
    // Cargo's own lock keeps several tests from building at the same time.
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build.args(["build", "--locked", "--package", package]).current_dir(env!("CARGO_MANIFEST_DIR"));
    if package == "faultline" {
        build.args(["--features", "custom-protocol"]);
    }
    if let Some(target) = profile.parent() {
        build.env("CARGO_TARGET_DIR", target);
    }
    if profile.ends_with("release") {
        build.arg("--release");
    }
    let status = build.status().unwrap_or_else(|error| panic!("cargo could not be started: {error}"));
    assert!(status.success() && program.is_file(), "{package} could not be built: {status}");
    program
}
