//! What a deploy system's answer says: how the run stands, where to follow it, and in which words.

use faultline_http::{Response, StatusCode, Url, host_of, same_origin};
use faultline_model::RollbackOutcome;
use serde_json::Value;

use crate::rollback::Follow;

/// Words that mean success, in small letters, `-` and space written `_`.
pub const SUCCESS_WORDS: &[&str] = &[
    "complete",
    "completed",
    "deployed",
    "done",
    "finished",
    "healthy",
    "ok",
    "passed",
    "promoted",
    "ready",
    "rolled_back",
    "rolledback",
    "succeeded",
    "success",
    "successful",
];

/// Words that mean failure, written in the same way.
pub const FAILURE_WORDS: &[&str] = &[
    "aborted",
    "action_required",
    "blocked",
    "canceled",
    "cancelled",
    "denied",
    "error",
    "errored",
    "expired",
    "failed",
    "failure",
    "rejected",
    "skipped",
    "stale",
    "startup_failure",
    "terminated",
    "timed_out",
    "timeout",
];

/// Fields that say how a run stands. An outcome goes before the state: `completed` may have failed.
const STATE_FIELDS: &[&str] = &["conclusion", "status", "state"];

/// Fields that say it in words for people.
const MESSAGE_FIELDS: &[&str] = &["message", "error", "detail", "reason", "description"];

/// Fields of the answer that tell where the run can be followed.
const STATUS_URL_FIELDS: &[&str] = &["status_url", "url"];

/// How a run stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Done.
    Succeeded,
    /// Over, and not done.
    Failed,
    /// Under way, or a word of the deploy system's own.
    Running(String),
    /// The answer says nothing about it.
    None,
}

/// The body as JSON; `null` when it is something else that does not claim to be JSON (a plain `ok`, nothing at all).
pub(crate) fn read(answer: &Response) -> Result<Value, String> {
    if answer.body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Null);
    }
    match answer.json::<Value>() {
        Ok(body) => Ok(body),
        Err(_) if !answer.is_json() && !looks_like_json(&answer.body) => Ok(Value::Null),
        Err(_) => Err("the answer is cut off or not valid JSON".to_owned()),
    }
}

fn looks_like_json(body: &[u8]) -> bool {
    body.iter().find(|byte| !byte.is_ascii_whitespace()).is_some_and(|byte| matches!(byte, b'{' | b'['))
}

/// How the run stands by the answer's own words.
pub(crate) fn state(body: &Value, follow: &Follow) -> State {
    let words = STATE_FIELDS.iter().filter_map(|field| body.get(field)?.as_str());
    let mut running = None;
    for word in words.filter(|word| !word.trim().is_empty()) {
        let known = word.trim().to_ascii_lowercase().replace(['-', ' '], "_");
        let own = |list: &[String]| list.iter().any(|own| own.eq_ignore_ascii_case(word.trim()));
        if own(&follow.failure) {
            return State::Failed;
        }
        if own(&follow.success) {
            return State::Succeeded;
        }
        if FAILURE_WORDS.contains(&known.as_str()) {
            return State::Failed;
        }
        if SUCCESS_WORDS.contains(&known.as_str()) {
            return State::Succeeded;
        }
        running.get_or_insert_with(|| word.trim().to_owned());
    }
    running.map_or(State::None, State::Running)
}

/// The outcome of a run that is over.
pub(crate) fn ended(state: &State, host: &str, answer: &Response, body: &Value) -> RollbackOutcome {
    let said = message(answer, body).map(|message| format!(": {message}")).unwrap_or_default();
    if *state == State::Succeeded {
        return RollbackOutcome::Succeeded { message: format!("{host} says that it is done{said}") };
    }
    RollbackOutcome::Failed {
        message: format!(
            "{host} says that the rollback failed{said} – look there how far it came, and roll back by hand if need be."
        ),
    }
}

/// What the answer says to people, fit for a message.
pub(crate) fn message(answer: &Response, body: &Value) -> Option<String> {
    let text = MESSAGE_FIELDS.iter().find_map(|field| body.get(field)?.as_str())?;
    Some(answer.clean(text)).filter(|text| !text.is_empty())
}

/// The run's id.
pub(crate) fn run_id(body: &Value) -> Option<String> {
    match body.get("id")? {
        Value::String(id) if !id.is_empty() => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

/// Where the answer says that the run can be followed: `status_url`, else `Location`, else `url`. A `url` on another
/// host is a page for people and does not count, nor does the `url` of an answer that speaks of nothing under way (200
/// without a state); the others must be on the same host.
pub(crate) fn status_url(answer: &Response, body: &Value, state: &State) -> Result<Option<Url>, String> {
    let under_way =
        *state != State::None || matches!(answer.status, StatusCode::CREATED | StatusCode::ACCEPTED);
    let [status_url, url] =
        [STATUS_URL_FIELDS[0], STATUS_URL_FIELDS[1]].map(|field| body.get(field).and_then(Value::as_str));
    for (text, must) in
        [(status_url, true), (answer.header("location"), true), (url.filter(|_| under_way), false)]
    {
        let Some(text) = text.filter(|text| !text.is_empty()) else { continue };
        match answer.url().join(text) {
            Ok(found) if same_origin(answer.url(), &found) && found.username().is_empty() => {
                return Ok(Some(found));
            }
            Ok(found) if must => {
                return Err(format!(
                    "it points to {} to follow it, which is another host and is not asked",
                    host_of(&found)
                ));
            }
            Err(_) if must => return Err("the address to follow it is not readable".to_owned()),
            Ok(_) | Err(_) => {}
        }
    }
    Ok(None)
}
