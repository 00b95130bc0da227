//! What a poll asks, part by part. A part that fails is a row of the self-test, and the others go on.

use faultline_model::{Due, Facts, Frame, Role, SignalName, Signals, signal};

use super::capabilities::Capabilities;
use super::facts;
use super::histogram::{self, Buckets};
use super::replication::{self, Channel};
use super::sessions::{self, Session};
use super::source::MysqlSource;
use super::statements::{self, Outcome};
use super::status::{self, Sample, Seen};
use super::texts::MAX_TEXTS_PER_READ;
use super::trouble::Trouble;
use super::{selftest, sql, sql_facts};
use crate::common::{BUDGET_SHARE, Found};

impl MysqlSource {
    pub(super) async fn look_at_parts(
        &mut self,
        due: Due,
        frame: &mut Frame,
        sample: &mut Option<Vec<Session>>,
    ) -> Result<(), Trouble> {
        if due.sessions {
            *sample = self.sessions().await?;
            let seen = sample.as_deref().map(sessions::counts);
            let seen = seen.map(|(active, lock_waiting)| Seen { active, lock_waiting });
            frame.signals = self.status(seen).await?;
            frame.at = self.clock.now();
            self.replicates(&mut frame.signals).await?;
        }
        if due.counters {
            let mut more = Signals::default();
            if let Some(outcome) = self.counters().await? {
                more.span_s = outcome.queries.span_s;
                rates(&outcome, &mut more);
                frame.queries = Some(outcome.queries);
            }
            self.percentiles(&mut more).await?;
            self.user_statistics(&mut more).await?;
            if !due.sessions {
                frame.at = self.clock.now();
            }
            merge(&mut frame.signals, more);
        }
        if due.facts {
            frame.facts = self.slow_facts().await?;
        }
        Ok(())
    }

    /// One sample of the sessions at work; `None` when it is not to be had.
    async fn sessions(&mut self) -> Result<Option<Vec<Session>>, Trouble> {
        let Some(has) = self.has.clone().filter(|has| has.process) else { return Ok(None) };
        let answer = self.ask(&sql::sessions(&has)).await;
        let sample = match answer.and_then(|answer| sessions::sample(&answer)) {
            Ok(sample) => sample,
            Err(trouble) => return self.failed(selftest::SESSIONS, trouble).map(|()| None),
        };
        self.board.recovered(Found::ok(selftest::SESSIONS, "sessions are sampled"));
        self.read_programs(&has, &sample).await?;
        Ok(Some(sample))
    }

    /// Asks what the clients call themselves, of sessions that were not seen before.
    async fn read_programs(&mut self, has: &Capabilities, sample: &[Session]) -> Result<(), Trouble> {
        let unseen = self.programs.unseen(sample);
        if unseen.is_empty()
            || !has.performance_schema()
            || !has.columns.has("session_connect_attrs", "ATTR_VALUE")
        {
            return Ok(());
        }
        match self.ask(&sql::programs(&unseen)).await.and_then(|answer| self.programs.learn(&unseen, &answer))
        {
            Ok(()) => Ok(()),
            Err(trouble) => self.failed(selftest::SESSIONS, trouble),
        }
    }

    /// The server's counters since the sample before.
    async fn status(&mut self, seen: Option<Seen>) -> Result<Option<Signals>, Trouble> {
        let Some(has) = self.has.clone() else { return Ok(None) };
        let answer = self.ask(&sql::status(&has)).await;
        let now = match answer.and_then(|answer| Sample::from_table(&answer)) {
            Ok(now) => now,
            Err(trouble) => return self.failed(selftest::STATUS, trouble).map(|()| None),
        };
        if now.connection_id != has.connection_id {
            self.board.only(selftest::pooler("the server's session changed within one of ours"));
            self.let_go();
            return Err(Trouble::BackingOff);
        }
        self.board.recovered(Found::ok(selftest::STATUS, "the server's counters are read"));
        let signals = self.before.as_ref().and_then(|before| status::signals(before, &now, seen));
        if self.before.is_none() && has.reads_digests() {
            let lost = now.value("performance_schema_digest_lost").unwrap_or_default();
            self.board.set(selftest::digest_table(&has, lost, false));
        }
        self.before = Some(now);
        Ok(signals)
    }

