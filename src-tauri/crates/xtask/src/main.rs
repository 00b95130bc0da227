//! Developer tasks: `cargo xtask setup`, `demo`, `serve`, `lab`, `test`, `bundle`, `bench`. It starts programs and
//! nothing else; it depends on no crate of ours.

mod bench;
mod bundle;
mod demo;
mod error;
mod lab;
mod program;
mod serve;
mod setup;
mod steps;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::error::TaskError;

/// Developer tasks
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Install what building and testing needs: Debian packages and npm packages
    Setup {
        /// Install without asking
        #[arg(long)]
        yes: bool,
    },
    /// Build everything and play the demo incident
    Demo(demo::Options),
    /// Build and serve the window to a browser, on a shop under load
    Serve(serve::Options),
    /// Play incidents on real servers, record them, and measure what Faultline says of them
    #[command(subcommand)]
    Lab(lab::Task),
    /// Run the checks and tests
    Test(test::Options),
    /// Build the packages for Debian and RPM systems
    Bundle(bundle::Options),
    /// Run the benchmarks, or list them
    Bench(bench::Options),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Setup { yes } => setup::run(yes),
        Task::Demo(options) => demo::run(&options),
        Task::Serve(options) => serve::run(&options),
        Task::Lab(task) => lab::run(&task),
        Task::Test(options) => test::run(&options),
        Task::Bundle(options) => bundle::run(&options),
        Task::Bench(options) => bench::run(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if !matches!(error, TaskError::Steps) {
                steps::say_error(&error);
            }
            error.exit_code()
        }
    }
}
