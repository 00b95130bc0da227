//! A change that concerns one cluster alone is no word to another of its environment.

#![expect(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

use std::sync::Arc;

use faultline_engine::config;
use faultline_engine::secrets::Secrets;
use faultline_engine::{Engine, EngineOptions, SilentNotifier, SystemClock};
use faultline_model::{Deploy, Observation, TimeRange};

async fn start(data: &std::path::Path) -> Arc<Engine> {
    faultline_engine::install_tls_provider();
    let text = "[[cluster]]\nname = \"shop\"\n[[cluster]]\nname = \"billing\"\n";
    Engine::start(EngineOptions {
        config: config::parse(text, "config.toml").unwrap(),
        config_file: None,
        data: data.to_owned(),
        secrets: Secrets::in_memory(),
        notifier: Arc::new(SilentNotifier),
        clock: Arc::new(SystemClock),
        feeds: false,
    })
    .await
    .unwrap()
}

/// The deploys that a cluster has heard of, by id.
async fn heard(engine: &Engine, cluster: &str) -> Vec<String> {
    let range = TimeRange::last(3_600.0, engine.now() + 1.0);
    let observations = engine.history().observations(&cluster.into(), range).await.unwrap();
    let deploys = observations.into_iter().filter_map(|observation| match observation {
        Observation::Deploy { deploy, .. } => Some(deploy.id.to_string()),
        Observation::Frame(_) => None,
    });
    deploys.collect()
}

#[tokio::test]
async fn a_marker_reaches_its_own_cluster_alone_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let engine = start(folder.path()).await;
    let now = engine.now().as_secs();
    let deploy = |text: String| serde_json::from_str::<Deploy>(&text).unwrap();
    engine
        .mark(&deploy(format!(
            r#"{{"id":"marker","service":"p","kind":"config","cluster":"shop","finished":{now}}}"#
        )))
        .await
        .unwrap();
    engine.mark(&deploy(format!(r#"{{"id":"all","service":"checkout","finished":{now}}}"#))).await.unwrap();
    while heard(&engine, "shop").await.len() < 2 || heard(&engine, "billing").await.is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(heard(&engine, "billing").await, ["all"]);
    engine.shutdown().await;
    drop(engine);

    let engine = start(folder.path()).await;
    engine.mark(&deploy(format!(r#"{{"id":"last","service":"checkout","finished":{now}}}"#))).await.unwrap();
    while !heard(&engine, "billing").await.contains(&"last".to_owned()) {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(!heard(&engine, "billing").await.contains(&"marker".to_owned()));
    engine.shutdown().await;
}
