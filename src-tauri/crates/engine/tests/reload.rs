//! The engine follows its configuration file: what changes is taken up, what cannot be used leaves the last good
//! configuration at work, and edits from the window end in the file.

#![expect(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use faultline_engine::config::{Config, Edit, NewNode};
use faultline_engine::secrets::{Keep, Secrets};
use faultline_engine::{
    ConfigSource, Engine, EngineEvent, EngineOptions, HealthLevel, SilentNotifier, SystemClock,
};
use tempfile::TempDir;
use tokio::sync::broadcast::Receiver;

struct Stage {
    engine: Arc<Engine>,
    events: Receiver<EngineEvent>,
    file: PathBuf,
    _folder: TempDir,
}

impl Stage {
    async fn set(text: Option<&str>) -> Self {
        faultline_engine::install_tls_provider();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        if let Some(text) = text {
            std::fs::write(&file, text).unwrap();
        }
        let engine = Engine::start(EngineOptions {
            config: Config::default(),
            config_file: Some(ConfigSource { path: file.clone(), is_optional: true }),
            data: folder.path().join("data"),
            secrets: Secrets::in_memory(),
            notifier: Arc::new(SilentNotifier),
            clock: Arc::new(SystemClock),
            feeds: true,
        })
        .await
        .unwrap();
        let events = engine.listen();
        Self { engine, events, file, _folder: folder }
    }

    /// Writes the file as an editor does, and waits until the engine has looked at it.
    async fn write(&mut self, text: &str) {
        while self.events.try_recv().is_ok() {}
        let new = self.file.with_extension("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(&new, &self.file).unwrap();
        while !matches!(self.events.recv().await.unwrap(), EngineEvent::Configuration) {}
    }

    fn clusters(&self) -> Vec<String> {
        self.engine.statuses().iter().map(|status| status.name.to_string()).collect()
    }

    fn rows(&self, target: &str) -> Vec<(String, HealthLevel)> {
        self.engine.health_of(target).into_iter().map(|row| (row.message, row.level)).collect()
    }
}

fn cluster(name: &str) -> String {
    format!("[[cluster]]\nname = \"{name}\"\n")
}

fn node(name: &str, password: &str) -> String {
    // Nobody listens on port 1: the node is watched, and down.
    format!(
        "  [[cluster.node]]\n  name = \"{name}\"\n  engine = \"postgres\"\n  url = \"postgres://f@127.0.0.1:1/shop\"\n  password = \"{password}\"\n"
    )
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap()
}

#[tokio::test]
async fn a_changed_file_is_taken_up_and_a_broken_one_changes_nothing() {
    let mut stage = Stage::set(None).await;
    assert!(stage.clusters().is_empty() && stage.engine.config_trouble().is_none());

    stage.write(&cluster("shop")).await;
    assert_eq!(stage.clusters(), ["shop"]);

    let broken = format!("{}\n[[cluster]]\nname = \"billing\"\ncolour = \"red\"\n", cluster("shop"));
    stage.write(&broken).await;
    assert_eq!(stage.clusters(), ["shop"]);
    let trouble = stage.engine.config_trouble().unwrap();
    assert!(trouble.contains("config.toml:6:1: cluster[2].colour"), "{trouble}");
    assert_eq!(stage.rows("configuration"), [(trouble, HealthLevel::Error)]);

    stage.write(&(cluster("billing") + &cluster("shop"))).await;
    assert_eq!(stage.clusters(), ["billing", "shop"]);
    assert!(stage.engine.config_trouble().is_none() && stage.rows("configuration").is_empty());

    // Word of a deploy reaches a cluster that came later.
    let deploy = serde_json::from_str(r#"{"id":"c-1","service":"checkout","version":"v1"}"#).unwrap();
    stage.engine.mark(&deploy).await.unwrap();
    while !matches!(stage.events.recv().await.unwrap(), EngineEvent::Deploys) {}

    std::fs::remove_file(&stage.file).unwrap();
    while !stage.clusters().is_empty() {
        stage.events.recv().await.unwrap();
    }
    stage.engine.shutdown().await;
}

#[tokio::test]
async fn what_did_not_change_goes_on() {
    let mut stage = Stage::set(Some(&(cluster("shop") + &node("a", "keyring:a")))).await;
    let missing = stage.rows("shop/a");
    assert!(missing.is_empty() || missing[0].0.contains("no entry a"), "{missing:?}");
    stage.write(&(cluster("shop") + &node("a", "keyring:a") + &cluster("billing"))).await;
    assert_eq!(stage.clusters(), ["shop", "billing"]);

    // The node waits for its password, and takes it up when it comes.
    while stage.rows("shop/a").is_empty() {
        stage.events.recv().await.unwrap();
    }
    stage.engine.secrets().set("a", "hunter2".into(), Keep::ThisRun).await.unwrap();
    while stage.engine.health_of("shop/a").iter().any(|row| row.aspect == "configuration") {
        stage.events.recv().await.unwrap();
    }

    // A node that went leaves no rows behind.
    stage.write(&cluster("shop")).await;
    assert!(stage.rows("shop/a").is_empty());
    stage.engine.shutdown().await;
}

#[tokio::test]
async fn webhooks_come_and_go_with_the_configuration() {
    let mut stage = Stage::set(None).await;
    let webhook =
        "[[deploys]]\nprovider = \"webhook\"\nlisten = \"127.0.0.1:0\"\nsecret = \"keyring:hook\"\n";
    stage.write(webhook).await;
    assert!(stage.engine.webhook_addresses().is_empty());
    stage.engine.secrets().set("hook", "sixteen characters".into(), Keep::Keyring).await.unwrap();
    while stage.engine.webhook_addresses().is_empty() {
        stage.events.recv().await.unwrap();
    }
    let address = stage.engine.webhook_addresses()[0];
    assert!(tokio::net::TcpStream::connect(address).await.is_ok());
    stage.write("").await;
    assert!(stage.engine.webhook_addresses().is_empty());
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    stage.engine.shutdown().await;
}

#[tokio::test]
async fn edits_end_in_the_file_and_are_at_work_at_once() {
    let stage = Stage::set(Some("# mine\n[retention]\ndays = 3   # short\n")).await;
    let edit = |name: &str, url: &str| {
        Edit::AddNode(Box::new(NewNode {
            cluster: "shop".to_owned(),
            environment: "production".to_owned(),
            name: name.to_owned(),
            engine: faultline_model::Engine::Postgres,
            url: url.to_owned(),
            password: None,
        }))
    };
    stage.engine.edit_config(edit("a", "postgres://f@127.0.0.1:1/shop")).await.unwrap();
    assert_eq!(stage.clusters(), ["shop"]);
    assert_eq!(stage.engine.config().retention.days, 3);
    let text = read(&stage.file);
    assert!(text.contains("# mine\n") && text.contains("days = 3   # short\n"), "{text}");

    // What would not be a configuration any more is refused and changes nothing.
    let error = stage.engine.edit_config(edit("b", "mysql://f@h/shop")).await.unwrap_err().to_string();
    assert!(error.contains("url") && error.contains("postgres://"), "{error}");
    assert_eq!(read(&stage.file), text);

    let remove = Edit::RemoveNode { cluster: "shop".to_owned(), node: "a".to_owned() };
    stage.engine.edit_config(remove).await.unwrap();
    assert!(stage.clusters().is_empty());
    stage.engine.edit_config(Edit::CloseToTray(false)).await.unwrap();
    assert!(!stage.engine.config().desktop.close_to_tray);
    stage.engine.shutdown().await;
}
