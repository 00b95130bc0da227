//! The body of a request as a deploy: the `deploy` object of the recording format, or a CDEvent.

use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use faultline_model::{Deploy, DeployStatus, Timestamp};
use serde_json::Value;

use super::answer::FieldFault;
use super::cdevents;
use super::fields::{Fields, MAX_NAME_CHARS, MAX_TEXT_CHARS};

/// What `status` may be.
const STATUSES: &[&str] = &["started", "succeeded", "failed", "rolled_back"];

/// What `kind` may be.
const KINDS: &[&str] = &["deploy", "rollback", "config", "schema", "flag", "restart"];

/// The environment when none is given.
const DEFAULT_ENVIRONMENT: &str = "production";

/// Reads a body. Which form it is, its headers and its own fields say; a wrong or missing content type does not matter
/// otherwise, as senders get that wrong more often than the body.
pub(crate) fn read(headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<Deploy, FieldFault> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if content_type.to_ascii_lowercase().starts_with("application/cloudevents-batch") {
        return Err(FieldFault::new("content-type", "is that of a batch", "send one event a request"));
    }
    let value: Value = serde_json::from_slice(body).map_err(|error| {
        let message = format!("is not JSON (line {}, column {})", error.line(), error.column());
        FieldFault::new("body", message, "send one JSON object in UTF-8")
    })?;
    match cdevents::recognise(headers, &value) {
        Some(envelope) => cdevents::read(&envelope, now),
        None => read_deploy(&value, now),
    }
}

fn read_deploy(value: &Value, now: Timestamp) -> Result<Deploy, FieldFault> {
    let fields = Fields::of(value, "")?;
    let mut deploy = Deploy {
        id: fields.required("id", MAX_NAME_CHARS)?.into(),
        service: fields.required("service", MAX_NAME_CHARS)?.into(),
        version: fields.text("version", MAX_TEXT_CHARS)?,
        previous: fields.text("previous", MAX_TEXT_CHARS)?,
        environment: fields
            .text("environment", MAX_NAME_CHARS)?
            .unwrap_or_else(|| DEFAULT_ENVIRONMENT.to_owned()),
        started: fields.time("started", now)?,
        finished: fields.time("finished", now)?,
        status: fields.word("status", STATUSES)?,
        kind: fields.word("kind", KINDS)?,
        actor: fields.text("actor", MAX_TEXT_CHARS)?,
        url: fields.url("url")?,
        cluster: None,
    };
    if let (Some(started), Some(finished)) = (deploy.started, deploy.finished)
        && finished < started
    {
        return Err(FieldFault::new(
            "finished",
            "lies before started",
            "send both times from the same clock",
        ));
    }
    date(&mut deploy, now);
    Ok(deploy)
}

/// A deploy without any time happened now: it began, or it ended, by its status.
fn date(deploy: &mut Deploy, now: Timestamp) {
    if deploy.earliest().is_some() {
        return;
    }
    match deploy.status {
        DeployStatus::Started => deploy.started = Some(now),
        DeployStatus::Succeeded | DeployStatus::Failed | DeployStatus::RolledBack => {
            deploy.finished = Some(now)
        }
    }
}
