//! What watching costs the watcher: memory and processor time of `faultctl watch` on many nodes. They are one real pair
//! under the shop's load, addressed many times, and a few that take connections and never answer. Prints figures beside
//! those to reach; judges nothing.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clap::Args;
use nix::sys::signal::Signal;

use super::healthy::times_s;
use super::say;
use super::window::{MIB_KIB, held};
use crate::configuration::PASSWORD;
use crate::error::{Error, Result, io};
use crate::folder::Folder;
use crate::postgres::{MONITOR, Options, Pair};
use crate::process::Process;
use crate::shop;

/// Major version of the PostgreSQL pair.
const POSTGRES: u8 = 18;
/// One node in so many never answers.
const SILENT_EVERY: usize = 20;
/// Nodes of one cluster.
const NODES_A_CLUSTER: usize = 2;
/// Connections that the servers keep for others than the watch.
const OTHER_CONNECTIONS: usize = 120;
/// Where the watch's log goes.
const LOG_NAME: &str = "watch.log";
/// How long the watch may take to end.
const END_DEADLINE: Duration = Duration::from_secs(60);
/// Seconds in a minute.
const MINUTE_S: u64 = 60;

/// How to measure the footprint.
#[derive(Clone, Debug, Args)]
pub struct Footprint {
    /// The command line program
    #[arg(long, value_name = "PATH")]
    pub faultctl: PathBuf,
    /// How many nodes; may be given again
    #[arg(long = "nodes", value_name = "N", value_parser = clap::value_parser!(u16).range(2..=500), default_values_t = [20, 200])]
    pub nodes: Vec<u16>,
    /// How long it watches before it is measured, seconds
    #[arg(long, value_name = "S", default_value_t = 60)]
    pub warm_up_s: u64,
    /// How long it is measured, minutes
    #[arg(long, value_name = "MIN", default_value_t = 3)]
    pub minutes: u64,
}

/// Figures to reach, by how many nodes at most: mebibytes held, and cores.
const TO_REACH: [(u16, Option<f64>, f64); 2] = [(20, Some(150.0), 0.05), (200, None, 1.0)];

/// Measures and prints.
pub(super) async fn run(options: &Footprint) -> Result<()> {
    let program =
        options.faultctl.canonicalize().map_err(io(format!("find {}", options.faultctl.display())))?;
    let most = usize::from(options.nodes.iter().copied().max().unwrap_or_default());
    let connections = (most / NODES_A_CLUSTER + OTHER_CONNECTIONS).to_string();
    say(&format!("starting a PostgreSQL {POSTGRES} pair with the shop's healthy load"))?;
    let pair = Pair::start_with(Options::new(POSTGRES).setting("max_connections", &connections)).await?;
    let load = shop::open(&pair).await?;
    for nodes in &options.nodes {
        measure(options, &program, &pair, *nodes).await?;
    }
    load.stop().await;
    Ok(())
}

async fn measure(options: &Footprint, program: &Path, pair: &Pair, nodes: u16) -> Result<()> {
    // Takes connections, as the system does for a listener's queue, and never says a word.
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(io("listen"))?;
    let silent_port = silent.local_addr().map_err(io("listen"))?.port();
    let folder = Folder::create(None)?;
    let config = folder.write("config.toml", &configuration(pair, usize::from(nodes), silent_port))?;
    let log = folder.path().join(LOG_NAME);
    let errors = std::fs::File::create(&log).map_err(io(format!("write {}", log.display())))?;
    let mut command = Command::new(program);
    command.args(["watch", "--json", "--config"]).arg(&config).arg("--data").arg(folder.path().join("data"));
    command.env(PASSWORD, pair.primary.password()).stdout(Stdio::null()).stderr(errors);
    let mut watch = Process::spawn("faultctl watch", &mut command, Signal::SIGTERM)?;
    let silent_nodes = usize::from(nodes) / SILENT_EVERY;
    say(&format!(
        "{nodes} nodes, {silent_nodes} of them silent; watching for {} s before it is measured",
        options.warm_up_s
    ))?;
    stay(&mut watch, &log, options.warm_up_s).await?;
    let (from, before_s) = (Instant::now(), spent_s(&watch));
    let mut most_mib = 0.0_f64;
    for minute in 1..=options.minutes {
        stay(&mut watch, &log, MINUTE_S).await?;
        let held = held(watch.pid()).ok_or_else(|| Error::Wrong { what: "the watch is gone".to_owned() })?;
        most_mib = most_mib.max(held.resident_kib / MIB_KIB);
        say(&format!(
            "  after {minute} min: {:.1} MiB resident, {:.1} MiB with its share of what is shared, {:.1} % of a core since the begin",
            held.resident_kib / MIB_KIB,
            held.share_kib / MIB_KIB,
            100.0 * (spent_s(&watch) - before_s) / from.elapsed().as_secs_f64(),
        ))?;
    }
    let cores = (spent_s(&watch) - before_s) / from.elapsed().as_secs_f64();
    say(&verdict(nodes, most_mib, cores))?;
    end(watch, &log).await
}

