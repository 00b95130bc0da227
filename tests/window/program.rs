//! The programs beside the window: what they are asked and what they say.

use std::process::Command;

use faultline_lab::error::{Error, Result};
use serde_json::Value;

use crate::stage::Stage;

/// The incident that was opened last, by the event log.
pub(crate) fn newest_incident(stage: &Stage) -> Result<String> {
    let events = std::fs::read_to_string(stage.events()).unwrap();
    let lines = events.lines().rev().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let opened = lines.into_iter().find(|event| event["event"] == "opened");
    let incident = opened.as_ref().and_then(|event| event["incident"].as_str().map(str::to_owned));
    incident.ok_or_else(|| Error::Wrong { what: format!("no incident was opened:\n{events}") })
}

/// Runs `faultctl` with the stage's configuration and store, and gives what it said.
pub(crate) fn faultctl(stage: &Stage, arguments: &[&str]) -> Result<String> {
    let mut command = Command::new(faultline_tests::faultctl());
    command.args(arguments).args(stage.arguments()).envs(stage.variables());
    let output = command.output().unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() {
        return Ok(said);
    }
    Err(Error::Wrong { what: format!("faultctl {arguments:?} ended with {}: {said}", output.status) })
}
