//! The lab from the command line: what it needs is built, and it takes this task's place. Paths are relative to where the
//! user is.

use std::ffi::OsString;
use std::process::Command;

use clap::{Args, Subcommand};

use crate::error::TaskError;
use crate::program::{self, cargo};
use crate::setup;

/// What the lab is asked for.
#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// List the scenarios
    #[command(disable_help_flag = true)]
    List(Rest),
    /// Play a scenario: SCENARIO [--seed N] [--variant V] [--record FILE] [--truth FILE] [--scenarios DIR]
    #[command(disable_help_flag = true)]
    Run(Rest),
    /// Measure what Faultline says of recordings against their truth: [--json] [FILES…]
    #[command(disable_help_flag = true)]
    Score(Rest),
    /// Make the committed recordings anew: [--only NAMES] [--missing] [--jobs N], or [--healthy HOURS --into DIR]
    #[command(disable_help_flag = true)]
    Rerecord(Rest),
}

/// Passed on to `faultline-lab`.
#[derive(Debug, Args)]
pub(crate) struct Rest {
    /// As `faultline-lab` takes them; `--help` tells all
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

/// Builds what is needed and becomes the lab.
pub(crate) fn run(task: &Task) -> Result<(), TaskError> {
    let (name, rest, plays, replays) = match task {
        Task::List(rest) => ("list", rest, false, false),
        Task::Run(rest) => ("run", rest, true, true),
        Task::Score(rest) => ("score", rest, false, true),
        Task::Rerecord(rest) => ("rerecord", rest, true, true),
    };
    if plays {
        setup::servers()?;
    }
    program::run(cargo().args(["build", "--locked", "-p", "faultctl", "-p", "faultline-lab", "--bins"]))?;
    let programs = program::target_folder()?.join("debug");
    let mut lab = Command::new(programs.join("faultline-lab"));
    lab.arg(name);
    if replays {
        lab.arg("--faultctl").arg(programs.join("faultctl"));
    }
    lab.args(&rest.arguments);
    // In this task's place, so that Ctrl-C reaches the lab alone and its exit code is the task's.
    Err(program::become_it(&mut lab))
}
