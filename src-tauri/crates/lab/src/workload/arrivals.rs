//! When requests arrive: Poisson arrivals whose rates drift, wobble and burst, drawn from the seed alone. Knows nothing
//! of databases; how fast they are changes nothing in here.

use std::collections::BTreeSet;
use std::f64::consts::TAU;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Exp1, StandardNormal};
use sha2::{Digest, Sha256};

/// How long a rate stays the same, seconds: a change of traffic acts within that time.
pub(super) const CELL_S: f64 = 0.1;
/// Cells in a second.
const CELLS_PER_S: u64 = 10;
/// How much a route's rate drifts slowly, at most, in either direction.
const DRIFT: f64 = 0.15;
/// Shortest and longest period of the drift, seconds.
const DRIFT_PERIOD_S: (f64, f64) = (60.0, 300.0);
/// Standard deviation of the logarithm of a route's noise.
const NOISE: f64 = 0.12;
/// How much of the last second's noise is in the next one's.
const NOISE_KEPT: f64 = 0.9;
/// Standard deviation of the logarithm of what a seed does to a route's rate for good.
const JITTER: f64 = 0.2;
/// Bursts per second over all routes.
const BURSTS_PER_S: f64 = 1.0 / 60.0;
/// Times a route's rate during a burst.
const BURST_FACTOR: (f64, f64) = (1.5, 2.5);
/// How long a burst lasts, seconds.
const BURST_S: (f64, f64) = (3.0, 8.0);

/// A request that arrives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Arrival {
    /// Seconds since the start.
    pub(super) at_s: f64,
    /// The service's number.
    pub(super) service: usize,
    /// The route's number in the service.
    pub(super) route: usize,
    /// 0 to 1: which version gets it.
    pub(super) lot: f64,
    /// What everything about the request is drawn from.
    pub(super) seed: u64,
}

