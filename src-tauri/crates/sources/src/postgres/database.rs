//! From two one-row readings of the database's counters to signals. Pure, apart from reading the row.

use faultline_model::{SignalName, Signals, signal};
use sqlx::postgres::PgRow;

use super::jump::Trip;
use super::row::{bool_of, int};
use super::trouble::Trouble;

/// Longest time between two readings whose rates mean anything, seconds; more is a gap.
const LONGEST_SPAN_S: f64 = 60.0;

/// Signals of our own, which no rule knows.
const VACUUMS: &str = "x_autovacuum_workers";
const CONFLICTS: &str = "x_recovery_conflicts_per_s";

/// One reading. Counters only ever grow, until a reset.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sample {
    /// The server's clock, microseconds.
    pub(super) at_us: i64,
    /// The round trip in which it was read, where that is known.
    pub(super) trip: Option<Trip>,
    pub(super) started_us: i64,
    pub(super) reset_us: Option<i64>,
    pub(super) in_recovery: bool,
    pub(super) backend_pid: i64,
    pub(super) commits: i64,
    pub(super) rollbacks: i64,
    pub(super) hit: i64,
    pub(super) read: i64,
    pub(super) rows_read: i64,
    pub(super) rows_fetched: i64,
    pub(super) rows_changed: i64,
    pub(super) temp_bytes: i64,
    pub(super) deadlocks: i64,
    pub(super) conflicts: i64,
    pub(super) pages_flushed: Option<i64>,
    /// Position in the log; a standby writes none.
    pub(super) log_bytes: Option<i64>,
    pub(super) connections: i64,
    pub(super) active: i64,
    pub(super) lock_waiting: i64,
    pub(super) vacuums: i64,
}

impl Sample {
    /// From the answer to [`super::sql::database`].
    ///
    /// # Errors
    /// [`Trouble::Unreadable`] when a column is missing.
    pub(super) fn from_row(row: &PgRow) -> Result<Self, Trouble> {
        let number = |name: &str| int(row, name).map(Option::unwrap_or_default);
        Ok(Self {
            at_us: number("now_us")?,
            trip: None,
            started_us: number("started_us")?,
            reset_us: int(row, "reset_us")?,
            in_recovery: bool_of(row, "in_recovery")?.unwrap_or(false),
            backend_pid: number("backend_pid")?,
            commits: number("commits")?,
            rollbacks: number("rollbacks")?,
            hit: number("hit")?,
            read: number("read")?,
            rows_read: number("rows_read")?,
            rows_fetched: number("rows_fetched")?,
            rows_changed: number("rows_changed")?,
            temp_bytes: number("temp_bytes")?,
            deadlocks: number("deadlocks")?,
            conflicts: number("conflicts")?,
            pages_flushed: int(row, "pages_flushed")?,
            log_bytes: int(row, "log_bytes")?,
            connections: number("connections")?,
            active: number("active")?,
            lock_waiting: number("lock_waiting")?,
            vacuums: number("vacuums")?,
        })
    }
}

/// The signals over the time between two readings; `None` when a gap, a restart or a reset lies in between, or the
/// server's clock went back or was set. `own_statements` of ours finished in between, each a transaction; they are taken out.
/// Without `sees_sessions` (a privilege is missing) nothing is said of sessions.
pub(super) fn signals(
    before: &Sample,
    now: &Sample,
    own_statements: u32,
    sees_sessions: bool,
) -> Option<Signals> {
    let span_s = (now.at_us - before.at_us) as f64 / 1e6;
    let jumped = now
        .trip
        .zip(before.trip)
        .is_some_and(|(trip, earlier)| trip.jumped(&earlier, now.at_us - before.at_us));
    let same = !jumped && before.started_us == now.started_us && before.reset_us == now.reset_us;
    if !same || span_s <= 0.0 || span_s > LONGEST_SPAN_S {
        return None;
    }
    let mut found = Signals { span_s, ..Signals::default() };
    let mut set = |name: &str, value: f64| {
        found.values.insert(SignalName::from(name), value);
    };
    let transactions = |sample: &Sample| sample.commits.saturating_add(sample.rollbacks);
    if let Some(finished) = grown(transactions(before), transactions(now)) {
        set(signal::THROUGHPUT, (finished - f64::from(own_statements)).max(0.0) / span_s);
    }
    let rates = [
        (signal::ROLLBACKS_PER_S, before.rollbacks, now.rollbacks),
        (signal::ROWS_READ_PER_S, before.rows_read, now.rows_read),
        (signal::INDEX_READS_PER_S, before.rows_fetched, now.rows_fetched),
        (signal::ROWS_CHANGED_PER_S, before.rows_changed, now.rows_changed),
        (
            signal::LOGICAL_READS_PER_S,
            before.hit.saturating_add(before.read),
            now.hit.saturating_add(now.read),
        ),
        (signal::PHYSICAL_READS_PER_S, before.read, now.read),
        (signal::TEMP_BYTES_PER_S, before.temp_bytes, now.temp_bytes),
        (signal::DEADLOCKS_PER_S, before.deadlocks, now.deadlocks),
    ];
    for (name, earlier, later) in rates {
        if let Some(difference) = grown(earlier, later) {
            set(name, difference / span_s);
        }
    }
    for (name, earlier, later) in [
        (signal::LOG_BYTES_PER_S, before.log_bytes, now.log_bytes),
        (signal::PAGES_FLUSHED_PER_S, before.pages_flushed, now.pages_flushed),
        (CONFLICTS, conflicts(before), conflicts(now)),
    ] {
        if let Some(difference) = earlier.zip(later).and_then(|(earlier, later)| grown(earlier, later)) {
            set(name, difference / span_s);
        }
    }
    if sees_sessions {
        set(signal::CONNECTIONS, now.connections as f64);
        set(signal::ACTIVE_SESSIONS, now.active as f64);
        set(signal::LOCK_WAITING, now.lock_waiting as f64);
        set(VACUUMS, now.vacuums as f64);
    }
    Some(found)
}