/// The figures beside those to reach.
fn verdict(nodes: u16, most_mib: f64, cores: f64) -> String {
    let mut text = format!("{nodes} nodes: {most_mib:.0} MiB resident, {:.1} % of a core", 100.0 * cores);
    if let Some((_, mib, most)) = TO_REACH.iter().find(|(of, ..)| nodes <= *of) {
        let memory = mib.map_or_else(String::new, |mib| format!("{mib:.0} MiB, "));
        // Writing into a string cannot fail.
        let _ = write!(text, "; to reach: {memory}{:.0} % of a core", 100.0 * most);
    }
    text
}

/// Processor time that the watch has spent.
fn spent_s(watch: &Process) -> f64 {
    times_s(watch.pid()).map_or(0.0, |(own_s, _)| own_s)
}

/// Waits, and fails if the watch ends meanwhile.
async fn stay(watch: &mut Process, log: &Path, seconds: u64) -> Result<()> {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    match watch.try_wait()? {
        None => Ok(()),
        Some(status) => Err(ended(log, status.to_string())),
    }
}

async fn end(mut watch: Process, log: &Path) -> Result<()> {
    let ending = tokio::task::spawn_blocking(move || {
        watch.signal(Signal::SIGTERM);
        watch.wait(END_DEADLINE)
    });
    let status = ending.await.map_err(|error| io("end the watch")(std::io::Error::other(error)))??;
    match status {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(ended(log, status.to_string())),
        None => Err(ended(log, "nothing, in time".to_owned())),
    }
}

fn ended(log: &Path, status: String) -> Error {
    let log = std::fs::read(log).map(|log| String::from_utf8_lossy(&log).into_owned()).unwrap_or_default();
    Error::Ended { program: "faultctl watch".to_owned(), status, log }
}

/// Clusters of a primary and a replica each, all of the one pair; some replicas are silent.
fn configuration(pair: &Pair, nodes: usize, silent_port: u16) -> String {
    let addresses = [pair.primary.address(MONITOR), pair.standby.address(MONITOR)];
    let silent = format!("postgres://{MONITOR}@127.0.0.1:{silent_port}/shop?sslmode=disable");
    let mut text = String::new();
    for number in 0..nodes {
        let place = number % NODES_A_CLUSTER;
        if place == 0 {
            let _ = write!(text, "[[cluster]]\nname = \"shop-{}\"\n", number / NODES_A_CLUSTER + 1);
        }
        let url = if number % SILENT_EVERY == SILENT_EVERY - 1 { &silent } else { &addresses[place] };
        let _ = write!(
            text,
            "[[cluster.node]]\nname = \"node-{}\"\nengine = \"postgres\"\nurl = \"{url}\"\npassword = \"env:{PASSWORD}\"\n",
            place + 1
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_stand_beside_those_to_reach() {
        for (nodes, expected) in [
            (20, "20 nodes: 81 MiB resident, 3.2 % of a core; to reach: 150 MiB, 5 % of a core"),
            (200, "200 nodes: 81 MiB resident, 3.2 % of a core; to reach: 100 % of a core"),
            (400, "400 nodes: 81 MiB resident, 3.2 % of a core"),
        ] {
            assert_eq!(verdict(nodes, 81.2, 0.032), expected);
        }
    }
}
