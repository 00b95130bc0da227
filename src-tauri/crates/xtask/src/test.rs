//! The checks and tests: the fast ones after an edit, all of them before a change goes in.

use std::process::Command;

use crate::error::TaskError;
use crate::program::{self, cargo, is_there, npm, root};
use crate::steps::Steps;
use crate::{demo, setup};

/// Crates whose tests need neither a server nor a display.
const FAST: &[&str] = &[
    "faultline-model",
    "faultline-fingerprint",
    "faultline-recording",
    "faultline-http",
    "faultline-sources",
    "faultline-deploys",
    "faultline-history",
    "faultline-analysis",
    "faultline-chart",
    "faultline-engine",
    "faultline-api",
    "faultctl",
];

/// Runs the tests.
pub(crate) fn run(fast: bool) -> Result<(), TaskError> {
    let mut steps = Steps::default();
    if fast {
        steps.run("tests", || program::run(tests().args(FAST.iter().flat_map(|package| ["-p", *package]))));
        return steps.finish();
    }
    steps.run("setup", || setup::run(true));
    // The app's build reads the built window, and everything else needs the packages.
    steps.run("window: build", || program::run(npm(&root().join("ui")).args(["run", "build"])));
    if !steps.all_ok() {
        return steps.finish();
    }
    steps.run("format", || program::run(cargo().args(["fmt", "--all", "--check"])));
    steps.run("lint", || {
        program::run(cargo().args([
            "clippy",
            "--locked",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ]))
    });
    steps.run("layers, licences, bans", || {
        program::run(cargo().args(["test", "--locked", "-p", "faultline-tests", "--test", "tidy"]))
    });
    steps.run("window: types", || program::run(npm(&root().join("ui")).args(["run", "check"])));
    steps.run("window: format", || program::run(npm(&root().join("ui")).args(["run", "lint"])));
    steps.run("window: tests", || program::run(npm(&root().join("ui")).args(["run", "test"])));
    steps.run("tests", || program::run(tests().arg("--workspace")));
    steps.run("demo", || demo::build().and_then(|()| demo::play(true, &[])));
    steps.finish()
}

/// nextest where it is installed, else the tests as cargo runs them.
fn tests() -> Command {
    let mut command = cargo();
    if is_there(cargo().args(["nextest", "--version"])) {
        command.args(["nextest", "run", "--locked", "--no-fail-fast", "--no-tests=pass"]);
    } else {
        command.args(["test", "--locked", "--no-fail-fast"]);
    }
    command
}
