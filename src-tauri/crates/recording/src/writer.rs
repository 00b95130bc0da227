//! Observations → lines.

use std::io::Write;

use faultline_model::{Frame, Header, Observation, QueryDelta, QueryDeltas, SessionGroup};

use crate::RecordingError;
use crate::line::{HeaderLine, WrittenLine};

/// Writes a recording: the header at once, then each observation as the lines that it takes.
pub struct RecordingWriter<W: Write> {
    to: W,
    interval_s: f64,
    /// Reused for every line.
    buffer: Vec<u8>,
}

impl<W: Write> RecordingWriter<W> {
    /// Writes the header. For files see [`crate::RecordingFile`].
    ///
    /// # Errors
    /// When `to` does not take it.
    pub fn new(to: W, header: &Header) -> Result<Self, RecordingError> {
        let mut writer = Self { to, interval_s: header.interval_s, buffer: Vec::new() };
        writer.line(&HeaderLine::of(header))?;
        Ok(writer)
    }

    /// Writes one observation; a frame becomes a line for each of its parts: about, facts, texts, signals, queries,
    /// sessions. Values that are not finite numbers were not observed: they become gaps.
    ///
    /// # Errors
    /// When the target does not take it. What was written before may be there in part.
    pub fn write(&mut self, observation: &Observation) -> Result<(), RecordingError> {
        match observation {
            Observation::Frame(frame) => self.frame(frame),
            Observation::Deploy { at, deploy } => {
                self.line(&WrittenLine { t: *at, deploy: Some(deploy), ..WrittenLine::default() })
            }
        }
    }

    /// Flushes and gives the target back.
    ///
    /// # Errors
    /// When the target does not take what is left.
    pub fn finish(mut self) -> Result<W, RecordingError> {
        self.to.flush().map_err(|source| RecordingError::Write { source })?;
        Ok(self.to)
    }

    fn frame(&mut self, frame: &Frame) -> Result<(), RecordingError> {
        // An empty name is no node: texts that belong to the whole cluster.
        let node = Some(&frame.node).filter(|node| !node.as_str().is_empty());
        let line = || WrittenLine { t: frame.at, node, ..WrittenLine::default() };
        if let Some(about) = &frame.about {
            self.line(&WrittenLine { about: Some(about), ..line() })?;
        }
        if !frame.facts.is_empty() {
            self.line(&WrittenLine { facts: Some(&frame.facts), ..line() })?;
        }
        for text in &frame.texts {
            self.line(&WrittenLine { query: Some(text), ..line() })?;
        }
        if let Some(signals) = &frame.signals {
            let span_s = self.span(signals.span_s);
            self.line(&WrittenLine { signals: Some(&signals.values), span_s, ..line() })?;
        }
        if let Some(queries) = &frame.queries {
            let rows = finite_rows(queries);
            let complete = queries.complete && rows.len() == queries.rows.len();
            self.line(&WrittenLine {
                queries: Some(rows),
                span_s: self.span(queries.span_s),
                complete: (!complete).then_some(false),
                ..line()
            })?;
        }
        if let Some(sessions) = &frame.sessions {
            let finite = finite_sessions(sessions);
            let sessions = finite.as_deref().unwrap_or(sessions);
            self.line(&WrittenLine { sessions: Some(sessions), ..line() })?;
        }
        Ok(())
    }

    /// The span to write: none when it is the header's.
    fn span(&self, span_s: f64) -> Option<f64> {
        (span_s != self.interval_s && span_s > 0.0 && span_s.is_finite()).then_some(span_s)
    }

    fn line(&mut self, line: &impl serde::Serialize) -> Result<(), RecordingError> {
        self.buffer.clear();
        serde_json::to_writer(&mut self.buffer, line)
            .map_err(|error| RecordingError::Write { source: error.into() })?;
        self.buffer.push(b'\n');
        self.to.write_all(&self.buffer).map_err(|source| RecordingError::Write { source })
    }
}

/// The rows whose calls and time are numbers. JSON has no others, and a row without them says nothing.
fn finite_rows(queries: &QueryDeltas) -> Vec<&QueryDelta> {
    queries.rows.iter().filter(|row| row.calls.is_finite() && row.time_ms.is_finite()).collect()
}

/// The sessions with running times that are no numbers set to 0; `None` when there are none of those.
fn finite_sessions(sessions: &[SessionGroup]) -> Option<Vec<SessionGroup>> {
    if sessions.iter().all(|group| group.running_ms.is_finite()) {
        return None;
    }
    let finite = |group: &SessionGroup| {
        let running_ms = if group.running_ms.is_finite() { group.running_ms } else { 0.0 };
        SessionGroup { running_ms, ..group.clone() }
    };
    Some(sessions.iter().map(finite).collect())
}
