//! What the users felt, second by second, and how well the arrivals kept their times.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::clients::{Client, Clients};

use crate::clock::unix_now;

/// Seconds that are kept; what comes later is not.
const MAX_SECONDS: usize = 24 * 3600;

/// What happened in one second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Second {
    /// Its beginning, Unix seconds.
    pub t: f64,
    /// Requests that arrived.
    pub requests_arrived: u64,
    /// Requests that ended well.
    pub served: u64,
    /// Requests that ended with an error.
    pub failed: u64,
    /// Requests for which there was no room in the queue.
    pub turned_away: u64,
    /// Requests given up because another version took over.
    pub abandoned: u64,
    /// Statements that ended.
    pub statements: u64,
    /// Mean time from arrival to end of the requests that were served or failed, milliseconds; none ended, none.
    pub latency_ms: Option<f64>,
    /// Statements under way, on average.
    pub busy: f64,
}

/// How late requests were sent, against their times of arrival.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct GeneratorLag {
    /// Requests.
    pub arrivals: u64,
    /// On average, milliseconds.
    pub mean_ms: f64,
    /// At most, milliseconds.
    pub max_ms: f64,
}

/// What an edge in front of the services has counted since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EdgeCounts {
    /// Requests that ended well.
    pub served: u64,
    /// Requests that ended with an error.
    pub failed: u64,
    /// Requests for which there was no room in the queue.
    pub turned_away: u64,
    /// Time from arrival to end of all those that were served or failed, seconds.
    pub seconds: f64,
    /// Different clients within the last ten seconds.
    pub clients: usize,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Served,
    Failed,
    Abandoned,
}

/// Counts what happens.
#[derive(Debug)]
pub(super) struct Meter {
    started: Instant,
    started_unix_s: f64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    bins: Vec<Bin>,
    /// Statements under way.
    busy: u32,
    /// Until when those are in the bins, seconds since the start.
    counted_s: f64,
    lag_sum_ms: f64,
    lag: GeneratorLag,
    edge: EdgeCounts,
    clients: Clients,
}

#[derive(Clone, Debug, Default)]
struct Bin {
    arrived: u64,
    served: u64,
    failed: u64,
    turned_away: u64,
    abandoned: u64,
    statements: u64,
    busy_s: f64,
    latencies_ms: Vec<f32>,
}

impl Meter {
    pub(super) fn start() -> Self {
        Self { started: Instant::now(), started_unix_s: unix_now(), state: Mutex::default() }
    }

    /// When it all began.
    pub(super) fn started(&self) -> Instant {
        self.started
    }

    /// Seconds since the start.
    pub(super) fn now_s(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// A client sent a request that was due to arrive then.
    pub(super) fn arrived(&self, due: Instant, client: Client, room: bool) {
        let lag_ms = due.elapsed().as_secs_f64() * 1e3;
        self.change(|state, now_s| {
            state.lag.arrivals += 1;
            state.lag_sum_ms += lag_ms;
            state.lag.max_ms = state.lag.max_ms.max(lag_ms);
            state.clients.saw(client, now_s);
            state.edge.turned_away += u64::from(!room);
            state.in_bin(now_s, |bin| {
                bin.arrived += 1;
                bin.turned_away += u64::from(!room);
            });
        });
    }

    /// A request ended that had arrived then.
    pub(super) fn ended(&self, arrived: Instant, outcome: Outcome) {
        let latency_ms = arrived.elapsed().as_secs_f64() * 1e3;
        self.change(|state, now_s| {
            match outcome {
                Outcome::Served => state.edge.served += 1,
                Outcome::Failed => state.edge.failed += 1,
                Outcome::Abandoned => {}
            }
            if outcome != Outcome::Abandoned {
                state.edge.seconds += latency_ms / 1e3;
            }
            state.in_bin(now_s, |bin| {
                match outcome {
                    Outcome::Served => bin.served += 1,
                    Outcome::Failed => bin.failed += 1,
                    Outcome::Abandoned => bin.abandoned += 1,
                }
                if outcome != Outcome::Abandoned {
                    bin.latencies_ms.push(latency_ms as f32);
                }
            });
        });
    }

    /// A statement is under way until what comes back is dropped.
    pub(super) fn statement(&self) -> UnderWay<'_> {
        self.change(|state, _| state.busy += 1);
        UnderWay(self)
    }

    /// All seconds that are over.
    pub(super) fn seconds(&self) -> Vec<Second> {
        let second = |(number, bin): (usize, &Bin)| {
            let ended = bin.latencies_ms.len();
            let sum_ms: f64 = bin.latencies_ms.iter().map(|ms| f64::from(*ms)).sum();
            Second {
                t: self.started_unix_s + number as f64,
                requests_arrived: bin.arrived,
                served: bin.served,
                failed: bin.failed,
                turned_away: bin.turned_away,
                abandoned: bin.abandoned,
                statements: bin.statements,
                latency_ms: (ended > 0).then(|| sum_ms / ended as f64),
                busy: bin.busy_s,
            }
        };
        self.change(|state, now_s| {
            let over = (now_s as usize).min(state.bins.len());
            state.bins[..over].iter().enumerate().map(second).collect()
        })
    }

    /// The times that requests took which ended in those seconds since the start, milliseconds.
    pub(super) fn latencies_ms(&self, seconds: std::ops::Range<usize>) -> Vec<f64> {
        let state = self.lock();
        let bins = state.bins.iter().skip(seconds.start).take(seconds.len());
        bins.flat_map(|bin| bin.latencies_ms.iter().map(|ms| f64::from(*ms))).collect()
    }

    pub(super) fn edge(&self) -> EdgeCounts {
        self.change(|state, now_s| EdgeCounts { clients: state.clients.count(now_s), ..state.edge })
    }

    pub(super) fn lag(&self) -> GeneratorLag {
        let state = self.lock();
        GeneratorLag { mean_ms: state.lag_sum_ms / state.lag.arrivals.max(1) as f64, ..state.lag }
    }

    fn change<T>(&self, change: impl FnOnce(&mut State, f64) -> T) -> T {
        let mut state = self.lock();
        let now_s = self.now_s();
        state.advance(now_s);
        change(&mut state, now_s)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Puts the statements under way into the seconds that have passed since the last time.
    fn advance(&mut self, now_s: f64) {
        while self.counted_s < now_s {
            let until_s = now_s.min(self.counted_s.floor() + 1.0);
            let (at_s, busy_s) = (self.counted_s, f64::from(self.busy) * (until_s - self.counted_s));
            self.in_bin(at_s, |bin| bin.busy_s += busy_s);
            self.counted_s = until_s;
        }
    }

    fn in_bin(&mut self, at_s: f64, change: impl FnOnce(&mut Bin)) {
        let number = at_s as usize;
        if number < MAX_SECONDS {
            if self.bins.len() <= number {
                self.bins.resize(number + 1, Bin::default());
            }
            change(&mut self.bins[number]);
        }
    }
}

/// A statement under way.
#[derive(Debug)]
pub(super) struct UnderWay<'a>(&'a Meter);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.change(|state, now_s| {
            state.busy -= 1;
            state.in_bin(now_s, |bin| bin.statements += 1);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_under_way_are_spread_over_the_seconds_that_they_take() {
        let mut state = State::default();
        state.advance(0.5);
        state.busy = 2;
        state.advance(2.25);
        state.busy = 0;
        state.advance(3.5);
        let busy_s: Vec<f64> = state.bins.iter().map(|bin| bin.busy_s).collect();
        assert_eq!(busy_s, [1.0, 2.0, 0.5, 0.0]);
    }
}