    /// How the node replicates: its role, how far it is behind, what is broken.
    async fn replicates(&mut self, signals: &mut Option<Signals>) -> Result<(), Trouble> {
        let Some(has) = self.has.clone() else { return Ok(()) };
        let answer = self.ask(&sql::replication(&has)).await;
        let channels = match answer.and_then(|answer| replication::channels(&answer)) {
            Ok(channels) => channels,
            Err(trouble) => {
                // Who may not look cannot say that it follows nobody.
                self.role = has.read_only().then_some(Role::Replica);
                self.lacks_privilege |= trouble.is_denied();
                return self.failed(selftest::REPLICATION, trouble);
            }
        };
        let has = self.writable_again(has, &channels).await?;
        let role = replication::role(&channels, has.read_only(), has.is_on("innodb_read_only"));
        self.role = Some(role);
        self.board.set(selftest::role(role, self.spec.role));
        self.board.set(selftest::replication(&has, &channels, role));
        if role == Role::Replica {
            let workers_s = self.workers(&has).await?;
            let lag = replication::lag(&channels, workers_s);
            for (name, value) in [(signal::REPLAY_LAG_S, lag.seconds), (signal::REPLAY_LAG_BYTES, lag.bytes)]
            {
                if let (Some(signals), Some(value)) = (signals.as_mut(), value) {
                    signals.values.insert(SignalName::from(name), value);
                }
            }
        }
        Ok(())
    }

    /// Whether a server whose channels were stopped takes writes is what its role hangs on, so it is asked anew.
    async fn writable_again(
        &mut self,
        mut has: Capabilities,
        channels: &[Channel],
    ) -> Result<Capabilities, Trouble> {
        if channels.is_empty() || channels.iter().any(Channel::is_running) || !has.read_only() {
            return Ok(has);
        }
        match self
            .ask(&sql_facts::variables(has.mariadb))
            .await
            .and_then(|answer| has.learn_variables(&answer))
        {
            Ok(()) => self.has = Some(has.clone()),
            Err(trouble) => self.failed(selftest::REPLICATION, trouble)?,
        }
        Ok(has)
    }

    /// How far the workers of MySQL 8 are behind by the dates of what they apply.
    async fn workers(&mut self, has: &Capabilities) -> Result<Option<f64>, Trouble> {
        let dated = "APPLYING_TRANSACTION_ORIGINAL_COMMIT_TIMESTAMP";
        if !has.performance_schema() || !has.columns.has("replication_applier_status_by_worker", dated) {
            return Ok(None);
        }
        let answer = self.ask(&sql::workers()).await;
        match answer.and_then(|answer| answer.first().map(|row| row.float("behind_s")).transpose()) {
            Ok(behind_s) => Ok(behind_s.flatten()),
            Err(trouble) => self.failed(selftest::REPLICATION, trouble).map(|()| None),
        }
    }

