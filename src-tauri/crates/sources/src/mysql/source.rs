//! The source itself: connecting, what the server is, and what becomes of each failure. What a poll asks is in `poll.rs`,
//! what a closer look asks in `inspect.rs`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use faultline_model::{
    About, Clock, Due, Fingerprint, Frame, HealthRow, NodeSpec, Observed, Polled, Role, Source,
};
use tokio::time::Instant;

use super::address::Address;
use super::capabilities::{Capabilities, Columns};
use super::connection::{Door, Link};
use super::driver::Network;
use super::facts::Followed;
use super::histogram::Buckets;
use super::sessions::{self, Programs, Session};
use super::sql::Query;
use super::statements::Statements;
use super::status::Sample;
use super::table::Table;
use super::texts::Texts;
use super::trouble::Trouble;
use super::{selftest, sql, sql_facts};
use crate::common::{BUDGET_SHARE, Board, Budget, Memory, skew_moved, skew_s};
use crate::error::SourceError;
use crate::query_book::QueryBook;

/// Opens a MySQL or MariaDB node; connects nothing.
pub(crate) fn open(
    spec: NodeSpec,
    clock: Arc<dyn Clock>,
    _book: QueryBook,
) -> Result<Box<dyn Source>, SourceError> {
    let address = Arc::new(Address::parse(&spec)?);
    let door = Box::new(Network::new(Arc::clone(&address)));
    Ok(Box::new(MysqlSource::behind(door, address, spec, clock)))
}

/// One node.
pub(super) struct MysqlSource {
    pub(super) spec: NodeSpec,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) link: Link,
    pub(super) board: Board,
    /// What the connected server has; `None` while not connected.
    pub(super) has: Option<Capabilities>,
    /// The role as last seen; `None` while it cannot be told.
    pub(super) role: Option<Role>,
    /// Whether a global privilege other than PROCESS was missing.
    pub(super) lacks_privilege: bool,
    /// What was last told of the node.
    about: Option<About>,
    skew_s: Option<f64>,
    pub(super) before: Option<Sample>,
    pub(super) statements: Statements,
    pub(super) texts: Texts,
    pub(super) programs: Programs,
    pub(super) buckets: Option<Buckets>,
    /// Busy seconds and commands of MariaDB's user statistics at the last reading.
    pub(super) users: Option<(f64, f64)>,
    pub(super) facts: Memory,
    pub(super) followed: Followed,
    /// Whether a lock wait was told and not yet taken back.
    pub(super) told_locks: bool,
    /// Suspects whose missing index was told and not yet taken back.
    pub(super) told_hints: BTreeSet<Fingerprint>,
    budget: Budget,
    last_poll: Option<Instant>,
    /// What the server counted of our own statements since the last account; `None` where it does not count them.
    pub(super) counted_cost_ms: Option<f64>,
}

#[async_trait]
impl Source for MysqlSource {
    async fn poll(&mut self, due: Due) -> Polled {
        let due = self.budget.admit(due);
        let looked = match self.connected().await {
            Ok(()) => self.look(due).await,
            Err(_) => None,
        };
        let cost_ms = self.link.take_cost().as_secs_f64() * 1_000.0;
        self.account(cost_ms);
        Polled { frames: looked.into_iter().collect(), health: self.board.take_news(), cost_ms }
    }

    async fn inspect(&mut self, suspects: &[Fingerprint]) -> Polled {
        let found = match self.connected().await {
            Ok(()) => self.look_closer(suspects).await,
            Err(_) => None,
        };
        let frame = found.filter(|facts| !facts.is_empty()).map(|facts| {
            let mut frame = Frame::new(self.clock.now(), self.spec.id.node.clone());
            frame.facts = facts;
            frame.texts = self.texts.take();
            frame.measured()
        });
        let cost_ms = self.link.take_cost().as_secs_f64() * 1_000.0;
        Polled { frames: frame.into_iter().collect(), health: self.board.take_news(), cost_ms }
    }

