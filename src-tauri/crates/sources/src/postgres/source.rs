//! The source itself: what is asked in a poll, in which order, and what becomes of each failure.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use faultline_model::{
    About, Clock, Due, Engine, Frame, HealthRow, NodeSpec, Observed, Polled, ROUND_TRIP_DEADLINE, Role,
    SignalName, Signals, Source, signal,
};
use tokio::time::Instant;

use super::address::Address;
use super::capabilities::Capabilities;
use super::connection::{Link, STATEMENT_DEADLINE};
use super::database::{self, Sample};
use super::replication::{Progress, Standby};
use super::row::{int, text};
use super::selftest;
use super::sessions::{self, Session};
use super::statements::{Outcome, Statements};
use super::texts::{Kept, MAX_TEXTS_PER_READ, Texts};
use super::trouble::Trouble;
use super::{facts, sql, statements};
use crate::common::{BUDGET_SHARE, Board, Budget, Found, Memory, skew_moved, skew_s};
use crate::error::SourceError;
use crate::query_book::QueryBook;

/// Opens a PostgreSQL node; connects nothing.
pub(crate) fn open(
    spec: NodeSpec,
    clock: Arc<dyn Clock>,
    _book: QueryBook,
) -> Result<Box<dyn Source>, SourceError> {
    let address = Address::parse(&spec)?;
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
        texts: Texts::default(),
        facts: Memory::default(),
        budget: Budget::default(),
        last_poll: None,
        counted_cost_ms: None,
    }))
}

/// One node.
struct PostgresSource {
    spec: NodeSpec,
    clock: Arc<dyn Clock>,
    link: Link,
    board: Board,
    /// What the connected server has; `None` while not connected.
    has: Option<Capabilities>,
    /// What was last told of the node.
    about: Option<About>,
    skew_s: Option<f64>,
    before: Option<Sample>,
    progress: Progress,
    statements: Statements,
    texts: Texts,
    facts: Memory,
    budget: Budget,
    last_poll: Option<Instant>,
    /// What the server counted of our own statements since the last account; `None` where it does not count them.
    counted_cost_ms: Option<f64>,
}

