//! What watching costs a database: Faultline, and beside it in the same run who does the like, on Debian's PostgreSQL 15 with
//! thousands of statements and tens of megabytes of their texts. All figures are the server's own: what it counted of
//! each role's statements, what its processes used, and the bytes that went to and from it.

mod account;
mod crowd;
mod forwarder;
mod peers;
mod report;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;

use self::account::Account;
use self::forwarder::Forwarder;
use self::peers::{Faultline, PgActivity, Scraped};
use super::say;
use crate::error::Result;
use crate::postgres::{MONITOR, Options, Server};

/// The role that postgres_exporter logs in with.
const EXPORTER: &str = "exporter";
/// The role that pg_activity logs in with.
const PG_ACTIVITY: &str = "activity";

/// How to measure the sources.
#[derive(Clone, Debug, Args)]
pub struct Sources {
    /// The command line program
    #[arg(long, value_name = "PATH")]
    pub faultctl: PathBuf,
    /// How long is measured, seconds
    #[arg(long, value_name = "S", default_value_t = 180)]
    pub seconds: u64,
    /// How long everything runs beforehand, seconds: the first reading of texts is no quiet time
    #[arg(long, value_name = "S", default_value_t = 60)]
    pub warm_up_s: u64,
    /// Statements that the server keeps
    #[arg(long, value_name = "N", default_value_t = 5_000)]
    pub statements: usize,
    /// Their texts together, megabytes
    #[arg(long, value_name = "MB", default_value_t = 50)]
    pub texts_mb: usize,
    /// Statements of the light load, each second
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub load_per_s: u32,
}

/// Measures and prints.
pub(super) async fn run(options: &Sources) -> Result<()> {
    let max = (options.statements * 2).to_string();
    let mut settings = Options::of_the_system(15).setting("pg_stat_statements.max", &max);
    // Times of planning belong to what a statement costs.
    settings = settings.setting("pg_stat_statements.track_planning", "on");
    let server = Server::start(settings).await?;
    for role in [EXPORTER, PG_ACTIVITY] {
        server.create_role(role).await?;
        server.execute(&format!("grant pg_monitor to {role}")).await?;
    }
    let began = Instant::now();
    let kept = crowd::fill(&server, options.statements, options.texts_mb).await?;
    say(&format!(
        "Debian's PostgreSQL 15 with {} statements and {:.1} MB of texts, made in {:.0} s; {} statements a second; {} s measured \
         after {} s",
        kept.statements,
        kept.text_bytes as f64 / 1e6,
        began.elapsed().as_secs_f64(),
        options.load_per_s,
        options.seconds,
        options.warm_up_s
    ))?;
    let load = crowd::load(&server, options.load_per_s).await?;
    let forwarders = [
        Forwarder::start(server.port()).await?,
        Forwarder::start(server.port()).await?,
        Forwarder::start(server.port()).await?,
    ];
    let _faultline = Faultline::start(&options.faultctl, forwarders[0].port(), server.password())?;
    let exporter = Scraped::start(forwarders[1].port(), EXPORTER, server.password()).await?;
    let _pg_activity = PgActivity::start(forwarders[2].port(), PG_ACTIVITY, server.password())?;
    tokio::time::sleep(Duration::from_secs(options.warm_up_s)).await;
    let roles = [MONITOR, EXPORTER, PG_ACTIVITY];
    let before = Account::read_all(&server, &roles, &forwarders).await?;
    let page_before = exporter.page_bytes();
    let began = Instant::now();
    tokio::time::sleep(Duration::from_secs(options.seconds)).await;
    let after = Account::read_all(&server, &roles, &forwarders).await?;
    let elapsed_s = began.elapsed().as_secs_f64();
    let page_bytes_per_s = (exporter.page_bytes() - page_before) as f64 / elapsed_s;
    load.abort();
    let costs: Vec<_> =
        before.iter().zip(&after).map(|(before, after)| after.since(before, elapsed_s)).collect::<Vec<_>>();
    report::print(&costs, page_bytes_per_s)
}
