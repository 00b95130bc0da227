//! A service's connection to both servers, the way one slot of a real connection pool behaves.

use std::time::Duration;

use rand::rngs::SmallRng;
use sqlx::Executor;
use sqlx::postgres::{PgConnectOptions, PgConnection};

use super::pages::{Service, Version};
use super::statement::{Place, Statement, Value};
use crate::postgres::Server;

/// How long one connection attempt may take.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
/// How long one statement may take, as the server enforces it, milliseconds.
const STATEMENT_TIMEOUT_MS: u32 = 30_000;
/// The same on our side, a little later.
const STATEMENT_DEADLINE: Duration = Duration::from_secs(35);

/// Where a service connects to.
#[derive(Clone, Debug)]
pub(super) struct Addresses {
    primary: PgConnectOptions,
    replica: PgConnectOptions,
}

impl Addresses {
    pub(super) fn new(service: Service, primary: &Server, standby: &Server) -> Self {
        let options = |server: &Server| {
            server
                .connect_options(service.name())
                .options([("statement_timeout", STATEMENT_TIMEOUT_MS.to_string())])
        };
        Self { primary: options(primary), replica: options(standby) }
    }
}

/// One slot: a connection to the replica and one to the primary, opened when first used.
#[derive(Debug)]
pub(super) struct Slot {
    addresses: Addresses,
    version: Version,
    primary: Option<PgConnection>,
    replica: Option<PgConnection>,
}

impl Slot {
    /// Connections are named after service and version, as `checkout@v141`.
    pub(super) fn new(addresses: &Addresses, service: Service, version: Version) -> Self {
        let name = format!("{}@{version}", service.name());
        let named = |options: &PgConnectOptions| options.clone().application_name(&name);
        let addresses = Addresses { primary: named(&addresses.primary), replica: named(&addresses.replica) };
        Self { addresses, version, primary: None, replica: None }
    }

    /// The version that the connections are named after.
    pub(super) fn version(&self) -> Version {
        self.version
    }

    /// Runs one statement. After an error the connection is opened anew the next time.
    pub(super) async fn run(
        &mut self,
        statement: &Statement,
        random: &mut SmallRng,
    ) -> Result<(), sqlx::Error> {
        let (options, kept) = match statement.place {
            Place::Primary => (&self.addresses.primary, &mut self.primary),
            Place::Replica => (&self.addresses.replica, &mut self.replica),
        };
        // Out of its place while in use: a failed or cancelled statement leaves nothing half-read behind.
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => within(CONNECT_DEADLINE, sqlx::ConnectOptions::connect(options)).await?,
        };
        let mut query = sqlx::query(statement.sql);
        for param in statement.params {
            query = match param.draw(random) {
                Value::Number(number) => query.bind(number),
                Value::Text(text) => query.bind(text),
            };
        }
        within(STATEMENT_DEADLINE, connection.fetch_all(query)).await?;
        *kept = Some(connection);
        Ok(())
    }
}

async fn within<T>(
    deadline: Duration,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    tokio::time::timeout(deadline, work).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}
