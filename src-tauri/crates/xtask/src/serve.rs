//! The window in an ordinary browser: servers under load, and `faultctl serve` on them.

use std::process::Command;

use clap::Args;

use crate::error::TaskError;
use crate::program::{self, cargo, root};
use crate::steps::say;
use crate::{demo, setup};

/// What is asked for.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Install what is missing without asking
    #[arg(long)]
    yes: bool,
    /// Passed on to `faultline-lab serve`
    #[arg(last = true)]
    extra: Vec<String>,
}

/// Sets up, builds and serves until Ctrl-C.
pub(crate) fn run(options: &Options) -> Result<(), TaskError> {
    setup::run(options.yes)?;
    demo::build_window()?;
    program::run(cargo().args(["build", "--locked", "-p", "faultctl", "-p", "faultline-lab", "--bins"]))?;
    say("the address of the window follows; while you work on it, `npm run dev` in ui shows every change at");
    say("http://localhost:5173, on the same data: Vite passes /api on to 127.0.0.1:7788");
    let programs = program::target_folder()?.join("debug");
    let mut lab = Command::new(programs.join("faultline-lab"));
    lab.current_dir(root()).arg("serve");
    lab.arg("--faultctl").arg(programs.join("faultctl"));
    lab.arg("--ui").arg(root().join("ui/dist"));
    lab.args(&options.extra);
    // In this task's place, so that Ctrl-C reaches the lab alone and the task ends when everything is taken down.
    Err(program::become_it(&mut lab))
}
