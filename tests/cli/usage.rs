//! The command line itself: help on stdout, mistakes on stderr with exit code 64.

use crate::run::{EMPTY_CLUSTER, Place};

#[test]
fn help_and_version_are_no_errors() {
    let place = Place::new(EMPTY_CLUSTER);
    for (arguments, words) in [
        (vec!["--help"], vec!["check", "watch", "mark", "record", "replay", "Exit codes"]),
        (vec!["--version"], vec!["faultctl", env!("CARGO_PKG_VERSION")]),
        (vec!["mark", "--help"], vec!["--service", "--previous", "--at", "--config", "--data"]),
        (vec!["record", "--help"], vec!["--redact", "--from", "--for", "--output"]),
        (vec!["replay", "--help"], vec!["--speed"]),
        (vec!["serve", "--help"], vec!["--listen", "127.0.0.1:7788", "--ui"]),
        (vec!["watch", "--help"], vec!["--json", "--cluster"]),
    ] {
        place.run(&arguments).expect(0, &words);
    }
}

#[test]
fn mistakes_are_usage_errors_that_name_what_is_wrong() {
    let place = Place::new(EMPTY_CLUSTER);
    for (arguments, words) in [
        (vec![], vec!["Usage"]),
        (vec!["dance"], vec!["dance"]),
        (vec!["check", "--jsonn"], vec!["--jsonn"]),
        (vec!["mark", "--service", "checkout"], vec!["--version"]),
        (vec!["mark", "--version", "v1"], vec!["--service"]),
        (vec!["mark", "--service", "a", "--version", "v1", "--kind", "party"], vec!["party", "schema"]),
        (vec!["mark", "--service", "a", "--version", "v1", "--at", "noon"], vec!["noon", "RFC 3339"]),
        (vec!["mark", "--service", "", "--version", "v1"], vec!["--service", "empty"]),
        (vec!["watch", "--cluster", "bank"], vec!["bank", "shop"]),
        (vec!["record", "-o", "x.jsonl"], vec!["--for"]),
        (vec!["record", "--from", "-1h", "-o", "x.jsonl"], vec!["--to"]),
        (vec!["record", "--from", "-1h", "--to", "-2h", "-o", "x.jsonl"], vec!["--to", "later"]),
        (vec!["record", "--for", "soon", "-o", "x.jsonl"], vec!["soon", "10m"]),
        (vec!["record", "--cluster", "bank", "--for", "1s", "-o", "x.jsonl"], vec!["bank", "shop"]),
        (vec!["record", "--for", "1s"], vec!["--output"]),
        (vec!["replay"], vec!["FILE"]),
        (vec!["replay", "x.jsonl", "--speed=-1"], vec!["--speed"]),
        (vec!["replay", "x.jsonl", "--speed=NaN"], vec!["--speed"]),
    ] {
        let ended = place.run(&arguments);
        ended.expect(64, &words);
        assert_eq!(ended.stdout, "", "{arguments:?}");
    }
    assert!(!place.data().exists(), "a mistake touches no store");
}