#[async_trait]
impl Source for PostgresSource {
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
        self.probe().await?;
        self.measure_skew().await?;
        self.link.proved();
        self.board.tell_all();
        Ok(())
    }

    /// Asks what the server is and has. A server that cannot be watched is let go.
    async fn probe(&mut self) -> Result<(), Trouble> {
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
            Some(selftest::pooler("it swallowed the settings of the session"))
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
        self.has = Some(has);
        Ok(())
    }

    fn let_go(&mut self) {
        self.has = None;
        self.link.abandon();
    }

    /// One statement, its rows.
    async fn ask(&mut self, text: String) -> Result<Vec<sqlx::postgres::PgRow>, Trouble> {
        let mut answer = self.link.ask(text, STATEMENT_DEADLINE).await?;
        Ok(answer.pop().unwrap_or_default())
    }

    /// Notes a failed part. `Err` when the connection is gone with it, so that the rest needs no trying.
    fn failed(&mut self, aspect: &'static str, trouble: Trouble) -> Result<(), Trouble> {
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
        let mut sample = None;
        let broke = self.look_at_parts(due, &mut frame, &mut sample).await.is_err();
        // Grouped last: the texts of the counters, if any were read, name the statements best.
        if let Some(sample) = sample {
            frame.sessions = Some(sessions::group(sample, &mut self.texts));
        }
        frame.texts = self.texts.take();
        frame.about = self.news_of_node();
        (!broke || !frame.is_empty()).then(|| frame.measured())
    }

    async fn look_at_parts(
        &mut self,
        due: Due,
        frame: &mut Frame,
        sample: &mut Option<Vec<Session>>,
    ) -> Result<(), Trouble> {
        if due.sessions {
            *sample = self.sessions().await?;
            frame.signals = self.database().await?;
            frame.at = self.clock.now();
            self.replay(&mut frame.signals).await?;
        }
        if due.counters
            && let Some(outcome) = self.counters().await?
        {
            if !due.sessions {
                frame.at = self.clock.now();
            }
            if let Some(latency_ms) = outcome.latency_ms {
                let span_s = outcome.queries.span_s;
                let signals = frame.signals.get_or_insert_with(|| Signals { span_s, ..Signals::default() });
                signals.values.insert(SignalName::from(signal::LATENCY_MS), latency_ms);
            }
            frame.queries = Some(outcome.queries);
        }
        if due.facts {
            frame.facts = self.slow_facts().await?;
        }
        Ok(())
    }

    /// One sample of the sessions at work; `None` when it is not to be had.
    async fn sessions(&mut self) -> Result<Option<Vec<Session>>, Trouble> {
        if !self.has.as_ref().is_some_and(|has| has.reads_all_stats) {
            return Ok(None);
        }
        let rows = self.ask(sql::sessions()).await;
        match rows.and_then(|rows| rows.iter().map(Session::from_row).collect::<Result<Vec<_>, _>>()) {
            Ok(sample) => {
                self.board.recovered(Found::ok(selftest::SESSIONS, "sessions are sampled"));
                Ok(Some(sample))
            }
            Err(trouble) => self.failed(selftest::SESSIONS, trouble).map(|()| None),
        }
    }

    /// The database's counters since the sample before.
    async fn database(&mut self) -> Result<Option<Signals>, Trouble> {
        let Some((version_num, pid, in_recovery, sees_sessions)) = self
            .has
            .as_ref()
            .map(|has| (has.version_num, has.backend_pid, has.in_recovery, has.reads_all_stats))
        else {
            return Ok(None);
        };
        let rows = self.ask(sql::database(version_num)).await;
        let now = match rows.and_then(|rows| rows.first().map(Sample::from_row).transpose()) {
            Ok(Some(now)) => now,
            Ok(None) => return Ok(None),
            Err(trouble) => return self.failed(selftest::DATABASE, trouble).map(|()| None),
        };
        if now.backend_pid != pid {
            self.board.only(selftest::pooler("the server's process changed within one session"));
            self.let_go();
            return Err(Trouble::BackingOff);
        }
        self.board.recovered(Found::ok(selftest::DATABASE, "the database's counters are read"));
        if now.in_recovery != in_recovery {
            // Promoted (or the like): other things can be asked now, and the role is news.
            self.before = None;
            self.probe().await?;
        }
        let own = self.link.take_transactions();
        let signals =
            self.before.as_ref().and_then(|before| database::signals(before, &now, own, sees_sessions));
        self.before = Some(now);
        Ok(signals)
    }

    /// Adds how far a standby is behind.
    async fn replay(&mut self, signals: &mut Option<Signals>) -> Result<(), Trouble> {
        let Some((true, reads_all_stats)) =
            self.has.as_ref().map(|has| (has.in_recovery, has.reads_all_stats))
        else {
            return Ok(());
        };
        let rows = self.ask(sql::replication()).await;
        let now = match rows.and_then(|rows| rows.first().map(Standby::from_row).transpose()) {
            Ok(Some(now)) => now,
            Ok(None) => return Ok(()),
            Err(trouble) => return self.failed(selftest::REPLICATION, trouble),
        };
        self.board.set(selftest::replication(true, now.streams(), now.paused, reads_all_stats));
        let lag = self.progress.lag(&now);
        if let Some(signals) = signals {
            for (name, value) in [(signal::REPLAY_LAG_S, lag.seconds), (signal::REPLAY_LAG_BYTES, lag.bytes)]
            {
                if let Some(value) = value {
                    signals.values.insert(SignalName::from(name), value);
                }
            }
        }
        Ok(())
    }

    /// What the statement counters say happened since the reading before.
    async fn counters(&mut self) -> Result<Option<Outcome>, Trouble> {
        let Some(has) = self.has.clone() else { return Ok(None) };
        let Some(extension) = has.statements.as_ref().filter(|_| has.track.is_some()) else {
            return Ok(None);
        };
        let answer = self.link.ask(sql::counters(extension), STATEMENT_DEADLINE).await;
        let now = match answer.and_then(|answer| statements::reading(&answer)) {
            Ok(now) => now,
            Err(trouble) => return self.failed(selftest::COUNTERS, trouble).map(|()| None),
        };
        self.board.recovered(Found::ok(selftest::COUNTERS, "the statement counters are read"));
        let deltas = match self.statements.advance(now) {
            Ok(deltas) => deltas,
            Err(gap) => {
                tracing::debug!(node = %self.spec.id, ?gap, "the statement counters start over");
                return Ok(None);
            }
        };
        if deltas.implausible > 0 {
            tracing::warn!(node = %self.spec.id, rows = deltas.implausible, "counters that cannot be true were dropped");
        }
        let unseen = self.statements.unseen(&deltas, &self.texts);
        let asked = self.read_texts(&has, unseen).await;
        let broke = asked.is_err();
        let asked = asked.unwrap_or_default();
        let outcome = self.statements.fold(deltas, &self.texts, &asked, has.reads_all_stats && !broke);
        *self.counted_cost_ms.get_or_insert(0.0) += outcome.ours_ms;
        Ok(Some(outcome))
    }

    /// Reads the texts of ids never seen, if it is time. The ids that were asked for and answered as far as they can be.
    async fn read_texts(&mut self, has: &Capabilities, mut ids: Vec<i64>) -> Result<Vec<i64>, Trouble> {
        let Some(extension) = has.statements.as_ref() else { return Ok(Vec::new()) };
        if ids.is_empty() || !self.texts.may_read(Instant::now()) {
            return Ok(Vec::new());
        }
        ids.truncate(MAX_TEXTS_PER_READ);
        let began = Instant::now();
        let answer = self.link.ask(sql::texts(extension, &ids), TEXTS_DEADLINE).await;
        self.texts.was_read(Instant::now(), began.elapsed());
        let kept = answer.and_then(|mut answer| {
            answer.pop().unwrap_or_default().iter().map(kept).collect::<Result<Vec<_>, _>>()
        });
        self.statements.texts_read(kept.is_ok());
        match kept {
            Ok(kept) => {
                kept.into_iter().for_each(|kept| self.texts.learn(kept));
                Ok(ids)
            }
            Err(trouble) => self.failed(selftest::COUNTERS, trouble).map(|()| Vec::new()),
        }
    }

    /// Settings, table sizes, role, clock skew.
    async fn slow_facts(&mut self) -> Result<faultline_model::Facts, Trouble> {
        self.measure_skew().await?;
        self.probe().await?;
        let mut found = faultline_model::Facts::new();
        for (text, read) in [
            (sql::settings(), facts::settings as fn(&[sqlx::postgres::PgRow]) -> Result<_, _>),
            (sql::tables(), facts::tables),
        ] {
            match self.ask(text).await.and_then(|rows| read(&rows)) {
                Ok(more) => found.extend(more),
                Err(trouble) => {
                    self.failed(selftest::FACTS, trouble)?;
                    return Ok(self.facts.news(found));
                }
            }
        }
        self.board.recovered(Found::ok(selftest::FACTS, "settings and table sizes are read"));
        Ok(self.facts.news(found))
    }

    async fn measure_skew(&mut self) -> Result<(), Trouble> {
        self.link.forget_network();
        let sent = self.clock.now();
        let rows = self.ask(sql::clock()).await;
        let received = self.clock.now();
        match rows.and_then(|rows| rows.first().map(|row| int(row, "now_us")).transpose()) {
            Ok(Some(Some(server_us))) => {
                let skew_s = skew_s(sent, server_us, received);
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

    /// The part of the self-test that a look at the capabilities does not tell.
    async fn test_parts(&mut self) -> Result<(), Trouble> {
        self.measure_skew().await?;
        self.sessions().await?;
        let Some(has) = self.has.clone() else { return Ok(()) };
        if has.in_recovery {
            self.replay(&mut None).await?;
        } else {
            self.board.set(selftest::replication(false, false, false, true));
        }
        self.board.set(selftest::budget(self.budget.pace(), BUDGET_SHARE));
        let Some(extension) = has.statements.as_ref().filter(|_| has.track.is_some()) else { return Ok(()) };
        let answer = self.link.ask(sql::counters(extension), STATEMENT_DEADLINE).await;
        match answer.and_then(|answer| statements::reading(&answer)) {
            Ok(_) => {
                self.board.recovered(Found::ok(selftest::COUNTERS, "the statement counters are read"));
                Ok(())
            }
            Err(trouble) => self.failed(selftest::COUNTERS, trouble),
        }
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

/// Longest time that the reading of texts may take, there and back.
const TEXTS_DEADLINE: Duration = ROUND_TRIP_DEADLINE;

/// From a row of the answer to [`sql::texts`].
fn kept(row: &sqlx::postgres::PgRow) -> Result<Kept, Trouble> {
    Ok(Kept {
        queryid: int(row, "queryid")?.unwrap_or_default(),
        text: text(row, "query")?,
        user: text(row, "user_name")?,
        database: text(row, "database_name")?,
    })
}
