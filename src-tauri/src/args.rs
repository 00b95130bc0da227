//! The desktop program's command line.

use std::path::PathBuf;

use clap::Parser;

/// Watches production databases and names the deploy that hurts them.
#[derive(Debug, Parser)]
#[command(name = "faultline", version)]
pub(crate) struct Args {
    /// Configuration file [default: config.toml in the platform's config folder]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Folder of the store [default: the platform's data folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,

    /// Also append what `faultctl watch --json` would print to this file
    #[arg(long, value_name = "FILE", env = "FAULTLINE_EVENTS_FILE")]
    pub(crate) events: Option<PathBuf>,
}
