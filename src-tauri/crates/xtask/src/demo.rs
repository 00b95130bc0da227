//! The demo: everything built, and the lab plays an incident with it.

use std::process::Command;

use clap::Args;

use crate::error::TaskError;
use crate::program::{self, cargo, npm, root};
use crate::setup;

/// Features of the programs: the window is served from the app itself.
pub(crate) const FEATURES: &str = "faultline/custom-protocol";

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
    build_window()?;
    program::run(cargo().args(["build", "--locked", "--workspace", "--bins", "--features", FEATURES]))?;
    // In this task's place, so that Ctrl-C reaches the lab alone and the task ends when everything is taken down.
    Err(program::become_it(&mut lab(options.headless, &options.extra)?))
}

/// Builds the window's files, which the app takes in.
pub(crate) fn build_window() -> Result<(), TaskError> {
    program::run(npm(&root().join("ui")).args(["run", "build"]))
}

/// Plays the incident with what was built.
pub(crate) fn play(headless: bool, extra: &[String]) -> Result<(), TaskError> {
    program::run(&mut lab(headless, extra)?)
}

/// The lab with the programs that were built beside it; pictures and logs go to `target/demo`.
fn lab(headless: bool, extra: &[String]) -> Result<Command, TaskError> {
    let target = program::target_folder()?;
    let programs = target.join("debug");
    let mut command = Command::new(programs.join("faultline-lab"));
    command.current_dir(root()).arg("demo");
    command.arg("--app").arg(programs.join("faultline"));
    command.arg("--faultctl").arg(programs.join("faultctl"));
    command.arg("--shots").arg(target.join("demo"));
    if headless {
        command.arg("--headless");
    }
    command.args(extra);
    Ok(command)
}
