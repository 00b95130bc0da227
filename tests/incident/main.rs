//! A real incident, said live and said again: a real pair under the shop's load, a bad deploy, `faultctl watch` killed
//! and started again in the middle, the way back, and then the recording, which must replay to the same words.

#![allow(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

mod redaction;
mod stage;
mod story;
mod watch;

use serde_json::Value;

/// A line as `faultctl replay` and `faultctl watch --json` print it.
pub(crate) type Line = Value;

/// The lines that replay prints as well: what happened to rollbacks is said live only.
pub(crate) fn of_analysis(lines: &[Line]) -> Vec<&Line> {
    let said = |line: &&Line| {
        matches!(line["event"].as_str(), Some("opened" | "verdict" | "recovering" | "resolved"))
    };
    lines.iter().filter(said).collect()
}

/// The lines of one kind.
pub(crate) fn events<'a>(lines: &'a [Line], event: &str) -> Vec<&'a Line> {
    lines.iter().filter(|line| line["event"] == event).collect()
}
