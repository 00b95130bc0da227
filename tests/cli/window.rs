//! Hostile texts on their way from outside into the window: webhook and store in, charts and incidents out.

use std::net::SocketAddr;
use std::sync::Arc;

use faultline_api::{Api, NoDesktop};
use faultline_engine::config::{self, Config};
use faultline_engine::secrets::{Keep, Secrets};
use faultline_engine::{Engine, EngineOptions, SilentNotifier, SystemClock};
use faultline_model::{Frame, Observation, QueryDelta, QueryDeltas, QueryText};
use secrecy::SecretString;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The webhook's secret.
const SECRET: &str = "correct-horse-battery-staple";
/// Markup that runs where it is not escaped.
const MARKUP: &str = "<script>alert(1)</script>&\"'><image href=x onerror=alert(1)>]]>";
/// Elements that charts are made of.
const ELEMENTS: [&str; 9] = ["svg", "rect", "text", "polyline", "polygon", "circle", "line", "path", "/"];

struct House {
    engine: Arc<Engine>,
    api: Api,
    _data: TempDir,
}

impl House {
    async fn open() -> Self {
        faultline_engine::install_tls_provider();
        let data = tempfile::tempdir().unwrap();
        let secrets = Secrets::in_memory();
        secrets.set("webhook", SecretString::from(SECRET), Keep::Keyring).await.unwrap();
        let options = EngineOptions {
            config: config(),
            config_file: None,
            data: data.path().to_owned(),
            secrets,
            notifier: Arc::new(SilentNotifier),
            clock: Arc::new(SystemClock),
            feeds: true,
        };
        let engine = Engine::start(options).await.unwrap();
        let api = Api::new(Arc::clone(&engine), Arc::new(NoDesktop), None);
        Self { engine, api, _data: data }
    }

    /// Posts a deploy as a pipeline does, and gives back the status and the answer.
    async fn post(&self, body: &str) -> (u16, String) {
        post(self.engine.webhook_addresses()[0], body).await
    }

    async fn ask(&self, domain: &str, name: &str, args: Value) -> Value {
        self.api.call(domain, name, args).await.unwrap()
    }

    async fn charts(&self) -> Value {
        let args = json!({
            "cluster": "shop", "from": null, "to": null, "last_s": 900.0, "width_px": 1200,
            "panel_height_px": 300, "theme": "dark", "group": "query", "utc_offset_s": 0,
        });
        self.ask("charts", "draw", args).await
    }
}

fn config() -> Config {
    let text = r#"
[[cluster]]
name = "shop"

[[deploys]]
provider = "webhook"
listen = "127.0.0.1:0"
secret = "keyring:webhook"
"#;
    config::parse(text, "config.toml").unwrap()
}

async fn post(address: SocketAddr, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /v1/deploys HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {SECRET}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // A body that is too long is refused before it is all sent.
    stream.write_all(body.as_bytes()).await.ok();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    (answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default(), answer)
}

/// Panics unless every `<` opens one of the charts' elements, every `&` an entity, and no character is one that XML
/// forbids or that turns text around.
fn assert_harmless(svg: &str) {
    for (index, _) in svg.match_indices('<') {
        let rest: String = svg[index + 1..].chars().take(20).collect();
        assert!(ELEMENTS.iter().any(|element| rest.starts_with(element)), "<{rest}");
    }
    for (index, _) in svg.match_indices('&') {
        let rest: String = svg[index + 1..].chars().take(8).collect();
        assert!(
            ["lt;", "gt;", "amp;", "quot;", "apos;"].iter().any(|name| rest.starts_with(name)),
            "&{rest}"
        );
    }
    assert!(svg.chars().all(|c| c == '\n' || !c.is_control()), "a control character");
    assert!(!svg.contains(['\u{202e}', '\u{fffe}', '\u{ffff}']), "a forbidden character");
}

