//! Feeding a recording line by line: lines with the same time belong together and are settled when the time moves on.

use faultline_model::{Header, IncidentEvent, Observation, Timestamp};

use crate::{Analysis, AnalysisConfig};

/// An [`Analysis`] fed with the lines of a recording, in their order.
#[derive(Clone, Debug)]
pub struct Replay {
    analysis: Analysis,
    group: Option<Timestamp>,
}

impl Replay {
    /// A replay of a recording with this header; incidents are numbered from 1.
    pub fn new(config: AnalysisConfig, header: &Header) -> Self {
        Self { analysis: Analysis::new(config, header), group: None }
    }

    /// Takes the next line. When its time differs from the line before, the group before is settled first, and what
    /// that says is returned. At the end of the input nothing is settled: nothing is printed because a file ended.
    pub fn feed(&mut self, observation: &Observation) -> Vec<IncidentEvent> {
        let at = observation.at();
        let events =
            if self.group.is_some_and(|group| group != at) { self.analysis.settle() } else { Vec::new() };
        self.group = Some(at);
        self.analysis.observe(observation);
        events
    }

    /// The analysis inside.
    pub fn analysis(&self) -> &Analysis {
        &self.analysis
    }
}
