//! The one connection to a node: made when first needed, again after a failure with growing pauses, with a deadline on
//! every round trip. After a round trip that timed out or broke, the connection is dropped, never used again. What is
//! behind the door is a trait, so that recorded answers come the same way as those of a server.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, timeout};

use super::address::Address;
use super::sql::{Query, STATEMENT_TIMEOUT_MS};
use super::table::Table;
use super::trouble::Trouble;
use crate::common::Pauses;

/// Longest time to connect, log in and set the session up.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
/// What a round trip may take beyond the statement's own limit on the server.
const NETWORK_ALLOWANCE: Duration = Duration::from_secs(2);
/// Longest polite farewell.
const CLOSE_DEADLINE: Duration = Duration::from_secs(1);

/// Longest time that an ordinary statement may take, there and back.
const STATEMENT_DEADLINE: Duration =
    Duration::from_millis(STATEMENT_TIMEOUT_MS as u64).saturating_add(NETWORK_ALLOWANCE);

/// Where sessions come from.
#[async_trait]
pub(super) trait Door: Send + Sync {
    /// Opens a read-only session with short limits; `schema` is its default one.
    ///
    /// # Errors
    /// Whatever is in the way.
    async fn open(&self, schema: Option<&str>) -> Result<Box<dyn Wire>, Trouble>;
}

/// One session.
#[async_trait]
pub(super) trait Wire: Send {
    /// Sends one statement and gathers its rows.
    ///
    /// # Errors
    /// Whatever went wrong.
    async fn ask(&mut self, query: &Query) -> Result<Table, Trouble>;

    /// Says goodbye.
    async fn close(self: Box<Self>);
}

/// The connection and its account of failures and cost.
pub(super) struct Link {
    address: Arc<Address>,
    door: Box<dyn Door>,
    wire: Option<Box<dyn Wire>>,
    pauses: Pauses,
    /// Fastest round trip seen since the connect: what the network takes.
    fastest: Option<Duration>,
    /// Time spent on round trips since [`Self::take_cost`], less the network's share.
    cost: Duration,
}

impl Link {
    pub(super) fn new(address: Arc<Address>, door: Box<dyn Door>) -> Self {
        let pauses = Pauses::default();
        Self { address, door, wire: None, pauses, fastest: None, cost: Duration::ZERO }
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    pub(super) fn is_connected(&self) -> bool {
        self.wire.is_some()
    }

    /// Connects, unless connected already or the last failure is too fresh.
    pub(super) async fn connect(&mut self) -> Result<(), Trouble> {
        if self.wire.is_some() {
            return Ok(());
        }
        if !self.pauses.over(Instant::now()) {
            return Err(Trouble::BackingOff);
        }
        match open(self.door.as_ref(), None).await {
            Ok(wire) => {
                self.wire = Some(wire);
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
        self.wire = None;
        self.pauses.failed(Instant::now());
    }

    /// Sends one statement and gathers its rows.
    ///
    /// # Errors
    /// Whatever went wrong. After [`Trouble::ends_connection`] the connection is gone and the next [`Self::connect`]
    /// makes a new one.
    pub(super) async fn ask(&mut self, query: &Query) -> Result<Table, Trouble> {
        let Some(wire) = self.wire.as_mut() else {
            return Err(Trouble::Unreachable { reason: "not connected".to_owned() });
        };
        let began = Instant::now();
        let answer = timeout(STATEMENT_DEADLINE, wire.ask(query)).await;
        let took = began.elapsed();
        let network = self.fastest.map_or(took, |fastest| fastest.min(took));
        self.fastest = Some(network);
        self.cost += took - network;
        let answer = answer.unwrap_or(Err(Trouble::Silent { deadline: STATEMENT_DEADLINE }));
        if answer.as_ref().is_err_and(Trouble::ends_connection) {
            self.wire = None;
        }
        answer
    }

    /// Asks some statements in a session of their own, whose default schema is `schema`; what it costs to explain is
    /// nothing to the session that watches. Ends with the first statement that ends the session.
    ///
    /// # Errors
    /// When the session does not come about.
    pub(super) async fn aside(
        &mut self,
        schema: Option<&str>,
        queries: &[Query],
    ) -> Result<Vec<Result<Table, Trouble>>, Trouble> {
        let mut wire = open(self.door.as_ref(), schema).await?;
        let mut answers = Vec::with_capacity(queries.len());
        for query in queries {
            let answer = timeout(STATEMENT_DEADLINE, wire.ask(query))
                .await
                .unwrap_or(Err(Trouble::Silent { deadline: STATEMENT_DEADLINE }));
            let over = answer.as_ref().is_err_and(Trouble::ends_connection);
            answers.push(answer);
            if over {
                return Ok(answers);
            }
        }
        // Whether the farewell arrives makes no difference to us: the socket is closed either way.
        let _ = timeout(CLOSE_DEADLINE, wire.close()).await;
        Ok(answers)
    }

    /// Time that the server spent on us since the last call: round trips less the fastest one seen, which stands for
    /// the network. An upper bound.
    pub(super) fn take_cost(&mut self) -> Duration {
        std::mem::take(&mut self.cost)
    }

    /// Measures anew what the network takes, from the next round trip on.
    pub(super) fn forget_network(&mut self) {
        self.fastest = None;
    }

    /// Says goodbye, for at most a second.
    pub(super) async fn close(&mut self) {
        if let Some(wire) = self.wire.take() {
            // Whether the farewell arrives makes no difference to us: the socket is closed either way.
            let _ = timeout(CLOSE_DEADLINE, wire.close()).await;
        }
    }
}

async fn open(door: &dyn Door, schema: Option<&str>) -> Result<Box<dyn Wire>, Trouble> {
    timeout(CONNECT_DEADLINE, door.open(schema))
        .await
        .unwrap_or(Err(Trouble::Silent { deadline: CONNECT_DEADLINE }))
}
