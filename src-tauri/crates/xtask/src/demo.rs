//! The demo: everything built, and the lab plays an incident with it.

use std::process::Command;

use clap::Args;

use crate::error::TaskError;
use crate::program::{self, cargo, npm, root};
use crate::setup;

/// What the demo is asked for.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Without a window on this screen: on a screen of its own that nobody sees, judging what the program says
    #[arg(long)]
    headless: bool,
    /// Install what is missing without asking
    #[arg(long)]
    yes: bool,
    /// Passed on to `faultline-lab demo`
    #[arg(last = true)]
    extra: Vec<String>,
}

/// Sets up, builds and plays.
pub(crate) fn run(options: &Options) -> Result<(), TaskError> {
    setup::run(options.yes)?;
    build()?;
    play(options.headless, &options.extra)
}

/// Builds the window, the app, the command line and the lab, all with one profile.
pub(crate) fn build() -> Result<(), TaskError> {
    program::run(npm(&root().join("ui")).args(["run", "build"]))?;
    program::run(
        cargo().args(["build", "--locked", "--bins", "--features", "faultline/custom-protocol"]).args([
            "-p",
            "faultline",
            "-p",
            "faultctl",
            "-p",
            "faultline-lab",
        ]),
    )
}

/// Plays the incident with what was built; the lab finds the other programs beside itself.
pub(crate) fn play(headless: bool, extra: &[String]) -> Result<(), TaskError> {
    let mut command = Command::new(program::target_folder()?.join("debug").join("faultline-lab"));
    command.current_dir(root()).arg("demo");
    if headless {
        command.arg("--headless");
    }
    program::run(command.args(extra))
}
