//! CDEvents (<https://cdevents.dev>) as deploys: plain, or in a CloudEvents envelope, structured or binary. Only what
//! is read is checked; senders of newer versions add fields.

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use faultline_model::{Deploy, DeployKind, DeployStatus, Timestamp};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::answer::FieldFault;
use super::fields::{self, Fields, MAX_NAME_CHARS, MAX_TEXT_CHARS, MAX_URL_CHARS};

/// What the types of all events about services begin with; the version at their end does not matter.
const SERVICE_PREFIX: &str = "dev.cdevents.service.";

/// The events that are deploys, what kind they are, and whether they must name an artifact.
///
/// `published` is traffic led to a service, a deploy as far as a database can tell. `removed` leaves no version behind,
/// so it is a change of configuration.
const PREDICATES: &[(&str, DeployKind, bool)] = &[
    ("deployed", DeployKind::Deploy, true),
    ("upgraded", DeployKind::Deploy, true),
    ("rolledback", DeployKind::Rollback, true),
    ("published", DeployKind::Deploy, false),
    ("removed", DeployKind::Config, false),
];

/// A CDEvent in one shape, however it was sent.
pub(crate) struct Envelope {
    event: Result<Value, FieldFault>,
    /// Attributes of the CloudEvent, which stand in for parts of `context` that are missing.
    outer: Value,
}

/// Recognises an event by its `ce-type` header, its envelope or its `context`.
pub(crate) fn recognise(headers: &HeaderMap, body: &Value) -> Option<Envelope> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if header("ce-type").is_some() {
        let outer = json!({
            "id": header("ce-id"), "source": header("ce-source"), "type": header("ce-type"), "timestamp": header("ce-time"),
        });
        return Some(Envelope { event: Ok(body.clone()), outer });
    }
    if body.get("specversion").is_some() && body.get("type").is_some() {
        let outer = json!({
            "id": body.get("id"), "source": body.get("source"), "type": body.get("type"), "timestamp": body.get("time"),
        });
        return Some(Envelope { event: data(body), outer });
    }
    body.get("context").map(|_| Envelope { event: Ok(body.clone()), outer: Value::Null })
}

/// The event inside of a structured CloudEvent.
fn data(envelope: &Value) -> Result<Value, FieldFault> {
    if let Some(data) = envelope.get("data") {
        return Ok(data.clone());
    }
    let fault =
        || FieldFault::new("data", "holds no CDEvent", "send the event in `data`, or JSON in `data_base64`");
    let encoded = envelope.get("data_base64").and_then(Value::as_str).ok_or_else(fault)?;
    let bytes = BASE64_STANDARD.decode(encoded).map_err(|_| fault())?;
    serde_json::from_slice(&bytes).map_err(|_| fault())
}

/// Reads an event as a deploy that succeeded at the event's time.
pub(crate) fn read(envelope: &Envelope, now: Timestamp) -> Result<Deploy, FieldFault> {
    let event = envelope.event.as_ref().map_err(Clone::clone)?;
    let top = Fields::of(event, "")?;
    let empty = json!({});
    let inner = Fields::of(top.get("context").unwrap_or(&empty), "context")?;
    let outer = if envelope.outer.is_null() { &empty } else { &envelope.outer };
    let outer = Fields::of(outer, "context")?;
    let context = |field: &str| if inner.get(field).is_some() { inner } else { outer };

    let event_type = context("type").required("type", MAX_TEXT_CHARS)?;
    let (kind, needs_artifact) = predicate(&event_type)?;
    let id = context("id").required("id", MAX_NAME_CHARS)?;
    let source = context("source").required("source", MAX_NAME_CHARS)?;
    let at = context("timestamp").time("timestamp", now)?;

    let subject = Fields::of(top.get("subject").unwrap_or(&Value::Null), "subject")?;
    let service = subject.required("id", MAX_NAME_CHARS)?;
    let content = Fields::of(subject.get("content").unwrap_or(&Value::Null), "subject.content")?;
    let environment = content.get("environment").unwrap_or(&Value::Null);
    let environment =
        Fields::of(environment, "subject.content.environment")?.required("id", MAX_NAME_CHARS)?;
    let artifact = match needs_artifact {
        true => Some(content.required("artifactId", MAX_URL_CHARS)?),
        false => content.text("artifactId", MAX_URL_CHARS)?,
    };
    let version = artifact.map(|artifact| version(&artifact)).transpose()?.flatten();
    Ok(Deploy {
        // An event's id is unique within its source only.
        id: format!("{source}#{id}").into(),
        service: service.into(),
        version,
        previous: None,
        environment,
        started: None,
        finished: Some(at.unwrap_or(now)),
        status: DeployStatus::Succeeded,
        kind,
        actor: None,
        url: None,
        cluster: None,
    })
}

