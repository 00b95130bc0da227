//! From two readings of the server's counters to signals. Pure, apart from reading the rows. Which counter a signal comes
//! from is a table; where servers differ, the first counter that is there counts.

use std::collections::HashMap;

use faultline_model::{SignalName, Signals, signal};

use super::table::Table;
use super::trouble::Trouble;

/// Longest time between two readings whose rates mean anything, seconds; more is a gap.
const LONGEST_SPAN_S: f64 = 60.0;
/// How far two computations of the server's start may lie apart, seconds.
const START_TREMBLE_S: f64 = 1.5;

/// Rates: the signal, and the sums of counters that it may come from. What our own session added is taken out.
const RATES: &[(&str, &[&[&str]])] = &[
    (signal::THROUGHPUT, &[&["questions"]]),
    (signal::ROLLBACKS_PER_S, &[&["com_rollback"]]),
    // MariaDB 10.6 gave up InnoDB's own counts of rows; its handlers count temporary tables apart.
    (signal::ROWS_READ_PER_S, &[&["innodb_rows_read"], &["rows_read"]]),
    (
        signal::ROWS_CHANGED_PER_S,
        &[
            &["innodb_rows_inserted", "innodb_rows_updated", "innodb_rows_deleted"],
            &["handler_write", "handler_update", "handler_delete"],
        ],
    ),
    (signal::INDEX_READS_PER_S, &[&["handler_read_key"]]),
    (signal::SCAN_READS_PER_S, &[&["handler_read_rnd_next"]]),
    (signal::LOGICAL_READS_PER_S, &[&["innodb_buffer_pool_read_requests"]]),
    (signal::PHYSICAL_READS_PER_S, &[&["innodb_pages_read"]]),
    (signal::LOCK_WAITS_PER_S, &[&["innodb_row_lock_waits"]]),
    (signal::LOCK_WAIT_MS_PER_S, &[&["innodb_row_lock_time"]]),
    (signal::DEADLOCKS_PER_S, &[&["innodb_deadlocks"]]),
    (signal::LOG_BYTES_PER_S, &[&["innodb_os_log_written"]]),
    (signal::LOG_WRITES_PER_S, &[&["innodb_log_writes"]]),
    (signal::FSYNCS_PER_S, &[&["innodb_data_fsyncs"]]),
    (signal::PAGES_FLUSHED_PER_S, &[&["innodb_buffer_pool_pages_flushed"]]),
    ("x_client_bytes_in_per_s", &[&["bytes_received"]]),
    ("x_client_bytes_out_per_s", &[&["bytes_sent"]]),
    ("x_connects_per_s", &[&["connections"]]),
    ("x_aborted_connects_per_s", &[&["aborted_connects"]]),
    ("x_slow_queries_per_s", &[&["slow_queries"]]),
    ("x_full_scans_per_s", &[&["select_scan"]]),
    ("x_full_joins_per_s", &[&["select_full_join"]]),
    ("x_temp_tables_per_s", &[&["created_tmp_tables"]]),
    ("x_temp_disk_tables_per_s", &[&["created_tmp_disk_tables"]]),
];

/// Gauges: the signal, the status variable, and how much of it is our own session.
const GAUGES: &[(&str, &str, f64)] = &[
    (signal::CONNECTIONS, "threads_connected", 1.0),
    (signal::DIRTY_PAGES, "innodb_buffer_pool_pages_dirty", 0.0),
    ("x_threads_running", "threads_running", 1.0),
];

/// One reading.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sample {
    /// The server's clock, Unix seconds.
    pub(super) at_s: f64,
    /// Our session's number; another one means that somebody stands in between, or that we connected anew.
    pub(super) connection_id: u64,
    values: HashMap<String, f64>,
}

impl Sample {
    /// From the answer to [`super::sql::status`].
    ///
    /// # Errors
    /// [`Trouble::Unreadable`] when a column or the server's clock is missing.
    pub(super) fn from_table(answer: &Table) -> Result<Self, Trouble> {
        let mut values = HashMap::new();
        for row in answer.rows() {
            let value = row.any(&["value"])?.and_then(|text| text.parse::<f64>().ok());
            if let (Some(name), Some(value)) = (row.text("name")?, value.filter(|value| value.is_finite())) {
                values.insert(name.to_owned(), value);
            }
        }
        let need = |name: &str| {
            let missing = || Trouble::Unreadable { reason: format!("the server's status lacks {name}") };
            values.get(name).copied().ok_or_else(missing)
        };
        Ok(Self { at_s: need("now_s")?, connection_id: need("connection_id")? as u64, values })
    }

    /// A status variable.
    pub(super) fn value(&self, name: &str) -> Option<f64> {
        self.values.get(name).copied()
    }

    fn started_s(&self) -> Option<f64> {
        Some(self.at_s - self.value("uptime")?)
    }

    /// What of a counter is not our own session's.
    fn others(&self, name: &str) -> Option<f64> {
        Some(self.value(name)? - self.values.get(&format!("own:{name}")).copied().unwrap_or(0.0))
    }
}

/// What the sessions tell, where they could be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) active: usize,
    pub(super) lock_waiting: usize,
}

