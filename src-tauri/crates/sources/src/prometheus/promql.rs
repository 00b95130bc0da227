//! A Prometheus-compatible server: asked for the value of each expression, and now and then for how often its samples
//! come and how old they are.

use std::time::Duration;

use faultline_http::HttpError;
use faultline_model::{Clock, EndpointSpec, Timestamp};
use futures::StreamExt as _;
use tokio::time::Instant;

use super::answer::Answer;
use super::client::Endpoint;
use super::expression;
use super::presets::{Preset, RANGE};
use super::rows::{FORMAT, Note};
use super::scrape::whole;
use super::signal::{Outcome, Signal, narrowed};
use super::source::{Look, stale_s};
use super::trouble::Trouble;
use crate::error::SourceError;

/// Most queries that one endpoint is asked at the same time.
const MAX_QUERIES_AT_ONCE: usize = 4;

/// A look takes at most as many deadlines; what was not asked by then is a gap.
const MAX_DEADLINES: u32 = 3;

/// How often ages, intervals and cores are looked at.
const SLOW_EVERY: Duration = Duration::from_secs(60);

/// Samples are counted over this long to learn how often they come, seconds.
const COUNTED_S: f64 = 600.0;

/// Range of a preset's rates as long as it is not known how often samples come, seconds: enough for the usual intervals.
const FIRST_RANGE_S: f64 = 120.0;

/// Shortest range of a preset's rates, seconds: no sampling is so dense that a shorter one says more.
const SHORTEST_RANGE_S: f64 = 5.0;

/// A rate looks over so many intervals: one lost scrape makes no gap.
const INTERVALS_A_RANGE: f64 = 3.5;

/// The server, and what is known of its samples.
pub(super) struct Promql {
    endpoint: Endpoint,
    cores: Vec<String>,
    stale_s: f64,
    slow_at: Option<Instant>,
    /// Range of a preset's rates, seconds.
    range_s: f64,
    /// What is known of each signal's samples; empty before it was looked at.
    known: Vec<Known>,
    cores_found: Option<u32>,
}

/// What is known of the samples that a signal is made of.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    age_s: Option<f64>,
    /// Whether it is one of a preset for which there are no series: it is asked for again at the next slow look.
    is_absent: bool,
}

