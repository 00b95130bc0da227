//! The deploy object: what is stored of it, and which field is named when it cannot be.

use faultline_http::StatusCode;
use faultline_model::{DeployKind, DeployStatus, Timestamp};
use serde_json::{Value, json};

use super::{Hook, NOW_S, full};

/// A deploy with one field set to something else; `null` takes it out.
fn with(field: &str, value: Value) -> Value {
    let mut body = full();
    body[field] = value;
    body
}

#[tokio::test]
async fn a_full_deploy_is_stored_as_it_is() {
    let hook = Hook::start().await;
    let deploy = hook.stores(&[], &full()).await;
    assert_eq!(serde_json::to_value(&deploy).unwrap(), full());
}

#[tokio::test]
async fn what_is_left_out_is_the_default() {
    let hook = Hook::start().await;
    let now = Timestamp::from_secs(NOW_S);
    let deploy = hook.stores(&[("content-type", "text/plain")], &json!({"id": "1", "service": "s"})).await;
    assert_eq!((deploy.environment.as_str(), deploy.kind), ("production", DeployKind::Deploy));
    assert_eq!((deploy.status, deploy.started, deploy.finished), (DeployStatus::Succeeded, None, Some(now)));
    for (status, started, finished) in [
        ("started", Some(now), None),
        ("succeeded", None, Some(now)),
        ("failed", None, Some(now)),
        ("rolled_back", None, Some(now)),
    ] {
        let deploy =
            hook.stores(&[], &json!({"id": "1", "service": "s", "status": status, "started": null})).await;
        assert_eq!((deploy.started, deploy.finished), (started, finished), "{status}");
    }
    let deploy =
        hook.stores(&[], &json!({"id": "1", "service": "s", "started": 5, "future": {"field": [1]}})).await;
    assert_eq!((deploy.started, deploy.finished), (Some(Timestamp::from_secs(5.0)), None));
}

#[tokio::test]
async fn times_are_seconds_or_rfc_3339() {
    let hook = Hook::start().await;
    for (sent, secs) in [
        (json!(1_799_999_999), 1_799_999_999.0),
        (json!(1_799_999_999.25), 1_799_999_999.25),
        (json!("2027-01-15T07:59:59Z"), 1_799_999_999.0),
        (json!("2027-01-15T09:59:59.25+02:00"), 1_799_999_999.25),
        (json!(0), 0.0),
    ] {
        let body = json!({"id": "1", "service": "s", "finished": sent});
        assert_eq!(hook.stores(&[], &body).await.finished, Some(Timestamp::from_secs(secs)), "{body}");
    }
}

#[tokio::test]
async fn every_bad_field_is_named() {
    let hook = Hook::start().await;
    let long = |chars: usize| json!("ü".repeat(chars + 1));
    let cases = [
        ("id", Value::Null),
        ("id", json!("")),
        ("id", json!("  ")),
        ("id", json!(142)),
        ("id", long(200)),
        ("service", Value::Null),
        ("service", json!({})),
        ("service", long(200)),
        ("service", json!("a\u{0}b")),
        ("version", json!(142)),
        ("version", json!("")),
        ("version", long(300)),
        ("version", json!("v1\nv2")),
        ("previous", json!([])),
        ("previous", long(300)),
        ("previous", json!("v\u{1b}[31m")),
        ("environment", json!(true)),
        ("environment", json!("")),
        ("environment", long(200)),
        ("started", json!("yesterday")),
        ("started", json!(-1)),
        ("started", json!({})),
        ("started", json!(NOW_S * 1e3)),
        ("started", json!(NOW_S + 90_000.0)),
        ("started", json!("2027-01-15 08:00")),
        ("finished", json!(NOW_S - 13.0)),
        ("finished", json!(1e300)),
        ("finished", json!(false)),
        ("status", json!("success")),
        ("status", json!(1)),
        ("status", json!("SUCCEEDED")),
        ("kind", json!("hotfix")),
        ("kind", json!(["deploy"])),
        ("actor", json!(7)),
        ("actor", long(300)),
        ("actor", json!("a\tb")),
        ("url", json!("checkout/142")),
        ("url", json!("javascript:alert(1)")),
        ("url", json!("file:///etc/passwd")),
        ("url", json!("https://me:pw@deploy.example/")),
        ("url", json!(format!("https://h/{}", "x".repeat(2_000)))),
    ];
    for (field, value) in cases {
        assert_eq!(hook.refuses(&[], &with(field, value.clone())).await, field, "{value}");
        // Beyond the burst, on a clock that stands still, nothing would be told about fields any more.
    }
}

#[tokio::test]
async fn what_is_no_object_is_refused() {
    let hook = Hook::start().await;
    for body in [&b""[..], b"{", b"[]", b"null", b"\"x\"", b"\xff\xfe", b"{\"id\":\"1\",}", b"id=1&service=s"]
    {
        let answer = hook.post(&[], body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body:?}");
        assert_eq!(answer.json::<Value>().unwrap()["field"], "body");
    }
    let deep = format!("{{\"id\":{}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(hook.post(&[], deep.as_bytes()).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(hook.stored(), 0);
}

#[tokio::test]
async fn hostile_names_are_data() {
    let hook = Hook::start().await;
    for name in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "'; drop table deploys; --",
        "{{constructor}} ${7*7} %s %n {previous}",
        "../../../../etc/passwd",
        "\u{202e}live\u{2066} 🏴‍☠️ Z͑ͫ̓a̴l̷g̸o",
        "<b>&amp;&lt;</b>",
        "$(reboot) `reboot` | reboot",
    ] {
        let deploy =
            hook.stores(&[], &json!({"id": name, "service": name, "version": name, "actor": name})).await;
        assert_eq!(
            [deploy.id.as_str(), deploy.service.as_str(), deploy.version.as_deref().unwrap()],
            [name, name, name]
        );
    }
}
