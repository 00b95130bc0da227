//! Reads the event log that the desktop program appends to: the lines of `faultctl watch --json`.

use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

use serde::Deserialize;

use crate::error::{Result, io};

/// What Faultline said. Fields that the demo does not need are left out.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Said {
    Opened {
        incident: String,
        onset: f64,
        severity: String,
        #[serde(default)]
        load_ratio: Option<f64>,
    },
    Verdict {
        #[serde(default)]
        causes: Vec<Cause>,
        #[serde(default)]
        deploys: Vec<Candidate>,
        #[serde(default)]
        queries: Vec<Guilty>,
    },
    Rollback {
        state: String,
        #[serde(default)]
        deploy: Option<String>,
        #[serde(default)]
        message: Option<String>,
    },
    Recovering {},
    Resolved {
        incident: String,
    },
    #[serde(other)]
    Other,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
pub(super) struct Cause {
    pub(super) cause: String,
    pub(super) verdict: String,
    #[serde(default)]
    pub(super) why: String,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
pub(super) struct Candidate {
    pub(super) id: Option<String>,
    pub(super) probability: f64,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
pub(super) struct Guilty {
    #[serde(default)]
    pub(super) text: Option<String>,
    pub(super) share: f64,
}

/// The log, read as it grows.
pub(super) struct EventLog {
    path: PathBuf,
    offset: u64,
}

impl EventLog {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, offset: 0 }
    }

    /// Lines that were completed since the last call; lines that cannot be understood are left out.
    pub(super) fn new_lines(&mut self) -> Result<Vec<Said>> {
        let cannot = || format!("read {}", self.path.display());
        let mut file = match std::fs::File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io(cannot())(error)),
        };
        let mut text = Vec::new();
        file.seek(SeekFrom::Start(self.offset)).map_err(io(cannot()))?;
        file.read_to_end(&mut text).map_err(io(cannot()))?;
        let complete = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        self.offset += complete as u64;
        let lines = text[..complete].split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        Ok(lines.filter_map(parse).collect())
    }
}

fn parse(line: &[u8]) -> Option<Said> {
    serde_json::from_slice(line)
        .inspect_err(|error| {
            tracing::warn!(%error, line = %String::from_utf8_lossy(line), "an event could not be understood");
        })
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_once_and_only_when_complete() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events");
        let mut log = EventLog::new(path.clone());
        assert_eq!(log.new_lines().unwrap(), []);
        let resolved = Said::Resolved { incident: "1".to_owned() };
        let mut text = String::new();
        for (added, said) in [
            ("{\"t\":1,\"event\":\"resolved\",\"incident\":\"1\"}\n{\"t\":2,", vec![resolved.clone()]),
            ("\"event\":\"news\",\"x\":1}\n", vec![Said::Other]),
            ("nonsense\n{\"t\":3,\"event\":\"resolved\",\"incident\":\"1\",\"more\":[]}\n", vec![resolved]),
            ("", vec![]),
        ] {
            text.push_str(added);
            std::fs::write(&path, &text).unwrap();
            assert_eq!(log.new_lines().unwrap(), said, "{added:?}");
        }
    }
}
