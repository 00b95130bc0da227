//! What really happened and when, as the lab did it, and the truth that follows from it.

use std::sync::{Mutex, PoisonError};

use faultline_fingerprint::{Dialect, normalise};
use faultline_model::DeployId;

use super::effect::{self, Felt};
use crate::scenario::Scenario;
use crate::truth::{GuiltyQuery, Truth};
use crate::workload::Workload;

/// Filled in while a scenario is played. Times are Unix seconds.
#[derive(Debug, Default)]
pub(super) struct Happened(Mutex<Times>);

#[derive(Clone, Debug, Default)]
struct Times {
    onset: Option<f64>,
    end: Option<f64>,
    /// When somebody's statements ran, who is no service.
    statements: Vec<(f64, f64)>,
}

impl Happened {
    /// The trouble acts from then on; only the first time counts.
    pub(super) fn began(&self, at: f64) {
        self.times(|times| times.onset = times.onset.or(Some(at)));
    }

    /// The trouble no longer acts; the last time counts.
    pub(super) fn ended(&self, at: f64) {
        self.times(|times| times.end = Some(at));
    }

    /// A statement of somebody who is no service ran.
    pub(super) fn ran(&self, from: f64, to: f64) {
        self.times(|times| times.statements.push((from, to)));
    }

    /// When the trouble began.
    pub(super) fn onset(&self) -> Option<f64> {
        self.times(|times| times.onset)
    }

    fn times<T>(&self, look: impl FnOnce(&mut Times) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What is known besides what happened.
#[derive(Debug)]
pub(super) struct Circumstances<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) workload: &'a Workload,
    pub(super) seed: u64,
    pub(super) variant: Option<&'a str>,
    /// When Faultline began to watch.
    pub(super) watched_from: f64,
    /// The moment that the scenario's times count from.
    pub(super) zero: f64,
    /// What the users felt, second by second.
    pub(super) felt: Vec<Felt>,
}

/// The truth.
pub(super) fn truth(happened: &Happened, of: &Circumstances<'_>) -> Truth {
    let times = happened.times(|times| times.clone());
    let told = &of.scenario.truth;
    let is_trouble = told.cause.is_some();
    let onset = times.onset.filter(|_| is_trouble);
    let intensity = of.variant.and_then(|name| of.scenario.variants.get(name)).map_or(1.0, |v| v.intensity);
    Truth {
        scenario: of.scenario.name.clone(),
        seed: of.seed,
        variant: of.variant.map(str::to_owned),
        intensity,
        onset: onset.map(rounded),
        effect: onset
            .and_then(|onset| effect::find(&of.felt, &times.statements, of.watched_from, onset))
            .map(rounded),
        end: times.end.filter(|_| is_trouble).map(rounded),
        cause: told.cause,
        also: told.also.clone(),
        deploy: told.deploy.clone().map(DeployId::from),
        queries: told.queries.iter().map(|query| guilty(query, of)).collect(),
        delay_from: told.delay_from,
        counts_from: told.counts_from_s.map(|at_s| rounded(of.zero + at_s)),
    }
}

/// A guilty query by the name of its step, or by its own text.
fn guilty(query: &str, of: &Circumstances<'_>) -> GuiltyQuery {
    let named = of.scenario.statement(query).or_else(|| of.workload.statement(query));
    let normalised = normalise(named.unwrap_or(query), Dialect::Postgres);
    GuiltyQuery { fp: normalised.fingerprint, text: normalised.text }
}

/// To the millisecond.
fn rounded(at: f64) -> f64 {
    (at * 1e3).round() / 1e3
}
