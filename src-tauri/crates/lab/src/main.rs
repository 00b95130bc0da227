//! The lab's command line. Everything that it started ends with it, however it ends.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use faultline_lab::scenario::Catalogue;
use faultline_lab::{Error, bench, demo, play, rerecord, score, serve};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Real private databases, a shop's workload and incidents on them
#[derive(Debug, Parser)]
#[command(name = "faultline-lab", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Play the demo incident with the desktop program and judge what it says
    Demo(demo::Options),
    /// Keep a shop under load, and the window on it in a browser, until Ctrl-C
    Serve(serve::Options),
    /// List the scenarios
    List {
        /// A folder with scenarios of your own
        #[arg(long, value_name = "DIR")]
        scenarios: Option<PathBuf>,
    },
    /// Play a scenario on a private pair with Faultline watching, and write its recording and its truth
    Run(play::Options),
    /// Measure what Faultline says of recordings against their truth
    Score(score::Options),
    /// Make the recordings anew, or hours of healthy load
    Rerecord(rerecord::Options),
    /// Measure what the window costs its user, and whether the healthy shop is healthy
    #[command(subcommand)]
    Bench(bench::Bench),
}

#[tokio::main]
async fn main() -> ExitCode {
    let command = Arguments::parse().command;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_unset| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let outcome = tokio::select! {
        outcome = play(command) => outcome,
        interrupted = interrupted() => Err(interrupted),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _closed = writeln!(std::io::stderr().lock(), "faultline-lab: {error}");
            match error {
                Error::Interrupted => ExitCode::from(130),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

async fn play(command: Command) -> faultline_lab::Result<()> {
    match command {
        Command::Demo(options) => demo::run(options).await,
        Command::Serve(options) => serve::run(options, say).await,
        Command::List { scenarios } => {
            say(&Catalogue::open(scenarios.as_deref())?.table());
            Ok(())
        }
        Command::Run(options) => play::run(options).await,
        Command::Score(options) => score::run(options, say).await,
        Command::Rerecord(options) => rerecord::run(options, say).await,
        Command::Bench(bench) => bench::run(bench).await,
    }
}

fn say(line: &str) {
    // A closed standard output is no reason to stop.
    let _closed = writeln!(std::io::stdout().lock(), "{line}");
}

/// Ends with the first signal that asks us to end.
async fn interrupted() -> Error {
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    let [Ok(mut interrupt), Ok(mut terminate), Ok(mut hang_up)] = kinds.map(signal) else {
        // Without handlers the signals end the process at once, and the watchdog cleans up.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hang_up.recv() => {}
    }
    Error::Interrupted
}