fn predicate(event_type: &str) -> Result<(DeployKind, bool), FieldFault> {
    let rest = event_type.strip_prefix(SERVICE_PREFIX).unwrap_or_default();
    let word = rest.split('.').next().unwrap_or_default();
    let known = PREDICATES.iter().find(|(predicate, ..)| *predicate == word);
    known.map(|(_, kind, needs_artifact)| (*kind, *needs_artifact)).ok_or_else(|| {
        let words: Vec<String> =
            PREDICATES.iter().map(|(word, ..)| format!("{SERVICE_PREFIX}{word}")).collect();
        let message = format!("is {event_type:.100?}, which is not the change of a service");
        FieldFault::new("context.type", message, format!("send only {}", words.join(", ")))
    })
}

/// The version of a package URL. Images are named by their digest; their tag, where there is one, is what people and
/// application names call the version.
fn version(artifact: &str) -> Result<Option<String>, FieldFault> {
    let fault = |message: &str| {
        let hint = "send a package URL with a version, like pkg:oci/checkout@v142";
        FieldFault::new("subject.content.artifactId", message, hint)
    };
    let purl = artifact.strip_prefix("pkg:").ok_or_else(|| fault("is not a package URL"))?;
    let purl = purl.split('#').next().unwrap_or_default();
    let (path, qualifiers) = purl.split_once('?').unwrap_or((purl, ""));
    let tag = qualifiers.split('&').find_map(|pair| pair.strip_prefix("tag=")).filter(|tag| !tag.is_empty());
    // A name may begin with `@` (scopes), so the version stands after the last `@` of the last part.
    let last = path.rsplit('/').next().unwrap_or_default();
    let after_at = last.rsplit_once('@').map(|(_, version)| version).filter(|version| !version.is_empty());
    let Some(encoded) = tag.or(after_at) else { return Ok(None) };
    let decoded =
        percent_decode_str(encoded).decode_utf8().map_err(|_| fault("has a version that is not UTF-8"))?;
    let field = "subject.content.artifactId".to_owned();
    fields::text(field, &Value::String(decoded.into_owned()), MAX_TEXT_CHARS).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_package_urls() {
        let check = |purl: &str, wanted: Option<&str>| {
            assert_eq!(version(purl).unwrap().as_deref(), wanted, "{purl}")
        };
        check("pkg:oci/myapp@sha256%3A0b31", Some("sha256:0b31"));
        check("pkg:oci/myapp@sha256%3A0b31?repository_url=ghcr.io/x&tag=v142", Some("v142"));
        check("pkg:npm/%40angular/animation@12.3.1", Some("12.3.1"));
        check("pkg:npm/@angular/animation", None);
        check("pkg:golang/google.golang.org/genproto@abcdedf#googleapis/api/annotations", Some("abcdedf"));
        check("pkg:deb/debian/curl@7.50.3-1?arch=i386", Some("7.50.3-1"));
        check("pkg:generic/checkout@", None);
        assert!(version("checkout:v142").unwrap_err().message.contains("not a package URL"));
    }
}
