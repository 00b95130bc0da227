//! One signal and its expression, and what became of it in a poll.

use faultline_model::{EndpointKind, EndpointSpec, HealthLevel, HealthRow, SignalName};

use super::expression::{self, Expression, ExpressionError, Value};
use super::memory::Memory;
use super::presets::{Preset, RANGE};
use super::rows::Rows;
use crate::error::SourceError;

/// A signal and how it is come by.
#[derive(Debug)]
pub(super) struct Signal {
    pub(super) name: SignalName,
    /// As it is evaluated; in that of a preset [`RANGE`] may stand for a range.
    pub(super) text: String,
    /// Read, where it is evaluated here.
    pub(super) expression: Option<Expression>,
    /// The preset that it comes from.
    pub(super) preset: Option<&'static str>,
    /// Whether it ever had a value: then a moment without one is worth no row.
    had_value: bool,
}

/// What became of a signal.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Outcome {
    Value(f64),
    /// The result is not a number, as 0/0 is not.
    NotANumber,
    /// No series fits.
    NoSeries {
        what: String,
    },
    /// There are series, and no growth yet.
    Waiting,
    /// More than one series.
    Many {
        count: usize,
    },
    /// The newest sample says nothing about now.
    Old {
        limit_s: f64,
    },
    /// It was not looked at.
    NotAsked,
    Failed {
        why: String,
    },
}

impl Outcome {
    /// From the values of an answer.
    pub(super) fn of(values: &[f64]) -> Self {
        match values {
            [value] if value.is_finite() => Self::Value(*value),
            [_] => Self::NotANumber,
            [] => Self::NoSeries { what: "the expression gives nothing".to_owned() },
            values => Self::Many { count: values.len() },
        }
    }

    /// What an expression gives that is evaluated here.
    pub(super) fn evaluated(
        expression: &Expression,
        memory: &Memory,
        at: faultline_model::Timestamp,
        stale_s: f64,
    ) -> Self {
        let values: Vec<f64> = match expression.evaluate(memory, at) {
            Ok(Value::Scalar(number)) => vec![number],
            Ok(Value::Vector(series)) => series.into_iter().map(|(_, value)| value).collect(),
            Err(error) => return Self::Failed { why: error.to_string() },
        };
        if !values.is_empty() {
            return Self::of(&values);
        }
        let selectors = expression.selectors();
        if let Some(nothing) = selectors.iter().find(|selector| memory.count(selector) == 0) {
            return Self::NoSeries { what: format!("no series matches {nothing}") };
        }
        let ages = selectors.iter().filter_map(|selector| memory.age_s(selector, at));
        match ages.max_by(f64::total_cmp) {
            Some(age_s) if age_s > stale_s => Self::Old { limit_s: stale_s },
            _ if expression.range_s() > 0.0 => Self::Waiting,
            _ => Self::NoSeries { what: "the labels of the two sides have nothing in common".to_owned() },
        }
    }
}

