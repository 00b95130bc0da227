//! Lines → observations.

use std::io::BufRead;

use faultline_model::{Header, Observation};
use serde::Deserialize;

use crate::line::{HeaderLine, ReadLine};
use crate::lines::Lines;
use crate::{FORMAT_VERSION, RecordingError};

/// Reads a recording: the header at once, then one observation a line, in the order of the file. After the first error
/// there is nothing more; what came before it counts.
pub struct RecordingReader<R> {
    lines: Lines<R>,
    header: Header,
    /// The second observation of a line that had two.
    pending: Option<Observation>,
    ended: bool,
}

impl<R: BufRead> RecordingReader<R> {
    /// Reads the header of a recording that is not compressed. For files see [`crate::open`].
    ///
    /// # Errors
    /// When the data cannot be read, does not begin with the header, or is of a later format.
    pub fn new(from: R) -> Result<Self, RecordingError> {
        let mut lines = Lines::new(from);
        let header = read_header(&mut lines)?;
        Ok(Self { lines, header, pending: None, ended: false })
    }

    /// What the recording says about itself.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The next observation, `None` at the end.
    fn read(&mut self) -> Result<Option<Observation>, RecordingError> {
        if let Some(pending) = self.pending.take() {
            return Ok(Some(pending));
        }
        while let Some(line) = self.lines.next()? {
            let number = line.number;
            if line.bytes.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let read = serde_json::from_slice::<ReadLine>(line.bytes).map_err(|error| {
                if line.complete || !error.is_eof() {
                    RecordingError::Line { line: number, problem: problem(&error) }
                } else {
                    RecordingError::CutOff { line: number }
                }
            })?;
            let said = read
                .said(self.header.interval_s)
                .map_err(|problem| RecordingError::Line { line: number, problem })?;
            match (said.frame, said.deploy) {
                (None, None) => {}
                (Some(frame), deploy) => {
                    self.pending = deploy;
                    return Ok(Some(frame));
                }
                (None, deploy) => return Ok(deploy),
            }
        }
        Ok(None)
    }
}

/// One observation a line. Lines of one time and node are not put together.
impl<R: BufRead> Iterator for RecordingReader<R> {
    type Item = Result<Observation, RecordingError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.read().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

fn read_header<R: BufRead>(lines: &mut Lines<R>) -> Result<Header, RecordingError> {
    /// Only what must be known before anything else is.
    #[derive(Deserialize)]
    struct Versioned {
        faultline_recording: u64,
    }

    let wrong = |problem: String| RecordingError::Header { problem };
    let line = lines.next()?.ok_or_else(|| wrong("the file is empty".to_owned()))?;
    let text = line.bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line.bytes);
    let wrong_json = |error: serde_json::Error| {
        if line.complete || !error.is_eof() {
            wrong(problem(&error))
        } else {
            RecordingError::CutOff { line: 1 }
        }
    };
    let versioned: Versioned = serde_json::from_slice(text).map_err(wrong_json)?;
    if versioned.faultline_recording != FORMAT_VERSION {
        let found = versioned.faultline_recording;
        return Err(RecordingError::Version { found, supported: FORMAT_VERSION });
    }
    let header: HeaderLine = serde_json::from_slice(text).map_err(wrong_json)?;
    header.header().map_err(wrong)
}

/// What serde says, without its own line number (which is always 1).
fn problem(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or(&text);
    if error.column() == 0 { what.to_owned() } else { format!("{what} (column {})", error.column()) }
}
