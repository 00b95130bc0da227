//! A private session bus for one test, and a notification server on it that does what the test says.
//!
//! The address of the session bus is a process's environment, so each test runs once more in a child process that has
//! the private bus there.
#![allow(unreachable_pub, reason = "shared by test binaries")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use faultline_lab::desktop::{Asked, Behaviour, NotificationServer, Notified};

/// Set in the child process of a test.
const MARK: &str = "FAULTLINE_TEST_PRIVATE_BUS";

/// A bus without any services that start by themselves.
const CONFIG: &str = r#"<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
</policy></busconfig>"#;

struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Runs `test`, the body of the test called `name`, in a child process that has a private bus.
pub fn on_private_bus(name: &str, test: impl AsyncFnOnce()) {
    if std::env::var_os(MARK).is_some() {
        tokio::runtime::Runtime::new().unwrap().block_on(test());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("bus.conf");
    std::fs::write(&config, CONFIG).unwrap();
    let mut daemon = Command::new("dbus-daemon")
        .arg(format!("--config-file={}", config.display()))
        .args(["--nofork", "--print-address"])
        .stdout(Stdio::piped())
        .spawn()
        .map(Daemon)
        .expect("dbus-daemon is missing; `cargo xtask setup` installs it");
    let mut address = String::new();
    BufReader::new(daemon.0.stdout.take().unwrap()).read_line(&mut address).unwrap();
    run_child(name, address.trim());
}

/// Runs `test` in a child process whose bus address leads nowhere.
pub fn without_bus(name: &str, test: impl AsyncFnOnce()) {
    if std::env::var_os(MARK).is_some() {
        tokio::runtime::Runtime::new().unwrap().block_on(test());
        return;
    }
    run_child(name, "unix:path=/nonexistent/faultline-test-bus");
}

fn run_child(name: &str, address: &str) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env("DBUS_SESSION_BUS_ADDRESS", address)
        .env(MARK, "1")
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

/// The lab's notification server on the private bus.
pub struct Server(NotificationServer);

impl Server {
    /// Starts a server with these capabilities.
    pub async fn start(capabilities: &[&str]) -> Self {
        Self::with(Behaviour::with(capabilities)).await
    }

    /// Starts a server that never answers `Notify`.
    pub async fn start_mute() -> Self {
        Self::with(Behaviour { mute: true, ..Behaviour::with(&["actions"]) }).await
    }

    async fn with(behaviour: Behaviour) -> Self {
        let address = std::env::var("DBUS_SESSION_BUS_ADDRESS").unwrap();
        Self(NotificationServer::start(&address, behaviour).await.unwrap())
    }

    /// The next call of `Notify`.
    pub async fn notified(&mut self) -> Notified {
        match self.0.asked().await.unwrap() {
            Asked::Notify(notified) => notified,
            other => panic!("{other:?}"),
        }
    }

    /// The next call of `CloseNotification`.
    pub async fn closed(&mut self) -> u32 {
        match self.0.asked().await.unwrap() {
            Asked::Close(id) => id,
            other => panic!("{other:?}"),
        }
    }

    /// Whether nothing was asked that the test did not look at.
    pub fn is_silent(&mut self) -> bool {
        self.0.asked_since().is_empty()
    }

    /// The user presses a button.
    pub async fn press(&self, id: u32, key: &str) {
        self.0.press(id, key).await.unwrap();
    }

    /// The notification goes: 1 expired, 2 dismissed by the user, 3 by a call.
    pub async fn gone(&self, id: u32, reason: u32) {
        self.0.gone(id, reason).await.unwrap();
    }
}
