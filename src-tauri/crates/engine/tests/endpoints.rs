//! Metric endpoints are watched like databases: seen, told apart from what a session says of the same node, followed when the
//! configuration changes, and a row of the self-test when they are not there.

#![expect(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use faultline_engine::config::Config;
use faultline_engine::secrets::{Keep, Secrets};
use faultline_engine::{
    ConfigSource, Engine, EngineOptions, HealthLevel, NodeStatus, SeenBy, SilentNotifier, SystemClock,
};
use faultline_model::{Observation, Role, TimeRange};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// How long anything that must happen may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);
/// How often it is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A page of an exporter whose counter goes up with every look; it wants the token where there is one.
async fn exporter(token: Option<&'static str>) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let looks = Arc::new(AtomicU64::new(0));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let looks = Arc::clone(&looks);
            tokio::spawn(async move {
                let mut request = Vec::new();
                let mut buffer = [0; 1024];
                while !request.windows(4).any(|window| window == b"\r\n\r\n") {
                    match stream.read(&mut buffer).await {
                        Ok(read @ 1..) => request.extend_from_slice(&buffer[..read]),
                        _ => return,
                    }
                }
                let text = String::from_utf8_lossy(&request).to_lowercase();
                let knows = token.is_none_or(|token| text.contains(&format!("bearer {token}")));
                let count = 100 * looks.fetch_add(1, Ordering::Relaxed);
                let (status, body) = match knows {
                    true => ("200 OK", format!("http_requests_total {count}\nnode_load1 0.5\n")),
                    false => ("401 Unauthorized", String::new()),
                };
                let answer = format!(
                    "HTTP/1.1 {status}\r\ncontent-type: text/plain; version=0.0.4\r\ncontent-length: {}\r\n\
                     connection: close\r\n\r\n{body}",
                    body.len()
                );
                stream.write_all(answer.as_bytes()).await.ok();
            });
        }
    });
    address
}

fn endpoint(node: &str, address: SocketAddr, more: &str) -> String {
    format!(
        "[[metrics]]\ncluster = \"shop\"\nnode = \"{node}\"\nkind = \"scrape\"\nurl = \"http://{address}/metrics\"\n{more}\
         [metrics.signals]\nrequests_per_s = 'sum(rate(http_requests_total[15s]))'\nload_1m = 'node_load1'\n"
    )
}

struct Stage {
    engine: Arc<Engine>,
    folder: TempDir,
}

impl Stage {
    async fn set(endpoints: &str) -> Self {
        faultline_engine::install_tls_provider();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        std::fs::write(&file, text(endpoints)).unwrap();
        let engine = Engine::start(EngineOptions {
            config: Config::default(),
            config_file: Some(ConfigSource { path: file, is_optional: false }),
            data: folder.path().join("data"),
            secrets: Secrets::in_memory(),
            notifier: Arc::new(SilentNotifier),
            clock: Arc::new(SystemClock),
            feeds: false,
        })
        .await
        .unwrap();
        Self { engine, folder }
    }

    fn write(&self, endpoints: &str) {
        let new = self.folder.path().join("config.new");
        std::fs::write(&new, text(endpoints)).unwrap();
        std::fs::rename(&new, self.folder.path().join("config.toml")).unwrap();
    }

    fn node(&self, name: &str) -> Option<NodeStatus> {
        self.engine.statuses().first()?.nodes.get(name).cloned()
    }

    fn seen_by(&self, name: &str) -> Option<SeenBy> {
        self.node(name)?.seen_by(self.engine.now())
    }

    async fn until(&self, what: &str, mut is_so: impl FnMut(&Self) -> bool) {
        let look = async {
            while !is_so(self) {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        if tokio::time::timeout(DEADLINE, look).await.is_err() {
            panic!("not in time: {what}; {:#?}", self.engine.health());
        }
    }
}

fn text(endpoints: &str) -> String {
    format!("[intervals]\nmetrics_s = 1\n[[cluster]]\nname = \"shop\"\n{endpoints}")
}

#[tokio::test]
async fn an_endpoint_is_watched_until_it_is_taken_out_of_the_configuration() {
    let edge = exporter(None).await;
    let stage = Stage::set(&endpoint("edge", edge, "role = \"edge\"\n")).await;
    stage.until("the edge is seen", |stage| stage.seen_by("edge") == Some(SeenBy::Metrics)).await;
    assert_eq!(stage.node("edge").unwrap().about.role, Some(Role::Edge));

    // Its requests are in the store, as a rate.
    let history = stage.engine.history().clone();
    let rates = async || {
        let range = TimeRange::last(600.0, stage.engine.now() + 1.0);
        let observations = history.observations(&"shop".into(), range).await.unwrap();
        let signals = observations.into_iter().filter_map(|observation| match observation {
            Observation::Frame(frame) => frame.signals,
            Observation::Deploy { .. } => None,
        });
        signals.filter_map(|signals| signals.values.get("requests_per_s").copied()).collect::<Vec<_>>()
    };
    let mut found = rates().await;
    while found.is_empty() {
        tokio::time::sleep(LOOK_EVERY).await;
        found = rates().await;
    }
    assert!(found.iter().all(|rate| *rate > 0.0), "{found:?}");

    stage.write("");
    stage.until("the edge is gone", |stage| stage.node("edge").is_none()).await;
    assert!(stage.engine.health().iter().all(|row| !row.target.starts_with("shop/")));
    stage.engine.shutdown().await;
}

#[tokio::test]
async fn a_token_that_comes_later_is_taken_up() {
    let edge = exporter(Some("sesame")).await;
    let stage = Stage::set(&endpoint("edge", edge, "token = \"keyring:edge\"\n")).await;
    let name = format!("shop/edge ({edge})");
    let is_error =
        |stage: &Stage| stage.engine.health_of(&name).iter().any(|row| row.level == HealthLevel::Error);
    stage.until("the token is missed", is_error).await;
    stage.engine.secrets().set("edge", "sesame".into(), Keep::ThisRun).await.unwrap();
    stage.until("the edge is seen", |stage| stage.seen_by("edge") == Some(SeenBy::Metrics)).await;
    stage.until("the row is gone", |stage| !is_error(stage)).await;
    stage.engine.shutdown().await;
}

#[tokio::test]
async fn one_that_is_not_there_is_a_row_and_the_others_go_on() {
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap();
    let there = exporter(None).await;
    let stage = Stage::set(&(endpoint("edge", closed, "") + &endpoint("edge", there, ""))).await;
    stage.until("the edge is seen", |stage| stage.seen_by("edge") == Some(SeenBy::Metrics)).await;
    let level = |stage: &Stage, address: SocketAddr| {
        let rows = stage.engine.health_of(&format!("shop/edge ({address})"));
        rows.into_iter().map(|row| row.level).max()
    };
    stage.until("the closed one is a row", |stage| level(stage, closed) == Some(HealthLevel::Error)).await;
    assert_ne!(level(&stage, there), Some(HealthLevel::Error));
    assert_eq!(stage.engine.health_of_node(&"shop".into(), &"edge".into()).len(), {
        let of = |address| stage.engine.health_of(&format!("shop/edge ({address})")).len();
        of(closed) + of(there)
    });
    stage.engine.shutdown().await;
}
