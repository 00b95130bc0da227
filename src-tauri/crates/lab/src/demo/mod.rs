//! The demo: a healthy shop, a harmless deploy, the postmortem's deploy, and Faultline watching from its real window.
//! Everything is real; what Faultline said is compared with what the lab knows to be true.

mod app;
mod events;
mod judge;
mod listener;
mod notices;
mod stage;
mod story;
mod wait;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

pub use story::run;

/// What the demo needs to know.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Run under Xvfb with a private session bus and press the notification's button (the default without a display)
    #[arg(long)]
    pub headless: bool,
    /// The desktop program
    #[arg(long, value_name = "PATH")]
    pub app: PathBuf,
    /// The command line program; its `check` is run first
    #[arg(long, value_name = "PATH")]
    pub faultctl: Option<PathBuf>,
    /// Where screenshots, the event log and the program's log go
    #[arg(long, value_name = "DIR")]
    pub shots: PathBuf,
    /// Major version of the PostgreSQL pair
    #[arg(long, value_name = "VERSION", default_value_t = 18, value_parser = clap::value_parser!(u8).range(14..=18))]
    pub postgres: u8,
    /// Healthy load before the harmless deploy, seconds
    #[arg(long, value_name = "S", default_value_t = 60)]
    pub baseline_s: u64,
    /// Between the harmless deploy and the bad one, seconds
    #[arg(long, value_name = "S", default_value_t = 20)]
    pub between_s: u64,
    /// How long Faultline may take to name deploy and query, seconds
    #[arg(long, value_name = "S", default_value_t = 120)]
    pub detect_s: u64,
    /// How long the way back may take, up to the resolved incident, seconds
    #[arg(long, value_name = "S", default_value_t = 240)]
    pub recover_s: u64,
}

impl Options {
    fn baseline(&self) -> Duration {
        Duration::from_secs(self.baseline_s)
    }

    fn between(&self) -> Duration {
        Duration::from_secs(self.between_s)
    }

    fn detect(&self) -> Duration {
        Duration::from_secs(self.detect_s)
    }

    fn recover(&self) -> Duration {
        Duration::from_secs(self.recover_s)
    }
}
