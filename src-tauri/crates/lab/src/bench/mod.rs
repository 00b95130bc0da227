//! Benchmarks of the lab and of the window, from outside, on real databases. They print figures and judge nothing.

mod footprint;
mod healthy;
mod sources;
mod window;

use std::io::Write as _;

use clap::Subcommand;

use crate::error::{Result, io};

pub use footprint::Footprint;
pub use healthy::Healthy;
pub use sources::Sources;
pub use window::{Launch, Memory};

/// What to measure.
#[derive(Clone, Debug, Subcommand)]
pub enum Bench {
    /// From the start of the program to its first painted chart, on databases with a history, their load stopped
    Launch(Launch),
    /// What the program and its web view hold after a while on databases under load, the window open
    Memory(Memory),
    /// What watching many nodes costs: memory and processor time of the command line program
    Footprint(Footprint),
    /// Whether the healthy load is healthy: its latency minute by minute, what it costs, and whether it keeps its times
    Healthy(Healthy),
    /// What watching costs a database, beside postgres_exporter and pg_activity in the same run
    Sources(Sources),
}

/// Measures and prints.
///
/// # Errors
/// When the lab or the program does not start, or no chart is drawn.
pub async fn run(bench: Bench) -> Result<()> {
    match bench {
        Bench::Launch(options) => window::launch(&options).await,
        Bench::Memory(options) => window::memory(&options).await,
        Bench::Footprint(options) => footprint::run(&options).await,
        Bench::Healthy(options) => healthy::run(&options).await,
        Bench::Sources(options) => sources::run(&options).await,
    }
}

fn say(line: &str) -> Result<()> {
    writeln!(std::io::stdout().lock(), "{line}").map_err(io("print"))
}
