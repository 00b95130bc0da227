//! The test data of others, see `tests/data/README.md`.
#![allow(dead_code, reason = "each test reads some of it")]
#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::sync::LazyLock;

use serde::Deserialize;

/// A query and what another tool makes of it: a fingerprint or a normalised text.
#[derive(Debug, Deserialize)]
pub(crate) struct Pair {
    pub(crate) query: String,
    #[serde(alias = "fingerprint", alias = "normalized")]
    pub(crate) expected: String,
}

/// A statement of a slow log.
#[derive(Debug, Deserialize)]
struct Logged {
    statement: String,
}

pub(crate) static PERCONA: LazyLock<Vec<Pair>> =
    LazyLock::new(|| read(include_str!("../data/percona_go_mysql_fingerprint.json")));
pub(crate) static PERCONA_EVENTS: LazyLock<Vec<Pair>> =
    LazyLock::new(|| read(include_str!("../data/percona_go_mysql_slow_log_events.json")));
pub(crate) static LIBPG_FINGERPRINT: LazyLock<Vec<Pair>> =
    LazyLock::new(|| read(include_str!("../data/libpg_query_fingerprint.json")));
pub(crate) static LIBPG_NORMALIZE: LazyLock<Vec<Pair>> =
    LazyLock::new(|| read(include_str!("../data/libpg_query_normalize.json")));
static SLOW_LOGS: LazyLock<Vec<Logged>> =
    LazyLock::new(|| read(include_str!("../data/percona_go_mysql_slow_logs.json")));

fn read<T: serde::de::DeserializeOwned>(text: &str) -> Vec<T> {
    serde_json::from_str(text).unwrap()
}

/// Every statement of the test data.
pub(crate) fn statements() -> Vec<&'static str> {
    [postgres_statements(), mysql_statements()].concat()
}

/// Every statement that is PostgreSQL's.
pub(crate) fn postgres_statements() -> Vec<&'static str> {
    LIBPG_FINGERPRINT.iter().chain(LIBPG_NORMALIZE.iter()).map(|pair| pair.query.as_str()).collect()
}

/// Every statement that is MySQL's.
pub(crate) fn mysql_statements() -> Vec<&'static str> {
    let of_pairs = PERCONA.iter().chain(PERCONA_EVENTS.iter()).map(|pair| pair.query.as_str());
    of_pairs.chain(slow_log_statements()).collect()
}

/// Every statement of the slow logs.
pub(crate) fn slow_log_statements() -> impl Iterator<Item = &'static str> {
    SLOW_LOGS.iter().map(|logged| logged.statement.as_str())
}
