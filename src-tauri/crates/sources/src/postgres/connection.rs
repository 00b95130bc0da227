//! The one connection to a node: made when first needed, again after a failure with growing pauses, with a deadline on
//! every round trip. After a round trip that timed out or broke, the connection is dropped, never used again.

use std::time::Duration;

use futures::TryStreamExt;
use futures::stream::BoxStream;
use sqlx::postgres::{PgConnection, PgQueryResult, PgRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Either};
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout};

use super::address::{Address, STATEMENT_TIMEOUT_MS};
use super::jump::Trip;
use super::trouble::Trouble;
use crate::common::Pauses;

/// Longest time to connect and log in.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
/// What a round trip may take beyond the statement's own timeout on the server.
const NETWORK_ALLOWANCE: Duration = Duration::from_secs(2);
/// Longest polite farewell.
const CLOSE_DEADLINE: Duration = Duration::from_secs(1);

/// Longest time that an ordinary statement may take, there and back.
pub(super) const STATEMENT_DEADLINE: Duration =
    Duration::from_millis(STATEMENT_TIMEOUT_MS as u64).saturating_add(NETWORK_ALLOWANCE);

/// One answer: a list of rows for every statement of the message.
pub(super) type Answer = Vec<Vec<PgRow>>;

/// The connection and its account of failures and cost.
pub(super) struct Link {
    address: Address,
    connection: Option<PgConnection>,
    pauses: Pauses,
    /// Fastest round trip seen since the connect: what the network takes.
    fastest: Option<Duration>,
    /// Time spent on round trips since [`Self::take_cost`], less the network's share.
    cost: Duration,
    /// The last round trip that was answered.
    trip: Option<Trip>,
    /// Messages sent since [`Self::take_transactions`], each a transaction of its own.
    transactions: u32,
}

impl Link {
    pub(super) fn new(address: Address) -> Self {
        let pauses = Pauses::default();
        Self {
            address,
            connection: None,
            pauses,
            fastest: None,
            trip: None,
            cost: Duration::ZERO,
            transactions: 0,
        }
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    pub(super) fn is_connected(&self) -> bool {
        self.connection.is_some()
    }

    /// Connects, unless connected already or the last failure is too fresh.
    pub(super) async fn connect(&mut self) -> Result<(), Trouble> {
        if self.connection.is_some() {
            return Ok(());
        }
        if !self.pauses.over(Instant::now()) {
            return Err(Trouble::BackingOff);
        }
        let attempt = timeout(CONNECT_DEADLINE, self.address.options().connect()).await;
        let made = match attempt {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(Trouble::from_sqlx(&error, |text| self.address.mask(text))),
            Err(_) => Err(Trouble::Silent { deadline: CONNECT_DEADLINE }),
        };
        match made {
            Ok(connection) => {
                self.connection = Some(connection);
                self.fastest = None;
                Ok(())
            }
            Err(trouble) => {
                self.pauses.failed(Instant::now());
                Err(trouble)
            }
        }
    }

    /// The session has proved to be of use; the next failure pauses for the shortest time again.
    pub(super) fn proved(&mut self) {
        self.pauses = Pauses::default();
    }

    /// Allows an attempt at once, as when the user asks for a test.
    pub(super) fn forget_pause(&mut self) {
        self.pauses = Pauses::default();
    }

    /// Drops the connection because its server is of no use; the next attempt comes after a pause.
    pub(super) fn abandon(&mut self) {
        self.connection = None;
        self.pauses.failed(Instant::now());
    }

    /// Sends one message by the simple protocol (nothing prepared, so nothing is left behind on the server or in a
    /// pooler) and gathers the rows, statement by statement.
    ///
    /// # Errors
    /// Whatever went wrong. After [`Trouble::ends_connection`] the connection is gone and the next [`Self::connect`]
    /// makes a new one.
    pub(super) async fn ask(&mut self, sql: String, deadline: Duration) -> Result<Answer, Trouble> {
        let Some(connection) = self.connection.as_mut() else {
            return Err(Trouble::Unreachable { reason: "not connected".to_owned() });
        };
        let sent = Instant::now();
        // Every text comes from `sql.rs`, which puts in nothing but numbers and quoted names of the server's own.
        let rows = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_many(connection);
        let answer = timeout(deadline, gather(rows)).await;
        self.answered(sent, answer, deadline)
    }

    /// Sends one statement by the extended protocol, in which the server itself sees to it that one message is one
    /// statement, whatever the text; it is unnamed, so that nothing is left behind. `values` are its parameters.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub(super) async fn ask_one(
        &mut self,
        sql: String,
        values: &[&str],
        deadline: Duration,
    ) -> Result<Vec<PgRow>, Trouble> {
        let Some(connection) = self.connection.as_mut() else {
            return Err(Trouble::Unreachable { reason: "not connected".to_owned() });
        };
        let sent = Instant::now();
        let query = sqlx::query(AssertSqlSafe(sql)).persistent(false);
        let query = values.iter().fold(query, |query, value| query.bind(*value));
        let answer = timeout(deadline, query.fetch_all(connection)).await;
        self.answered(sent, answer, deadline)
    }

    /// Keeps the accounts of a round trip, and drops the connection where it is of no use any more.
    fn answered<T>(
        &mut self,
        sent: Instant,
        answer: Result<Result<T, sqlx::Error>, Elapsed>,
        deadline: Duration,
    ) -> Result<T, Trouble> {
        let received = Instant::now();
        let took = received - sent;
        let network = self.fastest.map_or(took, |fastest| fastest.min(took));
        self.fastest = Some(network);
        self.cost += took - network;
        let answer = match answer {
            Ok(Ok(answer)) => {
                self.trip = Some(Trip { sent, received });
                self.transactions = self.transactions.saturating_add(1);
                return Ok(answer);
            }
            Ok(Err(error)) => Trouble::from_sqlx(&error, |text| self.address.mask(text)),
            Err(_) => Trouble::Silent { deadline },
        };
        if answer.ends_connection() {
            self.connection = None;
        }
        Err(answer)
    }

    /// Time that the server spent on us since the last call: round trips less the fastest one seen, which stands for
    /// the network. An upper bound.
    pub(super) fn take_cost(&mut self) -> Duration {
        std::mem::take(&mut self.cost)
    }

    /// The last round trip that was answered.
    pub(super) fn last_trip(&self) -> Option<Trip> {
        self.trip
    }

    /// Lets the connection go without a pause: the server ended it for a reason that is no fault of it.
    pub(super) fn let_go(&mut self) {
        self.connection = None;
    }

    /// Transactions of ours since the last call.
    pub(super) fn take_transactions(&mut self) -> u32 {
        std::mem::take(&mut self.transactions)
    }

    /// Measures anew what the network takes, from the next round trip on.
    pub(super) fn forget_network(&mut self) {
        self.fastest = None;
    }

    /// Says goodbye, for at most [`CLOSE_DEADLINE`].
    pub(super) async fn close(&mut self) {
        if let Some(connection) = self.connection.take() {
            // Whether the farewell arrives makes no difference to us: the socket is closed either way.
            let _ = timeout(CLOSE_DEADLINE, connection.close()).await;
        }
    }
}

async fn gather(
    mut stream: BoxStream<'_, Result<Either<PgQueryResult, PgRow>, sqlx::Error>>,
) -> Result<Answer, sqlx::Error> {
    let mut answer = Vec::new();
    let mut rows = Vec::new();
    while let Some(item) = stream.try_next().await? {
        match item {
            Either::Left(_) => answer.push(std::mem::take(&mut rows)),
            Either::Right(row) => rows.push(row),
        }
    }
    Ok(answer)
}