/// Statements that replay cancelled; only a standby has them.
fn conflicts(sample: &Sample) -> Option<i64> {
    sample.in_recovery.then_some(sample.conflicts)
}

/// How much a counter grew; `None` when it went down, which only a reset that we were not told of explains.
fn grown(before: i64, now: i64) -> Option<f64> {
    (now >= before).then(|| (now - before) as f64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(at_s: i64) -> Sample {
        Sample { at_us: at_s * 1_000_000, started_us: 1, log_bytes: Some(0), ..Sample::default() }
    }

    fn value(found: &Signals, name: &str) -> Option<f64> {
        found.values.get(name).copied()
    }

    #[test]
    fn rates_are_over_the_time_that_passed_on_the_server() {
        let now = Sample {
            commits: 108,
            rollbacks: 4,
            hit: 80,
            read: 20,
            log_bytes: Some(4_000),
            connections: 9,
            active: 3,
            ..at(12)
        };
        let found = signals(&at(10), &now, 6, true).unwrap();
        assert_eq!(found.span_s, 2.0);
        for (name, expected) in [
            ("throughput", Some(53.0)),
            ("rollbacks_per_s", Some(2.0)),
            ("logical_reads_per_s", Some(50.0)),
            ("physical_reads_per_s", Some(10.0)),
            ("log_bytes_per_s", Some(2_000.0)),
            ("connections", Some(9.0)),
            ("active_sessions", Some(3.0)),
            ("lock_waiting", Some(0.0)),
            ("pages_flushed_per_s", None),
            ("x_recovery_conflicts_per_s", None),
        ] {
            assert_eq!(value(&found, name), expected, "{name}");
        }
        let blind = signals(&at(10), &now, 0, false).unwrap();
        assert_eq!(value(&blind, "active_sessions"), None);
    }

    #[test]
    fn gaps_restarts_and_resets_say_nothing() {
        let cases = [
            ("a gap", at(71)),
            ("the clock went back", at(9)),
            ("no time passed", at(10)),
            ("a restart", Sample { started_us: 2, ..at(12) }),
            ("a reset", Sample { reset_us: Some(11), ..at(12) }),
        ];
        for (what, now) in cases {
            assert_eq!(signals(&at(10), &now, 0, true), None, "{what}");
        }
    }

    #[test]
    fn a_counter_that_went_down_is_not_observed() {
        let before = Sample { deadlocks: 5, temp_bytes: 1, ..at(10) };
        let found = signals(&before, &Sample { temp_bytes: 11, ..at(12) }, 0, true).unwrap();
        assert_eq!((value(&found, "deadlocks_per_s"), value(&found, "temp_bytes_per_s")), (None, Some(5.0)));
    }

    proptest! {
        #[test]
        fn no_rate_is_ever_negative(
            a in proptest::array::uniform4(0..i64::MAX), b in proptest::array::uniform4(0..i64::MAX), own: u32,
        ) {
            let sample = |at_s, c: [i64; 4]| Sample { commits: c[0], hit: c[1], read: c[2], rows_read: c[3], ..at(at_s) };
            let found = signals(&sample(10, a), &sample(11, b), own, true).unwrap();
            prop_assert!(found.values.values().all(|value| *value >= 0.0 && value.is_finite()), "{found:?}");
        }
    }
}
