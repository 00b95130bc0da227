//! The headless command line: check, watch, mark, replay, record, primary, serve.
//!
//! Not in here: anything that the engine could do; a command parses, calls and prints.

mod args;
mod commands;
mod context;
mod error;
mod output;
mod time;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Args, Command};
use crate::error::CommandError;

/// Everything is fine.
const EXIT_FINE: u8 = 0;
/// The finding is negative: a row of the self-test is an error.
pub(crate) const EXIT_NEGATIVE: u8 = 1;
/// The command line is wrong.
const EXIT_USAGE: u8 = 64;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            let code = if error.use_stderr() { EXIT_USAGE } else { EXIT_FINE };
            // Help goes to stdout and usage errors to stderr; a closed pipe is nobody's error.
            error.print().ok();
            return ExitCode::from(code);
        }
    };
    let masker = args.places.masker.clone();
    // `serve` has a window, which shows what was logged.
    if !matches!(args.command, Command::Serve(_)) {
        let masker = masker.clone();
        tracing_subscriber::fmt()
            .with_env_filter(tracing_subscriber::EnvFilter::from_env("FAULTLINE_LOG"))
            .with_ansi(false)
            .with_writer(move || output::Log(masker.clone()))
            .init();
    }
    faultline_engine::install_tls_provider();
    match run(args) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            output::note(&masker.mask(&format!("faultctl: {error}")));
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(args: Args) -> Result<u8, CommandError> {
    if let Command::Primary(print) = &args.command {
        return commands::primary::run(print);
    }
    // A replay is one long computation and needs no runtime.
    if let Command::Replay(replay) = &args.command {
        return commands::replay::run(replay);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|source| CommandError::Runtime { source })?;
    runtime.block_on(async {
        match args.command {
            Command::Check(check) => commands::check::run(&args.places, check).await,
            Command::Watch(watch) => commands::watch::run(&args.places, watch).await,
            Command::Mark(mark) => commands::mark::run(&args.places, mark).await,
            Command::Record(record) => commands::record::run(&args.places, record).await,
            Command::Primary(print) => commands::primary::run(&print),
            Command::Replay(replay) => commands::replay::run(&replay),
            Command::Serve(serve) => commands::serve::run(&args.places, serve).await,
        }
    })
}