    /// What the digests say happened since the reading before.
    async fn counters(&mut self) -> Result<Option<Outcome>, Trouble> {
        let Some(has) = self.has.clone().filter(Capabilities::reads_digests) else { return Ok(None) };
        let now = match self.reading(&has).await {
            Ok(now) => now,
            Err(trouble) => return self.failed(selftest::COUNTERS, trouble).map(|()| None),
        };
        self.board.recovered(Found::ok(selftest::COUNTERS, "the digests are read"));
        let deltas = match self.statements.advance(now) {
            Ok(deltas) => deltas,
            Err(gap) => {
                tracing::debug!(node = %self.spec.id, ?gap, "the digests start over");
                return Ok(None);
            }
        };
        let unseen = self.statements.unseen(&deltas, &self.texts);
        let found_room = !unseen.is_empty();
        let asked = self.read_texts(unseen).await;
        let outcome = self.statements.fold(deltas, &mut self.texts, asked.as_deref().unwrap_or_default());
        asked?;
        if outcome.overflowed > 0 {
            self.board.set(selftest::digest_table(&has, 0.0, true));
        } else if found_room {
            self.board.recovered(selftest::digest_table(&has, 0.0, false));
        }
        self.board.set(selftest::digest_length(&has, self.texts.truncated()));
        *self.counted_cost_ms.get_or_insert(0.0) += outcome.ours_ms;
        Ok(Some(outcome))
    }

    async fn reading(&mut self, has: &Capabilities) -> Result<super::delta::Reading, Trouble> {
        let clock = self.ask(&sql::clock(has.mariadb)).await?;
        let since_s = self.statements.since_s();
        let digests = self.ask(&sql::digests(has, since_s)).await?;
        statements::reading(&clock, &digests)
    }

    /// Reads the texts of digests never seen; those that were asked for and answered as far as they can be.
    async fn read_texts(&mut self, mut digests: Vec<String>) -> Result<Vec<String>, Trouble> {
        if digests.is_empty() {
            return Ok(digests);
        }
        digests.truncate(MAX_TEXTS_PER_READ);
        let answer = self.ask(&sql::texts(&digests)).await;
        let read = answer.and_then(|answer| self.texts.learn(&answer));
        self.statements.texts_read(read.is_ok());
        match read {
            Ok(()) => Ok(digests),
            Err(trouble) => self.failed(selftest::COUNTERS, trouble).map(|()| Vec::new()),
        }
    }

    /// True percentiles, where the server counts how long statements take.
    async fn percentiles(&mut self, signals: &mut Signals) -> Result<(), Trouble> {
        let Some(has) = self.has.clone() else { return Ok(()) };
        let histogram =
            has.performance_schema() && has.columns.has("events_statements_histogram_global", "COUNT_BUCKET");
        let answer = if histogram {
            self.ask(&sql::histogram()).await.and_then(|answer| Buckets::of_mysql(&answer))
        } else if has.mariadb && has.is_on("query_response_time_stats") {
            self.ask(&sql::response_times()).await.and_then(|answer| Buckets::of_mariadb(&answer))
        } else {
            return Ok(());
        };
        match answer {
            Ok(now) => {
                let found = self.buckets.as_ref().and_then(|before| histogram::percentiles_ms(before, &now));
                if let Some((p95_ms, p99_ms)) = found {
                    signals.values.insert(SignalName::from("x_latency_p95_ms"), p95_ms);
                    signals.values.insert(SignalName::from("x_latency_p99_ms"), p99_ms);
                }
                self.buckets = Some(now);
                Ok(())
            }
            Err(trouble) => self.failed(selftest::PERCENTILES, trouble),
        }
    }

    /// The mean latency from MariaDB's user statistics, where those count and the digests do not.
    async fn user_statistics(&mut self, signals: &mut Signals) -> Result<(), Trouble> {
        let Some(has) = self.has.clone() else { return Ok(()) };
        if !has.mariadb || !has.is_on("userstat") || has.reads_digests() {
            return Ok(());
        }
        let account = has.account.rsplit_once('@').map_or(has.account.as_str(), |(user, _)| user).to_owned();
        let read = self.ask(&sql::user_statistics(&account)).await.and_then(|answer| {
            let Some(row) = answer.first() else { return Ok(None) };
            Ok(row.float("busy_s")?.zip(row.float("commands")?))
        });
        match read {
            Ok(now) => {
                if let (Some((busy_s, commands)), Some((busy_now_s, commands_now))) = (self.users, now)
                    && commands_now > commands
                    && busy_now_s >= busy_s
                {
                    let latency_ms = (busy_now_s - busy_s) * 1_000.0 / (commands_now - commands);
                    signals.values.insert(SignalName::from(signal::LATENCY_MS), latency_ms);
                }
                self.users = now;
                Ok(())
            }
            Err(trouble) => self.failed(selftest::COUNTERS, trouble),
        }
    }

