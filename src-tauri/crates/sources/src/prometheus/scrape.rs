//! An exporter's own page: scraped, remembered as far back as the expressions look, and evaluated here.

use std::collections::VecDeque;
use std::time::Duration;

use faultline_model::{Clock, EndpointKind, EndpointSpec, Timestamp};

use super::client::{Endpoint, Scraped};
use super::expression::{Expression, Selector, Value};
use super::memory::Memory;
use super::presets::{Preset, RANGE};
use super::rows::{FORMAT, LIMITS, Note};
use super::signal::{Outcome, Signal, narrowed, range, readable};
use super::source::{Look, stale_s};
use super::trouble::Trouble;
use crate::error::SourceError;

/// A test that finds no second sample of a counter waits this long for one.
const SECOND_SCRAPE_AFTER: Duration = Duration::from_secs(1);

/// More than the longest range is remembered by this share, so that a late scrape does not cut it short.
const KEEP_BEYOND_RANGE: f64 = 1.1;

/// A range whose first sample is further from its beginning than this many distances between samples is not covered: a
/// rate over it would be stretched by less than it lacks, and be too small (see [`super::expression`]'s `rate`).
const COVERED_WITHIN: f64 = 1.1;

/// The page and what is remembered of it.
pub(super) struct Scrape {
    endpoint: Endpoint,
    selectors: Vec<Selector>,
    cores: Vec<Expression>,
    memory: Memory,
    stale_s: f64,
    /// When pages were read, as far back as is remembered.
    times: VecDeque<Timestamp>,
    keep_s: f64,
}

