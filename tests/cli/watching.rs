//! `watch`: one watcher a store, others work beside it, and SIGTERM or Ctrl-C end it politely.

use std::io::{BufRead, BufReader};
use std::process::{Child, ExitStatus, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

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
