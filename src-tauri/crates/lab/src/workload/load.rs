//! The load: requests arrive when they like, not when the services are ready for them (open loop), and wait when all
//! connections are busy, up to a limit. Versions, traffic and cache change while it runs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use tokio::task::JoinHandle;

use super::arrivals::{Arrivals, Source};
use super::clients::client;
use super::connection::Addresses;
use super::meter::{EdgeCounts, GeneratorLag, Meter, Second};
use super::program::Programs;
use super::queue::Request;
use super::service::ServiceLoad;
use super::traffic::{ChangeId, Traffic, TrafficChange};
use super::values::Sources;
use super::{Version, Workload};
use crate::clock::unix_now;
use crate::error::{Error, Result};
use crate::postgres::Server;

/// What to run.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// The workload that the servers are set up for.
    pub workload: Arc<Workload>,
    /// The scale that they are set up with.
    pub scale: f64,
    /// Versions that services may be switched to.
    pub versions: Vec<Version>,
    /// What arrivals and values are drawn from.
    pub seed: u64,
    /// Times the workload's rates.
    pub rate: f64,
}

/// The load of a workload's services; it stops when dropped.
#[derive(Debug)]
pub struct Load {
    services: Arc<Vec<ServiceLoad>>,
    meter: Arc<Meter>,
    traffic: Arc<Mutex<Traffic>>,
    cache_lost: Arc<AtomicBool>,
    driver: Mutex<Option<JoinHandle<()>>>,
}

impl Load {
    /// Starts the load, with the versions of the beginning. Within a tokio runtime.
    ///
    /// # Errors
    /// When a version does not fit the workload.
    pub fn start(options: LoadOptions, primary: &Server, replica: &Server) -> Result<Self> {
        let workload = options.workload.with_scale(options.scale);
        if let Some(version) = options.versions.iter().find(|of| workload.service(&of.service).is_none()) {
            let what =
                format!("version {} is one of {}, which is no service", version.version, version.service);
            return Err(Error::Wrong { what });
        }
        let sources = Arc::new(Sources::of(&workload));
        let (meter, cache_lost) = (Arc::new(Meter::start()), Arc::new(AtomicBool::new(false)));
        let mut services = Vec::with_capacity(workload.services.len());
        for service in &workload.services {
            let programs = Programs::of(service, &options.versions, &sources)?;
            services.push(ServiceLoad::start(
                (&service.name, service.requests_per_s * options.rate),
                programs,
                Arc::clone(&sources),
                Addresses::new(&service.name, primary, replica),
                (Arc::clone(&meter), Arc::clone(&cache_lost)),
            ));
        }
        let (services, traffic) = (Arc::new(services), Arc::new(Mutex::new(Traffic::default())));
        let arrivals = arrivals(options.seed, &services);
        let driver =
            tokio::spawn(drive(arrivals, Arc::clone(&services), Arc::clone(&traffic), Arc::clone(&meter)));
        Ok(Self { services, meter, traffic, cache_lost, driver: Mutex::new(Some(driver)) })
    }

    /// From now on that share (0 to 1) of the service's requests and slots runs the version: 1 is all of them. What is
    /// under way in another version is given up at its next statement. A version that nobody has described does what the
    /// one at the beginning does, under another name. Nothing happens when there is no such service.
    pub fn switch(&self, service: &str, version: &str, share: f64) {
        match self.service(service) {
            Some(service) => service.switch(version, share),
            None => tracing::warn!(service, version, "there is no such service to switch"),
        }
    }

    /// Waits until a request of a version begins that runs, or will; when that was, Unix seconds.
    pub async fn first_request(&self, service: &str, version: &str) -> f64 {
        match self.service(service) {
            Some(service) => service.first_request(version).await,
            None => unix_now(),
        }
    }

    /// Changes the traffic from now on. Several changes multiply.
    pub fn traffic(&self, change: TrafficChange) -> ChangeId {
        self.changes().begin(change, self.meter.now_s())
    }

    /// Ends a change of traffic, at once.
    pub fn end_traffic(&self, change: ChangeId) {
        self.changes().end(change);
    }

    /// Empties the cache in front of the database, or fills it again.
    pub fn lose_cache(&self, lost: bool) {
        self.cache_lost.store(lost, Ordering::Relaxed);
    }

    /// What the users felt in each second that is over.
    pub fn seconds(&self) -> Vec<Second> {
        self.meter.seconds()
    }

    /// The times that requests took which ended in those seconds since the start, milliseconds.
    pub fn latencies_ms(&self, seconds: std::ops::Range<usize>) -> Vec<f64> {
        self.meter.latencies_ms(seconds)
    }

    /// What an edge in front of the services counts.
    pub fn edge(&self) -> EdgeCounts {
        self.meter.edge()
    }

    /// How late requests were sent: whether the load itself is slow.
    pub fn generator_lag(&self) -> GeneratorLag {
        self.meter.lag()
    }

    /// Stops, and waits until all connections are closed.
    pub async fn stop(&self) {
        let driver = self.driver.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(driver) = driver {
            driver.abort();
            let _aborted = driver.await;
        }
        join_all(self.services.iter().map(ServiceLoad::stop)).await;
    }

    fn service(&self, name: &str) -> Option<&ServiceLoad> {
        self.services.iter().find(|service| service.name == name)
    }

    fn changes(&self) -> MutexGuard<'_, Traffic> {
        self.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        if let Some(driver) = self.driver.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            driver.abort();
        }
    }
}

fn arrivals(seed: u64, services: &[ServiceLoad]) -> Arrivals {
    let mut sources = Vec::new();
    for (number, service) in services.iter().enumerate() {
        let routes = service.routes().iter().enumerate();
        sources.extend(routes.map(|(route, name)| Source {
            service: (service.name.as_str(), number),
            route: (name.as_str(), route),
            per_s: service.rates_per_s(route).0,
        }));
    }
    Arrivals::new(seed, &sources)
}

/// Sends every request at its time, whatever the services do.
async fn drive(
    mut arrivals: Arrivals,
    services: Arc<Vec<ServiceLoad>>,
    traffic: Arc<Mutex<Traffic>>,
    meter: Arc<Meter>,
) {
    let at = |s: f64| meter.started() + Duration::from_secs_f64(s);
    let requests_per_s: f64 = services.iter().map(ServiceLoad::requests_per_s).sum();
    loop {
        let now_s = arrivals.next_cell_s();
        tokio::time::sleep_until(at(now_s)).await;
        let cell = {
            let traffic = traffic.lock().unwrap_or_else(PoisonError::into_inner);
            arrivals.next_cell(|service, route| {
                let service = &services[service];
                let factor = traffic.factor(&service.name, &service.routes()[route], now_s);
                service.rates_per_s(route).1 * factor
            })
        };
        for arrival in cell {
            let due = at(arrival.at_s);
            tokio::time::sleep_until(due).await;
            let request = Request { route: arrival.route, seed: arrival.seed, arrived: due };
            let service = &services[arrival.service];
            let (visitors, few) = {
                let traffic = traffic.lock().unwrap_or_else(PoisonError::into_inner);
                traffic.origin(&service.name, &service.routes()[arrival.route], arrival.at_s)
            };
            let room = service.arrive(request, arrival.lot);
            meter.arrived(due, client(arrival.seed, requests_per_s * visitors, few), room);
        }
    }
}
