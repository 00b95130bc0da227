//! CDEvents as they are published with the specification, in the three ways in which they are sent.

use faultline_model::{Deploy, DeployKind, DeployStatus, Timestamp};
use serde_json::{Value, json};

use super::{Hook, NOW_S};

const DIGEST: &str = "sha256:0b31b1c02ff458ad9b7b81cbdf8f028bd54699fa151f221d1e8de6817db93427";

fn sample(name: &str) -> Value {
    let path = format!("{}/tests/specs/cdevents/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn expected(kind: DeployKind, version: Option<&str>) -> Deploy {
    Deploy {
        id: "/event/source/123#271069a8-fc18-44f1-b38f-9d70a1695819".into(),
        service: "mySubject123".into(),
        version: version.map(str::to_owned),
        previous: None,
        environment: "test123".to_owned(),
        started: None,
        finished: Some(Timestamp::from_micros(1_679_322_425_315_384)),
        status: DeployStatus::Succeeded,
        kind,
        actor: None,
        url: None,
        cluster: None,
    }
}

#[tokio::test]
async fn samples_are_read_however_they_are_sent() {
    let hook = Hook::start().await;
    for (name, kind, version) in [
        ("service_deployed", DeployKind::Deploy, Some(DIGEST)),
        ("service_upgraded", DeployKind::Deploy, Some(DIGEST)),
        ("service_rolledback", DeployKind::Rollback, Some(DIGEST)),
        ("service_published", DeployKind::Deploy, None),
        ("service_removed", DeployKind::Config, None),
    ] {
        let event = sample(name);
        let wanted = expected(kind, version);
        assert_eq!(hook.stores(&[], &event).await, wanted, "{name}, plain");
        assert_eq!(
            hook.stores(&[("content-type", "application/json")], &event).await,
            wanted,
            "{name}, plain with type"
        );
        let context = &event["context"];
        let envelope = json!({
            "specversion": "1.0", "id": context["id"], "source": context["source"], "type": context["type"],
            "time": context["timestamp"], "subject": event["subject"]["id"], "datacontenttype": "application/json",
            "data": event
        });
        let structured = [("content-type", "application/cloudevents+json; charset=utf-8")];
        assert_eq!(hook.stores(&structured, &envelope).await, wanted, "{name}, structured");
        let text = |field: &str| context[field].as_str().unwrap().to_owned();
        let (id, source, kind, time) = (text("id"), text("source"), text("type"), text("timestamp"));
        let binary = [
            ("content-type", "application/json"),
            ("ce-specversion", "1.0"),
            ("ce-id", id.as_str()),
            ("ce-source", &source),
            ("ce-type", &kind),
            ("ce-time", &time),
        ];
        assert_eq!(hook.stores(&binary, &event).await, wanted, "{name}, binary");
        let without_context = json!({"subject": event["subject"]});
        assert_eq!(hook.stores(&binary, &without_context).await, wanted, "{name}, binary, attributes only");
    }
}

#[tokio::test]
async fn versions_of_the_specification_do_not_matter() {
    let hook = Hook::start().await;
    for event_type in ["dev.cdevents.service.deployed.0.1.0", "dev.cdevents.service.deployed.0.9.0-draft"] {
        let mut event = sample("service_deployed");
        event["context"]["type"] = json!(event_type);
        event["context"]["brandNew"] = json!(true);
        assert_eq!(
            hook.stores(&[], &event).await,
            expected(DeployKind::Deploy, Some(DIGEST)),
            "{event_type}"
        );
    }
    let mut event = sample("service_deployed");
    event["context"]["timestamp"] = Value::Null;
    assert_eq!(hook.stores(&[], &event).await.finished, Some(Timestamp::from_secs(NOW_S)));
}

#[tokio::test]
async fn data_may_be_base64() {
    use base64::Engine as _;
    let hook = Hook::start().await;
    let data = base64::prelude::BASE64_STANDARD.encode(sample("service_deployed").to_string());
    let envelope = json!({
        "specversion": "1.0", "id": "1", "source": "s", "type": "dev.cdevents.service.deployed.0.3.0",
        "data_base64": data
    });
    assert_eq!(hook.stores(&[], &envelope).await, expected(DeployKind::Deploy, Some(DIGEST)));
}

#[tokio::test]
async fn every_bad_field_is_named() {
    let hook = Hook::start().await;
    let cases: &[(&[&str], Value)] = &[
        (&["context", "type"], json!("dev.cdevents.incident.detected.0.3.0")),
        (&["context", "type"], json!("dev.cdevents.service.deployedx.0.3.0")),
        (&["context", "type"], json!("dev.cdevents.serviceX")),
        (&["context", "type"], Value::Null),
        (&["context", "id"], Value::Null),
        (&["context", "id"], json!("a\nb")),
        (&["context", "source"], json!("")),
        (&["context", "timestamp"], json!("soon")),
        (&["subject"], Value::Null),
        (&["subject"], json!("checkout")),
        (&["subject", "id"], json!(7)),
        (&["subject", "content"], Value::Null),
        (&["subject", "content", "environment"], Value::Null),
        (&["subject", "content", "environment"], json!("production")),
        (&["subject", "content", "environment", "id"], Value::Null),
        (&["subject", "content", "artifactId"], Value::Null),
        (&["subject", "content", "artifactId"], json!("checkout:v142")),
        (&["subject", "content", "artifactId"], json!("pkg:oci/checkout@v%0a1")),
        (&["subject", "content", "artifactId"], json!("pkg:oci/checkout@%ff")),
    ];
    for (path, value) in cases {
        let mut event = sample("service_deployed");
        let place = path.iter().fold(&mut event, |at, field| &mut at[*field]);
        *place = value.clone();
        assert_eq!(hook.refuses(&[], &event).await, path.join("."), "{value}");
    }
    assert_eq!(hook.refuses(&[], &sample("incident_detected")).await, "context.type");
    let empty = json!({"specversion": "1.0", "type": "dev.cdevents.service.deployed.0.3.0", "id": "1"});
    assert_eq!(hook.refuses(&[], &empty).await, "data");
    let batch = [("content-type", "application/cloudevents-batch+json")];
    assert_eq!(hook.refuses(&batch, &json!([sample("service_deployed")])).await, "content-type");
}