fn panels(charts: &Value) -> impl Iterator<Item = &str> {
    charts["panels"].as_array().unwrap().iter().map(|panel| panel["svg"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_deploy_is_data_in_the_window() {
    let house = House::open().await;
    let deploy = json!({ "id": "d-1", "service": MARKUP, "version": MARKUP, "actor": MARKUP });
    let (status, answer) = house.post(&deploy.to_string()).await;
    assert_eq!(status, 202, "{answer}");
    for (what, bad, expected) in [
        (
            "control characters",
            json!({ "id": "d-1", "service": "a\u{1b}[2J\u{0}", "version": "v" }).to_string(),
            422,
        ),
        (
            "a long title",
            json!({ "id": "d-1", "service": MARKUP.repeat(100), "version": "v" }).to_string(),
            422,
        ),
        (
            "a megabyte",
            json!({ "id": "d-1", "service": "x".repeat(1 << 20), "version": "v" }).to_string(),
            413,
        ),
        (
            "a script's address",
            json!({ "id": "d-1", "service": "a", "url": "javascript:alert(1)" }).to_string(),
            422,
        ),
        ("no JSON", MARKUP.to_owned(), 422),
    ] {
        let (status, answer) = house.post(&bad).await;
        assert_eq!(status, expected, "{what}: {answer}");
        assert!(answer.contains("\"hint\""), "{what}: {answer}");
    }
    let now = house.engine.now();
    // From another program that wrote into the store, or from an earlier version, with other rules.
    let mut stray = house.engine.history().deploy(&"d-1".into()).await.unwrap().unwrap();
    stray.id = format!("stray\u{0}\u{1b}{MARKUP}").into();
    stray.service = format!("\u{0}\u{1b}[2J\u{7}\u{202e}\u{ffff}{MARKUP}").into();
    house.engine.mark(&stray).await.unwrap();

    let charts = house.charts().await;
    assert_eq!(charts["flags"].as_array().unwrap().len(), 2);
    assert!(charts.to_string().contains("alert(1)"), "the flags are labelled");
    panels(&charts).for_each(assert_harmless);
    let range = json!({ "from": now.as_secs() - 900.0, "to": now.as_secs() + 900.0 });
    let deploys = house.ask("deploys", "list", range).await;
    let kept = deploys.as_array().unwrap().iter().find(|deploy| deploy["id"] == "d-1").unwrap();
    for key in ["service", "version", "actor"] {
        assert_eq!(kept[key], MARKUP, "kept as it was sent, and harmed by nothing that was refused");
    }
    house.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_query_is_data_in_the_window() {
    let house = House::open().await;
    let now = house.engine.now();
    let hostile = [
        format!("select '{MARKUP}'"),
        "select \u{0}\u{1b}[2J\u{202e}\u{fffe}".to_owned(),
        format!("select '{}'", MARKUP.repeat((1 << 20) / MARKUP.len())),
    ];
    let fps: Vec<String> =
        (0..hostile.len()).map(|number| format!("f{number}")).chain([MARKUP.to_owned()]).collect();
    let mut observations = Vec::new();
    for second in 0..60 {
        let mut frame = Frame::new(now - f64::from(60 - second), MARKUP.into());
        if second == 0 {
            let text = |(fp, text): (&String, &String)| QueryText {
                fp: fp.as_str().into(),
                text: text.clone(),
                database: Some(MARKUP.to_owned()),
                user: Some(MARKUP.to_owned()),
            };
            frame.texts = fps.iter().zip(&hostile).map(text).collect();
        }
        let row = |fp: &String| QueryDelta {
            fp: fp.as_str().into(),
            calls: 10.0,
            time_ms: 500.0,
            rows: None,
            blocks_hit: None,
            blocks_read: None,
            errors: None,
        };
        frame.queries =
            Some(QueryDeltas { span_s: 1.0, complete: true, rows: fps.iter().map(row).collect() });
        observations.push(Observation::Frame(frame));
    }
    house.engine.history().append(&"shop".into(), &observations).await.unwrap();

    let charts = house.charts().await;
    panels(&charts).for_each(assert_harmless);
    let load = charts["panels"].as_array().unwrap().iter().find(|panel| panel["id"] == "load").unwrap();
    assert!(load["series"].as_array().unwrap().len() >= fps.len(), "{load:#}");
    let args = json!({ "cluster": "shop", "from": null, "to": null, "last_s": 900.0, "limit": 10 });
    let queries = house.ask("queries", "top", args).await;
    assert!(queries.to_string().len() < 300_000, "a text is cut before it reaches the window");
    house.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_incident_is_data_in_the_window() {
    let house = House::open().await;
    let (status, _) =
        house.post(&json!({ "id": "d-1", "service": MARKUP, "version": "1" }).to_string()).await;
    assert_eq!(status, 202);
    let t = house.engine.now().as_secs();
    let events = [
        json!({ "t": t, "event": "opened", "incident": "1", "cluster": "shop", "onset": t - 5.0, "severity": "critical", "load_ratio": 9.0, "nodes": [MARKUP] }),
        json!({ "t": t, "event": "verdict", "incident": "1",
            "causes": [{ "cause": "query_regression", "verdict": "supported", "score": 0.9, "why": MARKUP }],
            "deploys": [{ "id": "d-1", "probability": 0.9 }, { "id": null, "probability": 0.1 }],
            "queries": [{ "fp": MARKUP, "text": MARKUP, "share": 0.9 }] }),
    ];
    for event in events {
        let event = serde_json::from_value(event).unwrap();
        house.engine.history().record_event(&"shop".into(), &event).await.unwrap();
    }
    panels(&house.charts().await).for_each(assert_harmless);
    let incident = house.ask("incidents", "get", json!({ "id": "1" })).await;
    assert_eq!(incident["nodes"][0], MARKUP);
    assert_eq!(incident["causes"][0]["why"], MARKUP);
    assert_eq!(incident["queries"][0]["text"], MARKUP);
    let listed = house.ask("incidents", "list", json!({ "cluster": "shop", "limit": 10 })).await;
    assert!(listed[0]["headline"].as_str().unwrap().contains(MARKUP), "{listed:#}");
    house.engine.shutdown().await;
}
