//! A private session bus for one test, and a notification server on it that does what the test says.
//!
//! The address of the session bus is a process's environment, so each test runs once more in a child process that has
//! the private bus there.
#![allow(unreachable_pub, reason = "shared by test binaries")]

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use tokio::sync::mpsc;
use zbus::OwnedVariant;
use zbus::object_server::SignalEmitter;

/// Set in the child process of a test.
const MARK: &str = "FAULTLINE_TEST_PRIVATE_BUS";

const PATH: &str = "/org/freedesktop/Notifications";

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

/// One call of `Notify`.
#[derive(Debug)]
pub struct Notified {
    pub app: String,
    pub replaces: u32,
    pub id: u32,
    pub title: String,
    pub body: String,
    pub actions: Vec<String>,
    pub urgency: Option<u8>,
    pub timeout_ms: i32,
}

/// What the server was asked.
#[derive(Debug)]
pub enum Asked {
    Notify(Notified),
    Close(u32),
}

struct Interface {
    asked: mpsc::UnboundedSender<Asked>,
    capabilities: Vec<String>,
    next_id: u32,
    /// Never answers `Notify`.
    mute: bool,
}

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Interface {
    #[allow(clippy::too_many_arguments, reason = "the specification's signature")]
    async fn notify(
        &mut self,
        app: String,
        replaces: u32,
        _icon: String,
        title: String,
        body: String,
        actions: Vec<String>,
        hints: HashMap<String, OwnedVariant>,
        timeout_ms: i32,
    ) -> u32 {
        if self.mute {
            std::future::pending::<()>().await;
        }
        let id = if replaces == 0 { self.next_id } else { replaces };
        self.next_id = self.next_id.max(id) + 1;
        let urgency = hints.get("urgency").and_then(|value| u8::try_from(value).ok());
        let notified = Notified { app, replaces, id, title, body, actions, urgency, timeout_ms };
        self.asked.send(Asked::Notify(notified)).ok();
        id
    }

    fn close_notification(&self, id: u32) {
        self.asked.send(Asked::Close(id)).ok();
    }

    fn get_capabilities(&self) -> Vec<String> {
        self.capabilities.clone()
    }

    #[zbus(signal)]
    async fn action_invoked(emitter: &SignalEmitter<'_>, id: u32, key: &str) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn notification_closed(emitter: &SignalEmitter<'_>, id: u32, reason: u32) -> zbus::Result<()>;
}

/// A notification server.
pub struct Server {
    asked: mpsc::UnboundedReceiver<Asked>,
    emitter: SignalEmitter<'static>,
    _bus: zbus::Connection,
}

impl Server {
    /// Starts a server with these capabilities.
    pub async fn start(capabilities: &[&str]) -> Self {
        Self::with(capabilities, false).await
    }

    /// Starts a server that never answers `Notify`.
    pub async fn start_mute() -> Self {
        Self::with(&["actions"], true).await
    }

    async fn with(capabilities: &[&str], mute: bool) -> Self {
        let (sender, asked) = mpsc::unbounded_channel();
        let capabilities = capabilities.iter().map(|name| (*name).to_owned()).collect();
        let interface = Interface { asked: sender, capabilities, next_id: 7, mute };
        let bus = zbus::connection::Builder::session()
            .serve_at(PATH, interface)
            .name("org.freedesktop.Notifications")
            .build()
            .await
            .unwrap();
        let emitter = SignalEmitter::new(&bus, PATH).unwrap().into_owned();
        Self { asked, emitter, _bus: bus }
    }

    /// The next call of `Notify`.
    pub async fn notified(&mut self) -> Notified {
        match self.asked.recv().await.unwrap() {
            Asked::Notify(notified) => notified,
            other => panic!("{other:?}"),
        }
    }

    /// The next call of `CloseNotification`.
    pub async fn closed(&mut self) -> u32 {
        match self.asked.recv().await.unwrap() {
            Asked::Close(id) => id,
            other => panic!("{other:?}"),
        }
    }

    /// Whether nothing was asked that the test did not look at.
    pub fn is_silent(&mut self) -> bool {
        self.asked.try_recv().is_err()
    }

    /// The user presses a button.
    pub async fn press(&self, id: u32, key: &str) {
        Interface::action_invoked(&self.emitter, id, key).await.unwrap();
    }

    /// The notification goes: 1 expired, 2 dismissed by the user, 3 by a call.
    pub async fn gone(&self, id: u32, reason: u32) {
        Interface::notification_closed(&self.emitter, id, reason).await.unwrap();
    }
}
