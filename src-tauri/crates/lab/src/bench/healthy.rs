//! Whether the healthy load is healthy: steady within its noise, cheap, and sent in time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use sqlx::Row;

use super::say;
use super::window::{family, median};
use crate::error::{Error, Result, database, io};
use crate::postgres::{Options, Pair, Server};
use crate::workload::{Load, LoadOptions, Second, Workload, set_up};

/// Clock ticks per second in `/proc`, the same on all of Linux.
const TICKS_PER_S: f64 = 100.0;
/// Seconds in a minute.
const MINUTE_S: usize = 60;
/// What a normal variable exceeds in one of twenty cases, in either direction.
const SIGNIFICANT: f64 = 1.96;
/// A drift below this share of the median is none that anybody would feel.
const NEGLIGIBLE: f64 = 0.05;

/// How to measure a healthy run.
#[derive(Clone, Debug, Args)]
pub struct Healthy {
    /// How long, minutes
    #[arg(long, value_name = "MIN", default_value_t = 10)]
    pub minutes: usize,
    /// How long the load runs beforehand, seconds
    #[arg(long, value_name = "S", default_value_t = 20)]
    pub warm_up_s: usize,
    /// The core that all of it runs on; all cores when left out
    #[arg(long, value_name = "N")]
    pub core: Option<usize>,
    /// What arrivals and values are drawn from
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Times the shop's rates
    #[arg(long, value_name = "N", default_value_t = 1.0)]
    pub rate: f64,
    /// Times the shop's data
    #[arg(long, value_name = "N", default_value_t = 1.0)]
    pub scale: f64,
    /// Major version of the PostgreSQL pair
    #[arg(long, value_name = "N", default_value_t = 18)]
    pub postgres: u8,
    /// A setting of both servers, as in `log_min_duration_statement=1000`; may be given again
    #[arg(long = "setting", value_name = "NAME=VALUE", value_parser = setting)]
    pub settings: Vec<(String, String)>,
    /// Afterwards, so many statements that cost each server most
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub statements: i64,
    /// After it, the same time without the cache, for comparison
    #[arg(long)]
    pub cache_loss: bool,
}

fn setting(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
    parts.ok_or_else(|| "write it as name=value".to_owned())
}

/// Measures and prints.
pub(super) async fn run(options: &Healthy) -> Result<()> {
    if let Some(core) = options.core {
        pin(core)?;
    }
    let started = Instant::now();
    let mut servers = Options::new(options.postgres).setting("max_connections", "200");
    servers.settings.extend(options.settings.iter().cloned());
    let pair = Pair::start_with(servers).await?;
    let started_s = started.elapsed().as_secs_f64();
    let workload = Arc::new(Workload::named("shop")?);
    let (begun, before) = (Instant::now(), Cpu::read(&pair)?);
    set_up(&pair, &workload, options.scale).await?;
    let spent = Cpu::read(&pair)?.since(&before);
    let mib = size_mib(&pair.primary).await?;
    say(&format!(
        "a PostgreSQL {} pair in {started_s:.1} s, the shop on it in {:.1} s ({:.1} s of processor time): {mib:.0} MiB",
        options.postgres,
        begun.elapsed().as_secs_f64(),
        spent.primary_s + spent.standby_s
    ))?;
    let (scale, versions, seed, rate) = (options.scale, Vec::new(), options.seed, options.rate);
    let load = LoadOptions { workload, scale, versions, seed, rate };
    let load = Load::start(load, &pair.primary, &pair.standby)?;
    let mut at_s = options.warm_up_s;
    until(&load, at_s).await;
    let medians = minutes(options, &load, &pair, &mut at_s).await?;
    say(&drift(&medians))?;
    if options.cache_loss {
        say("and without the cache")?;
        load.lose_cache(true);
        minutes(options, &load, &pair, &mut at_s).await?;
    }
    let lag = load.generator_lag();
    say(&format!(
        "the load sent {} requests {:.2} ms late on average, {:.1} ms at most",
        lag.arrivals, lag.mean_ms, lag.max_ms
    ))?;
    load.stop().await;
    for (name, server) in [("primary", &pair.primary), ("standby", &pair.standby)] {
        dearest(name, server, options.statements).await?;
    }
    Ok(())
}

