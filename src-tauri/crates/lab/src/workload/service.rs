//! A service under load: its slots, each with a connection to both servers, and which version each of them runs.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::connection::{Addresses, Connections, Failure};
use super::meter::{Meter, Outcome};
use super::program::{Act, Program, Programs, Task, What};
use super::queue::{Lane, Queue, Request};
use super::values::{Drawn, Sources};
use crate::clock::unix_now;

/// How long a slot rests when it cannot connect.
const REST: Duration = Duration::from_millis(200);

/// A version that runs.
#[derive(Debug)]
struct Deployment {
    program: Arc<Program>,
    /// Whether a request of it has begun.
    serves: AtomicBool,
}

/// Which versions run.
#[derive(Clone, Debug)]
struct Assignment {
    stable: Arc<Deployment>,
    /// With its share of the requests, above 0 and below 1.
    canary: Option<(Arc<Deployment>, f64)>,
}

impl Assignment {
    /// How many slots each of the two has: together about as many as one would have.
    fn slots(&self) -> (usize, usize) {
        let part =
            |share: f64, of: &Deployment| ((share * of.program.connections as f64).round() as usize).max(1);
        match &self.canary {
            None => (self.stable.program.connections, 0),
            Some((canary, share)) => (part(1.0 - share, &self.stable), part(*share, canary)),
        }
    }

    /// What a slot runs, and for whom.
    fn of_slot(&self, slot: usize) -> Option<(&Arc<Deployment>, Lane)> {
        let (stable, canary) = self.slots();
        if slot < stable {
            return Some((&self.stable, Lane::Stable));
        }
        self.canary.as_ref().filter(|_| slot < stable + canary).map(|(canary, _)| (canary, Lane::Canary))
    }

    fn deployments(&self) -> impl Iterator<Item = &Arc<Deployment>> {
        self.canary.iter().map(|(canary, _)| canary).chain([&self.stable])
    }
}

/// What all slots of a service share.
#[derive(Debug)]
struct Shared {
    programs: Programs,
    sources: Arc<Sources>,
    addresses: Addresses,
    assignment: watch::Sender<Assignment>,
    /// Versions that run and have begun to serve, and since when, Unix seconds.
    serving: watch::Sender<BTreeMap<String, f64>>,
    queue: Queue,
    meter: Arc<Meter>,
    cache_lost: Arc<AtomicBool>,
}

/// A service under load; it stops when dropped.
#[derive(Debug)]
pub(super) struct ServiceLoad {
    pub(super) name: String,
    requests_per_s: f64,
    shared: Arc<Shared>,
    slots: Mutex<JoinSet<()>>,
}

impl ServiceLoad {
    pub(super) fn start(
        (name, requests_per_s): (&str, f64),
        programs: Programs,
        sources: Arc<Sources>,
        addresses: Addresses,
        (meter, cache_lost): (Arc<Meter>, Arc<AtomicBool>),
    ) -> Self {
        let first = Deployment { program: Arc::clone(&programs.all[0]), serves: AtomicBool::new(false) };
        let assignment = watch::Sender::new(Assignment { stable: Arc::new(first), canary: None });
        let serving = watch::Sender::new(BTreeMap::new());
        let queue = Queue::default();
        let shared = Shared { programs, sources, addresses, assignment, serving, queue, meter, cache_lost };
        let load = Self {
            name: name.to_owned(),
            requests_per_s,
            shared: Arc::new(shared),
            slots: Mutex::new(JoinSet::new()),
        };
        load.open_slots();
        load
    }

    /// Requests per second at the beginning, all routes together.
    pub(super) fn requests_per_s(&self) -> f64 {
        self.requests_per_s
    }

    /// Names of the routes of all versions.
    pub(super) fn routes(&self) -> &[String] {
        &self.shared.programs.routes
    }

    /// Requests per second of a route at the beginning, and now that other versions run.
    pub(super) fn rates_per_s(&self, route: usize) -> (f64, f64) {
        let weight = |program: &Program| {
            program.routes.get(route).and_then(Option::as_ref).map_or(0.0, |task| task.weight)
        };
        let first = &self.shared.programs.all[0];
        let all: f64 = first.routes.iter().flatten().map(|task| task.weight).sum();
        let assignment = self.shared.assignment.borrow();
        let stable = weight(&assignment.stable.program);
        let now = match &assignment.canary {
            None => stable,
            Some((canary, share)) => stable * (1.0 - share) + weight(&canary.program) * share,
        };
        (self.requests_per_s * weight(first) / all, self.requests_per_s * now / all)
    }

