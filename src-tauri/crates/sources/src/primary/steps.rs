//! From two readings of an exporter's series to what happened between them. Pure. As with the counters themselves
//! (`postgres/delta.rs`), a number may be too small where something was forgotten, but never negative and never made up; and
//! where not all statements are listed, one that comes into the list has a past that is not this interval's.

use super::naming::Called;
use super::series::{Entry, Key, Reading};

/// Longest time between two readings that is one interval, seconds: Prometheus may scrape once a minute.
const LONGEST_SPAN_S: f64 = 180.0;
const MILLIS_PER_S: f64 = 1_000.0;

/// What happened between two readings.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Step {
    /// Time between the readings, seconds; more than 0.
    pub(crate) span_s: f64,
    /// Whether a statement that is not among these was not called.
    pub(crate) complete: bool,
    /// The statements that were called, in their order.
    pub(crate) called: Vec<Called>,
}

/// What happened in the `span_s` seconds between the two; `None` when that is not known.
pub(crate) fn between(before: &Reading, now: &Reading, span_s: f64) -> Option<Step> {
    let started = before.started_s.zip(now.started_s).is_none_or(|(before, now)| (before - now).abs() < 1.0);
    if !started || before.identity != now.identity || !(span_s > 0.0 && span_s <= LONGEST_SPAN_S) {
        return None;
    }
    let mut step = Step {
        span_s,
        complete: before.all_listed && now.all_listed,
        called: Vec::with_capacity(now.entries.len()),
    };
    let possible_s = span_s * now.max_backends.max(1.0);
    let mut keys: Vec<_> = now.entries.keys().collect();
    keys.sort_unstable();
    for key in keys {
        let entry = now.entries[key];
        let known = match before.entries.get(key) {
            Some(old) if old.since_s.is_some() && old.since_s != entry.since_s => {
                began(&entry, before, possible_s)
            }
            Some(old) => match grown(old, &entry) {
                Some(difference) => Some(difference),
                // The same date and yet smaller: no rule of ours explains it.
                None if entry.since_s.is_some() => None,
                None => Some(entry).filter(|entry| entry.seconds <= possible_s),
            },
            None => began(&entry, before, possible_s),
        };
        match known {
            Some(counters) if counters.calls > 0.0 => step.called.push(called(key, &counters)),
            Some(_) => {}
            None => step.complete = false,
        }
    }
    Some(step)
}

/// Counters that were not in the reading before, from zero if they were surely made since.
fn began(entry: &Entry, before: &Reading, possible_s: f64) -> Option<Entry> {
    let is_new = match (entry.since_s, before.now_s) {
        (Some(since_s), Some(before_s)) => since_s >= before_s,
        _ => before.all_listed && entry.seconds <= possible_s,
    };
    is_new.then_some(*entry)
}

/// `now` less `old`; `None` when any counter went down.
fn grown(old: &Entry, now: &Entry) -> Option<Entry> {
    let both = |old: Option<f64>, now: Option<f64>| old.zip(now).map(|(old, now)| now - old);
    let difference = Entry {
        calls: now.calls - old.calls,
        seconds: now.seconds - old.seconds,
        rows: both(old.rows, now.rows),
        hit: both(old.hit, now.hit),
        read: both(old.read, now.read),
        since_s: now.since_s,
    };
    let parts =
        [Some(difference.calls), Some(difference.seconds), difference.rows, difference.hit, difference.read];
    parts.into_iter().flatten().all(|part| part >= 0.0).then_some(difference)
}

fn called(key: &Key, counters: &Entry) -> Called {
    Called {
        query: key.query.clone(),
        calls: counters.calls,
        time_ms: counters.seconds * MILLIS_PER_S,
        rows: counters.rows,
        blocks_hit: counters.hit,
        blocks_read: counters.read,
    }
}

#[cfg(test)]
#[path = "steps_tests.rs"]
mod tests;
