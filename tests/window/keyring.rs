//! The keyring in daily life, on a private bus: locked, absent, appearing later, silent. Each has its own message with a
//! way on, and a secret for this run needs no keyring at all.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use faultline_lab::desktop::{Keyring, Session, SilentService};
use faultline_lab::folder::Folder;
use faultline_lab::process::Process;
use nix::sys::signal::Signal;
use serde_json::{Value, json};

/// Longest wait for an answer: longer than the keyring is waited for.
const ANSWER_DEADLINE: Duration = Duration::from_secs(60);
/// The entry that the configuration names.
const ENTRY: &str = "shop-replica-1";
/// What it holds.
const SECRET: &str = "canary-keyring-3b9c";
/// Nothing listens there: only the secret is of interest.
const CONFIG: &str = r#"[[cluster]]
name = "shop"

  [[cluster.node]]
  name = "replica-1"
  engine = "postgres"
  url = "postgres://faultline@127.0.0.1:1/shop?sslmode=disable"
  password = "keyring:shop-replica-1"
"#;

/// `faultctl` on a session of its own.
struct House {
    session: Session,
    folder: Folder,
}

impl House {
    async fn open() -> Self {
        let folder = Folder::create(None).unwrap();
        folder.write("config.toml", CONFIG).unwrap();
        Self { session: Session::without_screen().await.unwrap(), folder }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(faultline_tests::faultctl());
        command.args(arguments).envs(self.session.variables().iter().cloned());
        command.arg("--config").arg(self.folder.path().join("config.toml"));
        command.arg("--data").arg(self.folder.path().join("data"));
        command
    }

    /// What the self-test says of the secret.
    fn check(&self) -> String {
        let output = self.command(&["check"]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    async fn store(&self) {
        let script = format!(
            "printf %s {SECRET} | secret-tool store --label=faultline service faultline username {ENTRY}"
        );
        self.session.run("sh", &["-c", &script]).await.unwrap();
    }

    fn serve(&self) -> Server {
        let log = std::fs::File::create(self.folder.path().join("serve.log")).unwrap();
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.stdout(Stdio::piped()).stderr(log);
        let mut process = Process::spawn("faultctl serve", &mut command, Signal::SIGTERM).unwrap();
        let mut url = String::new();
        BufReader::new(process.take_stdout().unwrap()).read_line(&mut url).unwrap();
        Server { _process: process, url: url.trim().to_owned() }
    }
}

struct Server {
    _process: Process,
    url: String,
}

impl Server {
    async fn ask(&self, command: &str, args: Value) -> Value {
        let client = faultline_lab::http::client().unwrap();
        let url = format!("{}api/{command}", self.url);
        let asked = client.post(url).timeout(ANSWER_DEADLINE).json(&args).send().await.unwrap();
        asked.json().await.unwrap()
    }

    async fn test(&self) -> Value {
        self.ask("secrets/test", json!({ "reference": format!("keyring:{ENTRY}") })).await
    }

    /// Keeps the secret for this run, which must always work.
    async fn keep_for_this_run(&self) {
        let kept = json!({ "name": ENTRY, "secret": SECRET, "keep": "this_run" });
        let set = self.ask("secrets/set", kept).await;
        assert_eq!(set["state"], "this_run", "{set}");
        let tested = self.test().await;
        assert_eq!(tested["state"], "this_run", "{tested}");
        assert!(!tested.to_string().contains(SECRET), "{tested}");
    }
}

/// The state that the window is told, with its words, and that the self-test says the same.
async fn check(house: &House, server: &Server, state: &str, words: &[&str]) {
    let tested = server.test().await;
    assert_eq!(tested["state"], state, "{tested}");
    let (message, said) = (tested["message"].as_str().unwrap_or_default().to_owned(), house.check());
    for word in words {
        assert!(message.contains(word), "{word:?} is missing in {message:?}");
        assert!(said.contains(word), "{word:?} is missing in {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_keyring_there_is_a_way_on_and_one_that_appears_later_is_seen() {
    let house = House::open().await;
    let server = house.serve();
    check(&house, &server, "no_service", &["no keyring service", "env:"]).await;
    server.keep_for_this_run().await;
    server.ask("secrets/delete", json!({ "name": ENTRY })).await;

    // The same program sees it, without a new start.
    let _keyring = Keyring::unlocked(&house.session).await.unwrap();
    check(&house, &server, "missing", &["no entry", "secret-tool store"]).await;
    house.store().await;
    let tested = server.test().await;
    assert_eq!(tested["state"], "stored", "{tested}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_keyring_is_said_to_be_locked() {
    let house = House::open().await;
    // Locked is what has a password.
    let unlocked = Keyring::with_password(&house.session, "correct horse").await.unwrap();
    house.store().await;
    drop(unlocked);
    let _locked = Keyring::locked(&house.session).await.unwrap();
    let server = house.serve();
    check(&house, &server, "locked", &["locked", "unlock it", "env:"]).await;
    server.keep_for_this_run().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keyring_that_never_answers_is_given_up_in_time() {
    let house = House::open().await;
    let _silent = SilentService::start(house.session.bus_address(), "org.freedesktop.secrets").await.unwrap();
    let server = house.serve();
    check(&house, &server, "timed_out", &["did not answer", "dialogue"]).await;
    server.keep_for_this_run().await;
}