    async fn self_test(&mut self) -> Vec<HealthRow> {
        self.link.forget_pause();
        if self.connected().await.is_ok() {
            // Each failure is on the board already.
            let _ = self.probe_anew().await;
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

impl MysqlSource {
    /// A node behind a door.
    pub(super) fn behind(
        door: Box<dyn Door>,
        address: Arc<Address>,
        spec: NodeSpec,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            board: Board::new(spec.id.to_string()),
            spec,
            clock,
            link: Link::new(address, door),
            has: None,
            role: None,
            lacks_privilege: false,
            about: None,
            skew_s: None,
            before: None,
            statements: Statements::default(),
            texts: Texts::default(),
            programs: Programs::default(),
            buckets: None,
            users: None,
            facts: Memory::default(),
            followed: Followed::default(),
            told_locks: false,
            told_hints: BTreeSet::new(),
            budget: Budget::default(),
            last_poll: None,
            counted_cost_ms: None,
        }
    }

    /// Makes sure of a connection to a server that can be watched. What is in the way is on the board.
    async fn connected(&mut self) -> Result<(), Trouble> {
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
        // What a server counted before we lost it is another session's, and maybe another server's.
        self.before = None;
        self.programs.forget();
        self.probe().await?;
        self.measure_skew().await?;
        self.link.proved();
        self.board.tell_all();
        Ok(())
    }

    /// Asks what the server is and has. A server that cannot be watched is let go.
    pub(super) async fn probe(&mut self) -> Result<(), Trouble> {
        let has = match self.capabilities().await {
            Ok(has) => has,
            Err(trouble) => {
                self.board.only(selftest::connection(&trouble, self.link.address()));
                self.let_go();
                return Err(trouble);
            }
        };
        let refusal = if has.comment.to_ascii_lowercase().contains("proxysql") {
            Some(selftest::pooler("ProxySQL answers"))
        } else if !has.session_settings {
            Some(selftest::pooler("the settings of the session were swallowed"))
        } else {
            Some(selftest::version(&has)).filter(|found| !found.is_ok())
        };
        if let Some(refusal) = refusal {
            self.board.only(refusal);
            self.let_go();
            return Err(Trouble::BackingOff);
        }
        for found in selftest::capabilities(&has, self.link.address()) {
            self.board.set(found);
        }
        self.has = Some(has);
        Ok(())
    }

    /// As [`Self::probe`], in a new session where a privilege was missing: sessions keep the global privileges that they
    /// began with.
    pub(super) async fn probe_anew(&mut self) -> Result<(), Trouble> {
        if self.lacks_privilege || self.has.as_ref().is_some_and(|has| !has.process) {
            self.link.close().await;
            self.lacks_privilege = false;
            if let Err(trouble) = self.link.connect().await {
                self.has = None;
                self.board.only(selftest::connection(&trouble, self.link.address()));
                return Err(trouble);
            }
            self.programs.forget();
        }
        self.probe().await
    }

    async fn capabilities(&mut self) -> Result<Capabilities, Trouble> {
        let version = self.link.ask(&sql::version()).await?;
        let mariadb =
            version.first().and_then(|row| row.any(&["version"]).ok().flatten().map(sql::is_mariadb));
        let mariadb = mariadb.unwrap_or(false);
        let mut has = Capabilities::from_who(&self.link.ask(&sql_facts::who(mariadb)).await?)?;
        has.learn_variables(&self.link.ask(&sql_facts::variables(mariadb)).await?)?;
        has.columns = self.columns(&has).await?;
        has.process = match self.link.ask(&sql_facts::process()).await {
            Ok(answer) => answer.len() > 0,
            Err(trouble) if trouble.is_denied() => false,
            Err(trouble) => return Err(trouble),
        };
        if has.performance_schema() && has.columns.has("setup_consumers", "NAME") {
            has.learn_consumers(&self.link.ask(&sql_facts::consumers()).await?)?;
        }
        Ok(has)
    }

    /// The columns of the server's own tables; they are looked up again only while some that matter are missing, since
    /// that is the dearest question of all.
    async fn columns(&mut self, has: &Capabilities) -> Result<Columns, Trouble> {
        let known = self.has.as_ref().filter(|before| {
            before.connection_id == has.connection_id
                && before.performance_schema() == has.performance_schema()
                && (before.reads_digests() || !has.performance_schema())
        });
        match known {
            Some(before) => Ok(before.columns.clone()),
            None => Columns::from_table(&self.link.ask(&sql_facts::columns()).await?),
        }
    }

    pub(super) fn let_go(&mut self) {
        self.has = None;
        self.link.abandon();
    }

    /// One statement, its rows.
    pub(super) async fn ask(&mut self, query: &Query) -> Result<Table, Trouble> {
        self.link.ask(query).await
    }

    /// Notes a failed part. `Err` when the connection is gone with it, so that the rest needs no trying.
    pub(super) fn failed(&mut self, aspect: &'static str, trouble: Trouble) -> Result<(), Trouble> {
        if trouble.ends_connection() {
            let found = selftest::connection(&trouble, self.link.address());
            self.board.only(found);
            self.has = None;
            return Err(trouble);
        }
        self.board.set(selftest::part(aspect, &trouble, self.has.as_ref()));
        Ok(())
    }

    /// Looks at what is due. `None` when the connection broke before anything was seen.
    async fn look(&mut self, due: Due) -> Option<Frame> {
        let mut frame = Frame::new(self.clock.now(), self.spec.id.node.clone());
        let mut sample: Option<Vec<Session>> = None;
        let broke = self.look_at_parts(due, &mut frame, &mut sample).await.is_err();
        // Grouped last: the texts of the digests, if any were read, name the statements best.
        if let Some(sample) = sample {
            frame.sessions = Some(sessions::group(sample, &mut self.texts, &self.programs));
        }
        frame.texts = self.texts.take();
        frame.about = self.news_of_node();
        (!broke || !frame.is_empty()).then(|| frame.measured())
    }

    pub(super) async fn measure_skew(&mut self) -> Result<(), Trouble> {
        let Some(mariadb) = self.has.as_ref().map(|has| has.mariadb) else { return Ok(()) };
        self.link.forget_network();
        let sent = self.clock.now();
        let answer = self.ask(&sql::clock(mariadb)).await;
        let received = self.clock.now();
        match answer.and_then(|answer| answer.first().map(|row| row.float("now_s")).transpose()) {
            Ok(Some(Some(now_s))) => {
                let skew_s = skew_s(sent, (now_s * 1e6) as i64, received);
                self.board.set(selftest::clock(skew_s));
                self.skew_s = Some(skew_s);
                Ok(())
            }
            Ok(_) => Ok(()),
            Err(trouble) => self.failed(selftest::CLOCK, trouble),
        }
    }

    /// What the node is, when that is news.
    fn news_of_node(&mut self) -> Option<About> {
        let has = self.has.as_ref()?;
        let mut now = About {
            role: self.spec.role.or(self.role),
            engine: has.engine(),
            version: Some(has.version_text.clone()),
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

    /// How much of what is asked for is done, for the self-test.
    pub(super) fn pace(&self) -> u32 {
        self.budget.pace()
    }

    /// Keeps the account of what we cost: what the server counted of our statements, and only where it counts none the
    /// round trips, which on a busy network or a busy workstation say more about those than about the server.
    fn account(&mut self, round_trips_ms: f64) {
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
