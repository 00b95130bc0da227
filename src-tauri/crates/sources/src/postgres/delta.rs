//! From two readings of the statement counters to what happened between them. Pure arithmetic; the rule throughout is
//! that a number may be too small where the server forgot something, but never negative and never made up.
//!
//! * The first reading, a restarted server, a pause of many intervals and a clock that was set are silent baselines: a gap is
//!   a gap.
//! * An entry that was there before counts its difference. It was *restarted* when the server says so (`stats_since`
//!   moved, all counters were reset) or when any of its counters went down; then it counts from zero, as whatever it
//!   holds came after the reading before.
//! * An entry that was not there before counts from zero: readings are complete, so it was made in between, be it new,
//!   evicted and back, or reset. Where the server dates its entries, the date must agree; where it does not, what the
//!   entry claims must have been possible in the time that passed.

use std::collections::HashMap;

use super::jump::Trip;

/// Shortest pause that is called a gap, microseconds.
const SHORTEST_GAP_US: i64 = 60_000_000;
/// A pause of more than this many times the interval before is a gap.
const GAP_INTERVALS: i64 = 4;
/// Microseconds in a second, and in a millisecond.
const MICROS_PER_S: f64 = 1e6;
const MICROS_PER_MS: f64 = 1e3;

/// What the server keeps counters by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) userid: i64,
    pub(super) dbid: i64,
    pub(super) toplevel: bool,
    pub(super) queryid: i64,
}

impl Key {
    /// The statement, whoever ran it and however deep.
    pub(super) fn query(&self) -> QueryId {
        QueryId { dbid: self.dbid, queryid: self.queryid }
    }
}

/// A statement as the server names it: ids are unique within one database only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct QueryId {
    pub(super) dbid: i64,
    pub(super) queryid: i64,
}

/// The counters of one entry, since it was made; or differences of them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Counters {
    pub(super) calls: i64,
    pub(super) time_ms: f64,
    pub(super) rows: i64,
    pub(super) hit: i64,
    pub(super) read: i64,
}

impl Counters {
    /// `self` less `before`; `None` when any counter went down.
    fn since(&self, before: &Self) -> Option<Self> {
        let grew = self.calls >= before.calls
            && self.time_ms >= before.time_ms
            && self.rows >= before.rows
            && self.hit >= before.hit
            && self.read >= before.read;
        grew.then(|| Self {
            calls: self.calls - before.calls,
            time_ms: self.time_ms - before.time_ms,
            rows: self.rows - before.rows,
            hit: self.hit - before.hit,
            read: self.read - before.read,
        })
    }

    /// Adds another's counters.
    pub(super) fn add(&mut self, other: &Self) {
        self.calls = self.calls.saturating_add(other.calls);
        self.time_ms += other.time_ms;
        self.rows = self.rows.saturating_add(other.rows);
        self.hit = self.hit.saturating_add(other.hit);
        self.read = self.read.saturating_add(other.read);
    }

    /// Whether there is a call in it and nothing impossible.
    fn is_call(&self) -> bool {
        self.calls > 0
            && self.time_ms.is_finite()
            && self.time_ms >= 0.0
            && self.rows >= 0
            && self.hit >= 0
            && self.read >= 0
    }
}

/// One entry as read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) counters: Counters,
    /// Since when it counts, on the server's clock, where the server tells.
    pub(super) since_us: Option<i64>,
}

/// One complete reading.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Reading {
    /// The server's clock just before the entries were read.
    pub(super) at_us: i64,
    /// The round trip in which it was read, where that is known.
    pub(super) trip: Option<Trip>,
    /// When the server started.
    pub(super) started_us: i64,
    /// When all counters were last reset, where the server tells.
    pub(super) reset_us: Option<i64>,
    /// How often entries were evicted, where the server tells.
    pub(super) dealloc: Option<i64>,
    /// Most sessions at a time.
    pub(super) max_backends: i64,
    pub(super) entries: HashMap<Key, Entry>,
}

