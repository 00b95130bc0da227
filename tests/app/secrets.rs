//! A secret goes in and never comes out: no command's answer holds it, whatever went wrong with it.

use serde_json::{Value, json};

use crate::commands::calls;
use crate::{Shell, ask};

/// The password; as text, in an address and in JSON it looks different each time.
const CANARY: &str = "canary-4711 \"q\"/@";

/// A part that every spelling has.
const TRACE: &str = "canary-4711";

/// A database that refuses connections, with its password in the keyring.
const CONFIG: &str = r#"
[[cluster]]
name = "shop"

  [[cluster.node]]
  name = "replica-1"
  engine = "postgres"
  url = "postgres://faultline@127.0.0.1:1/shop?sslmode=disable"
  password = "keyring:shop"
"#;

#[test]
fn no_answer_holds_a_password() {
    let shell = Shell::with_config(CONFIG);
    let main = shell.window("main");
    let check = |command: &str, args: Value| {
        let answer = match ask(&main, command, json!({ "args": args })) {
            Ok(answer) | Err(answer) => answer.to_string(),
        };
        assert!(!answer.contains(TRACE), "{command}: {answer}");
    };
    let set = |keep: &str| json!({ "name": "shop", "secret": CANARY, "keep": keep });
    ask(&main, "secrets|set", json!({ "args": set("this_run") })).unwrap();
    let known = ask(&main, "secrets|test", json!({ "args": { "reference": "keyring:shop" } })).unwrap();
    assert_eq!(known["state"], "this_run", "{known}");

    for (command, args, _) in calls() {
        // Those would take it away again.
        if !["secrets|set", "secrets|delete", "databases|remove"].contains(&command) {
            check(command, args);
        }
    }
    // Also not what was only typed, wrongly, or with arguments that have no meaning.
    let url = "postgres://faultline@127.0.0.1:1/shop?sslmode=disable";
    let typed = json!({ "from": "typed", "secret": CANARY });
    check("databases|test", json!({ "engine": "postgres", "url": url, "password": typed }));
    check("databases|test", json!({ "engine": "postgres", "url": url, "password": CANARY }));
    check("databases|test", json!({ "engine": CANARY, "url": url, "password": typed }));
    check("secrets|set", json!({ "name": "shop", "secret": { "in": CANARY }, "keep": "this_run" }));
    check("secrets|set", json!({ "name": "shop", "secret": CANARY, "keep": CANARY }));
    check("secrets|set", set("keyring"));
    let address = "postgres://faultline:canary-4711@127.0.0.1:1/shop";
    check(
        "databases|add",
        json!({
            "cluster": "shop", "environment": "production", "node": "replica-2", "engine": "postgres",
            "url": address, "password": null,
        }),
    );
    check("diagnostics|get", json!({}));
}