/// Prints what cost a server most, without what the lab did to set it up.
async fn dearest(name: &str, server: &Server, count: i64) -> Result<()> {
    let question = "select calls, mean_exec_time, total_exec_time, left(query, 120) from pg_stat_statements \
                    join pg_roles r on r.oid = userid where not rolsuper order by total_exec_time desc limit $1";
    let mut connection = server.connect().await?;
    let rows = sqlx::query(question).bind(count).fetch_all(&mut connection).await;
    for row in rows.map_err(database("read the statements"))? {
        let field = |error| database("read the statements")(error);
        let (calls, mean_ms): (i64, f64) = (row.try_get(0).map_err(field)?, row.try_get(1).map_err(field)?);
        let (total_ms, text): (f64, String) =
            (row.try_get(2).map_err(field)?, row.try_get(3).map_err(field)?);
        say(&format!("{name}  {calls:>7} times  {mean_ms:>8.3} ms each  {total_ms:>9.0} ms  {text}"))?;
    }
    Ok(())
}

/// Measures minute by minute; the median latencies.
async fn minutes(options: &Healthy, load: &Load, pair: &Pair, at_s: &mut usize) -> Result<Vec<f64>> {
    say(
        "minute  requests/s  statements/s  busy   p50 ms  p95 ms  p99 ms  failed  primary  standby  load itself",
    )?;
    let mut medians = Vec::with_capacity(options.minutes);
    for minute in 1..=options.minutes {
        let (from_s, from, before) = (*at_s, Instant::now(), Cpu::read(pair)?);
        *at_s += MINUTE_S;
        until(load, *at_s).await;
        let (spent, took_s) = (Cpu::read(pair)?.since(&before), from.elapsed().as_secs_f64());
        let seconds = load.seconds();
        let seconds = seconds.get(from_s..*at_s).unwrap_or_default();
        let per_s = |of: fn(&Second) -> f64| seconds.iter().map(of).sum::<f64>() / MINUTE_S as f64;
        let mut latencies_ms = load.latencies_ms(from_s..*at_s);
        latencies_ms.sort_by(f64::total_cmp);
        medians.push(quantile(&latencies_ms, 0.5));
        say(&format!(
            "{minute:>6}  {:>10.1}  {:>12.1}  {:>4.2}  {:>6.2}  {:>6.1}  {:>6.1}  {:>6}  {:>6.1}%  {:>6.1}%  {:>10.1}%",
            per_s(|second| second.requests_arrived as f64),
            per_s(|second| second.statements as f64),
            per_s(|second| second.busy),
            quantile(&latencies_ms, 0.5),
            quantile(&latencies_ms, 0.95),
            quantile(&latencies_ms, 0.99),
            seconds.iter().map(|second| second.failed + second.turned_away).sum::<u64>(),
            100.0 * spent.primary_s / took_s,
            100.0 * spent.standby_s / took_s,
            100.0 * spent.own_s / took_s,
        ))?;
    }
    Ok(medians)
}

