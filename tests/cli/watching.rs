//! `watch`: one watcher a store, others work beside it, and SIGTERM or Ctrl-C end it politely.

use std::io::{BufRead, BufReader};
use std::process::{Child, ExitStatus, Stdio};

use faultline_engine::SystemClock;
use faultline_history::History;
use faultline_model::Clock;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::recordings::{LENGTH_S, observations};
use crate::run::{EMPTY_CLUSTER, Place};

/// A watcher that has begun to watch; killed when dropped.
struct Watcher(Child);

impl Watcher {
    fn start(place: &Place) -> Self {
        let mut command = place.command(&["watch"]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut watcher = Self(child.unwrap());
        let mut first = String::new();
        BufReader::new(watcher.0.stderr.take().unwrap()).read_line(&mut first).unwrap();
        assert_eq!(first, "watching shop\n");
        watcher
    }

    /// The first lines that a watcher prints as JSON.
    fn first_lines(place: &Place, count: usize) -> Vec<Value> {
        let mut command = place.command(&["watch", "--json"]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut watcher = Self(child.unwrap());
        let lines = BufReader::new(watcher.0.stdout.take().unwrap()).lines();
        let lines = lines.take(count).map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
        assert_eq!(watcher.end(Signal::SIGTERM).code(), Some(0));
        lines
    }

    fn end(mut self, signal: Signal) -> ExitStatus {
        kill(Pid::from_raw(self.0.id().cast_signed()), signal).unwrap();
        self.0.wait().unwrap()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        // It may have ended already.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn one_watches_a_store_and_others_work_beside_it() {
    let place = Place::new(EMPTY_CLUSTER);
    let first = Watcher::start(&place);
    for arguments in [&["watch"][..], &["watch", "--json"]] {
        let second = place.run(arguments);
        second.expect(2, &["another Faultline", "--data", &place.data().display().to_string()]);
        assert_eq!(second.stdout, "");
    }
    place.run(&["mark", "--service", "checkout", "--version", "v142"]).expect(0, &["checkout", "v142"]);
    let recorded =
        place.run(&["record", "--from", "-1m", "--to", "2100-01-01T00:00:00Z", "-o", &place.file("x.jsonl")]);
    assert!(
        matches!(recorded.code, Some(0 | 2)) && !recorded.stderr.contains("another Faultline"),
        "{recorded:?}"
    );
    assert_eq!(first.end(Signal::SIGTERM).code(), Some(0));
    // The store is free again, whatever way the watcher ended.
    let crashed = Watcher::start(&place);
    assert_eq!(crashed.end(Signal::SIGKILL).code(), None);
    assert_eq!(Watcher::start(&place).end(Signal::SIGINT).code(), Some(0));
}

#[test]
fn a_changed_configuration_is_taken_up() {
    let place = Place::new(EMPTY_CLUSTER);
    let child =
        place.command(&["watch"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut watcher = Watcher(child.unwrap());
    let mut said = BufReader::new(watcher.0.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(said.next().unwrap(), "watching shop");
    let mut check = |config: &str, says: &[&str]| {
        std::fs::write(place.path("config.toml"), config).unwrap();
        let line = said.next().unwrap();
        assert!(says.iter().all(|part| line.contains(part)), "{line}");
    };
    check(&format!("{EMPTY_CLUSTER}[[cluster]]\nname = \"billing\"\n"), &["watching shop, billing"]);
    check("[[cluster]]\nnome = \"shop\"\n", &["config.toml:2:1", "cluster[1].nome", "goes on working"]);
    check(EMPTY_CLUSTER, &["watching shop"]);
    assert_eq!(watcher.end(Signal::SIGTERM).code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_while_nobody_watched_is_said_at_the_start() {
    let now = SystemClock.now();

    let place = Place::new(EMPTY_CLUSTER);
    let history = History::open(&place.data()).await.unwrap();
    let begin_s = (now - f64::from(LENGTH_S) - 1.0).as_secs();
    history.append(&"shop".into(), &observations(begin_s)).await.unwrap();
    history.close().await;
    let said = Watcher::first_lines(&place, 2);
    assert_eq!((&said[0]["event"], &said[1]["event"]), (&json!("opened"), &json!("verdict")), "{said:#?}");
    assert_eq!((&said[0]["incident"], &said[1]["incident"]), (&json!("1"), &json!("1")), "{said:#?}");

    let place = Place::new(EMPTY_CLUSTER);
    let history = History::open(&place.data()).await.unwrap();
    let onset_s = (now - 86_400.0).as_secs();
    let opened = json!({
        "t": onset_s, "event": "opened", "incident": "7", "cluster": "shop", "onset": onset_s,
        "severity": "critical", "load_ratio": 9.0,
    });
    history.record_event(&"shop".into(), &serde_json::from_value(opened).unwrap()).await.unwrap();
    history.close().await;
    let said = Watcher::first_lines(&place, 1);
    assert_eq!((&said[0]["event"], &said[0]["incident"]), (&json!("resolved"), &json!("7")), "{said:#?}");
}
