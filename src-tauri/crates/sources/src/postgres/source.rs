//! The source itself: its connection, what it remembers, and the account of what it costs. What is asked in a poll is in
//! `poll.rs` and beside it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use faultline_model::{
    About, Clock, Due, Engine, Fingerprint, HealthRow, NodeSpec, Observed, Polled, Role, Source,
};
use tokio::time::Instant;

use super::address::Address;
use super::capabilities::Capabilities;
use super::connection::{Link, STATEMENT_DEADLINE};
use super::database::Sample;
use super::of_primary::OfPrimary;
use super::paced::Paced;
use super::replication::Progress;
use super::schema::Schema;
use super::selftest;
use super::slow::schema_paced;
use super::sql;
use super::statements::Statements;
use super::texts::Texts;
use super::trouble::Trouble;
use crate::common::{BUDGET_SHARE, Board, Budget, Found, Memory, skew_moved};
use crate::error::SourceError;
use crate::query_book::QueryBook;

/// Statements that replay cancels in a row until it is worth a row.
const CONFLICTS_TO_TELL: u32 = 5;

/// Opens a PostgreSQL node; connects nothing.
pub(crate) fn open(
    spec: NodeSpec,
    clock: Arc<dyn Clock>,
    book: QueryBook,
) -> Result<Box<dyn Source>, SourceError> {
    let address = Address::parse(&spec)?;
    let of_primary = OfPrimary::new(book.clone());
    let texts = Texts::new(book, address.user.clone(), address.database.clone());
    Ok(Box::new(PostgresSource {
        board: Board::new(spec.id.to_string()),
        spec,
        clock,
        link: Link::new(address),
        has: None,
        about: None,
        skew_s: None,
        before: None,
        progress: Progress::default(),
        statements: Statements::default(),
        of_primary,
        texts,
        conflicts: BTreeMap::new(),
        schema: Schema::default(),
        schema_paced: schema_paced(),
        facts: Memory::default(),
        budget: Budget::default(),
        last_poll: None,
        counted_cost_ms: None,
    }))
}

/// One node.
pub(super) struct PostgresSource {
    pub(super) spec: NodeSpec,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) link: Link,
    pub(super) board: Board,
    /// What the connected server has; `None` while not connected.
    pub(super) has: Option<Capabilities>,
    /// What was last told of the node.
    pub(super) about: Option<About>,
    pub(super) skew_s: Option<f64>,
    pub(super) before: Option<Sample>,
    pub(super) progress: Progress,
    pub(super) statements: Statements,
    pub(super) of_primary: OfPrimary,
    pub(super) texts: Texts,
    pub(super) schema: Schema,
    pub(super) schema_paced: Paced,
    /// How often in a row replay cancelled what an aspect asked.
    pub(super) conflicts: BTreeMap<&'static str, u32>,
    pub(super) facts: Memory,
    pub(super) budget: Budget,
    pub(super) last_poll: Option<Instant>,
    /// What the server counted of our own statements since the last account; `None` where it does not count them.
    pub(super) counted_cost_ms: Option<f64>,
}

#[async_trait]
impl Source for PostgresSource {
    async fn poll(&mut self, due: Due) -> Polled {
        let due = self.budget.admit(due);
        let looked = match self.connected().await {
            Ok(()) => self.look(due).await,
            Err(_) => None,
        };
        let of_primary = self.word_of_primary(due).await;
        let cost_ms = self.link.take_cost().as_secs_f64() * 1_000.0;
        self.account(cost_ms);
        Polled {
            frames: looked.into_iter().chain(of_primary).collect(),
            health: self.board.take_news(),
            cost_ms,
        }
    }

    async fn inspect(&mut self, suspects: &[Fingerprint]) -> Polled {
        self.look_closer(suspects).await
    }

    async fn self_test(&mut self) -> Vec<HealthRow> {
        self.link.forget_pause();
        if self.connected().await.is_ok() {
            // Each failure is on the board already.
            let _ = self.probe().await;
            let _ = self.test_parts().await;
        }
        self.board.take_news();
        self.board.all()
    }

    async fn close(&mut self) {
        self.has = None;
        self.link.close().await;
    }
}

impl PostgresSource {
    /// Makes sure of a connection to a server that can be watched. What is in the way is on the board.
    pub(super) async fn connected(&mut self) -> Result<(), Trouble> {
        if self.link.is_connected() && self.has.is_some() {
            return Ok(());
        }
        self.has = None;
        let made = self.link.connect().await;
        if let Err(trouble) = &made {
            if *trouble != Trouble::BackingOff {
                let found = selftest::connection(trouble, self.link.address());
                self.board.only(found);
            }
            return made;
        }
        self.probe().await?;
        self.measure_skew().await?;
        self.link.proved();
        self.board.tell_all();
        Ok(())
    }