/// Waits until so many seconds of the load are over.
async fn until(load: &Load, seconds: usize) {
    while load.seconds().len() < seconds {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Whether the medians of the minutes go up or down: the trend's size by Theil and Sen, its significance by Mann and
/// Kendall.
fn drift(medians: &[f64]) -> String {
    let count = medians.len() as f64;
    if medians.len() < 4 {
        return "too few minutes to tell a drift".to_owned();
    }
    let pairs = (0..medians.len()).flat_map(|one| (one + 1..medians.len()).map(move |other| (one, other)));
    let mut slopes: Vec<f64> =
        pairs.map(|(one, other)| (medians[other] - medians[one]) / (other - one) as f64).collect();
    let signs: f64 = slopes.iter().map(|slope| if *slope == 0.0 { 0.0 } else { slope.signum() }).sum();
    slopes.sort_by(f64::total_cmp);
    let mut sorted = medians.to_vec();
    sorted.sort_by(f64::total_cmp);
    let drift = median(&slopes) * (count - 1.0) / median(&sorted);
    let variance = count * (count - 1.0) * (2.0 * count + 5.0) / 18.0;
    let z = (signs.abs() - 1.0).max(0.0) / variance.sqrt();
    let steady = z < SIGNIFICANT || drift.abs() < NEGLIGIBLE;
    format!(
        "the median of the minutes is {:.2} ms ({:.2} to {:.2}) and drifts by {:+.1} % from begin to end (z = {z:.2}): {}",
        median(&sorted),
        sorted[0],
        sorted[sorted.len() - 1],
        100.0 * drift,
        if steady { "steady" } else { "not steady" }
    )
}

/// The value that a share of the sorted ones is below.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = (share * sorted.len().saturating_sub(1) as f64).round() as usize;
    sorted.get(place).copied().unwrap_or(f64::NAN)
}

/// Processor time that was spent, seconds.
struct Cpu {
    primary_s: f64,
    standby_s: f64,
    own_s: f64,
}

impl Cpu {
    fn read(pair: &Pair) -> Result<Self> {
        let of = |server: &Server| server.pid().map_or(Ok(0.0), server_s);
        Ok(Self {
            primary_s: of(&pair.primary)?,
            standby_s: of(&pair.standby)?,
            own_s: times_s(std::process::id()).map_or(0.0, |(own_s, _)| own_s),
        })
    }

    fn since(&self, before: &Self) -> Self {
        Self {
            primary_s: self.primary_s - before.primary_s,
            standby_s: self.standby_s - before.standby_s,
            own_s: self.own_s - before.own_s,
        }
    }
}

/// What a server and its children have used, those that have ended included.
fn server_s(pid: u32) -> Result<f64> {
    let ended_s = times_s(pid).map_or(0.0, |(_, ended_s)| ended_s);
    let running = family(pid)?.into_iter().filter_map(times_s);
    Ok(ended_s + running.map(|(own_s, _)| own_s).sum::<f64>())
}

/// What a process has used, and what its ended children have.
pub(super) fn times_s(pid: u32) -> Option<(f64, f64)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name is in brackets and may hold anything; user, system and the children's times are 12 fields on.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |number: usize| fields.get(number)?.parse::<f64>().ok();
    Some(((ticks(11)? + ticks(12)?) / TICKS_PER_S, (ticks(13)? + ticks(14)?) / TICKS_PER_S))
}

/// Keeps all threads, and all that they start from now on, on one core.
fn pin(core: usize) -> Result<()> {
    let cannot =
        |error: nix::Error| Error::Wrong { what: format!("cannot run on core {core} alone: {error}") };
    let mut cores = CpuSet::new();
    cores.set(core).map_err(cannot)?;
    for thread in std::fs::read_dir("/proc/self/task").map_err(io("list the threads"))? {
        let name = thread.map_err(io("list the threads"))?.file_name();
        if let Ok(thread) = name.to_string_lossy().parse() {
            sched_setaffinity(Pid::from_raw(thread), &cores).map_err(cannot)?;
        }
    }
    Ok(())
}

async fn size_mib(server: &Server) -> Result<f64> {
    let mut connection = server.connect().await?;
    let size = sqlx::query("select pg_database_size(current_database()) / 1048576.0::float8");
    let size = size.fetch_one(&mut connection).await.and_then(|row| row.try_get(0));
    size.map_err(database("read the database's size"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trend_is_told_from_noise() {
        let check = |medians: &[f64], expected: &str| {
            let said = drift(medians);
            assert!(said.ends_with(expected), "{said}");
        };
        check(&[5.0, 5.1, 4.9, 5.0, 5.2, 4.8, 5.0, 5.1, 4.9, 5.0], ": steady");
        check(&[5.0, 5.3, 5.5, 6.0, 6.1, 6.4, 6.6, 7.0, 7.2, 7.5], ": not steady");
        check(&[5.00, 5.01, 5.02, 5.03, 5.04, 5.05, 5.06, 5.07, 5.08, 5.09], ": steady");
        check(&[5.0, 5.0], "too few minutes to tell a drift");
    }

    #[test]
    fn this_process_has_used_some_time() {
        assert!(times_s(std::process::id()).is_some_and(|(own_s, _)| own_s >= 0.0));
    }
}
