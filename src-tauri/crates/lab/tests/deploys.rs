//! The deploy system over HTTP: what it answers, that it switches versions, and the markers that it sends.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use faultline_lab::deploys::{DeploySystem, Production, SIGNATURE_HEADER, Webhook, signature};
use faultline_lab::http::client;
use serde_json::{Value, json};

#[derive(Default)]
struct Switches(Mutex<Vec<(String, String)>>);

impl Production for Switches {
    fn switch(&self, service: &str, version: &str) {
        self.0.lock().unwrap().push((service.to_owned(), version.to_owned()));
    }
}

async fn deployed(webhook: Option<Webhook>) -> (DeploySystem, Arc<Switches>) {
    let production = Arc::new(Switches::default());
    let system =
        DeploySystem::start("token".to_owned(), &[("checkout", "v141")], production.clone(), webhook)
            .await
            .unwrap();
    system.deploy("checkout", "v142").await;
    (system, production)
}

/// Asks until the run has ended.
async fn ended(url: &str) -> Value {
    let asked = async {
        loop {
            let run: Value =
                client().unwrap().get(url).bearer_auth("token").send().await.unwrap().json().await.unwrap();
            if run["status"] != "running" {
                return run;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), asked).await.unwrap()
}

#[tokio::test]
async fn requests_that_make_no_sense_are_refused() {
    let (system, _) = deployed(None).await;
    for (service, token, body, status, says) in [
        ("checkout", "", r#"{"to":"v141"}"#, 401, "token"),
        ("checkout", "Token", r#"{"to":"v141"}"#, 401, "token"),
        ("nobody", "token", r#"{"to":"v141"}"#, 404, "nobody"),
        ("checkout", "token", r#"{"to":"v142"}"#, 409, "already"),
        ("checkout", "token", r#"{"to":"v99"}"#, 422, "never ran"),
        ("checkout", "token", r#"{"to":"#, 422, "body"),
        ("checkout", "token", r#"{"to":"v141","force":true}"#, 422, "force"),
    ] {
        let url = format!("{}/services/{service}/rollback", system.url());
        let answer = client().unwrap().post(url).bearer_auth(token).body(body).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{service} {body}");
        let problem: Value = answer.json().await.unwrap();
        assert!(problem["error"].as_str().unwrap().contains(says), "{problem}");
    }
    assert_eq!(system.current("checkout").as_deref(), Some("v142"));
}

#[tokio::test]
async fn a_rollback_runs_once_for_its_key_and_switches_the_version() {
    let (system, production) = deployed(None).await;
    let url = format!("{}/services/checkout/rollback", system.url());
    let mut runs = Vec::new();
    for _time in 0..2 {
        let request = client().unwrap().post(&url).bearer_auth("token").header("Idempotency-Key", "one");
        let answer = request.body(r#"{"to":"v141"}"#).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        let location = answer.headers()["location"].to_str().unwrap().to_owned();
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["status_url"], json!(format!("{}{location}", system.url())));
        runs.push(body);
    }
    assert_eq!(runs[0]["run"], runs[1]["run"]);
    let run = ended(runs[0]["status_url"].as_str().unwrap()).await;
    assert_eq!(run["status"], "succeeded", "{run}");
    let switched = ["v142", "v141"].map(|version| ("checkout".to_owned(), version.to_owned()));
    assert_eq!(*production.0.lock().unwrap(), switched);

    let url = format!("{}/services/checkout", system.url());
    let service: Value =
        client().unwrap().get(url).bearer_auth("token").send().await.unwrap().json().await.unwrap();
    assert_eq!(service["version"], "v141");
    assert_eq!(service["history"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_deploy_is_marked_when_it_starts_and_when_it_is_out_with_a_signature() {
    let taken = Arc::new(Mutex::new(Vec::<(String, Bytes)>::new()));
    let sink = Arc::clone(&taken);
    let take = move |headers: HeaderMap, body: Bytes| async move {
        sink.lock().unwrap().push((headers[SIGNATURE_HEADER].to_str().unwrap().to_owned(), body));
        StatusCode::ACCEPTED
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/deploys", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/v1/deploys", post(take))).await });

    deployed(Some(Webhook { url, secret: "secret".to_owned() })).await;
    let taken = taken.lock().unwrap();
    let markers: Vec<Value> = taken.iter().map(|(_, body)| serde_json::from_slice(body).unwrap()).collect();
    assert_eq!(markers.len(), 2);
    for ((given, body), (marker, status)) in taken.iter().zip(markers.iter().zip(["started", "succeeded"])) {
        assert_eq!(*given, signature("secret", body));
        assert_eq!(marker["status"], status);
        assert_eq!((&marker["id"], &marker["service"]), (&json!("checkout-142"), &json!("checkout")));
        assert_eq!((&marker["version"], &marker["previous"]), (&json!("v142"), &json!("v141")));
        assert_eq!(marker["finished"].is_null(), status == "started");
    }
}
