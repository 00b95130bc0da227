//! A scenario from the open shop to the written truth: every event at its time, and the files at the end.

use std::sync::Arc;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Options;
use super::deploying::{DeploySystem, at};
use super::effect::Felt;
use super::happened::{Circumstances, Happened, truth};
use super::sayings::Sayings;
use super::stage::Stage;
use super::statements;
use crate::clock::unix_now;
use crate::error::{Error, Result, io};
use crate::postgres::Pair;
use crate::scenario::{Action, Event, Scenario, Traffic};
use crate::workload::{Load, TrafficChange};

/// How often Faultline is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Plays it.
pub(super) async fn play(options: &Options, scenario: &Scenario) -> Result<()> {
    let mut sayings = Sayings::start();
    sayings.say(&format!("{}: {} (seed {})", scenario.name, scenario.title, options.seed));
    let mut stage = Stage::set_up(options, scenario, |line| sayings.say(line)).await?;
    let healthy = Duration::from_secs_f64(healthy_s(scenario, options.seed));
    let (zero, zero_at) = (Instant::now() + healthy, unix_now() + healthy.as_secs_f64());
    sayings.zero(zero_at);

    let deploys = DeploySystem::new(&stage, scenario);
    let players = Arc::new(Players {
        deploys,
        load: Arc::clone(&stage.load),
        pair: Arc::clone(&stage.pair),
        happened: Happened::default(),
        zero,
    });
    let mut playing = JoinSet::new();
    for event in &scenario.events {
        playing.spawn(one(event.clone(), Arc::clone(&players), undoes(scenario, event)));
    }
    let end = at(zero, scenario.phases.after_s);
    while Instant::now() < end {
        tokio::time::sleep(LOOK_EVERY).await;
        stage.watch.check_running()?;
        for (heard_at, line) in stage.watch.new_lines() {
            sayings.heard(heard_at, &line);
        }
        while let Some(played) = playing.try_join_next() {
            sayings.say(&played.map_err(failed)??);
        }
    }
    playing.shutdown().await;
    write(options, scenario, stage, &players.happened, zero_at, &sayings).await
}

/// How long it is healthy; the seed moves it.
fn healthy_s(scenario: &Scenario, seed: u64) -> f64 {
    let jitter_s = scenario.phases.healthy_jitter_s;
    let moved_s = SmallRng::seed_from_u64(seed).random_range(-1.0..=1.0) * jitter_s;
    scenario.phases.healthy_s + moved_s
}

/// Whether the trouble ends with this event: going back from the guilty deploy, or whatever began it and is over.
fn undoes(scenario: &Scenario, event: &Event) -> bool {
    match &event.action {
        Action::RollBack(back) => scenario.truth.deploy.as_ref().is_some_and(|deploy| {
            deploy.strip_prefix(&back.service).is_some_and(|rest| rest.starts_with('-'))
        }),
        Action::Deploy(_) => false,
        Action::Sql(_) | Action::Traffic(_) | Action::CacheLoss(_) => event.onset,
    }
}

/// What events need.
struct Players {
    deploys: DeploySystem,
    load: Arc<Load>,
    pair: Arc<Pair>,
    happened: Happened,
    zero: Instant,
}

/// Plays one event; what it was, once it is over.
async fn one(event: Event, players: Arc<Players>, undoes: bool) -> Result<String> {
    tokio::time::sleep_until(at(players.zero, event.at_s)).await;
    let begins = |at: f64| {
        if event.onset {
            players.happened.began(at);
        }
    };
    let done = match &event.action {
        Action::Deploy(deploy) => {
            players.deploys.deploy(deploy, players.zero, &players.happened, begins).await?;
            format!("deployed {} {}", deploy.service, deploy.version)
        }
        Action::RollBack(back) => {
            let undone = players.deploys.roll_back(back, &players.happened).await?;
            if undoes {
                players.happened.ended(undone);
            }
            return Ok(format!("rolled {} back", back.service));
        }
        Action::Sql(sql) => {
            let until = sql.until_s.map(|until_s| at(players.zero, until_s));
            statements::run(sql, &players.pair, until, &players.happened, || begins(unix_now())).await?;
            format!("{} is done", sql.application)
        }
        Action::Traffic(traffic) => {
            begins(unix_now());
            let change = players.load.traffic(change(traffic));
            sleep_until(&players, traffic.until_s).await;
            players.load.end_traffic(change);
            "the traffic is as before".to_owned()
        }
        Action::CacheLoss(loss) => {
            begins(unix_now());
            players.load.lose_cache(true);
            sleep_until(&players, loss.until_s).await;
            players.load.lose_cache(false);
            "the cache is full again".to_owned()
        }
    };
    if undoes {
        players.happened.ended(unix_now());
    }
    Ok(done)
}

/// Waits for the end of something that lasts; for ever when it lasts to the end.
async fn sleep_until(players: &Players, until_s: Option<f64>) {
    match until_s {
        Some(until_s) => tokio::time::sleep_until(at(players.zero, until_s)).await,
        None => std::future::pending().await,
    }
}

fn change(traffic: &Traffic) -> TrafficChange {
    TrafficChange {
        services: traffic.services.clone(),
        routes: traffic.routes.clone(),
        factor: traffic.factor,
        ramp: Duration::from_secs_f64(traffic.ramp_s),
        clients: traffic.clients,
    }
}

/// Ends the play and writes what is asked for.
async fn write(
    options: &Options,
    scenario: &Scenario,
    stage: Stage,
    happened: &Happened,
    zero: f64,
    sayings: &Sayings,
) -> Result<()> {
    let Stage { watch, faultctl, load, workload, pair, edge, watched_from } = stage;
    watch.end().await?;
    if let Some(file) = &options.record {
        faultctl.record(watched_from, unix_now(), file).await?;
        sayings.say(&format!("recording: {}", file.display()));
    }
    let felt = load.seconds().into_iter();
    let felt: Vec<Felt> =
        felt.map(|second| Felt { t: second.t, latency_ms: second.latency_ms, busy: second.busy }).collect();
    drop(edge);
    load.stop().await;
    drop(pair);
    if scenario.truth.cause.is_some() && happened.onset().is_none() {
        return Err(Error::Wrong { what: format!("the trouble of {} never began", scenario.name) });
    }
    let circumstances = Circumstances {
        scenario,
        workload: &workload,
        seed: options.seed,
        variant: options.variant.as_deref(),
        watched_from,
        zero,
        felt,
    };
    let truth = truth(happened, &circumstances);
    let since_zero =
        |at: Option<f64>| at.map_or_else(|| "never".to_owned(), |at| format!("{:+.1} s", at - zero));
    sayings.say(&format!(
        "truth: onset {}, effect {}, end {}",
        since_zero(truth.onset),
        since_zero(truth.effect),
        since_zero(truth.end)
    ));
    match &options.truth {
        Some(file) => truth.write(file),
        None => Ok(()),
    }
}

fn failed(error: tokio::task::JoinError) -> Error {
    io("play an event")(std::io::Error::other(error))
}
