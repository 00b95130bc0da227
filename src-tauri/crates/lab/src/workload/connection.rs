//! A service's connections to both servers, the way one slot of a real connection pool behaves.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgDatabaseError, PgSeverity};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};

use super::Place;
use super::meter::Meter;
use super::program::Program;
use super::values::Value;
use crate::postgres::Server;

/// How long one connection attempt may take.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
/// How much later than the server we give up on a statement.
const DEADLINE_AFTER_SERVERS: Duration = Duration::from_secs(5);
/// Prepared statements that a connection keeps.
const STATEMENTS_KEPT: usize = 200;

/// Where services connect to.
#[derive(Clone, Debug)]
pub(super) struct Addresses {
    primary: PgConnectOptions,
    replica: PgConnectOptions,
}

impl Addresses {
    /// Those of a service, by its role.
    pub(super) fn new(service: &str, primary: &Server, replica: &Server) -> Self {
        Self { primary: primary.connect_options(service), replica: replica.connect_options(service) }
    }

    /// Those of a version: connections are named after it, as `checkout@v141`.
    pub(super) fn of(&self, program: &Program) -> Self {
        let name = format!("{}@{}", program.service, program.version);
        let timeout = program.statement_timeout_ms.to_string();
        let options = |options: &PgConnectOptions| {
            let options = options.clone().application_name(&name).statement_cache_capacity(STATEMENTS_KEPT);
            options.options([("statement_timeout", timeout.as_str())])
        };
        Self { primary: options(&self.primary), replica: options(&self.replica) }
    }
}

/// Why a statement did not end well.
#[derive(Debug)]
pub(super) enum Failure {
    /// There was no connection.
    Connect(sqlx::Error),
    /// The statement failed.
    Statement(sqlx::Error),
}

/// One connection to each server, opened when first used.
#[derive(Debug)]
pub(super) struct Connections {
    addresses: Addresses,
    deadline: Duration,
    primary: Option<PgConnection>,
    replica: Option<PgConnection>,
}

impl Connections {
    pub(super) fn new(addresses: &Addresses, program: &Program) -> Self {
        let timeout = Duration::from_millis(program.statement_timeout_ms.into());
        let deadline = timeout + DEADLINE_AFTER_SERVERS;
        Self { addresses: addresses.of(program), deadline, primary: None, replica: None }
    }

    /// Runs a prepared statement.
    pub(super) async fn run(
        &mut self,
        on: Place,
        sql: &Arc<str>,
        values: Vec<Value>,
        meter: &Meter,
    ) -> Result<(), Failure> {
        self.with(on, meter, async |connection| {
            // The text is the workload's own; values go as parameters.
            let mut query = sqlx::query(AssertSqlSafe(Arc::clone(sql)));
            for value in values {
                query = match value {
                    Value::Number(number) => query.bind(number),
                    Value::Text(text) => query.bind(text),
                };
            }
            connection.fetch_all(query).await.map(drop)
        })
        .await
    }

    /// Begins or ends a transaction on the primary.
    pub(super) async fn control(&mut self, sql: &'static str, meter: &Meter) -> Result<(), Failure> {
        self.with(Place::Primary, meter, async |connection| connection.execute(sql).await.map(drop)).await
    }

    /// Gives up the transaction on the primary; without it the connection is closed.
    pub(super) async fn roll_back(&mut self, meter: &Meter) {
        if self.primary.is_some() && self.control("rollback", meter).await.is_err() {
            self.primary = None;
        }
    }

    /// Closes both.
    pub(super) async fn close(&mut self) {
        for connection in [self.primary.take(), self.replica.take()].into_iter().flatten() {
            // Without a word of farewell the server notices just as well, a little later.
            let _closed = tokio::time::timeout(CONNECT_DEADLINE, connection.close()).await;
        }
    }

    async fn with(
        &mut self,
        on: Place,
        meter: &Meter,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<(), sqlx::Error>,
    ) -> Result<(), Failure> {
        let (options, kept) = match on {
            Place::Primary => (&self.addresses.primary, &mut self.primary),
            Place::Replica => (&self.addresses.replica, &mut self.replica),
        };
        // Out of its place while in use: what is cancelled half-way leaves nothing half-read behind.
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => within(CONNECT_DEADLINE, options.connect()).await.map_err(Failure::Connect)?,
        };
        let outcome = {
            let _under_way = meter.statement();
            within(self.deadline, work(&mut connection)).await
        };
        if outcome.as_ref().err().is_none_or(leaves_connection) {
            *kept = Some(connection);
        }
        outcome.map_err(Failure::Statement)
    }
}

/// Whether the connection is of use after that error.
fn leaves_connection(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else { return false };
    let error = error.try_downcast_ref::<PgDatabaseError>();
    error.is_some_and(|error| !matches!(error.severity(), PgSeverity::Fatal | PgSeverity::Panic))
}

async fn within<T>(
    deadline: Duration,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    tokio::time::timeout(deadline, work).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}
