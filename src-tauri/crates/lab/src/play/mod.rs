//! Plays a scenario: a real primary and its standby under the workload, Faultline watching them from outside as a user
//! would have it (a configuration, `faultctl watch --json`, `faultctl mark`), and what the scenario's file says
//! happening on time. What comes of it is a recording and, apart from it, the truth. What Faultline said is printed and
//! not judged; judging is the scorer's.

mod deploying;
mod effect;
mod faultline;
mod happened;
mod sayings;
mod stage;
mod statements;
mod story;

use std::path::PathBuf;

use clap::Args;

use crate::error::Result;
use crate::scenario::Catalogue;

/// What to play.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Which scenario; `list` shows them
    #[arg(value_name = "SCENARIO")]
    pub scenario: String,
    /// The command line program
    #[arg(long, value_name = "PATH")]
    pub faultctl: PathBuf,
    /// Of the random numbers: arrivals, parameters, noise, and when the trouble begins
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Another intensity of the scenario
    #[arg(long, value_name = "NAME")]
    pub variant: Option<String>,
    /// Where the recording goes; compressed when it ends in .zst
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Where the truth goes
    #[arg(long, value_name = "FILE")]
    pub truth: Option<PathBuf>,
    /// A folder with scenarios of your own
    #[arg(long, value_name = "DIR")]
    pub scenarios: Option<PathBuf>,
    /// Major version of the PostgreSQL pair
    #[arg(long, value_name = "VERSION", default_value_t = 18, value_parser = clap::value_parser!(u8).range(14..=18))]
    pub postgres: u8,
}

/// Plays a scenario to its end, and writes the recording and the truth where that is asked for.
///
/// # Errors
/// When the scenario cannot be used, a part of the stage does not start, an event cannot take place, or a file cannot be
/// written. What Faultline says is no error.
pub async fn run(options: Options) -> Result<()> {
    let catalogue = Catalogue::open(options.scenarios.as_deref())?;
    let scenario = catalogue.scenario(&options.scenario, options.variant.as_deref())?;
    story::play(&options, &scenario).await
}
