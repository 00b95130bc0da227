//! Statements of somebody who is no service: a job, a migration, a backup, a person at a terminal.

use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt;
use futures::future::try_join_all;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Executor};
use tokio::time::Instant;

use super::happened::Happened;
use crate::clock::unix_now;
use crate::error::{Result, database};
use crate::postgres::{Pair, Server};
use crate::scenario::Sql;
use crate::workload::Place;

/// How long one connection attempt may take.
const CONNECT_DEADLINE: Duration = Duration::from_secs(30);
/// SQLSTATE of a session that was ended by somebody else, as we do when time is up.
const ADMIN_SHUTDOWN: &str = "57P01";
/// SQLSTATE of a statement that a standby gave up because replay needed what it looked at.
const RECOVERY_CONFLICT: &str = "40001";

/// Runs them as often as wanted, until `until` at most. `begins` is called just before the first one.
pub(super) async fn run(
    sql: &Sql,
    pair: &Arc<Pair>,
    until: Option<Instant>,
    happened: &Happened,
    begins: impl Fn() + Sync,
) -> Result<()> {
    let server = match sql.on {
        Place::Primary => &pair.primary,
        Place::Replica => &pair.standby,
    };
    let all = (0..sql.connections).map(|_| session(sql, server, until, happened, &begins));
    try_join_all(all).await.map(|_all| ())
}

/// Runs statements as the owner of the tables, one after the other: a migration.
pub(super) async fn migrate(statements: &[String], pair: &Arc<Pair>, happened: &Happened) -> Result<()> {
    let mut connection = open(&pair.primary, "owner", "migration").await?;
    for statement in statements {
        execute(&mut connection, statement, happened)
            .await
            .map_err(database(format!("run {statement:?}")))?;
    }
    connection.close().await.map_err(database("close a migration's connection"))
}

/// One connection, from its beginning to its end.
async fn session(
    sql: &Sql,
    server: &Server,
    until: Option<Instant>,
    happened: &Happened,
    begins: &(impl Fn() + Sync),
) -> Result<()> {
    let mut connection = open(server, &sql.role, &sql.application).await?;
    let backend: i32 = sqlx::query_scalar("select pg_backend_pid()")
        .fetch_one(&mut connection)
        .await
        .map_err(database("ask for a session's number"))?;
    let rounds = rounds(sql, &mut connection, happened, begins);
    let Some(until) = until else { return ended(rounds.await) };
    tokio::select! {
        outcome = rounds => ended(outcome),
        () = tokio::time::sleep_until(until) => {
            server.execute(&format!("select pg_terminate_backend({backend})")).await
        }
    }
}

async fn rounds(
    sql: &Sql,
    connection: &mut PgConnection,
    happened: &Happened,
    begins: &(impl Fn() + Sync),
) -> Result<(), sqlx::Error> {
    let every = sql.every_s.map(Duration::from_secs_f64);
    let mut next = Instant::now();
    for _time in 0..sql.times {
        tokio::time::sleep_until(next).await;
        next = every.map_or_else(Instant::now, |every| next + every);
        begins();
        if sql.transaction {
            connection.execute("begin").await?;
        }
        for statement in &sql.statements {
            execute(connection, statement, happened).await?;
        }
        tokio::time::sleep(Duration::from_secs_f64(sql.hold_s)).await;
        if sql.transaction {
            connection.execute("commit").await?;
        }
    }
    Ok(())
}

async fn execute(
    connection: &mut PgConnection,
    statement: &str,
    happened: &Happened,
) -> Result<(), sqlx::Error> {
    let from = unix_now();
    let is_copy = statement.get(..5).is_some_and(|first| first.eq_ignore_ascii_case("copy "));
    let outcome = if is_copy {
        // What is copied out is of no interest.
        match connection.copy_out_raw(statement).await {
            Ok(rows) => rows.try_for_each(|_row| std::future::ready(Ok(()))).await,
            Err(error) => Err(error),
        }
    } else {
        connection.execute(AssertSqlSafe(statement)).await.map(|_done| ())
    };
    happened.ran(from, unix_now());
    outcome
}

async fn open(server: &Server, role: &str, application: &str) -> Result<PgConnection> {
    let options = server.connect_options(role).application_name(application);
    let opened = tokio::time::timeout(CONNECT_DEADLINE, sqlx::ConnectOptions::connect(&options)).await;
    opened.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map_err(database(format!("connect as {role}")))
}

/// Whether it ended as such statements may: by themselves, or by the server for a reason that belongs to the story.
fn ended(outcome: Result<(), sqlx::Error>) -> Result<()> {
    match outcome {
        Err(sqlx::Error::Database(error))
            if error.code().is_some_and(|code| code == ADMIN_SHUTDOWN || code == RECOVERY_CONFLICT) =>
        {
            Ok(())
        }
        outcome => outcome.map_err(database("run the scenario's statements")),
    }
}