    /// Settings, table sizes, definitions, clock skew.
    async fn slow_facts(&mut self) -> Result<Facts, Trouble> {
        self.probe_anew().await?;
        self.measure_skew().await?;
        let Some(has) = self.has.clone() else { return Ok(Facts::new()) };
        let mut found = has.settings();
        if has.process {
            match self.tables(&has).await {
                Ok(more) => {
                    found.extend(more);
                    self.board.recovered(Found::ok(selftest::FACTS, "settings and tables are read"));
                }
                Err(trouble) => self.failed(selftest::FACTS, trouble)?,
            }
        }
        Ok(self.facts.news(found))
    }

    /// Sizes of the largest tables, and the definitions of those that are followed.
    async fn tables(&mut self, has: &Capabilities) -> Result<Facts, Trouble> {
        let home = self.link.address().schema.clone();
        let answer = self.ask(&sql_facts::tables(has.mariadb)).await?;
        let largest = facts::largest(&answer)?;
        let page_bytes = has.number("innodb_page_size").unwrap_or(16_384);
        let mut found = facts::sizes(&largest, page_bytes, home.as_deref());
        let followed = self.followed.add(&largest);
        if followed.is_empty() {
            return Ok(found);
        }
        let mut definitions =
            facts::indexes(&self.ask(&sql_facts::indexes(&followed)).await?, home.as_deref())?;
        definitions
            .extend(facts::columns(&self.ask(&sql_facts::definitions(&followed)).await?, home.as_deref())?);
        self.board.set(selftest::definitions(has, !definitions.is_empty()));
        found.extend(self.followed.changes(definitions));
        Ok(found)
    }

    /// The part of the self-test that a look at the capabilities does not tell.
    pub(super) async fn test_parts(&mut self) -> Result<(), Trouble> {
        self.measure_skew().await?;
        self.sessions().await?;
        self.status(None).await?;
        self.replicates(&mut None).await?;
        self.board.set(selftest::budget(self.pace(), BUDGET_SHARE));
        let Some(has) = self.has.clone() else { return Ok(()) };
        if has.process
            && let Err(trouble) = self.tables(&has).await
        {
            self.failed(selftest::FACTS, trouble)?;
        }
        if has.reads_digests() {
            match self.reading(&has).await {
                Ok(_) => self.board.recovered(Found::ok(selftest::COUNTERS, "the digests are read")),
                Err(trouble) => self.failed(selftest::COUNTERS, trouble)?,
            }
        }
        Ok(())
    }
}

/// Rates over all statements.
fn rates(outcome: &Outcome, signals: &mut Signals) {
    let span_s = outcome.queries.span_s;
    if let Some(latency_ms) = outcome.latency_ms() {
        signals.values.insert(SignalName::from(signal::LATENCY_MS), latency_ms);
    }
    for (name, count) in [
        (signal::ERRORS_PER_S, outcome.total.errors),
        ("x_rows_examined_per_s", outcome.total.examined),
        ("x_no_index_calls_per_s", outcome.total.no_index),
    ] {
        signals.values.insert(SignalName::from(name), count as f64 / span_s);
    }
}

/// Adds signals to those that are there already, whose span they keep.
fn merge(signals: &mut Option<Signals>, more: Signals) {
    if more.values.is_empty() {
        return;
    }
    match signals {
        Some(signals) => signals.values.extend(more.values),
        // Percentiles of a server without digests have the interval of the polls, which is not told here.
        None if more.span_s > 0.0 => *signals = Some(more),
        None => {}
    }
}
