//! One poll: what is asked, in which order, and what becomes of each failure.

use faultline_model::{Due, Frame, SignalName, Signals, signal};

use super::database::{self, Sample};
use super::replication::Standby;
use super::selftest;
use super::sessions::{self, Session};
use super::source::PostgresSource;
use super::sql;
use super::trouble::Trouble;

impl PostgresSource {
    /// Looks at what is due. `None` when the connection broke before anything was seen.
    pub(super) async fn look(&mut self, due: Due) -> Option<Frame> {
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

    pub(super) async fn look_at_parts(
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
    pub(super) async fn sessions(&mut self) -> Result<Option<Vec<Session>>, Trouble> {
        if !self.has.as_ref().is_some_and(|has| has.reads_all_stats) {
            return Ok(None);
        }
        let rows = self.ask(sql::sessions()).await;
        match rows.and_then(|rows| rows.iter().map(Session::from_row).collect::<Result<Vec<_>, _>>()) {
            Ok(sample) => {
                self.fine(selftest::SESSIONS, "sessions are sampled");
                Ok(Some(sample))
            }
            Err(trouble) => self.failed(selftest::SESSIONS, trouble).map(|()| None),
        }
    }

    /// The database's counters since the sample before.
    pub(super) async fn database(&mut self) -> Result<Option<Signals>, Trouble> {
        let Some((version_num, pid, in_recovery, sees_sessions)) = self
            .has
            .as_ref()
            .map(|has| (has.version_num, has.backend_pid, has.in_recovery, has.reads_all_stats))
        else {
            return Ok(None);
        };
        let rows = self.ask(sql::database(version_num)).await;
        let now = match rows.and_then(|rows| rows.first().map(Sample::from_row).transpose()) {
            Ok(Some(now)) => Sample { trip: self.link.last_trip(), ..now },
            Ok(None) => return Ok(None),
            Err(trouble) => return self.failed(selftest::DATABASE, trouble).map(|()| None),
        };
        if now.backend_pid != pid {
            let server = self.has.as_ref().and_then(|has| has.server.clone());
            self.board
                .only(selftest::pooler("the server's process changed within one session", server.as_deref()));
            self.let_go();
            return Err(Trouble::BackingOff);
        }
        self.fine(selftest::DATABASE, "the database's counters are read");
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
    pub(super) async fn replay(&mut self, signals: &mut Option<Signals>) -> Result<(), Trouble> {
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
}
