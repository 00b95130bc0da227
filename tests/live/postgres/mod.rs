//! PostgreSQL 14 to 18, as Debian packs 15 too: counters, sessions, replay, plans, and everything that can be missing or go
//! wrong. What is the same in every version is tested on one; `versions.rs` goes through them.

mod closer;
mod counters;
mod missing;
mod schema;
mod sessions;
mod standby;
mod texts;
mod versions;

use faultline_lab::postgres::{Options, Server};
use sqlx::{AssertSqlSafe, Executor, PgConnection};

async fn server() -> Server {
    Server::start(Options::new(18)).await.unwrap()
}

/// Runs a statement some times, each by itself, on one connection.
async fn run(connection: &mut PgConnection, sql: &str, times: usize) {
    for _ in 0..times {
        connection.execute(AssertSqlSafe(sql)).await.unwrap();
    }
}
