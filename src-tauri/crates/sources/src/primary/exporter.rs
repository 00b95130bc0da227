//! The primary's statements through an exporter, scraped or asked of Prometheus: what is asked, and how that stands. What is
//! made of the series is in `series.rs` and `steps.rs`.

use std::time::Duration;

use faultline_fingerprint::{Dialect, normalise};
use faultline_model::{
    EndpointKind, EndpointSpec, NodeId, QueryDeltas, QueryText, Role, StatementSeries, Timestamp,
};
use tokio::time::Instant;

use super::naming::{Named, Naming};
use super::series::{self, Names, Reading};
use super::steps;
use super::table::ASPECT;
use crate::common::Found;
use crate::error::SourceError;
use crate::prometheus::{Endpoint, Labels, Sample, Trouble};
use crate::query_book::{PrimaryWay, QueryBook};

/// An exporter's page is read for its statements every so many polls: each time the exporter asks its server.
const POLLS_A_READING: f64 = 3.0;
/// pg_exporter answers from memory for ten seconds; it is asked no more often than this.
const PG_EXPORTER_EVERY: Duration = Duration::from_secs(15);

/// Word of the node's statements.
#[derive(Debug)]
pub(crate) struct Word {
    pub(crate) queries: QueryDeltas,
    pub(crate) texts: Vec<QueryText>,
    /// Mean time of the finished calls, milliseconds, where all are listed and there were any.
    pub(crate) latency_ms: Option<f64>,
}

/// The series of single statements at one endpoint.
#[derive(Debug)]
pub(crate) struct Exporter {
    endpoint: Endpoint,
    kind: EndpointKind,
    every: Duration,
    names: &'static [&'static Names],
    selector: String,
    /// The node, and whether it is taken for the primary.
    node: NodeId,
    is_primary: bool,
    book: QueryBook,
    naming: Naming,
    before: Option<(Reading, f64)>,
    read_at: Option<Instant>,
    /// When Prometheus scraped what was read last, seconds.
    scraped_s: Option<f64>,
    found: Option<Found>,
}

impl Exporter {
    /// The series, where the endpoint is said to have such; connects nothing.
    ///
    /// # Errors
    /// As [`Endpoint::open`].
    pub(crate) fn open(spec: &EndpointSpec, book: QueryBook) -> Result<Option<Self>, SourceError> {
        let Some(series) = spec.statements else { return Ok(None) };
        let usual = Duration::from_secs_f64(spec.interval_s * POLLS_A_READING);
        Ok(Some(Self {
            endpoint: Endpoint::open(spec)?,
            kind: spec.kind,
            every: match (spec.kind, series) {
                // Prometheus is only asked whether it has scraped anew.
                (EndpointKind::Promql, _) => Duration::from_secs_f64(spec.interval_s),
                (EndpointKind::Scrape, StatementSeries::PostgresExporter) => usual,
                (EndpointKind::Scrape, StatementSeries::PgExporter) => usual.max(PG_EXPORTER_EVERY),
            },
            names: Names::of(series),
            selector: spec.selector.trim().trim_start_matches('{').trim_end_matches('}').to_owned(),
            node: spec.id.clone(),
            is_primary: spec.role.is_none_or(|role| role == Role::Primary),
            book,
            naming: Naming::default(),
            before: None,
            read_at: None,
            scraped_s: None,
            found: None,
        }))
    }

    /// How the series stand, when that is news.
    pub(crate) fn take_news(&mut self) -> Option<Found> {
        self.found.take()
    }

    /// Looks whether there is a new reading, and what happened since the one before. `at` is our clock.
    pub(crate) async fn look(&mut self, at: Timestamp) -> Option<Word> {
        // A poll that comes a little early is the one that was meant.
        let now = Instant::now();
        if self.read_at.is_some_and(|last| now - last + self.every / 10 < self.every) {
            return None;
        }
        self.read_at = Some(now);
        let read = match self.kind {
            EndpointKind::Scrape => self.scraped().await.map(|samples| Some((samples, at.as_secs()))),
            EndpointKind::Promql => self.asked().await,
        };
        match read {
            Ok(Some((samples, taken_s))) => self.take(&samples, taken_s, now),
            Ok(None) => None,
            Err(trouble) => {
                let message = format!("the primary's statements cannot be read: {trouble}");
                self.found = Some(Found::warning(ASPECT, message, "it is tried again with the next poll"));
                None
            }
        }
    }

    async fn scraped(&self) -> Result<Vec<Sample>, Trouble> {
        let names = self.names;
        let wanted = |metric: &str| names.iter().any(|names| names.all().any(|name| name == metric));
        Ok(self.endpoint.scrape_only(wanted).await?.page.samples)
    }