impl Scrape {
    pub(super) fn new(
        spec: &EndpointSpec,
        endpoint: Endpoint,
        presets: &[&'static Preset],
        signals: &[Signal],
    ) -> Result<Self, SourceError> {
        let mut cores = Vec::new();
        for text in presets.iter().filter_map(|preset| preset.cores()) {
            let text = narrowed(spec, text)?.replace(RANGE, &range(spec.interval_s));
            let bad = |error: super::expression::ExpressionError| SourceError::BadEndpoint {
                target: spec.id.to_string(),
                reason: error.to_string(),
            };
            cores.extend(readable(EndpointKind::Scrape, &text).map_err(bad)?);
        }
        let expressions = || signals.iter().filter_map(|signal| signal.expression.as_ref()).chain(&cores);
        let range_s = expressions().map(Expression::range_s).fold(0.0, f64::max);
        let selectors = expressions().flat_map(Expression::selectors).cloned().collect();
        let stale_s = stale_s(spec.interval_s);
        let keep_s = range_s * KEEP_BEYOND_RANGE;
        let memory = Memory::new(keep_s, stale_s);
        Ok(Self { endpoint, selectors, cores, memory, stale_s, times: VecDeque::new(), keep_s })
    }

    pub(super) async fn look(
        &mut self,
        clock: &dyn Clock,
        signals: &[Signal],
        thoroughly: bool,
    ) -> Result<Look, Trouble> {
        let mut look = self.once(clock, signals, thoroughly).await?;
        if thoroughly && look.outcomes.contains(&Outcome::Waiting) {
            tokio::time::sleep(SECOND_SCRAPE_AFTER).await;
            look = self.once(clock, signals, thoroughly).await?;
        }
        Ok(look)
    }

    /// `early` takes rates before their ranges are covered: enough to see whether there will be any.
    async fn once(&mut self, clock: &dyn Clock, signals: &[Signal], early: bool) -> Result<Look, Trouble> {
        let at = clock.now();
        // A clock that was put back would make what is remembered newer than what comes.
        if self.times.back().is_some_and(|last| at <= *last) {
            self.memory.forget();
            self.times.clear();
        }
        let selectors = &self.selectors;
        let wanted = |metric: &str| selectors.iter().any(|selector| selector.matches_metric(metric));
        let scraped = self.endpoint.scrape_only(wanted).await.inspect_err(|_| self.memory.miss())?;
        let (mut look, samples) = self.read(at, scraped);
        if let Err(too_many) = self.memory.add(at, samples) {
            return Err(Trouble::TooMuch { host: self.endpoint.host(), detail: too_many.to_string() });
        }
        self.times.push_back(at);
        self.times.retain(|time| at.secs_since(*time) <= self.keep_s);
        let outcome = |signal: &Signal| match &signal.expression {
            Some(expression) => match Outcome::evaluated(expression, &self.memory, at, self.stale_s) {
                Outcome::Value(_) if !early && !self.covers(expression.range_s(), at) => Outcome::Waiting,
                outcome => outcome,
            },
            None => Outcome::NotAsked,
        };
        look.outcomes = signals.iter().map(outcome).collect();
        look.cores = self.cores.iter().find_map(|expression| cores(expression, &self.memory, at));
        let ages = self.selectors.iter().filter_map(|selector| self.memory.age_s(selector, at));
        look.oldest_s = ages.filter(|age_s| *age_s > self.stale_s).max_by(f64::total_cmp);
        Ok(look)
    }

    /// Whether pages were read all over the `range_s` seconds up to `at`, as far as their distance from each other says.
    fn covers(&self, range_s: f64, at: Timestamp) -> bool {
        if range_s == 0.0 {
            return true;
        }
        let mut within = self.times.iter().filter(|time| at.secs_since(**time) < range_s);
        let Some(first) = within.next() else { return false };
        let distance_s = at.secs_since(*first) / within.count() as f64;
        distance_s.is_finite() && range_s - at.secs_since(*first) < distance_s * COVERED_WITHIN
    }

    /// What the page says of itself, and the samples that are wanted.
    fn read(&self, at: Timestamp, scraped: Scraped) -> (Look, Vec<super::sample::Sample>) {
        let mut look = Look {
            skew_s: scraped.server_date.as_deref().and_then(|date| skew_s(date, at, scraped.took)),
            ..Look::default()
        };
        if let Some(fault) = &scraped.page.fault {
            look.notes.push(Note {
                aspect: FORMAT,
                message: format!(
                    "the page breaks a rule of OpenMetrics and is read nevertheless: {}",
                    fault.problem
                ),
                hint: "Have the exporter keep the rule, or leave it: nothing is lost by it here.",
            });
        }
        if scraped.page.duplicates > 0 {
            look.notes.push(Note {
                aspect: LIMITS,
                message: "the page has series more than once; of each the first is taken".to_owned(),
                hint: "Look for two collectors, or two queries of the exporter, that show the same metric.",
            });
        }
        let selectors = &self.selectors;
        let samples = scraped.page.samples.into_iter();
        let wanted =
            samples.filter(|sample| selectors.iter().any(|selector| selector.matches(&sample.labels)));
        (look, wanted.collect())
    }
}

/// The number of cores, where the expression gives one.
pub(super) fn whole(value: f64) -> Option<u32> {
    (value >= 1.0 && value <= f64::from(u32::MAX) && value.fract() == 0.0).then_some(value as u32)
}

fn cores(expression: &Expression, memory: &Memory, at: Timestamp) -> Option<u32> {
    match expression.evaluate(memory, at).ok()? {
        Value::Scalar(number) => whole(number),
        Value::Vector(series) => match series.as_slice() {
            [(_, number)] => whole(*number),
            _ => None,
        },
    }
}

/// The server's clock minus ours. `Date` is cut to whole seconds, so that it is half a second more on average; it was
/// written some time between question and answer.
fn skew_s(date: &str, sent: Timestamp, took: Duration) -> Option<f64> {
    const CUT_S: f64 = 0.5;
    let server = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
    let server = Timestamp::from_secs(server.as_second() as f64 + CUT_S);
    Some(server.secs_since(sent + took.as_secs_f64() / 2.0))
}
