//! The truth of one played scenario, in a file apart from its recording: what the lab did and when, in the words that a
//! replay is compared with. Nothing of it comes from Faultline.

use std::path::Path;

use faultline_model::{Cause, DeployId, Fingerprint};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, io};
use crate::scenario::DelayFrom;

/// What is true of one recording. Times are Unix seconds, on the clock of the recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    /// Which scenario.
    pub scenario: String,
    /// Of the random numbers.
    pub seed: u64,
    /// Which variant; none for the scenario as it is.
    pub variant: Option<String>,
    /// Relative to the scenario without a variant.
    pub intensity: f64,
    /// The first second in which the change acted; none where there was no trouble.
    pub onset: Option<f64>,
    /// The first of three seconds in a row with load or latency, as the lab measured them on its own side, above the
    /// 99th percentile of the healthy time; none where that never was.
    pub effect: Option<f64>,
    /// When the change no longer acted; none when it did to the end.
    pub end: Option<f64>,
    /// The cause; none where no incident is due.
    pub cause: Option<Cause>,
    /// Causes that are accepted as well.
    pub also: Vec<Cause>,
    /// The guilty deploy, if any.
    pub deploy: Option<DeployId>,
    /// The guilty queries, the worst first; empty where the trouble is not a query's.
    pub queries: Vec<GuiltyQuery>,
    /// From where delays count.
    pub delay_from: DelayFrom,
    /// What is said before this counts neither for nor against.
    pub counts_from: Option<f64>,
}

/// A guilty query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuiltyQuery {
    /// As the recording has it.
    pub fp: Fingerprint,
    /// Normalised.
    pub text: String,
}

impl Truth {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read or is not one.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(io(format!("read {}", path.display())))?;
        serde_json::from_str(&text)
            .map_err(|error| Error::Wrong { what: format!("{} is no truth file: {error}", path.display()) })
    }

    /// Writes a file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let cannot = || format!("write {}", path.display());
        let text = serde_json::to_string_pretty(self).map_err(|error| io(cannot())(error.into()))?;
        std::fs::write(path, text + "\n").map_err(io(cannot()))
    }
}
