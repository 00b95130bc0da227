//! From an exporter's series of single statements to one reading of the counters. Pure.

use std::collections::{BTreeMap, HashMap};

use faultline_model::StatementSeries;

use crate::prometheus::{Labels, METRIC_NAME, Sample};
use crate::query_book::BookedQuery;

/// Labels that tell statements apart; what remains tells exporters and servers apart.
const STATEMENT_LABELS: &[&str] =
    &[METRIC_NAME, "queryid", "query", "datname", "user", "usename", "toplevel", "query_text"];
/// Most sessions at a time where the exporter does not tell, generous.
const MAX_BACKENDS: f64 = 10_000.0;
/// Texts are cut off at this length, characters (`queries_texts.yaml`); one that is as long may be a part only.
const TEXT_CUT_CHARS: usize = 2_000;

/// What the series of one exporter are called.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) calls: &'static str,
    seconds: &'static str,
    rows: &'static str,
    hit: &'static str,
    read: &'static str,
    since: &'static str,
    now: &'static str,
    started: &'static str,
    in_recovery: &'static str,
    backends: &'static str,
    limit: &'static str,
    text: &'static str,
    /// The label with the id.
    id: &'static str,
}

/// Those of the queries that `faultctl primary queries-yaml` prints.
const OURS: Names = Names {
    calls: "faultline_statements_calls_total",
    seconds: "faultline_statements_seconds_total",
    rows: "faultline_statements_rows_total",
    hit: "faultline_statements_blocks_hit_total",
    read: "faultline_statements_blocks_read_total",
    since: "faultline_statements_since_seconds",
    now: "faultline_server_now_seconds",
    started: "faultline_server_started_seconds",
    in_recovery: "faultline_server_in_recovery",
    backends: "faultline_server_max_connections",
    limit: "faultline_server_statement_limit",
    text: "faultline_statement_info",
    id: "queryid",
};

/// Those of postgres_exporter's own collector (`--collector.stat_statements`).
const COLLECTOR: Names = Names {
    calls: "pg_stat_statements_calls_total",
    seconds: "pg_stat_statements_seconds_total",
    rows: "pg_stat_statements_rows_total",
    hit: "",
    read: "",
    since: "",
    now: "",
    started: "pg_postmaster_start_time_seconds",
    in_recovery: "pg_replication_is_replica",
    backends: "pg_settings_max_connections",
    limit: "",
    text: "",
    id: "queryid",
};

/// Those of pg_exporter (`0460-pg_query.yml` of its configuration).
const PG_EXPORTER: Names = Names {
    calls: "pg_query_calls",
    seconds: "pg_query_exec_time",
    rows: "pg_query_rows",
    hit: "pg_query_sblk_hit",
    read: "pg_query_sblk_read",
    since: "",
    now: "pg_timestamp",
    started: "pg_boot_time",
    in_recovery: "pg_is_in_recovery",
    backends: "pg_setting_max_connections",
    limit: "",
    text: "",
    id: "query",
};

impl Names {
    /// The names that an exporter may use, best first.
    pub(crate) fn of(series: StatementSeries) -> &'static [&'static Names] {
        match series {
            StatementSeries::PostgresExporter => &[&OURS, &COLLECTOR],
            StatementSeries::PgExporter => &[&PG_EXPORTER],
        }
    }

    /// Every name.
    pub(crate) fn all(&self) -> impl Iterator<Item = &'static str> {
        [
            self.calls,
            self.seconds,
            self.rows,
            self.hit,
            self.read,
            self.since,
            self.now,
            self.started,
            self.in_recovery,
            self.backends,
            self.limit,
            self.text,
        ]
        .into_iter()
        .filter(|name| !name.is_empty())
    }
}

/// What an exporter keeps counters by.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) query: BookedQuery,
    pub(crate) user: String,
}

/// The counters of one statement.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Entry {
    pub(crate) calls: f64,
    pub(crate) seconds: f64,
    pub(crate) rows: Option<f64>,
    pub(crate) hit: Option<f64>,
    pub(crate) read: Option<f64>,
    /// Since when it counts, on the server's clock, where that is told.
    pub(crate) since_s: Option<f64>,
}