    /// The samples of the last scrape and its time, if that is a new one.
    async fn asked(&mut self) -> Result<Option<(Vec<Sample>, f64)>, Trouble> {
        let ages = self.names.iter().map(|names| {
            let narrowed = if self.selector.trim().is_empty() {
                String::new()
            } else {
                format!("{{{}}}", self.selector)
            };
            format!(
                "max without(queryid, query, datname, user, usename, toplevel) (timestamp({}{narrowed}))",
                names.calls
            )
        });
        let question = ages.collect::<Vec<_>>().join(" or ");
        let times = self.endpoint.query(&question, None).await?.samples;
        let identity = self.before.as_ref().map(|(before, _)| &before.identity);
        let same = times.iter().find(|sample| Some(&sample.labels) == identity).map(|sample| sample.value);
        let newest = times.iter().map(|sample| sample.value).max_by(f64::total_cmp);
        let Some(scraped_s) = same.or(newest) else {
            self.nothing();
            return Ok(None);
        };
        if self.scraped_s == Some(scraped_s) {
            return Ok(None);
        }
        let names: Vec<_> = self.names.iter().flat_map(|names| names.all()).collect();
        // As of the very scrape, so that all values are of one time.
        let at = Timestamp::from_secs(scraped_s);
        let samples = self.endpoint.query(&self.selected(&names), Some(at)).await?.samples;
        self.scraped_s = Some(scraped_s);
        Ok(Some((samples, scraped_s)))
    }

    fn selected(&self, names: &[&str]) -> String {
        let narrowed =
            if self.selector.trim().is_empty() { String::new() } else { format!(",{}", self.selector) };
        format!("{{__name__=~\"{}\"{narrowed}}}", names.join("|"))
    }

    fn nothing(&mut self) {
        let message = "the endpoint shows no statements of the primary";
        let hint = "print queries for postgres_exporter (`faultctl primary queries-yaml`) and start it with \
                    --extend.query-path, or leave `statements` out";
        self.found = Some(Found::warning(ASPECT, message, hint));
    }

    /// What happened since the reading before.
    fn take(&mut self, samples: &[Sample], taken_s: f64, now: Instant) -> Option<Word> {
        let identity: Option<Labels> = self.before.as_ref().map(|(before, _)| before.identity.clone());
        let Some(mut reading) = series::reading(samples, self.names, identity.as_ref()) else {
            self.nothing();
            return None;
        };
        for (query, text) in std::mem::take(&mut reading.texts) {
            if self.book.find(&query).is_none() {
                let normalised = normalise(&text, Dialect::Postgres);
                let (fp, database) = (normalised.fingerprint, Some(query.database.clone()));
                self.book.write(query, QueryText { fp, text: normalised.text, database, user: None });
            }
        }
        let at_s = reading.now_s.unwrap_or(taken_s);
        let step = self.before.as_ref().and_then(|(before, before_s)| {
            // One clock for both, or none.
            (before.now_s.is_some() == reading.now_s.is_some())
                .then(|| steps::between(before, &reading, at_s - before_s))
                .flatten()
        });
        let (exporters, listed, all_listed) = (reading.exporters, reading.entries.len(), reading.all_listed);
        self.before = Some((reading, at_s));
        if self.is_primary
            && let Err(way) = self.book.speak_for_primary(PrimaryWay::Exporter, &self.node, now)
        {
            self.found = Some(super::Standing::Ignored(way).found());
            return None;
        }
        let Some(step) = step else {
            self.found =
                Some(Found::ok(ASPECT, "the primary is seen by an exporter; its next reading is the first"));
            return None;
        };
        let named = self.naming.name(step.called, &self.book);
        self.found = Some(stands(&named, exporters, listed, all_listed));
        Some(Word {
            latency_ms: (step.complete && named.calls > 0.0).then(|| named.time_ms / named.calls),
            queries: QueryDeltas { span_s: step.span_s, complete: step.complete, rows: named.rows },
            texts: named.texts,
        })
    }
}

/// The row when statements are seen.
fn stands(named: &Named, exporters: usize, listed: usize, all_listed: bool) -> Found {
    let share = if named.time_ms > 0.0 { named.named_ms / named.time_ms } else { 1.0 };
    let percent = (share * 10.0).round() * 10.0;
    let which =
        if all_listed { "all of its".to_owned() } else { format!("the first {listed}, not all, of its") };
    let message = format!(
        "the primary is seen by an exporter: {which} statements are listed, and {percent} % of their time has a name"
    );
    if exporters > 1 {
        let message = format!("{message}; of {exporters} that show statements one is read");
        return Found::warning(ASPECT, message, "narrow `selector` to the exporter of the primary");
    }
    if percent < 50.0 {
        let hint = "no replica runs the others: print the exporter's queries with their texts (`faultctl primary \
                    queries-yaml --texts`)";
        return Found::warning(ASPECT, message, hint);
    }
    Found::ok(ASPECT, message)
}