/// A route that requests arrive at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    /// Its service's name and number.
    pub(super) service: (&'a str, usize),
    /// Its name and number.
    pub(super) route: (&'a str, usize),
    /// Requests per second at the beginning.
    pub(super) per_s: f64,
}

/// All arrivals, one tenth of a second after the other.
#[derive(Debug)]
pub(super) struct Arrivals {
    routes: Vec<RouteArrivals>,
    bursts: Bursts,
    cell: u64,
}

impl Arrivals {
    pub(super) fn new(seed: u64, sources: &[Source<'_>]) -> Self {
        let mut routes: Vec<RouteArrivals> =
            sources.iter().map(|source| RouteArrivals::new(seed, source)).collect();
        keep_services_rates(&mut routes, sources);
        let weights = sources.iter().map(|source| source.per_s).collect();
        let bursts = Bursts { random: stream(seed, &["bursts"]), weights, under_way: Vec::new() };
        Self { routes, bursts, cell: 0 }
    }

    /// When the next cell begins, seconds since the start.
    pub(super) fn next_cell_s(&self) -> f64 {
        self.cell as f64 * CELL_S
    }

    /// The arrivals of the next cell in their order. `per_s` is the mean rate of a route (service, route) now.
    pub(super) fn next_cell(&mut self, per_s: impl Fn(usize, usize) -> f64) -> Vec<Arrival> {
        let from_s = self.next_cell_s();
        if self.cell.is_multiple_of(CELLS_PER_S) {
            self.routes.iter_mut().for_each(RouteArrivals::next_second);
            self.bursts.next_second(from_s);
        }
        self.cell += 1;
        let mut arrivals = Vec::new();
        for (number, route) in self.routes.iter_mut().enumerate() {
            let mean_per_s = per_s(route.service, route.route) * self.bursts.factor(number, from_s);
            route.cell(from_s, mean_per_s, &mut arrivals);
        }
        arrivals.sort_by(|one, other| one.at_s.total_cmp(&other.at_s));
        arrivals
    }
}

/// The seed moves weight between a service's routes; its sum stays.
fn keep_services_rates(routes: &mut [RouteArrivals], sources: &[Source<'_>]) {
    let services: BTreeSet<usize> = routes.iter().map(|route| route.service).collect();
    for service in services {
        let of_service = || routes.iter().zip(sources).filter(|(route, _)| route.service == service);
        let before: f64 = of_service().map(|(_, source)| source.per_s).sum();
        let after: f64 = of_service().map(|(route, source)| source.per_s * route.jitter).sum();
        if after > 0.0 {
            let factor = before / after;
            routes
                .iter_mut()
                .filter(|route| route.service == service)
                .for_each(|route| route.jitter *= factor);
        }
    }
}

/// The arrivals at one route, from a stream of their own.
#[derive(Debug)]
struct RouteArrivals {
    service: usize,
    route: usize,
    random: Xoshiro256PlusPlus,
    jitter: f64,
    phase: f64,
    period_s: f64,
    /// Logarithm of this second's noise.
    noise: f64,
    /// How much the rate must add up to until the next arrival.
    remaining: f64,
}

impl RouteArrivals {
    fn new(seed: u64, source: &Source<'_>) -> Self {
        let mut random = stream(seed, &["route", source.service.0, source.route.0]);
        let normal: f64 = StandardNormal.sample(&mut random);
        let jitter = (JITTER * normal).exp();
        let phase = random.random_range(0.0..TAU);
        let period_s = random.random_range(DRIFT_PERIOD_S.0..DRIFT_PERIOD_S.1);
        let noise: f64 = StandardNormal.sample(&mut random);
        let remaining = Exp1.sample(&mut random);
        let (service, route) = (source.service.1, source.route.1);
        Self { service, route, random, jitter, phase, period_s, noise: NOISE * noise, remaining }
    }

    fn next_second(&mut self) {
        let normal: f64 = StandardNormal.sample(&mut self.random);
        self.noise = NOISE_KEPT * self.noise + (1.0 - NOISE_KEPT * NOISE_KEPT).sqrt() * NOISE * normal;
    }

    fn cell(&mut self, from_s: f64, mean_per_s: f64, arrivals: &mut Vec<Arrival>) {
        let drift = 1.0 + DRIFT * (TAU * from_s / self.period_s + self.phase).sin();
        // The mean of a lognormal is above that of its logarithm by half the variance.
        let noise = (self.noise - NOISE * NOISE / 2.0).exp();
        let per_s = mean_per_s * self.jitter * drift * noise;
        let (mut at_s, until_s) = (from_s, from_s + CELL_S);
        while self.remaining < per_s * (until_s - at_s) {
            at_s += self.remaining / per_s;
            self.remaining = Exp1.sample(&mut self.random);
            let (lot, seed) = (self.random.random(), self.random.random());
            arrivals.push(Arrival { at_s, service: self.service, route: self.route, lot, seed });
        }
        self.remaining -= per_s * (until_s - at_s);
    }
}

/// Now and then one of the routes is asked more for a few seconds, the busy ones more often.
#[derive(Debug)]
struct Bursts {
    random: Xoshiro256PlusPlus,
    weights: Vec<f64>,
    under_way: Vec<Burst>,
}

#[derive(Debug)]
struct Burst {
    /// Its place among the routes.
    route: usize,
    factor: f64,
    until_s: f64,
}

impl Bursts {
    fn next_second(&mut self, now_s: f64) {
        self.under_way.retain(|burst| burst.until_s > now_s);
        // The same draws in each second, burst or not.
        let begins = self.random.random::<f64>() < BURSTS_PER_S;
        let lot = self.random.random::<f64>() * self.weights.iter().sum::<f64>();
        let factor = self.random.random_range(BURST_FACTOR.0..BURST_FACTOR.1);
        let until_s = now_s + self.random.random_range(BURST_S.0..BURST_S.1);
        if begins {
            let mut sum = 0.0;
            let reached = self.weights.iter().position(|weight| {
                sum += weight;
                lot < sum
            });
            self.under_way.extend(reached.map(|route| Burst { route, factor, until_s }));
        }
    }

    fn factor(&self, route: usize, now_s: f64) -> f64 {
        let now = self.under_way.iter().filter(|burst| burst.route == route && burst.until_s > now_s);
        now.map(|burst| burst.factor).product()
    }
}

/// A stream of random numbers for a purpose: what others draw changes nothing in it.
fn stream(seed: u64, purpose: &[&str]) -> Xoshiro256PlusPlus {
    let mut hash = Sha256::new();
    hash.update(seed.to_be_bytes());
    for word in purpose {
        hash.update(word.as_bytes());
        hash.update([0]);
    }
    Xoshiro256PlusPlus::from_seed(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCES: [Source<'static>; 3] = [
        Source { service: ("one", 0), route: ("a", 0), per_s: 6.0 },
        Source { service: ("one", 0), route: ("b", 1), per_s: 2.0 },
        Source { service: ("two", 1), route: ("a", 0), per_s: 4.0 },
    ];

    fn base(service: usize, route: usize) -> f64 {
        SOURCES.iter().find(|s| (s.service.1, s.route.1) == (service, route)).unwrap().per_s
    }

    fn arrivals(seed: u64, seconds: u64, per_s: impl Fn(usize, usize) -> f64) -> Vec<Arrival> {
        let mut all = Arrivals::new(seed, &SOURCES);
        (0..seconds * CELLS_PER_S).flat_map(|_| all.next_cell(&per_s)).collect()
    }

    fn of(all: &[Arrival], service: usize, route: usize) -> Vec<Arrival> {
        all.iter().copied().filter(|a| (a.service, a.route) == (service, route)).collect()
    }

    #[test]
    fn a_seed_gives_the_same_arrivals_and_another_seed_others() {
        let (one, again, other) = (arrivals(7, 60, base), arrivals(7, 60, base), arrivals(8, 60, base));
        assert_eq!(one, again);
        assert_ne!(one, other);
        assert!(one.is_sorted_by(|a, b| a.at_s <= b.at_s));
    }

    #[test]
    fn what_happens_to_one_route_changes_nothing_for_the_others() {
        let surge =
            |service, route| base(service, route) * if (service, route) == (0, 0) { 8.0 } else { 1.0 };
        let (calm, surging) = (arrivals(7, 120, base), arrivals(7, 120, surge));
        assert_eq!(of(&calm, 0, 1), of(&surging, 0, 1));
        assert_eq!(of(&calm, 1, 0), of(&surging, 1, 0));
        let factor = of(&surging, 0, 0).len() as f64 / of(&calm, 0, 0).len() as f64;
        assert!((7.0..9.0).contains(&factor), "{factor}");
    }

    #[test]
    fn each_service_has_its_rate_in_the_long_run() {
        for seed in 0..8 {
            let all = arrivals(seed, 1800, base);
            for (service, expected) in [(0, 8.0), (1, 4.0)] {
                let per_s = all.iter().filter(|a| a.service == service).count() as f64 / 1800.0;
                assert!((per_s / expected - 1.0).abs() < 0.1, "seed {seed}: {per_s} for {expected}");
            }
        }
    }

    #[test]
    fn seconds_vary_more_than_with_a_steady_rate_but_not_wildly() {
        let all = arrivals(3, 1800, base);
        let mut counts = vec![0.0; 1800];
        all.iter().for_each(|a| counts[a.at_s as usize] += 1.0);
        let mean = counts.iter().sum::<f64>() / 1800.0;
        let variance = counts.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / 1799.0;
        let dispersion = variance / mean;
        assert!((1.02..1.8).contains(&dispersion), "{dispersion}");
    }

    #[test]
    fn nothing_arrives_where_nothing_is_asked() {
        assert!(arrivals(1, 60, |_, _| 0.0).is_empty());
    }
}
