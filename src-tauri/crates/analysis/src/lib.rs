//! From observations to a verdict: baseline, onset, attribution, causes, suspects, life cycle.
//!
//! Pure and streaming: the time comes in with the observations, and what is said with a time depends on observations
//! up to it only. Not in here: a clock, input or output, a decision about who is notified.

mod config;
mod replay;

use faultline_model::{Fingerprint, Header, IncidentEvent, IncidentId, LoadAas, Observation, Timestamp};

pub use config::AnalysisConfig;
pub use replay::Replay;

/// Where the cluster's life stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Too little was seen to say anything.
    Learning,
    /// Nothing is the matter.
    Quiet,
    /// Something may be the matter.
    Pending,
    /// An incident is open.
    Open,
    /// An incident is open and the load is back, but not for long enough.
    Recovering,
}

/// How far a database has come back: what verification after a rollback asks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recovery {
    /// Load over the last 10 s; `None` where it is not observed.
    pub load: Option<LoadAas>,
    /// Load over the last 10 s by the baseline median.
    pub load_ratio: Option<f64>,
    /// Load that the given queries make now.
    pub queries_load: LoadAas,
    /// Load that the given queries made before the incident; zero without one.
    pub queries_baseline: LoadAas,
    /// Whether no series that opened the incident deviates any more (true without an incident).
    pub calm: bool,
}

/// The analysis of one cluster.
#[derive(Clone, Debug)]
pub struct Analysis {
    config: AnalysisConfig,
    cluster: faultline_model::ClusterName,
    now: Option<Timestamp>,
    next_incident: u64,
}

impl Analysis {
    /// An analysis that has seen nothing yet.
    pub fn new(config: AnalysisConfig, header: &Header) -> Self {
        Self { config, cluster: header.cluster.clone(), now: None, next_incident: 1 }
    }

    /// Takes in an observation.
    pub fn observe(&mut self, observation: &Observation) {
        self.now = self.now.max(Some(observation.at()));
    }

    /// Evaluates at the newest time seen.
    pub fn settle(&mut self) -> Vec<IncidentEvent> {
        Vec::new()
    }

    /// Whether something is pending or open.
    pub fn is_suspicious(&self) -> bool {
        false
    }

    /// The number that the next incident gets.
    pub fn set_next_incident(&mut self, number: u64) {
        self.next_incident = number;
    }

    /// Where the cluster's life stands.
    pub fn phase(&self) -> Phase {
        Phase::Learning
    }

    /// The incident that is open, if any.
    pub fn open_incident(&self) -> Option<IncidentId> {
        None
    }

    /// Load over the last 10 s; `None` where it is not observed.
    pub fn load_now(&self) -> Option<LoadAas> {
        None
    }

    /// Median of the load while nothing was the matter; `None` before it is known.
    pub fn load_baseline(&self) -> Option<LoadAas> {
        None
    }

    /// How far the database has come back.
    pub fn recovery(&self, _queries: &[Fingerprint]) -> Recovery {
        Recovery {
            load: None,
            load_ratio: None,
            queries_load: LoadAas(0.0),
            queries_baseline: LoadAas(0.0),
            calm: true,
        }
    }
}
