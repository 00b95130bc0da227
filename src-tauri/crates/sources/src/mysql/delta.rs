//! From readings of the digests to what happened between them. Pure arithmetic; the rule throughout is that a number may be
//! too small where the server forgot something, but never negative and never made up.
//!
//! * The first reading, a restarted server, and a pause of many intervals are silent baselines: a gap is a gap.
//! * A reading holds the entries that were seen since the one before; the others stand as they stood.
//! * An entry that was there before counts its difference. When its first sighting moved, or any of its counters went down,
//!   somebody truncated the table after the reading before, and whatever the entry holds came since.
//! * An entry that was not there before counts from zero when its first sighting proves it new; else its past is not this
//!   interval's, and it counts from the next reading on.

use std::collections::HashMap;

/// Shortest pause that is called a gap, seconds.
const SHORTEST_GAP_S: f64 = 60.0;
/// A pause of more than this many times the interval before is a gap.
const GAP_INTERVALS: f64 = 4.0;
/// How far two computations of the server's start may lie apart, seconds: it tells its age in whole ones.
const START_TREMBLE_S: f64 = 1.5;
/// How exactly entries are dated at worst, seconds.
const DATE_STEP_S: f64 = 1.0;
/// Picoseconds in a millisecond.
const PICOS_PER_MS: f64 = 1e9;

/// What the server keeps counters by. Both are absent for what found no room in the table of digests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key {
    /// The session's default schema; sessions without one are an entry of their own.
    pub(super) schema: Option<String>,
    pub(super) digest: Option<String>,
}

/// The counters of one entry, since it was made; or differences of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counters {
    pub(super) calls: u64,
    pub(super) time_ps: u64,
    pub(super) errors: u64,
    pub(super) affected: u64,
    pub(super) sent: u64,
    pub(super) examined: u64,
    /// Calls that used no index where one would have had a place.
    pub(super) no_index: u64,
}

impl Counters {
    /// `self` less `before`; `None` when any counter went down.
    fn since(&self, before: &Self) -> Option<Self> {
        Some(Self {
            calls: self.calls.checked_sub(before.calls)?,
            time_ps: self.time_ps.checked_sub(before.time_ps)?,
            errors: self.errors.checked_sub(before.errors)?,
            affected: self.affected.checked_sub(before.affected)?,
            sent: self.sent.checked_sub(before.sent)?,
            examined: self.examined.checked_sub(before.examined)?,
            no_index: self.no_index.checked_sub(before.no_index)?,
        })
    }

    /// Adds another's counters.
    pub(super) fn add(&mut self, other: &Self) {
        self.calls = self.calls.saturating_add(other.calls);
        self.time_ps = self.time_ps.saturating_add(other.time_ps);
        self.errors = self.errors.saturating_add(other.errors);
        self.affected = self.affected.saturating_add(other.affected);
        self.sent = self.sent.saturating_add(other.sent);
        self.examined = self.examined.saturating_add(other.examined);
        self.no_index = self.no_index.saturating_add(other.no_index);
    }

    /// The time, milliseconds.
    pub(super) fn time_ms(&self) -> f64 {
        self.time_ps as f64 / PICOS_PER_MS
    }
}

/// One entry as read.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Entry {
    pub(super) counters: Counters,
    /// When it was first seen since the table was last emptied, Unix seconds on the server's clock.
    pub(super) first_s: Option<f64>,
}

/// One reading.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Reading {
    /// The server's clock just before the entries were read, Unix seconds.
    pub(super) at_s: f64,
    /// How long the server has been up, seconds.
    pub(super) uptime_s: f64,
    /// The entries that were seen since the reading before; all of them where there was none.
    pub(super) entries: Vec<(Key, Entry)>,
}

/// Why there is no difference to the reading before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gap {
    /// There was no reading before.
    First,
    /// The server was started in between.
    Restarted,
    /// Too long passed, or the server's clock went back.
    Paused,
}

/// The differences between two readings, entries without a call left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Deltas {
    /// Time between the readings on the server's clock, seconds; more than 0.
    pub(super) span_s: f64,
    pub(super) rows: Vec<(Key, Counters)>,
    /// What found no room in the table of digests.
    pub(super) overflow: Counters,
}

/// What is known of the digests of one server.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// Clock and start of the last reading.
    last: Option<(f64, f64)>,
    /// Interval between the two readings before, seconds.
    usual_s: f64,
    known: HashMap<Key, Entry>,
}

impl Ledger {
    /// Since when entries must be read again, on the server's clock; `None` asks for all of them.
    pub(super) fn since_s(&self) -> Option<f64> {
        self.last.map(|(at_s, _)| at_s)
    }

    /// Takes in a reading.
    ///
    /// # Errors
    /// Why it says nothing of what happened since the one before.
    pub(super) fn advance(&mut self, now: Reading) -> Result<Deltas, Gap> {
        let started_s = now.at_s - now.uptime_s;
        let before = self.last.replace((now.at_s, started_s));
        let Some((before_s, started_before_s)) = before else {
            return self.start_over(now, Gap::First);
        };
        if (started_s - started_before_s).abs() > START_TREMBLE_S {
            return self.start_over(now, Gap::Restarted);
        }
        let span_s = now.at_s - before_s;
        let longest_s = (self.usual_s * GAP_INTERVALS).max(SHORTEST_GAP_S);
        self.usual_s = span_s.max(0.0);
        if span_s <= 0.0 || span_s > longest_s {
            self.known.extend(now.entries);
            return Err(Gap::Paused);
        }
        let mut deltas = Deltas { span_s, ..Deltas::default() };
        for (key, entry) in now.entries {
            if let Some(counters) = difference(self.known.get(&key), &entry, before_s)
                && counters.calls > 0
            {
                if key.digest.is_none() {
                    deltas.overflow.add(&counters);
                } else {
                    deltas.rows.push((key.clone(), counters));
                }
            }
            self.known.insert(key, entry);
        }
        // An order of its own makes runs comparable, whatever the server's is.
        deltas.rows.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(deltas)
    }

    fn start_over(&mut self, now: Reading, gap: Gap) -> Result<Deltas, Gap> {
        self.usual_s = 0.0;
        self.known = now.entries.into_iter().collect();
        Err(gap)
    }
}

/// What one entry counted since the reading at `before_s`; `None` when that cannot be told.
fn difference(before: Option<&Entry>, now: &Entry, before_s: f64) -> Option<Counters> {
    let Some(before) = before else {
        // Dates may be whole seconds; what was made earlier in the second of the reading before is in that reading.
        return now.first_s.filter(|first_s| *first_s >= before_s.floor()).map(|_| now.counters);
    };
    let remade = match (before.first_s, now.first_s) {
        (Some(before_s), Some(now_s)) => now_s - before_s >= DATE_STEP_S / 2.0,
        _ => false,
    };
    if remade { Some(now.counters) } else { now.counters.since(&before.counters).or(Some(now.counters)) }
}

#[cfg(test)]
#[path = "delta_tests.rs"]
mod tests;