/// The signals over the time between two readings; `None` when a gap or a restart lies in between, the server's clock went
/// back, or the readings are of different sessions of ours.
pub(super) fn signals(before: &Sample, now: &Sample, seen: Option<Seen>) -> Option<Signals> {
    let span_s = now.at_s - before.at_s;
    let started = before.started_s().zip(now.started_s());
    let restarted = started.is_none_or(|(before, now)| (now - before).abs() > START_TREMBLE_S);
    if restarted || span_s <= 0.0 || span_s > LONGEST_SPAN_S || before.connection_id != now.connection_id {
        return None;
    }
    let mut found = Signals { span_s, ..Signals::default() };
    let mut set = |name: &str, value: f64| {
        found.values.insert(SignalName::from(name), value);
    };
    for (name, origins) in RATES {
        let grown = origins.iter().find_map(|counters| grown(before, now, counters));
        if let Some(grown) = grown.flatten() {
            set(name, grown / span_s);
        }
    }
    for (name, variable, ours) in GAUGES {
        if let Some(value) = now.value(variable) {
            set(name, (value - ours).max(0.0));
        }
    }
    match seen {
        Some(seen) => {
            set(signal::ACTIVE_SESSIONS, seen.active as f64);
            set(signal::LOCK_WAITING, seen.lock_waiting as f64);
        }
        // The server's own counts tell less: its own threads are in the one, only row locks in the other.
        None => {
            if let Some(running) = now.value("threads_running") {
                set(signal::ACTIVE_SESSIONS, (running - 1.0).max(0.0));
            }
            if let Some(waiting) = now.value("innodb_row_lock_current_waits") {
                set(signal::LOCK_WAITING, waiting);
            }
        }
    }
    Some(found)
}

/// How much a sum of counters grew by others than us. The outer `None`: the server has not all of them; the inner one: one
/// went down, which only a reset explains.
fn grown(before: &Sample, now: &Sample, counters: &[&str]) -> Option<Option<f64>> {
    let mut sum = 0.0;
    for name in counters {
        let (earlier, later) = (before.value(name)?, now.value(name)?);
        if later < earlier {
            return Some(None);
        }
        // The server counts the statement that reads the counters here and not there, so ours may seem to be more.
        sum += (now.others(name)? - before.others(name)?).max(0.0);
    }
    Some(Some(sum))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample(at_s: f64, values: &[(&str, f64)]) -> Sample {
        let mut all: HashMap<String, f64> =
            values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
        all.entry("uptime".to_owned()).or_insert(at_s.floor());
        Sample { at_s, connection_id: 7, values: all }
    }

    #[test]
    fn rates_are_over_the_time_that_passed_on_the_server_and_leave_us_out() {
        let before = sample(
            10.0,
            &[
                ("questions", 100.0),
                ("own:questions", 40.0),
                ("handler_write", 1.0),
                ("handler_update", 0.0),
                ("handler_delete", 0.0),
                ("innodb_deadlocks", 5.0),
            ],
        );
        let now = sample(
            12.0,
            &[
                ("questions", 120.0),
                ("own:questions", 44.0),
                ("handler_write", 7.0),
                ("handler_update", 2.0),
                ("handler_delete", 0.0),
                ("threads_connected", 9.0),
                ("threads_running", 4.0),
                ("innodb_deadlocks", 1.0),
                ("innodb_row_lock_current_waits", 2.0),
            ],
        );
        let seen = Some(Seen { active: 3, lock_waiting: 1 });
        let found = signals(&before, &now, seen).unwrap();
        for (name, expected) in [
            ("throughput", Some(8.0)),
            ("rows_changed_per_s", Some(4.0)),
            ("connections", Some(8.0)),
            ("active_sessions", Some(3.0)),
            ("lock_waiting", Some(1.0)),
            ("deadlocks_per_s", None),
            ("rows_read_per_s", None),
        ] {
            assert_eq!(found.values.get(name).copied(), expected, "{name}");
        }
        let blind = signals(&before, &now, None).unwrap();
        assert_eq!((blind.values["active_sessions"], blind.values["lock_waiting"]), (3.0, 2.0));
    }

    #[test]
    fn gaps_restarts_and_other_sessions_say_nothing() {
        let before = sample(100.0, &[]);
        for (what, now) in [
            ("a gap", sample(161.0, &[])),
            ("the clock went back", sample(99.0, &[])),
            ("no time passed", sample(100.0, &[])),
            ("a restart", sample(110.0, &[("uptime", 4.0)])),
            ("another session", Sample { connection_id: 8, ..sample(101.0, &[]) }),
        ] {
            assert_eq!(signals(&before, &now, None), None, "{what}");
        }
    }

    proptest! {
        #[test]
        fn no_rate_is_ever_negative(
            a in proptest::array::uniform4(0.0..1e15_f64), b in proptest::array::uniform4(0.0..1e15_f64),
        ) {
            let values = |c: [f64; 4]| {
                [("questions", c[0]), ("own:questions", c[1]), ("innodb_rows_read", c[2]), ("threads_running", c[3])]
            };
            let found = signals(&sample(10.0, &values(a)), &sample(11.0, &values(b)), None).unwrap();
            prop_assert!(found.values.values().all(|value| *value >= 0.0 && value.is_finite()), "{found:?}");
        }
    }
}