/// Why there is no difference between two readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gap {
    /// There was no reading before.
    First,
    /// The server was started in between.
    Restarted,
    /// Too long passed, or the server's clock went back.
    Paused,
    /// The server's clock was set, or this machine slept.
    Jumped,
}

/// What happened between two readings.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// Not known.
    Gap(Gap),
    /// The differences.
    Deltas(Deltas),
}

/// The differences between two readings, entries without a call left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Deltas {
    /// Time between the readings on the server's clock, seconds; more than 0.
    pub(super) span_s: f64,
    pub(super) rows: Vec<(Key, Counters)>,
    /// Entries that were dropped because their counters cannot be true.
    pub(super) implausible: usize,
    /// Entries that the server evicted in between, where it tells.
    pub(super) evicted: bool,
}

/// What happened between `before` and `now`. `usual_us` is the interval between the readings before these, 0 when
/// there was none.
pub(super) fn between(before: Option<&Reading>, now: &Reading, usual_us: i64) -> Step {
    let Some(before) = before else { return Step::Gap(Gap::First) };
    if before.started_us != now.started_us {
        return Step::Gap(Gap::Restarted);
    }
    let elapsed_us = now.at_us - before.at_us;
    if elapsed_us <= 0 || elapsed_us > usual_us.saturating_mul(GAP_INTERVALS).max(SHORTEST_GAP_US) {
        return Step::Gap(Gap::Paused);
    }
    if now.trip.zip(before.trip).is_some_and(|(now, before)| now.jumped(&before, elapsed_us)) {
        return Step::Gap(Gap::Jumped);
    }
    let mut deltas = Deltas {
        span_s: elapsed_us as f64 / MICROS_PER_S,
        evicted: before.dealloc != now.dealloc,
        ..Deltas::default()
    };
    let all_reset = before.reset_us != now.reset_us;
    let possible_ms = elapsed_us as f64 / MICROS_PER_MS * now.max_backends.max(1) as f64;
    for (key, entry) in &now.entries {
        match change(before.entries.get(key), entry, all_reset, before.at_us) {
            Change::Known(counters) if counters.calls == 0 => {}
            Change::Known(counters) if counters.is_call() => deltas.rows.push((*key, counters)),
            Change::Claimed(counters) if counters.is_call() && counters.time_ms <= possible_ms => {
                deltas.rows.push((*key, counters));
            }
            Change::Claimed(counters) if counters.calls == 0 => {}
            Change::Known(_) | Change::Claimed(_) => deltas.implausible += 1,
            Change::Unknown => {}
        }
    }
    // An order of its own makes runs comparable, whatever the hash map does.
    deltas.rows.sort_by_key(|(key, _)| *key);
    Step::Deltas(deltas)
}

/// What happened to one entry.
enum Change {
    /// Certain.
    Known(Counters),
    /// Since zero, as far as the entry itself tells.
    Claimed(Counters),
    /// Cannot be told; from the next reading on it can.
    Unknown,
}

fn change(before: Option<&Entry>, now: &Entry, all_reset: bool, before_us: i64) -> Change {
    let from_zero = || match now.since_us {
        Some(since_us) if since_us >= before_us => Change::Known(now.counters),
        // Older than the reading that lacks it: it was hidden from us then, so its past is not this interval's.
        Some(_) => Change::Unknown,
        None => Change::Claimed(now.counters),
    };
    match before {
        None => from_zero(),
        Some(before) if before.since_us.is_some() && before.since_us != now.since_us => from_zero(),
        Some(before) => match now.counters.since(&before.counters) {
            // Where entries are dated, an equal date has already shown that this one was not reset with the others.
            Some(difference) if !all_reset || now.since_us.is_some() => Change::Known(difference),
            _ => match now.since_us {
                // The same date and yet smaller: no rule of ours explains it.
                Some(_) => Change::Unknown,
                None => Change::Claimed(now.counters),
            },
        },
    }
}

#[cfg(test)]
#[path = "delta_tests.rs"]
mod tests;