impl Promql {
    pub(super) fn new(
        spec: &EndpointSpec,
        endpoint: Endpoint,
        presets: &[&'static Preset],
    ) -> Result<Self, SourceError> {
        let cores = presets.iter().filter_map(|preset| preset.cores());
        Ok(Self {
            cores: cores.map(|text| narrowed(spec, text)).collect::<Result<_, _>>()?,
            endpoint,
            stale_s: stale_s(spec.interval_s),
            slow_at: None,
            range_s: FIRST_RANGE_S,
            known: Vec::new(),
            cores_found: None,
        })
    }

    pub(super) async fn look(
        &mut self,
        clock: &dyn Clock,
        signals: &[Signal],
        thoroughly: bool,
    ) -> Result<Look, Trouble> {
        if thoroughly || self.slow_at.is_none_or(|at| at.elapsed() >= SLOW_EVERY) {
            self.look_slowly(signals).await?;
            self.slow_at = Some(Instant::now());
        }
        let questions = signals.iter().zip(&self.known).map(|(signal, known)| {
            (!known.is_absent).then(|| signal.text.replace(RANGE, &format!("{}s", self.range_s)))
        });
        let sent = clock.now();
        let answers = self.ask(questions.collect()).await;
        if let Some(trouble) = nothing_but_failures(&answers) {
            return Err(trouble.clone());
        }
        let mut look = Look { cores: self.cores_found, ..Look::default() };
        let mut warnings = Vec::new();
        for (index, answer) in answers.into_iter().enumerate() {
            let outcome = match answer {
                Some(Ok(answer)) => {
                    self.note(&answer, sent, clock, &mut look);
                    warnings.extend(answer.notes.warnings.iter().cloned());
                    self.outcome(index, &answer, &mut look)
                }
                Some(Err(trouble)) if trouble.is_unreachable() || is_refused_altogether(&trouble) => {
                    return Err(trouble);
                }
                Some(Err(trouble)) => Outcome::Failed { why: trouble.to_string() },
                None if self.known[index].is_absent => Outcome::of(&[]),
                None => Outcome::NotAsked,
            };
            let is_absent = matches!(outcome, Outcome::NoSeries { .. });
            self.known[index].is_absent = is_absent && signals[index].preset.is_some();
            look.outcomes.push(outcome);
        }
        if let Some(first) = warnings.into_iter().next() {
            look.notes.push(Note {
                aspect: FORMAT,
                message: format!("the server warns: {first}"),
                hint: "Look at the server; partial_response=false in the url makes Thanos refuse instead.",
            });
        }
        Ok(look)
    }

    fn outcome(&self, index: usize, answer: &Answer, look: &mut Look) -> Outcome {
        if answer.notes.is_partial {
            look.notes.push(Note {
                aspect: FORMAT,
                message: "the server says that parts of the data are missing: what they make is left out"
                    .to_owned(),
                hint: "Look at its storage nodes.",
            });
            return Outcome::NotAsked;
        }
        let values: Vec<f64> = answer.samples.iter().map(|sample| sample.value).collect();
        match self.known[index].age_s {
            Some(age_s) if age_s > self.stale_s && !values.is_empty() => {
                look.oldest_s = Some(look.oldest_s.map_or(age_s, |other| other.max(age_s)));
                Outcome::Old { limit_s: self.stale_s }
            }
            _ => Outcome::of(&values),
        }
    }

    /// The server evaluates for its own now, and says when that was.
    fn note(&self, answer: &Answer, sent: Timestamp, clock: &dyn Clock, look: &mut Look) {
        if let (None, Some(at)) = (look.skew_s, answer.samples.first().and_then(|sample| sample.at)) {
            let received = clock.now();
            // Between question and answer lies nothing that is known better.
            let skew_s = at.secs_since(sent + received.secs_since(sent) / 2.0);
            let unsure_s = received.secs_since(sent) / 2.0;
            look.skew_s = Some(if skew_s.abs() <= unsure_s { 0.0 } else { skew_s });
        }
    }

    /// Answers in the order of the questions; `None` where there was none, or no time for it.
    async fn ask(&self, questions: Vec<Option<String>>) -> Vec<Option<Result<Answer, Trouble>>> {
        let mut answers: Vec<Option<Result<Answer, Trouble>>> = Vec::new();
        answers.resize_with(questions.len(), || None);
        let deadline = Instant::now() + self.endpoint.deadline() * MAX_DEADLINES;
        let questions = questions.into_iter().enumerate();
        let mut asked = futures::stream::iter(questions.filter_map(|(index, text)| Some((index, text?))))
            .map(|(index, text)| async move { (index, self.endpoint.query(&text, None).await) })
            .buffer_unordered(MAX_QUERIES_AT_ONCE);
        while let Ok(Some((index, answer))) = tokio::time::timeout_at(deadline, asked.next()).await {
            let ended = answer.as_ref().is_err_and(Trouble::is_unreachable);
            answers[index] = Some(answer);
            if ended {
                break;
            }
        }
        answers
    }

    /// The one number of each question, where there is one.
    ///
    /// # Errors
    /// When the server cannot be reached.
    async fn numbers(&self, questions: Vec<String>) -> Result<Vec<Option<f64>>, Trouble> {
        let answers = self.ask(questions.into_iter().map(Some).collect()).await;
        let number = |answer: Option<Result<Answer, Trouble>>| match answer {
            Some(Err(trouble)) if trouble.is_unreachable() => Err(trouble),
            Some(Ok(answer)) => Ok(match answer.samples.as_slice() {
                [one] if one.value.is_finite() => Some(one.value),
                _ => None,
            }),
            _ => Ok(None),
        };
        answers.into_iter().map(number).collect()
    }

    /// How old samples are, how often they come, and how many cores there are.
    async fn look_slowly(&mut self, signals: &[Signal]) -> Result<(), Trouble> {
        let selectors: Vec<Option<String>> =
            signals.iter().map(|signal| first_selector(&signal.text)).collect();
        let mut distinct: Vec<String> = selectors.iter().flatten().cloned().collect();
        distinct.sort();
        distinct.dedup();
        let ages = distinct.iter().map(|selector| format!("time() - max(timestamp({selector}))"));
        let mut found = self.numbers(ages.chain(self.cores.iter().cloned()).collect()).await?;
        let cores = found.split_off(distinct.len());
        self.cores_found = cores.into_iter().flatten().find_map(whole);
        let age_of = |selector: &String| found[distinct.binary_search(selector).ok()?];
        let known =
            |selector: &Option<String>| Known { age_s: selector.as_ref().and_then(age_of), is_absent: false };
        self.known = selectors.iter().map(known).collect();
        let of_presets = signals.iter().zip(&selectors).filter(|(signal, _)| signal.preset.is_some());
        let there =
            of_presets.filter_map(|(_, selector)| selector.as_ref()).find(|one| age_of(one).is_some());
        if let Some(selector) = there {
            let count = format!("max(count_over_time({selector}[{COUNTED_S}s]))");
            if let Some(count) = self.numbers(vec![count]).await?[0].filter(|count| *count >= 2.0) {
                let range_s = COUNTED_S / count * INTERVALS_A_RANGE;
                self.range_s = range_s.clamp(SHORTEST_RANGE_S, COUNTED_S).ceil();
            }
        }
        Ok(())
    }
}

/// Whether the server would answer every other question in the same way: a status, and not a word on the query.
fn is_refused_altogether(trouble: &Trouble) -> bool {
    matches!(trouble, Trouble::Http(error) if !matches!(error, HttpError::BodyTooLarge { .. }))
}

/// The failure that all answers have in common with each other: nothing in them is what a Prometheus server answers.
fn nothing_but_failures(answers: &[Option<Result<Answer, Trouble>>]) -> Option<&Trouble> {
    let mut failures = answers.iter().flatten().map(|answer| match answer {
        Err(trouble @ Trouble::Format { .. }) => Some(trouble),
        _ => None,
    });
    let first = failures.next()??;
    failures.all(|failure| failure.is_some()).then_some(first)
}

/// The first selector of an expression that looks at now, where it can be told.
fn first_selector(text: &str) -> Option<String> {
    expression::instant_selectors(&text.replace(RANGE, "60s"))?.into_iter().next()
}
