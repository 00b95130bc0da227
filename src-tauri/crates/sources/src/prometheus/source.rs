//! The source around an endpoint: what a poll asks, what becomes of the answers, and how each aspect stands.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use faultline_model::{
    About, Clock, Due, EndpointKind, EndpointSpec, Frame, HealthLevel, HealthRow, Observed, Polled, Role,
    SignalName, Signals, Source, Timestamp, signal,
};

use super::client::Endpoint;
use super::presets::{self, Preset};
use super::promql::Promql;
use super::rows::{CLOCK, FRESHNESS, Note, Rows};
use super::scrape::Scrape;
use super::signal::{Outcome, Signal};
use super::trouble::Trouble;
use crate::common::skew_moved;
use crate::error::SourceError;
use crate::primary::Exporter;
use crate::query_book::QueryBook;

/// Skew beyond which a warning is due, seconds: exporters tell their time in whole seconds.
const SKEW_WARNING_S: f64 = 5.0;

/// A sample says something about now until it is as old as two intervals and this many seconds.
const STALE_AFTER_S: f64 = 60.0;

/// Two polls that are further apart than this many intervals have a gap between them.
const GAP_INTERVALS: f64 = 3.0;

/// Opens an endpoint; connects nothing. Certificate files are read.
pub(crate) fn open(
    mut spec: EndpointSpec,
    clock: Arc<dyn Clock>,
    book: QueryBook,
) -> Result<Box<dyn Source>, SourceError> {
    let bad = |reason: String| SourceError::BadEndpoint { target: spec.id.to_string(), reason };
    if !(spec.interval_s.is_finite() && spec.interval_s > 0.0) {
        return Err(bad("the interval between two polls must be more than 0 s".to_owned()));
    }
    let found = |name: &String| {
        presets::find(name).ok_or_else(|| {
            let known: Vec<&str> = presets::names().collect();
            bad(format!("there is no preset {name}; the presets are: {}", known.join(", ")))
        })
    };
    let presets: Vec<&'static Preset> = spec.presets.iter().map(found).collect::<Result<_, _>>()?;
    let signals = Signal::all(&spec, &presets)?;
    if signals.is_empty() && spec.statements.is_none() {
        return Err(bad("it has neither signals nor a preset; name what is to be read".to_owned()));
    }
    // Statements are asked for where replicas cannot see them.
    spec.role = spec.role.or(spec.statements.map(|_| Role::Primary));
    let statements = Exporter::open(&spec, book)?;
    let endpoint = Endpoint::open(&spec)?;
    let rows = Rows::new(spec.id.to_string(), endpoint.host());
    let asked = match spec.kind {
        EndpointKind::Scrape => Asked::Scrape(Scrape::new(&spec, endpoint, &presets, &signals)?),
        EndpointKind::Promql => Asked::Promql(Promql::new(&spec, endpoint, &presets)?),
    };
    let (about, last_at) = (None, None);
    Ok(Box::new(EndpointSource { spec, clock, asked, statements, signals, presets, rows, about, last_at }))
}

/// How old the newest sample may be, seconds.
pub(super) fn stale_s(interval_s: f64) -> f64 {
    2.0 * interval_s + STALE_AFTER_S
}

/// What a look at the endpoint brought.
#[derive(Debug, Default)]
pub(super) struct Look {
    /// What became of each signal, in their order.
    pub(super) outcomes: Vec<Outcome>,
    /// How many cores the host has, where a preset tells.
    pub(super) cores: Option<u32>,
    /// The endpoint's clock minus ours, where it tells its time.
    pub(super) skew_s: Option<f64>,
    /// How old the newest sample is that is too old.
    pub(super) oldest_s: Option<f64>,
    /// What is to be told of the answers; of one aspect the first.
    pub(super) notes: Vec<Note>,
}

enum Asked {
    Scrape(Scrape),
    Promql(Promql),
}

/// One endpoint.
struct EndpointSource {
    spec: EndpointSpec,
    clock: Arc<dyn Clock>,
    asked: Asked,
    /// The series of single statements, where it has such.
    statements: Option<Exporter>,
    signals: Vec<Signal>,
    presets: Vec<&'static Preset>,
    rows: Rows,
    /// What was last told of the node.
    about: Option<About>,
    /// When the last look that brought something ended.
    last_at: Option<Timestamp>,
}

#[async_trait]
impl Source for EndpointSource {
    async fn poll(&mut self, _due: Due) -> Polled {
        let began = tokio::time::Instant::now();
        let mut frame = self.look(false).await.ok();
        if let Some(frame) = &mut frame {
            self.look_at_statements(frame).await;
        }
        let cost_ms = began.elapsed().as_secs_f64() * 1_000.0;
        let frames = frame.into_iter().filter(|frame| !frame.is_empty()).map(Frame::measured).collect();
        Polled { frames, health: self.rows.take_news(), cost_ms }
    }

    async fn self_test(&mut self) -> Vec<HealthRow> {
        // What came of it is in the rows, either way. The frame is not passed on, so that its news must be told again.
        let (about, last_at) = (self.about.clone(), self.last_at);
        let _ = self.look(true).await;
        (self.about, self.last_at) = (about, last_at);
        self.rows.all()
    }

    async fn close(&mut self) {}
}

