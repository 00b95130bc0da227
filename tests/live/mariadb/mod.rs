//! MariaDB 10.11: digests, sessions, locks, replication, facts, and everything that can be missing or go wrong. MySQL 8
//! cannot be had here; its answers are recorded (`tests/recorded/mysql8`).

mod access;
mod digests;
mod facts;
mod replication;
mod sessions;

use faultline_fingerprint::{Dialect, normalise};
use faultline_lab::mariadb::{Options, Server};
use faultline_model::{Engine, Fingerprint, Frame, NodeId, NodeSpec};
use secrecy::SecretString;
use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Executor};

use crate::watch::Watch;

/// A server with the lab's settings.
async fn server() -> Server {
    Server::start(Options::default()).await.unwrap()
}

/// Watches a server as `account`.
fn watch(server: &Server, account: &str) -> Watch {
    at(&server.address(account), server.password())
}

/// Watches an address.
fn at(url: &str, password: &str) -> Watch {
    Watch::spec(NodeSpec {
        id: NodeId { cluster: "shop".into(), node: "node".into() },
        engine: Engine::Mariadb,
        url: url.to_owned(),
        password: Some(SecretString::from(password.to_owned())),
        role: None,
    })
}

/// Runs a statement some times, each by itself, on one connection.
async fn run(connection: &mut MySqlConnection, sql: &str, times: usize) {
    for _ in 0..times {
        connection.execute(AssertSqlSafe(sql)).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

/// Our fingerprint of a statement.
fn fingerprint(sql: &str) -> Fingerprint {
    normalise(sql, Dialect::Mysql).fingerprint
}

/// Finished calls of all statements that normalise to the same as this one.
fn calls(watch: &Watch, sql: &str) -> f64 {
    watch.calls_of(fingerprint(sql).as_str())
}

/// A signal of a frame.
fn signal(frame: &Frame, name: &str) -> Option<f64> {
    frame.signals.as_ref()?.values.get(name).copied()
}