/// One reading of one server's counters.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Reading {
    /// What tells this exporter from others.
    pub(crate) identity: Labels,
    /// The server's clock, where it is told.
    pub(crate) now_s: Option<f64>,
    /// When the server started, where it is told.
    pub(crate) started_s: Option<f64>,
    pub(crate) max_backends: f64,
    /// Whether all statements are listed, so that one that is not was not called since the server forgot it.
    pub(crate) all_listed: bool,
    pub(crate) entries: HashMap<Key, Entry>,
    /// Whole texts by statement, where they are told.
    pub(crate) texts: Vec<(BookedQuery, String)>,
    /// How many exporters show statements.
    pub(crate) exporters: usize,
}

/// The statements of one exporter among these samples: of the one that was read before, if it is still there, else of a
/// primary's, else of the one that lists most. Those of several are never added up: two may watch one server. `None`
/// when there are none.
pub(crate) fn reading(
    samples: &[Sample],
    names: &[&'static Names],
    before: Option<&Labels>,
) -> Option<Reading> {
    names.iter().find_map(|names| {
        let mut groups: BTreeMap<Labels, Vec<&Sample>> = BTreeMap::new();
        for sample in samples.iter().filter(|sample| sample.value.is_finite()) {
            let identity = sample.labels.without(|label| STATEMENT_LABELS.contains(&label));
            groups.entry(identity).or_default().push(sample);
        }
        let counts =
            |group: &[&Sample]| group.iter().filter(|one| one.labels.metric() == names.calls).count();
        groups.retain(|_, group| counts(group) > 0);
        let exporters = groups.len();
        let is_standby = |group: &[&Sample]| gauge(group, names.in_recovery) == Some(1.0);
        let best = groups.iter().max_by_key(|(identity, group)| {
            (Some(*identity) == before, !is_standby(group), counts(group), std::cmp::Reverse(*identity))
        })?;
        Some(Reading { identity: best.0.clone(), exporters, ..read(best.1, names) })
    })
}

fn gauge(group: &[&Sample], name: &str) -> Option<f64> {
    group.iter().find(|sample| !name.is_empty() && sample.labels.metric() == name).map(|sample| sample.value)
}

fn read(group: &[&Sample], names: &Names) -> Reading {
    let mut reading = Reading {
        now_s: gauge(group, names.now),
        started_s: gauge(group, names.started),
        max_backends: gauge(group, names.backends).unwrap_or(MAX_BACKENDS),
        ..Reading::default()
    };
    let mut both: HashMap<Key, (bool, bool)> = HashMap::new();
    for sample in group {
        let (labels, metric) = (&sample.labels, sample.labels.metric());
        // Nested statements are in the time of those that called them.
        if matches!(labels.get("toplevel"), "false" | "f" | "0") {
            continue;
        }
        let Ok(queryid) = labels.get(names.id).parse() else { continue };
        let query = BookedQuery { database: labels.get("datname").to_owned(), queryid };
        if metric == names.text && !metric.is_empty() {
            let text = labels.get("query_text");
            if text.chars().count() < TEXT_CUT_CHARS {
                reading.texts.push((query, text.to_owned()));
            }
            continue;
        }
        let user = [labels.get("user"), labels.get("usename")].concat();
        let key = Key { query, user };
        let entry = reading.entries.entry(key.clone()).or_default();
        let value = sample.value;
        match metric {
            name if name == names.calls => {
                entry.calls = value;
                both.entry(key).or_default().0 = true;
            }
            name if name == names.seconds => {
                entry.seconds = value;
                both.entry(key).or_default().1 = true;
            }
            name if name == names.rows => entry.rows = Some(value),
            name if name == names.hit => entry.hit = Some(value),
            name if name == names.read => entry.read = Some(value),
            name if name == names.since => entry.since_s = (value > 0.0).then_some(value),
            _ => {}
        }
    }
    reading.entries.retain(|key, _| both.get(key) == Some(&(true, true)));
    let limit = gauge(group, names.limit);
    reading.all_listed = limit.is_some_and(|limit| (reading.entries.len() as f64) < limit);
    reading
}
