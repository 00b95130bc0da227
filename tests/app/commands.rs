//! Every command of the table is answered, or refused with a code and what to do.

use faultline_api::types::COMMANDS;
use serde_json::{Value, json};

use crate::{Shell, ask};

/// Arguments for every command on an empty store, and the code of the error, if that is one.
pub(crate) fn calls() -> Vec<(&'static str, Value, Option<&'static str>)> {
    let chart = json!({
        "cluster": "shop", "from": null, "to": null, "last_s": 900.0, "width_px": 1200, "panel_height_px": 300,
        "theme": "dark", "group": "query", "utc_offset_s": 0,
    });
    let database = json!({
        "cluster": "shop", "environment": "production", "node": "replica-1", "engine": "postgres",
        "url": "postgres://faultline@127.0.0.1:1/shop?sslmode=disable", "password": "keyring:shop",
    });
    let tried = json!({
        "engine": "postgres", "url": "postgres://faultline@127.0.0.1:1/shop?sslmode=disable",
        "password": { "from": "reference", "reference": "keyring:shop" },
    });
    let rollback = json!({ "deploy_id": "d-1", "incident_id": null, "confirm_token": "t" });
    vec![
        ("overview|get", json!({}), None),
        ("charts|draw", chart, Some("not_found")),
        (
            "queries|top",
            json!({ "cluster": "shop", "from": null, "to": null, "last_s": 900.0, "limit": 5 }),
            Some("not_found"),
        ),
        ("incidents|list", json!({ "cluster": null, "limit": 5 }), None),
        ("incidents|get", json!({ "id": "7" }), Some("not_found")),
        ("deploys|list", json!({ "from": 0.0, "to": 900.0 }), None),
        ("rollback|preview", json!({ "deploy_id": "d-1", "incident_id": null }), Some("not_found")),
        ("rollback|run", rollback, Some("not_found")),
        ("databases|list", json!({}), None),
        ("databases|test", tried, Some("missing")),
        ("databases|add", database, None),
        ("databases|remove", json!({ "cluster": "shop", "node": "replica-1" }), None),
        ("secrets|list", json!({}), None),
        ("secrets|set", json!({ "name": "shop", "secret": "hunter2", "keep": "this_run" }), None),
        ("secrets|test", json!({ "reference": "keyring:shop" }), None),
        ("secrets|delete", json!({ "name": "shop" }), None),
        ("settings|get", json!({}), None),
        ("settings|change", json!({ "close_to_tray": false, "autostart": null }), None),
        ("settings|health", json!({}), None),
        ("diagnostics|get", json!({}), None),
        ("links|open", json!({ "url": "https://evil.example/" }), Some("refused")),
    ]
}

#[test]
fn every_command_is_answered_or_refused() {
    let shell = Shell::start();
    let main = shell.window("main");
    let calls = calls();
    let named: Vec<_> = calls.iter().map(|(command, ..)| (*command).to_owned()).collect();
    let table: Vec<_> =
        COMMANDS.iter().map(|command| format!("{}|{}", command.domain, command.name)).collect();
    assert_eq!(named, table, "this test knows every command of the table");
    for (command, args, code) in calls {
        match (ask(&main, command, json!({ "args": args })), code) {
            (Ok(_), None) => {}
            (Err(error), Some(code)) => {
                assert_eq!(error["code"], code, "{command}: {error}");
                assert!(!error["message"].as_str().unwrap().is_empty(), "{command}: {error}");
            }
            (answer, code) => panic!("{command}: {answer:?} instead of {code:?}"),
        }
    }
}

#[test]
fn the_overview_says_what_is_watched() {
    let shell = Shell::start();
    let overview = ask(&shell.window("main"), "overview|get", json!({ "args": {} })).unwrap();
    assert_eq!(overview["clusters"], json!([]));
    assert_eq!(overview["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn errors_carry_a_code_and_say_what_to_do() {
    let shell = Shell::start();
    let main = shell.window("main");
    let check = |command: &str, body: Value, code: &str, names: &str| {
        let error = ask(&main, command, body).unwrap_err();
        assert_eq!(error["code"], code, "{command}: {error}");
        assert!(error["message"].as_str().unwrap().contains(names), "{command}: {error}");
    };
    check("incidents|get", json!({ "args": { "id": "7" } }), "not_found", "7");
    check("incidents|get", json!({ "args": { "name": "7" } }), "bad_request", "id");
    check("incidents|get", json!({}), "bad_request", "without arguments");
    check(
        "rollback|preview",
        json!({ "args": { "deploy_id": "d-1", "incident_id": null } }),
        "not_found",
        "d-1",
    );
    check("links|open", json!({ "args": { "url": "https://evil.example/" } }), "refused", "evil.example");
    check("links|open", json!({ "args": { "url": "file:///etc/passwd" } }), "refused", "file");
    check("links|open", json!({ "args": { "url": "javascript:alert(1)" } }), "refused", "javascript");
}