    /// Asks what the server is and has. A server that cannot be watched is let go.
    pub(super) async fn probe(&mut self) -> Result<(), Trouble> {
        let answer = self.ask(sql::probe()).await;
        let found = answer.and_then(|rows| match rows.first() {
            Some(row) => Capabilities::from_row(row),
            None => Err(Trouble::Unreadable { reason: "no row".to_owned() }),
        });
        let has = match found {
            Ok(has) => has,
            Err(trouble) => {
                self.board.only(selftest::connection(&trouble, self.link.address()));
                self.let_go();
                return Err(trouble);
            }
        };
        let refusal = if !has.session_settings {
            Some(selftest::pooler("it swallowed the settings of the session", has.server.as_deref()))
        } else {
            Some(selftest::version(&has)).filter(|found| !found.is_ok())
        };
        if let Some(refusal) = refusal {
            self.board.only(refusal);
            self.let_go();
            return Err(Trouble::BackingOff);
        }
        for found in selftest::capabilities(&has, self.link.address(), self.spec.role) {
            self.board.set(found);
        }
        self.texts.cut_at(has.activity_bytes);
        self.has = Some(has);
        Ok(())
    }

    pub(super) fn let_go(&mut self) {
        self.has = None;
        self.link.abandon();
    }

    /// One statement, its rows.
    pub(super) async fn ask(&mut self, text: String) -> Result<Vec<sqlx::postgres::PgRow>, Trouble> {
        let mut answer = self.link.ask(text, STATEMENT_DEADLINE).await?;
        Ok(answer.pop().unwrap_or_default())
    }

    /// Notes that a part could be read.
    pub(super) fn fine(&mut self, aspect: &'static str, message: &str) {
        self.conflicts.remove(aspect);
        self.board.recovered(Found::ok(aspect, message));
    }

    /// Notes a failed part. What replay cancelled is a gap, and a row only when it goes on. `Err` when the connection is gone with it, so that the rest needs no trying.
    pub(super) fn failed(&mut self, aspect: &'static str, trouble: Trouble) -> Result<(), Trouble> {
        if let Trouble::Conflict { ended } = trouble {
            return self.cancelled_by_replay(aspect, ended);
        }
        if trouble.ends_connection() {
            let found = selftest::connection(&trouble, self.link.address());
            self.board.only(found);
            self.has = None;
            return Err(trouble);
        }
        self.board.set(selftest::part(aspect, &trouble, self.has.as_ref()));
        Ok(())
    }

    fn cancelled_by_replay(&mut self, aspect: &'static str, ended: bool) -> Result<(), Trouble> {
        let times = self.conflicts.entry(aspect).or_default();
        *times = times.saturating_add(1);
        tracing::debug!(node = %self.spec.id, aspect, times, "replay cancelled our statement");
        if *times >= CONFLICTS_TO_TELL {
            self.board.set(selftest::conflicts(aspect));
        }
        if ended {
            self.has = None;
            self.link.let_go();
            return Err(Trouble::Conflict { ended });
        }
        Ok(())
    }

    /// What the node is, when that is news.
    pub(super) fn news_of_node(&mut self) -> Option<About> {
        let has = self.has.as_ref()?;
        let role: Role = self.spec.role.unwrap_or_else(|| has.role());
        let mut now = About {
            role: Some(role),
            engine: Engine::Postgres,
            version: Some(has.version.clone()),
            // The server does not tell; an exporter on the host may.
            cores: None,
            observed: Some(Observed::Direct),
            skew_s: self.skew_s,
        };
        if let Some(told) = &self.about {
            // A skew that merely trembles is not news.
            if !self.skew_s.is_some_and(|skew_s| skew_moved(told.skew_s, skew_s)) {
                now.skew_s = told.skew_s;
            }
            if *told == now {
                return None;
            }
        }
        self.about = Some(now.clone());
        Some(now)
    }

    /// Keeps the account of what we cost: what the server counted of our statements, and only where it counts none the
    /// round trips, which on a busy network or a busy workstation say more about those than about the server.
    pub(super) fn account(&mut self, round_trips_ms: f64) {
        let cost_ms = match &mut self.counted_cost_ms {
            Some(counted_ms) => std::mem::take(counted_ms),
            None => round_trips_ms,
        };
        let now = Instant::now();
        let elapsed = self.last_poll.replace(now).map_or(Duration::ZERO, |last| now - last);
        if self.budget.spent(cost_ms, elapsed.as_secs_f64()) {
            let (pace, share) = (self.budget.pace(), self.budget.share());
            tracing::info!(node = %self.spec.id, pace, share, "the pace changed with the cost of our statements");
            self.board.set(selftest::budget(pace, BUDGET_SHARE));
        }
    }
}
