//! The load: customers arrive when they like, not when the shop is ready for them (open loop, Poisson), and queue when
//! all of a service's connections are busy, up to a limit. Versions are switched while it runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::join_all;
use rand::SeedableRng;
use rand::distr::Distribution;
use rand::distr::weighted::WeightedIndex;
use rand::rngs::SmallRng;
use rand_distr::Exp;
use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::connection::{Addresses, Slot};
use super::pages::{Page, Service, Step, Version, pages};
use crate::postgres::Server;

/// Connections of a service, to each server.
const CONNECTIONS: usize = 16;
/// Requests that wait for a connection; more are turned away.
const QUEUE_LENGTH: usize = 200;
/// How long a slot rests after an error before it takes the next request.
const REST_AFTER_ERROR: Duration = Duration::from_millis(200);

/// What became of a service's requests since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Served.
    pub served: u64,
    /// Ended with an error.
    pub failed: u64,
    /// Turned away because the queue was full.
    pub turned_away: u64,
    /// Given up because a new version took over.
    pub abandoned: u64,
}

#[derive(Debug, Default)]
struct Counters {
    served: AtomicU64,
    failed: AtomicU64,
    turned_away: AtomicU64,
    abandoned: AtomicU64,
}

/// The load of both services; stops when dropped.
#[derive(Debug)]
pub struct Load {
    services: Vec<ServiceLoad>,
}

impl Load {
    /// Starts the load of both services, healthy versions first.
    pub fn start(primary: &Server, standby: &Server) -> Self {
        let services = Service::ALL.into_iter();
        Self { services: services.map(|service| ServiceLoad::start(service, primary, standby)).collect() }
    }

    /// One service's load.
    pub fn service(&self, service: Service) -> &ServiceLoad {
        let found = self.services.iter().find(|load| load.service == service);
        // `start` makes one for every service.
        found.unwrap_or(&self.services[0])
    }

    /// Asks both services to stop and waits until their connections are closed.
    pub async fn stop(&self) {
        join_all(self.services.iter().map(ServiceLoad::stop)).await;
    }
}

/// The load of one service; stops when dropped.
#[derive(Debug)]
pub struct ServiceLoad {
    service: Service,
    version: watch::Sender<Version>,
    /// The version that served a request last.
    serving: watch::Receiver<Version>,
    counters: Arc<Counters>,
    tasks: Mutex<JoinSet<()>>,
}

/// What every slot of a service needs.
#[derive(Clone, Debug)]
struct Shared {
    service: Service,
    addresses: Addresses,
    version: watch::Receiver<Version>,
    serving: Arc<watch::Sender<Version>>,
    arrivals: Arc<Mutex<mpsc::Receiver<()>>>,
    counters: Arc<Counters>,
}

impl ServiceLoad {
    fn start(service: Service, primary: &Server, standby: &Server) -> Self {
        let first = service.first_version();
        let (version, wanted) = watch::channel(first);
        let (served, serving) = watch::channel(first);
        let (arrive, arrivals) = mpsc::channel(QUEUE_LENGTH);
        let counters = Arc::new(Counters::default());
        let shared = Shared {
            service,
            addresses: Addresses::new(service, primary, standby),
            version: wanted,
            serving: Arc::new(served),
            arrivals: Arc::new(Mutex::new(arrivals)),
            counters: Arc::clone(&counters),
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(arrivals_of(service.pages_per_s(), arrive, Arc::clone(&counters)));
        for _slot in 0..CONNECTIONS {
            tasks.spawn(slot(shared.clone()));
        }
        Self { service, version, serving, counters, tasks: Mutex::new(tasks) }
    }

    /// Switches to another version: every slot gives up what it is doing at its next statement and connects anew.
    pub fn switch(&self, version: Version) {
        self.version.send_replace(version);
    }

    /// The version that slots are told to run.
    pub fn version(&self) -> Version {
        *self.version.borrow()
    }

    /// Waits until a request is being served by that version.
    pub async fn serves(&self, version: Version) {
        // The senders live as long as the slots; when those are gone nobody serves anything.
        let mut serving = self.serving.clone();
        let _gone = serving.wait_for(|serving| *serving == version).await;
    }

    /// What became of its requests.
    pub fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            served: read(&self.counters.served),
            failed: read(&self.counters.failed),
            turned_away: read(&self.counters.turned_away),
            abandoned: read(&self.counters.abandoned),
        }
    }

    async fn stop(&self) {
        self.tasks.lock().await.shutdown().await;
    }
}

/// Customers arrive at their own times: a slow shop changes nothing about when the next one comes.
async fn arrivals_of(per_s: f64, arrive: mpsc::Sender<()>, counters: Arc<Counters>) {
    let Ok(gap_s) = Exp::new(per_s) else { return };
    let mut random = SmallRng::from_rng(&mut rand::rng());
    let mut next = Instant::now();
    loop {
        next += Duration::from_secs_f64(gap_s.sample(&mut random));
        tokio::time::sleep_until(next).await;
        match arrive.try_send(()) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(())) => count(&counters.turned_away),
            Err(mpsc::error::TrySendError::Closed(())) => return,
        }
    }
}

/// One slot of the pool serves requests one after the other, in the version that is wanted at the time.
async fn slot(shared: Shared) {
    let mut random = SmallRng::from_rng(&mut rand::rng());
    loop {
        let version = *shared.version.borrow();
        let pages = pages(shared.service, version);
        let Ok(choice) = WeightedIndex::new(pages.iter().map(|page| page.weight)) else { return };
        let mut slot = Slot::new(&shared.addresses, shared.service, version);
        while *shared.version.borrow() == version {
            let mut wanted = shared.version.clone();
            let arrival = async { shared.arrivals.lock().await.recv().await };
            tokio::select! {
                arrived = arrival => if arrived.is_none() { return },
                _switched = wanted.wait_for(|wanted| *wanted != version) => break,
            }
            shared.serving.send_if_modified(|serving| std::mem::replace(serving, version) != version);
            serve(&shared, &mut slot, &pages[choice.sample(&mut random)], &mut random).await;
        }
    }
}

async fn serve(shared: &Shared, slot: &mut Slot, page: &Page, random: &mut SmallRng) {
    for step in &page.steps {
        let (statement, times) = match step {
            Step::Run(statement) => (statement, 1),
            Step::Loop(statement, times) => (statement, *times),
        };
        for _time in 0..times {
            if *shared.version.borrow() != slot.version() {
                return count(&shared.counters.abandoned);
            }
            if let Err(error) = slot.run(statement, random).await {
                tracing::debug!(%error, service = shared.service.name(), sql = statement.sql, "a request failed");
                count(&shared.counters.failed);
                tokio::time::sleep(REST_AFTER_ERROR).await;
                return;
            }
        }
    }
    count(&shared.counters.served);
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
