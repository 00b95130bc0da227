//! What the incident happens on: a real pair, the shop's load, the configuration, and `faultctl` as its user runs it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use faultline_lab::configuration::{self, PASSWORD};
use faultline_lab::postgres::Pair;
use faultline_lab::shop;
use faultline_lab::workload::Load;
use tempfile::TempDir;

use crate::Line;
use crate::watch::Watch;

/// How long the load may take until a new version serves.
const SERVE_DEADLINE: Duration = Duration::from_secs(60);

/// The stage; the servers end last.
pub(crate) struct Stage {
    load: Arc<Load>,
    folder: TempDir,
    pair: Pair,
}

impl Stage {
    pub(crate) async fn set_up() -> Self {
        let pair = Pair::start(18).await.unwrap();
        let load = shop::open(&pair).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let config = configuration::clusters(&pair) + &configuration::services(shop::SERVICES);
        std::fs::write(folder.path().join("config.toml"), config).unwrap();
        Self { load, folder, pair }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `faultctl` with configuration, store and password.
    pub(crate) fn faultctl(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(faultline_tests::faultctl());
        command
            .args(arguments)
            .arg("--config")
            .arg(self.path("config.toml"))
            .arg("--data")
            .arg(self.path("data"))
            .env(PASSWORD, self.pair.primary.password())
            .env("FAULTLINE_LOG", "warn");
        command
    }

    /// Runs a command to its end.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let output = self.faultctl(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }

    /// Starts to watch; what it logs goes to a file of its own.
    pub(crate) fn watch(&self, log: &str) -> Watch {
        Watch::start(self.faultctl(&["watch", "--json"]), self.path(log))
    }

    /// Switches the load over and marks the deploy as the deploy system would: when it is done.
    pub(crate) async fn deploy(&self, service: &str, version: &str, marked: &[&str]) {
        self.load.switch(service, version, 1.0);
        tokio::time::timeout(SERVE_DEADLINE, self.load.first_request(service, version)).await.unwrap();
        let common = ["mark", "--service", service, "--environment", "production"];
        self.run(&[&common, marked].concat());
    }

    pub(crate) async fn close(&self) {
        self.load.stop().await;
    }

    /// What a recording says when it is replayed without configuration and store.
    pub(crate) fn replay(file: &Path) -> Vec<Line> {
        let output = Command::new(faultline_tests::faultctl()).arg("replay").arg(file).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && errors.is_empty(), "{errors}");
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}
