//! A source under test, with everything that it ever said added up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use faultline_lab::postgres::Server;
use faultline_model::{
    Clock, Due, Engine, Facts, Fingerprint, Frame, HealthLevel, HealthRow, NodeId, NodeSpec, Polled,
    SessionGroup, Source, Timestamp,
};
use faultline_sources::QueryBook;
use secrecy::SecretString;

/// How long anything that must happen may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(40);
/// How often it is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(100);

pub(crate) const SESSIONS: Due = Due { sessions: true, counters: false, facts: false };
pub(crate) const COUNTERS: Due = Due { sessions: false, counters: true, facts: false };
pub(crate) const BOTH: Due = Due { sessions: true, counters: true, facts: false };
pub(crate) const FACTS: Due = Due { sessions: false, counters: false, facts: true };

pub(crate) struct RealClock;

impl Clock for RealClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the skew against a real server is tested, so the clock is real"
    )]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Timestamp::from_secs(since.as_secs_f64())
    }
}

/// What a source said so far.
pub(crate) struct Watch {
    pub(crate) source: Box<dyn Source>,
    /// Texts by fingerprint.
    pub(crate) texts: BTreeMap<String, String>,
    /// Finished calls by fingerprint.
    calls: BTreeMap<String, f64>,
    /// The last word on each fact.
    pub(crate) facts: Facts,
    /// What the source wrote into its cluster's book.
    pub(crate) book: QueryBook,
    /// The last word on each aspect.
    pub(crate) health: BTreeMap<String, HealthRow>,
}

impl Watch {
    /// Watches a server of the lab as `role`.
    pub(crate) fn server(server: &Server, role: &str) -> Self {
        Self::url(&server.address(role), Some(server.password()))
    }

    pub(crate) fn url(url: &str, password: Option<&str>) -> Self {
        let spec = NodeSpec {
            id: NodeId { cluster: "shop".into(), node: "node".into() },
            engine: Engine::Postgres,
            url: url.to_owned(),
            password: password.map(|password| SecretString::from(password.to_owned())),
            role: None,
        };
        Self::spec(spec)
    }

    /// Watches whatever is stated.
    pub(crate) fn spec(spec: NodeSpec) -> Self {
        let book = QueryBook::default();
        Self {
            source: faultline_sources::open(spec, Arc::new(RealClock), book.clone()).unwrap(),
            facts: Facts::new(),
            book,
            texts: BTreeMap::new(),
            calls: BTreeMap::new(),
            health: BTreeMap::new(),
        }
    }

    /// One poll, added to the sums. Whatever it brings, no number in it may be negative.
    pub(crate) async fn poll(&mut self, due: Due) -> Option<Frame> {
        let polled = self.source.poll(due).await;
        self.take(polled)
    }

    /// One closer look at these statements, added to the sums.
    pub(crate) async fn inspect(&mut self, statements: &[&str]) -> Option<Frame> {
        let suspects: Vec<_> = statements.iter().map(|sql| Fingerprint::from(fingerprint(sql))).collect();
        let polled = self.source.inspect(&suspects).await;
        self.take(polled)
    }

    /// A fact of a statement, `plan:…` or the like, as text.
    pub(crate) fn fact_of(&self, what: &str, sql: &str) -> Option<&str> {
        self.facts.get(&format!("{what}:{}", fingerprint(sql))).and_then(|value| value.as_str())
    }

    fn take(&mut self, polled: Polled) -> Option<Frame> {
        let Polled { frames, health, cost_ms } = polled;
        assert!(cost_ms >= 0.0);
        self.health.extend(health.into_iter().map(|row| (row.aspect.clone(), row)));
        assert!(frames.len() <= 1, "a node that has no word of others: {frames:?}");
        let frame = frames.into_iter().next()?;
        self.facts.extend(frame.facts.clone());
        for text in &frame.texts {
            assert!(!text.text.contains("faultline"), "one of our own statements: {text:?}");
            assert_eq!(
                self.texts.insert(text.fp.to_string(), text.text.clone()),
                None,
                "sent twice: {text:?}"
            );
        }
        if let Some(signals) = &frame.signals {
            assert!(signals.span_s > 0.0);
            assert!(signals.values.values().all(|value| *value >= 0.0 && value.is_finite()), "{signals:?}");
        }
        if let Some(queries) = &frame.queries {
            assert!(queries.span_s > 0.0);
            for row in &queries.rows {
                assert!(row.calls > 0.0 && row.time_ms >= 0.0 && row.rows >= Some(0.0), "{row:?}");
                *self.calls.entry(row.fp.to_string()).or_default() += row.calls;
            }
        }
        Some(frame)
    }

    /// Polls until the frame is as wanted.
    pub(crate) async fn until<T>(&mut self, due: Due, what: &str, wanted: impl Fn(&Frame) -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(found) = self.poll(due).await.as_ref().and_then(&wanted) {
                return found;
            }
            assert!(began.elapsed() < DEADLINE, "{what} never came; health: {:#?}", self.health);
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Polls the counters until there are differences and nothing is held back any more.
    pub(crate) async fn settle(&mut self) -> Frame {
        self.until(COUNTERS, "a complete reading", |frame| {
            frame.queries.as_ref().filter(|queries| queries.complete).map(|_| frame.clone())
        })
        .await
    }

    /// A first reading, which says nothing.
    pub(crate) async fn baseline(&mut self) {
        let frame = self.poll(COUNTERS).await.unwrap();
        assert_eq!(frame.queries, None, "the first reading is silent; health: {:#?}", self.health);
    }

    /// Polls the sessions until a group is as wanted.
    pub(crate) async fn session(
        &mut self,
        what: &str,
        wanted: impl Fn(&SessionGroup) -> bool,
    ) -> SessionGroup {
        self.until(SESSIONS, what, |frame| {
            frame.sessions.iter().flatten().find(|group| wanted(group)).cloned()
        })
        .await
    }

    /// Finished calls of all statements that normalise to the same as this one.
    pub(crate) fn calls(&self, sql: &str) -> f64 {
        self.calls_of(&fingerprint(sql))
    }

    /// Finished calls of a fingerprint.
    pub(crate) fn calls_of(&self, fingerprint: &str) -> f64 {
        self.calls.get(fingerprint).copied().unwrap_or_default()
    }

    /// Calls of statements of which this is a part.
    pub(crate) fn calls_like(&self, part: &str) -> f64 {
        let like = |fp: &String| self.texts.get(fp).is_some_and(|text| text.contains(part));
        self.calls.iter().filter(|(fp, _)| like(fp)).map(|(_, calls)| calls).sum()
    }

    #[track_caller]
    pub(crate) fn expect_health(&self, aspect: &str, level: HealthLevel, hint: &str) {
        let row = self.health.get(aspect).unwrap_or_else(|| panic!("no row {aspect}: {:#?}", self.health));
        assert_eq!(row.level, level, "{row:?}");
        assert!(row.hint.as_deref().unwrap_or_default().contains(hint), "{row:?}");
    }

    /// Runs the self-test and keeps its rows as the last word.
    pub(crate) async fn self_test(&mut self) {
        let rows = self.source.self_test().await;
        self.health = rows.into_iter().map(|row| (row.aspect.clone(), row)).collect();
    }
}

/// Our fingerprint of a statement.
pub(crate) fn fingerprint(sql: &str) -> String {
    faultline_fingerprint::normalise(sql, faultline_fingerprint::Dialect::Postgres).fingerprint.to_string()
}
