//! What a recording says by itself, as far as the scorer needs it: its length, the deploys, and the counters of
//! statements.

use std::collections::BTreeMap;
use std::path::Path;

use faultline_model::{DeployId, Fingerprint, Observation};

use crate::error::{Error, Result};

/// A recording. Times are Unix seconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recorded {
    /// Of the first line.
    pub first: f64,
    /// Of the last line.
    pub last: f64,
    /// In the order in which they were first told.
    pub deploys: Vec<Deployed>,
    /// In the order of the file.
    pub counters: Vec<Counters>,
}

/// A deploy.
#[derive(Clone, Debug, PartialEq)]
pub struct Deployed {
    /// Which.
    pub id: DeployId,
    /// When it was first told.
    pub told: f64,
    /// The earliest known time of the change; `told` when none is known.
    pub at: f64,
}

/// What a node's statements cost over a span.
#[derive(Clone, Debug, PartialEq)]
pub struct Counters {
    /// Beginning of the span.
    pub from: f64,
    /// End of the span.
    pub to: f64,
    /// Of the statements that were called.
    pub rows: BTreeMap<Fingerprint, Cost>,
}

/// Calls and time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// Finished calls.
    pub calls: f64,
    /// Their time, milliseconds.
    pub time_ms: f64,
}

impl Recorded {
    /// Reads a file.
    ///
    /// # Errors
    /// When it is no recording, or a damaged one.
    pub fn read(path: &Path) -> Result<Self> {
        let wrong = |error| Error::Wrong { what: format!("{}: {error}", path.display()) };
        let mut recorded = Self { first: f64::INFINITY, last: f64::NEG_INFINITY, ..Self::default() };
        for observation in faultline_recording::open(path).map_err(wrong)? {
            recorded.take(observation.map_err(wrong)?);
        }
        if recorded.first > recorded.last {
            return Err(Error::Wrong { what: format!("{}: there is nothing in it", path.display()) });
        }
        Ok(recorded)
    }

    fn take(&mut self, observation: Observation) {
        let t = observation.at().as_secs();
        (self.first, self.last) = (self.first.min(t), self.last.max(t));
        match observation {
            Observation::Frame(frame) => {
                let Some(queries) = frame.queries else { return };
                let mut rows: BTreeMap<Fingerprint, Cost> = BTreeMap::new();
                for row in queries.rows {
                    let cost = rows.entry(row.fp).or_default();
                    cost.calls += row.calls;
                    cost.time_ms += row.time_ms;
                }
                self.counters.push(Counters { from: t - queries.span_s, to: t, rows });
            }
            Observation::Deploy { deploy, .. } => {
                let at = deploy.earliest().map_or(t, |at| at.as_secs());
                match self.deploys.iter_mut().find(|known| known.id == deploy.id) {
                    Some(known) => known.at = known.at.min(at),
                    None => self.deploys.push(Deployed { id: deploy.id, told: t, at }),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        let lines = [
            r#"{"faultline_recording":1,"cluster":"shop","interval_s":5,"engine":"postgres"}"#,
            r#"{"t":10,"node":"a","signals":{"throughput":1}}"#,
            r#"{"t":15,"node":"a","queries":[{"fp":"q","calls":3,"time_ms":6},{"fp":"q","calls":1,"time_ms":2}]}"#,
            r#"{"t":16,"deploy":{"id":"a-1","service":"a","started":14,"status":"started"}}"#,
            r#"{"t":18,"deploy":{"id":"a-1","service":"a","started":14,"finished":18}}"#,
            r#"{"t":18,"deploy":{"id":"b-1","service":"b"}}"#,
            r#"{"t":20,"node":"a","sessions":[]}"#,
        ];
        std::fs::write(&path, lines.join("\n") + "\n").unwrap();
        let recorded = Recorded::read(&path).unwrap();
        assert_eq!((recorded.first, recorded.last), (10.0, 20.0));
        let deploys: Vec<_> =
            recorded.deploys.iter().map(|one| (one.id.as_str(), one.told, one.at)).collect();
        assert_eq!(deploys, [("a-1", 16.0, 14.0), ("b-1", 18.0, 18.0)]);
        let rows = BTreeMap::from([("q".into(), Cost { calls: 4.0, time_ms: 8.0 })]);
        assert_eq!(recorded.counters, [Counters { from: 10.0, to: 15.0, rows }]);

        for (text, word) in [(lines[0], "nothing in it"), ("noise", "header"), ("", "empty")] {
            std::fs::write(&path, format!("{text}\n").trim_start()).unwrap();
            let error = Recorded::read(&path).unwrap_err().to_string();
            assert!(error.contains("a.jsonl") && error.contains(word), "{error}");
        }
    }
}