    /// A request arrives; `lot`, 0 to 1, decides which version gets it. Whether there was room.
    pub(super) fn arrive(&self, request: Request, lot: f64) -> bool {
        let lane = {
            let assignment = self.shared.assignment.borrow();
            let has = |deployment: &Deployment| {
                let task = deployment.program.routes.get(request.route).and_then(Option::as_ref);
                task.map_or(0.0, |task| task.weight)
            };
            match &assignment.canary {
                Some((canary, share)) => {
                    let (new, old) = (has(canary) * share, has(&assignment.stable) * (1.0 - share));
                    if lot * (new + old) < new { Lane::Canary } else { Lane::Stable }
                }
                None => Lane::Stable,
            }
        };
        self.shared.queue.push(lane, request)
    }

    /// Gives a share of the requests and slots to a version.
    pub(super) fn switch(&self, version: &str, share: f64) {
        let known = |assignment: &Assignment| {
            let mut running = assignment.deployments();
            running.find(|deployment| deployment.program.version == version).map(Arc::clone)
        };
        self.shared.assignment.send_modify(|assignment| {
            let wanted = known(assignment).unwrap_or_else(|| {
                let program = self.shared.programs.version(version);
                Arc::new(Deployment { program, serves: AtomicBool::new(false) })
            });
            let is_stable = Arc::ptr_eq(&wanted, &assignment.stable);
            if share >= 1.0 {
                *assignment = Assignment { stable: wanted, canary: None };
            } else if share <= 0.0 {
                assignment.canary =
                    assignment.canary.take().filter(|(canary, _)| !Arc::ptr_eq(canary, &wanted));
            } else if !is_stable {
                assignment.canary = Some((wanted, share));
            } else if let Some((_, of_canary)) = &mut assignment.canary {
                *of_canary = 1.0 - share;
            }
        });
        let (running, one): (Vec<String>, bool) = {
            let assignment = self.shared.assignment.borrow();
            let names = assignment.deployments().map(|deployment| deployment.program.version.clone());
            (names.collect(), assignment.canary.is_none())
        };
        self.shared.serving.send_modify(|serving| serving.retain(|version, _| running.contains(version)));
        if one {
            self.shared.queue.merge();
        }
        self.open_slots();
    }

    /// Waits until a request of that version has begun; when that was.
    pub(super) async fn first_request(&self, version: &str) -> f64 {
        let mut serving = self.shared.serving.subscribe();
        // The sender lives as long as `self`.
        let served = serving.wait_for(|serving| serving.contains_key(version)).await;
        served.ok().and_then(|serving| serving.get(version).copied()).unwrap_or_else(unix_now)
    }

    /// Stops all slots and closes their connections.
    pub(super) async fn stop(&self) {
        let mut slots = std::mem::take(&mut *self.slots.lock().unwrap_or_else(PoisonError::into_inner));
        slots.shutdown().await;
    }

    /// Opens the slots that the versions need more than there are.
    fn open_slots(&self) {
        let (stable, canary) = self.shared.assignment.borrow().slots();
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        for number in slots.len()..stable + canary {
            slots.spawn(slot(Arc::clone(&self.shared), number));
        }
    }
}

/// One slot serves requests one after the other, in the version that it is given at the time.
async fn slot(shared: Arc<Shared>, number: usize) {
    let mut changed = shared.assignment.subscribe();
    loop {
        let given =
            changed.borrow_and_update().of_slot(number).map(|(given, lane)| (Arc::clone(given), lane));
        match given {
            Some((deployment, lane)) => {
                let connections = Connections::new(&shared.addresses, &deployment.program);
                Slot { shared: &shared, number, deployment, lane, connections }.serve_all().await;
            }
            None => {
                if changed.changed().await.is_err() {
                    return;
                }
            }
        }
    }
}

/// A slot as long as it runs one version.
struct Slot<'a> {
    shared: &'a Shared,
    number: usize,
    deployment: Arc<Deployment>,
    lane: Lane,
    connections: Connections,
}

