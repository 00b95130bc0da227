//! The command line as it is typed.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use faultline_engine::secrets::Masker;

/// Watches production databases and names the deploy that hurts them.
///
/// Exit codes: 0 fine, 1 negative finding, 2 cannot judge or input unreadable, 64 usage, 78 configuration.
#[derive(Debug, Parser)]
#[command(name = "faultctl", version)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) places: Places,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where configuration and store are.
#[derive(Debug, clap::Args)]
pub(crate) struct Places {
    /// Configuration file [default: config.toml in the platform's config folder]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Folder of the store [default: `path` of the configuration's [store], or the platform's data folder]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Takes the secrets that are looked up there out of what is logged
    #[arg(skip)]
    pub(crate) masker: Masker,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Test every target; exit 1 if any row is an error
    Check(CheckArgs),
    /// Watch without a window; SIGTERM ends it with 0
    Watch(WatchArgs),
    /// Record a deploy; a running window or watch sees it within a second
    Mark(MarkArgs),
    /// Write a range of the store to a file that can be replayed elsewhere
    Record(RecordArgs),
    /// Print, as JSON Lines, what would have been said of a recording; reads neither configuration nor store
    Replay(ReplayArgs),
    /// Print what makes the primary visible without a login on it; installs nothing
    #[command(subcommand)]
    Primary(crate::commands::primary::Print),
    /// Serve the window to a browser on this machine; SIGTERM ends it with 0
    Serve(ServeArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct CheckArgs {
    /// One JSON object a row instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct WatchArgs {
    /// The lines of `replay`, in real time
    #[arg(long)]
    pub(crate) json: bool,
    /// Only this cluster
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct MarkArgs {
    /// The service that changed
    #[arg(long)]
    pub(crate) service: String,
    /// What runs afterwards
    #[arg(long)]
    pub(crate) version: String,
    /// What ran before; needed for a way back
    #[arg(long)]
    pub(crate) previous: Option<String>,
    /// Concerns every cluster with this environment
    #[arg(long, default_value = "production")]
    pub(crate) environment: String,
    /// What kind of change
    #[arg(long, value_enum, default_value_t = Kind::Deploy)]
    pub(crate) kind: Kind,
    /// How it stands
    #[arg(long, value_enum, default_value_t = Status::Succeeded)]
    pub(crate) status: Status,
    /// Time of this status: RFC 3339, Unix seconds or -15m [default: now]
    #[arg(long, value_name = "T", allow_hyphen_values = true)]
    pub(crate) at: Option<String>,
    /// The same id is the same deploy [default: SERVICE-VERSION-T]
    #[arg(long)]
    pub(crate) id: Option<String>,
    /// The deploy system's page for it
    #[arg(long)]
    pub(crate) url: Option<String>,
    /// Print the stored deploy as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What kind of change a deploy is.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Kind {
    Deploy,
    Rollback,
    Config,
    Schema,
    Flag,
    Restart,
}

/// How a deploy stands.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Status {
    Started,
    Succeeded,
    Failed,
    RolledBack,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RecordArgs {
    /// The cluster; may be left out when the configuration has only one
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: Option<String>,
    /// Begin: RFC 3339, Unix seconds or -15m
    #[arg(long, value_name = "T", allow_hyphen_values = true, requires = "to", conflicts_with = "for_")]
    pub(crate) from: Option<String>,
    /// End: RFC 3339, Unix seconds or -15m
    #[arg(long, value_name = "T", allow_hyphen_values = true, requires = "from")]
    pub(crate) to: Option<String>,
    /// Record from now on for so long (10m, 30s, 2h), watching if nobody else does
    #[arg(long = "for", value_name = "DURATION", required_unless_present = "from")]
    pub(crate) for_: Option<String>,
    /// Leave shapes and numbers, but no names and no texts
    #[arg(long)]
    pub(crate) redact: bool,
    /// The file; compressed when it ends in .zst
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    pub(crate) output: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ReplayArgs {
    /// A recording, compressed or not
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Times real time; 0 is as fast as possible
    #[arg(long, value_name = "X", default_value_t = 0.0)]
    pub(crate) speed: f64,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ServeArgs {
    /// Where to listen, on this machine alone; port 0 is any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7788")]
    pub(crate) listen: SocketAddr,
    /// Folder of the built window [default: ui/dist, if it is there]
    #[arg(long, value_name = "DIR")]
    pub(crate) ui: Option<PathBuf>,
}
