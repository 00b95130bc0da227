//! `mark`: the same id is the same deploy, and whatever a text holds is either kept as data or refused by name, without
//! harm to what is stored.

use serde_json::Value;

use crate::run::{EMPTY_CLUSTER, Place};

fn mark<'a>(rest: &[&'a str]) -> Vec<&'a str> {
    [&["mark", "--service", "checkout", "--id", "c-142", "--json"], rest].concat()
}

fn marked(place: &Place, rest: &[&str]) -> Value {
    let ended = place.run(&mark(rest));
    ended.expect(0, &[]);
    serde_json::from_str(&ended.stdout).unwrap()
}

#[test]
fn word_of_the_same_deploy_is_merged() {
    let place = Place::new(EMPTY_CLUSTER);
    let began = ["--version", "v142", "--status", "started", "--at", "1769868000", "--previous", "v141"];
    let first = marked(&place, &began);
    assert_eq!((&first["status"], &first["started"]), (&"started".into(), &1_769_868_000.0.into()));
    let done = ["--version", "v142", "--at", "2026-01-31T14:02:00Z", "--url", "https://ci.example/142"];
    let second = marked(&place, &done);
    for (key, value) in [
        ("id", Value::from("c-142")),
        ("service", "checkout".into()),
        ("version", "v142".into()),
        ("previous", "v141".into()),
        ("environment", "production".into()),
        ("started", 1_769_868_000.0.into()),
        ("finished", 1_769_868_120.0.into()),
        ("status", "succeeded".into()),
        ("url", "https://ci.example/142".into()),
    ] {
        assert_eq!(second[key], value, "{key} of {second:#}");
    }
    assert_eq!(marked(&place, &done), second, "the same word again changes nothing");
}

#[test]
fn hostile_texts_are_data() {
    for hostile in [
        "<script>alert(1)</script>&\"'",
        "'; DROP TABLE deploy; --",
        "$(reboot) `reboot` %s %n",
        "ﷺ💣\u{202e}",
    ] {
        let place = Place::new(EMPTY_CLUSTER);
        let stored = marked(&place, &["--version", hostile, "--previous", hostile, "--environment", hostile]);
        for key in ["version", "previous", "environment"] {
            assert_eq!(stored[key], hostile);
        }
    }
}

#[test]
fn what_is_refused_is_named_and_harms_nothing() {
    // Longer ones do not even fit into an argument.
    let long = "<b>".repeat(40_000);
    let place = Place::new(EMPTY_CLUSTER);
    let good = ["--version", "v142", "--previous", "v141", "--at", "1769868120"];
    let before = marked(&place, &good);
    for (arguments, words) in [
        (vec!["--version", "v\u{1b}[2J\u{7}"], ["--version", "control characters"]),
        (vec!["--version", "v1\nforged line"], ["--version", "control characters"]),
        (vec!["--version", &long], ["--version", "1,000 characters"]),
        (vec!["--version", "v1", "--previous", &long], ["--previous", "1,000 characters"]),
        (vec!["--version", "v1", "--url", "javascript:alert(1)"], ["--url", "http"]),
        (vec!["--version", "v1", "--url", "https://me:hunter2@ci.example/"], ["--url", "password"]),
        (vec!["--version", " "], ["--version", "empty"]),
    ] {
        let ended = place.run(&mark(&arguments));
        ended.expect(64, &words);
        assert!(ended.stderr.len() < 1_000 && !ended.stderr.contains('\u{1b}'), "{ended:?}");
        assert!(!ended.stderr.contains("hunter2"), "{ended:?}");
        assert_eq!(marked(&place, &good), before, "{arguments:.60?}");
    }
}

#[test]
fn a_store_that_cannot_be_used_is_said_so_and_left_as_it_is() {
    let place = Place::new(EMPTY_CLUSTER);
    std::fs::write(place.data(), "somebody's file").unwrap();
    place.run(&mark(&["--version", "v142"])).expect(2, &["data"]);
    assert_eq!(std::fs::read_to_string(place.data()).unwrap(), "somebody's file");

    let place = Place::new(EMPTY_CLUSTER);
    let before = marked(&place, &["--version", "v142", "--at", "1769868120"]);
    let stores: Vec<_> =
        std::fs::read_dir(place.data()).unwrap().map(|entry| entry.unwrap().path()).collect();
    let store = stores.iter().max_by_key(|path| path.metadata().unwrap().len()).unwrap();
    let whole = std::fs::read(store).unwrap();
    let noise: Vec<u8> = b"this is no database\n".repeat(400);
    std::fs::write(store, &noise).unwrap();
    let ended = place.run(&mark(&["--version", "v143"]));
    ended.expect(2, &[&store.display().to_string()]);
    assert_eq!(std::fs::read(store).unwrap(), noise, "not written over");
    std::fs::write(store, whole).unwrap();
    assert_eq!(marked(&place, &["--version", "v142", "--at", "1769868120"]), before);
}