impl EndpointSource {
    /// Looks at everything. What is in the way is in the rows.
    async fn look(&mut self, thoroughly: bool) -> Result<Frame, Trouble> {
        let looked = match &mut self.asked {
            Asked::Scrape(scrape) => scrape.look(&*self.clock, &self.signals, thoroughly).await,
            Asked::Promql(promql) => promql.look(&*self.clock, &self.signals, thoroughly).await,
        };
        let look = looked.inspect_err(|trouble| self.rows.failed(trouble, &self.spec))?;
        self.rows.reached(&self.spec, &look.notes);
        self.tell_times(look.skew_s, look.oldest_s);
        self.tell_presets(&look.outcomes);
        let mut values = BTreeMap::new();
        for (signal, outcome) in self.signals.iter_mut().zip(look.outcomes) {
            if let Some(value) = signal.note(outcome, &mut self.rows) {
                values.insert(signal.name.clone(), value);
            }
        }
        let at = self.clock.now();
        let mut frame = Frame::new(at, self.spec.id.node.clone());
        frame.about = self.news_of_node(look.cores, look.skew_s);
        if !values.is_empty() {
            frame.signals = Some(Signals { span_s: self.span_s(at), values });
            self.last_at = Some(at);
        }
        Ok(frame.measured())
    }

    /// Adds what the series of single statements tell.
    async fn look_at_statements(&mut self, frame: &mut Frame) {
        let Some(statements) = &mut self.statements else { return };
        if let Some(word) = statements.look(frame.at).await {
            if let Some(latency_ms) = word.latency_ms {
                let span_s = word.queries.span_s;
                let signals = frame.signals.get_or_insert_with(|| Signals { span_s, ..Signals::default() });
                signals.values.entry(SignalName::from(signal::LATENCY_MS)).or_insert(latency_ms);
            }
            frame.texts = word.texts;
            frame.queries = Some(word.queries);
        }
        if let Some(found) = statements.take_news() {
            self.rows.set(found.row(&self.spec.id.to_string()));
        }
    }

    /// The time since the look before; after a gap, and at first, what a look usually covers.
    fn span_s(&self, at: Timestamp) -> f64 {
        let usual_s = self.spec.interval_s;
        let elapsed_s = self.last_at.map_or(usual_s, |last| at.secs_since(last));
        if elapsed_s > 0.0 && elapsed_s <= GAP_INTERVALS * usual_s { elapsed_s } else { usual_s }
    }

    fn tell_times(&mut self, skew_s: Option<f64>, oldest_s: Option<f64>) {
        let clock = match skew_s {
            None => self.rows.of_endpoint(
                CLOCK,
                HealthLevel::NotApplicable,
                "the endpoint does not tell its time",
            ),
            Some(skew_s) if skew_s.abs() > SKEW_WARNING_S => self
                .rows
                .of_endpoint(
                    CLOCK,
                    HealthLevel::Warning,
                    format!("its clock and ours differ by more than {SKEW_WARNING_S} s"),
                )
                .with_hint("Have both machines set their clocks by NTP."),
            Some(_) => self.rows.of_endpoint(CLOCK, HealthLevel::Ok, "its clock and ours agree"),
        };
        self.rows.set(clock);
        let limit_s = stale_s(self.spec.interval_s);
        let freshness = match oldest_s {
            Some(_) => self
                .rows
                .of_endpoint(
                    FRESHNESS,
                    HealthLevel::Warning,
                    format!("some samples are older than {limit_s:.0} s: they are left out"),
                )
                .with_hint("Look whether their targets are scraped still, and whether the clocks agree."),
            None => self.rows.of_endpoint(
                FRESHNESS,
                HealthLevel::Ok,
                format!("no sample is older than {limit_s:.0} s"),
            ),
        };
        self.rows.set(freshness);
    }

    /// Says of each preset whether the endpoint shows anything of it.
    fn tell_presets(&mut self, outcomes: &[Outcome]) {
        for preset in &self.presets {
            let own =
                self.signals.iter().zip(outcomes).filter(|(signal, _)| signal.preset == Some(&preset.name));
            let mut own = own.map(|(_, outcome)| outcome).peekable();
            let nothing = own.peek().is_some()
                && own.all(|outcome| matches!(outcome, Outcome::NoSeries { .. } | Outcome::Failed { .. }));
            let aspect = format!("preset {}", preset.name);
            self.rows.set(if nothing {
                let message = format!("there is nothing of what a {} shows", preset.name);
                let hint = match self.spec.selector.as_str() {
                    "" => "Is it another exporter, or another version?".to_owned(),
                    selector => {
                        format!("Is it another exporter, or does the selector {selector} pick nothing?")
                    }
                };
                self.rows.of(aspect, HealthLevel::Warning, message).with_hint(hint)
            } else {
                self.rows.of(aspect, HealthLevel::Ok, "its metrics are there")
            });
        }
    }

    /// What the node is, when that is news.
    fn news_of_node(&mut self, cores: Option<u32>, skew_s: Option<f64>) -> Option<About> {
        let told = self.about.as_ref();
        let mut now = About {
            role: self.spec.role,
            cores: cores.or(told.and_then(|told| told.cores)),
            observed: Some(Observed::Metrics),
            skew_s,
            ..About::default()
        };
        if let Some(told) = told {
            // A skew that merely trembles is not news.
            if !skew_s.is_some_and(|skew_s| skew_moved(told.skew_s, skew_s)) {
                now.skew_s = told.skew_s;
            }
            if *told == now {
                return None;
            }
        }
        self.about = Some(now.clone());
        Some(now)
    }
}