impl Slot<'_> {
    /// Serves until it is given another version.
    async fn serve_all(&mut self) {
        let mut changed = self.shared.assignment.subscribe();
        while self.is_current() {
            tokio::select! {
                request = self.shared.queue.take(self.lane) => self.serve(request).await,
                _changed = changed.changed() => {}
            }
        }
        self.connections.close().await;
    }

    fn is_current(&self) -> bool {
        let assignment = self.shared.assignment.borrow();
        let given = assignment.of_slot(self.number);
        given.is_some_and(|(given, lane)| Arc::ptr_eq(given, &self.deployment) && lane == self.lane)
    }

    async fn serve(&mut self, request: Request) {
        let program = Arc::clone(&self.deployment.program);
        // The route may be one of a version that is gone.
        let Some(task) = program.routes.get(request.route).and_then(Option::as_ref) else {
            return self.shared.meter.ended(request.arrived, Outcome::Abandoned);
        };
        if !self.deployment.serves.swap(true, Ordering::Relaxed) {
            let since = unix_now();
            self.shared.serving.send_modify(|serving| {
                serving.insert(program.version.clone(), since);
            });
        }
        let outcome = self.attempt(task, request.seed).await;
        self.shared.meter.ended(request.arrived, outcome.unwrap_or_else(|failure| failure.outcome()));
        if program.connect_per_request {
            self.connections.close().await;
        }
        if matches!(outcome, Err(Ended::NotConnected)) {
            tokio::time::sleep(REST).await;
        }
    }

    /// One request from its first step to its last.
    async fn attempt(&mut self, task: &Task, seed: u64) -> Result<Outcome, Ended> {
        let mut random = SmallRng::seed_from_u64(seed);
        let mut drawn = Drawn::default();
        if task.transaction {
            self.control("begin").await?;
        }
        for act in &task.steps {
            if self.skips(act, &mut random) {
                continue;
            }
            for time in 0..act.times {
                if let Err(ended) = self.act(act, time > 0, &mut drawn, &mut random).await {
                    if task.transaction {
                        self.connections.roll_back(&self.shared.meter).await;
                    }
                    return Err(ended);
                }
            }
        }
        if task.transaction {
            self.control("commit").await?;
        }
        Ok(Outcome::Served)
    }

    /// Whether a step is not done this time, because of its share or thanks to the cache. The same draws are made in
    /// either case, so that a lost cache changes nothing else.
    fn skips(&self, act: &Act, random: &mut SmallRng) -> bool {
        let (share, cache): (f64, f64) = (random.random(), random.random());
        share >= act.share || (cache < act.cached && !self.shared.cache_lost.load(Ordering::Relaxed))
    }

    async fn act(
        &mut self,
        act: &Act,
        again: bool,
        drawn: &mut Drawn,
        random: &mut SmallRng,
    ) -> Result<(), Ended> {
        if !self.is_current() {
            return Err(Ended::Switched);
        }
        match &act.what {
            What::Pause(duration) => tokio::time::sleep(*duration).await,
            What::Run { sql, params, on } => {
                let values = self.shared.sources.draw(params, again, drawn, random);
                let run = self.connections.run(*on, sql, values, &self.shared.meter).await;
                run.map_err(|failure| self.tell(failure, sql))?;
            }
        }
        Ok(())
    }

    async fn control(&mut self, sql: &'static str) -> Result<(), Ended> {
        let run = self.connections.control(sql, &self.shared.meter).await;
        run.map_err(|failure| self.tell(failure, sql))
    }

    fn tell(&self, failure: Failure, sql: &str) -> Ended {
        let (error, ended) = match failure {
            Failure::Connect(error) => (error, Ended::NotConnected),
            Failure::Statement(error) => (error, Ended::Failed),
        };
        tracing::debug!(%error, service = self.deployment.program.service, sql, "a request failed");
        ended
    }
}

/// Why a request came to no good end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Switched,
    NotConnected,
    Failed,
}

impl Ended {
    fn outcome(self) -> Outcome {
        match self {
            Self::Switched => Outcome::Abandoned,
            Self::NotConnected | Self::Failed => Outcome::Failed,
        }
    }
}