impl Signal {
    /// The signals of an endpoint: its own, and those of its presets that it does not state itself. Of two presets with
    /// one signal the first has it.
    ///
    /// # Errors
    /// [`SourceError::BadExpression`] naming signal and place, [`SourceError::BadEndpoint`] for an unknown preset or an
    /// unusable selector.
    pub(super) fn all(spec: &EndpointSpec, presets: &[&'static Preset]) -> Result<Vec<Self>, SourceError> {
        let mut signals: Vec<Self> = Vec::new();
        for (name, text) in &spec.signals {
            let bad = |error: ExpressionError| bad(spec, name.as_str(), text, &error);
            signals.push(Self {
                name: name.clone(),
                expression: readable(spec.kind, text).map_err(bad)?,
                text: text.clone(),
                preset: None,
                had_value: false,
            });
        }
        for preset in presets {
            for (name, text) in preset.signals(spec.kind) {
                if signals.iter().any(|signal| signal.name.as_str() == name) {
                    continue;
                }
                let text = narrowed(spec, text)?;
                let bad = |error: ExpressionError| bad(spec, name, &text, &error);
                let text_here = text.replace(RANGE, &range(spec.interval_s));
                signals.push(Self {
                    name: SignalName::from(name),
                    expression: readable(spec.kind, &text_here).map_err(bad)?,
                    text,
                    preset: Some(&preset.name),
                    had_value: false,
                });
            }
        }
        Ok(signals)
    }

    /// Notes what became of the signal; the value, where it has one.
    pub(super) fn note(&mut self, outcome: Outcome, rows: &mut Rows) -> Option<f64> {
        let value = match outcome {
            Outcome::Value(value) => Some(value),
            _ => None,
        };
        let aspect = format!("signal {}", self.name);
        let quiet = match outcome {
            Outcome::NotAsked => true,
            Outcome::NotANumber => self.had_value && rows.has(&aspect),
            _ => false,
        };
        self.had_value |= value.is_some();
        if !quiet {
            rows.set(self.row(&outcome, aspect, rows));
        }
        value
    }

    fn row(&self, outcome: &Outcome, aspect: String, rows: &Rows) -> HealthRow {
        let row = |level, message: String| rows.of(aspect, level, message);
        let text = &self.text;
        match outcome {
            Outcome::Value(_) => row(HealthLevel::Ok, "it gives one number".to_owned()),
            Outcome::NotANumber | Outcome::NotAsked => row(
                HealthLevel::Ok,
                "it gives no number at the moment, as when nothing is divided by nothing".to_owned(),
            ),
            Outcome::Waiting => {
                row(HealthLevel::Ok, "it waits until there are samples all over its range".to_owned())
            }
            // Exporters differ by version and settings in what they show of a preset.
            Outcome::NoSeries { what } if self.preset.is_some() => {
                row(HealthLevel::NotApplicable, what.clone())
            }
            Outcome::NoSeries { what } => row(HealthLevel::Warning, what.clone())
                .with_hint(format!("Correct the expression, or have the exporter show its metric: {text}")),
            Outcome::Many { count } => {
                row(HealthLevel::Error, format!("it gives {count} series instead of one number"))
                    .with_hint(format!("Aggregate it: sum({text}), or name labels that pick one series."))
            }
            Outcome::Old { limit_s } => {
                row(HealthLevel::Warning, format!("its newest sample is older than {limit_s:.0} s: a gap"))
                    .with_hint("Look whether its target is scraped still, and whether the clocks agree.")
            }
            Outcome::Failed { why } => {
                row(HealthLevel::Error, why.clone()).with_hint(format!("Correct the expression: {text}"))
            }
        }
    }
}

/// The expression, where it is evaluated here.
pub(super) fn readable(kind: EndpointKind, text: &str) -> Result<Option<Expression>, ExpressionError> {
    match kind {
        EndpointKind::Scrape => Expression::parse(text).map(Some),
        // The server knows its own dialect; all that is asked of the text is that it is not endless.
        EndpointKind::Promql if text.len() > expression::MAX_EXPRESSION_BYTES => Err(ExpressionError {
            column: 1,
            problem: format!("an expression has at most {} bytes", expression::MAX_EXPRESSION_BYTES),
        }),
        EndpointKind::Promql => Ok(None),
    }
}

/// The expression of a preset, narrowed as the endpoint states.
pub(super) fn narrowed(spec: &EndpointSpec, text: &str) -> Result<String, SourceError> {
    if spec.selector.trim().is_empty() {
        return Ok(text.to_owned());
    }
    // A range that is not known yet must be one while it is read.
    const STAND_IN: &str = "999s";
    const WRITTEN: &str = "16m39s";
    let narrowed = expression::narrow(&text.replace(RANGE, STAND_IN), &spec.selector);
    let bad = |error: ExpressionError| SourceError::BadEndpoint {
        target: spec.id.to_string(),
        reason: format!("the selector {} cannot be used: {error}", spec.selector),
    };
    Ok(narrowed.map_err(bad)?.replace(WRITTEN, RANGE))
}

/// The range of a preset's rates, where the endpoint is asked every so many seconds: three samples, so that one late or
/// lost scrape makes no gap.
pub(super) fn range(interval_s: f64) -> String {
    /// Longest range of a preset, seconds.
    const MAX_S: f64 = 3_600.0;
    format!("{}s", (interval_s * 3.5).ceil().clamp(3.0, MAX_S))
}

fn bad(spec: &EndpointSpec, signal: &str, text: &str, error: &ExpressionError) -> SourceError {
    SourceError::BadExpression {
        target: spec.id.to_string(),
        signal: signal.to_owned(),
        column: error.column,
        problem: error.problem.clone(),
        expression: text.to_owned(),
    }
}
