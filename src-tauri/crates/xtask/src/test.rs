//! The checks and tests: the fast ones after an edit, all of them before a change goes in.

use std::process::Command;

use clap::{Args, ValueEnum};

use crate::bundle::{self, Build};
use crate::error::TaskError;
use crate::program::{self, cargo, is_there, npm, root};
use crate::steps::Steps;
use crate::{demo, setup};

/// Crates whose tests need neither a server nor a display. The thin doors above the engine (`api`, `faultctl`) are left
/// to the full run: after an edit in `analysis`, linking them would take longer than everything else together.
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
];

/// Everything, as the demo builds it: with one choice of packages and features for all steps, cargo compiles each
/// dependency once to check it and once to run it.
const EVERYTHING: &[&str] = &["--locked", "--workspace", "--features", demo::FEATURES];

/// The profile of `.config/nextest.toml` that leaves out what takes long.
const FAST_PROFILE: &str = "fast";
/// The one that leaves out nothing.
const FULL_PROFILE: &str = "default";

/// Tells the tests against real servers to try every version, where there are several.
const MATRIX_VARIABLE: &str = "FAULTLINE_MATRIX";

/// What to run.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only what needs no server and no display, and not the app: seconds after an edit
    #[arg(long, conflicts_with = "matrix")]
    fast: bool,
    /// Which versions of the servers
    #[arg(long, value_enum, default_value_t = Matrix::Some)]
    matrix: Matrix,
}

/// Which versions of the servers the tests run against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Matrix {
    /// Those that differ most
    Some,
    /// All that there are servers for
    Full,
}

/// Runs the tests.
pub(crate) fn run(options: &Options) -> Result<(), TaskError> {
    let mut steps = Steps::default();
    if options.fast {
        let packages = FAST.iter().flat_map(|package| ["-p", *package]);
        steps.run("tests", || program::run(tests(FAST_PROFILE).args(packages)));
    } else {
        everything(&mut steps, options.matrix);
    }
    steps.finish()
}

fn everything(steps: &mut Steps, matrix: Matrix) {
    // The app's build reads the built window, and everything else needs the packages.
    if !steps.run("setup", || setup::run(true)) || !steps.run("window: build", demo::build_window) {
        return;
    }
    let window = |script: &str| program::run(npm(&root().join("ui")).args(["run", script]));
    steps.run("window: types", || window("check"));
    steps.run("window: format", || window("lint"));
    steps.run("window: tests", || window("test"));
    steps.run("format", || program::run(cargo().args(["fmt", "--all", "--check"])));
    steps.run("lint", || {
        let warnings = ["--", "-D", "warnings"];
        program::run(cargo().arg("clippy").args(EVERYTHING).arg("--all-targets").args(warnings))
    });
    // Tests start the programs as children, and so does the demo.
    let build = || program::run(cargo().arg("build").args(EVERYTHING).args(["--bins", "--tests"]));
    if !steps.run("build", build) {
        return;
    }
    // One of the tests installs it.
    steps.run("package", || bundle::pack(Build::Development));
    steps.run("layers, licences, bans", || {
        program::run(cargo().arg("test").args(EVERYTHING).args(["--test", "tidy"]))
    });
    steps.run("tests", || {
        let mut tests = tests(FULL_PROFILE);
        if matrix == Matrix::Full {
            tests.env(MATRIX_VARIABLE, "full");
        }
        program::run(tests.args(EVERYTHING))
    });
    steps.run("demo", || demo::play(true, &[]));
}

/// nextest with one of its profiles where it is installed, else the tests as cargo runs them. Examples and benchmarks
/// are left to lint.
fn tests(profile: &str) -> Command {
    let mut command = cargo();
    if is_there(cargo().args(["nextest", "--version"])) {
        command.args(["nextest", "run", "--profile", profile]);
    } else {
        command.args(["test", "--no-fail-fast"]);
    }
    command.arg("--tests");
    command
}
