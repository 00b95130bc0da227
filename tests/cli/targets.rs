//! `check` on targets that are not there: a row for each with what to look at, exit code 1, in bounded time.

use std::net::{Ipv4Addr, TcpListener};
use std::time::Instant;

use serde_json::Value;

use crate::run::Place;

fn config(nodes: &[(&str, u16)]) -> String {
    let nodes = nodes.iter().map(|(name, port)| {
        format!(
            "[[cluster.node]]\nname = \"{name}\"\nengine = \"postgres\"\n\
             url = \"postgres://me@127.0.0.1:{port}/shop?sslmode=disable\"\n"
        )
    });
    format!("[[cluster]]\nname = \"shop\"\n{}", nodes.collect::<String>())
}

#[test]
fn unreachable_servers_are_rows_with_a_hint_and_delay_nobody_for_long() {
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let closed_port = closed.local_addr().unwrap().port();
    drop(closed);
    // Takes connections (the system does, for a listener's queue) and never says a word.
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let silent_port = silent.local_addr().unwrap().port();
    let place = Place::new(&config(&[("closed", closed_port), ("silent", silent_port)]));

    let began = Instant::now();
    let ended = place.run(&["check", "--json"]);
    // Not how fast, but that it is a deadline and not the other side that ends it.
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
    ended.expect(1, &[]);
    let rows: Vec<Value> = ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (target, port) in [("shop/closed", closed_port), ("shop/silent", silent_port)] {
        let row = rows
            .iter()
            .find(|row| row["target"] == target && row["level"] == "error")
            .unwrap_or_else(|| panic!("no error of {target}: {rows:#?}"));
        let text = format!("{} {}", row["message"], row["hint"]);
        assert!(text.contains(&port.to_string()), "{row:#}");
        assert!(row["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{row:#}");
    }

    let table = place.run(&["check"]);
    table.expect(1, &["┌ connection", "shop/closed  ✗", "shop/silent  ✗", "ERROR    shop/closed", "→"]);
    // Nothing was reached: whether a primary is seen is not to be said.
    assert!(!table.stdout.contains("PRIMARY"), "{}", table.stdout);
}

#[test]
fn endpoints_are_tested_beside_the_node_that_they_tell_of() {
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let endpoint = format!(
        "[[metrics]]\ncluster = \"shop\"\nnode = \"db\"\nkind = \"scrape\"\nurl = \"http://127.0.0.1:{port}/metrics\"\n\
         [metrics.signals]\nload_1m = 'node_load1'\n"
    );
    let place = Place::new(&(config(&[("db", port)]) + &endpoint));
    let ended = place.run(&["check", "--json"]);
    ended.expect(1, &[]);
    let rows: Vec<Value> = ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for target in ["shop/db".to_owned(), format!("shop/db (127.0.0.1:{port})")] {
        let failed = rows.iter().any(|row| row["target"] == *target && row["level"] == "error");
        assert!(failed, "no error of {target}: {rows:#?}");
    }
}

#[test]
fn nothing_to_watch_is_a_warning_that_says_how_to_begin() {
    Place::new("").run(&["check"]).expect(0, &["warning", "[[cluster]]"]);
}

#[test]
fn a_secret_that_is_not_there_is_a_row() {
    let config = config(&[("db", 1)]) + "password = \"env:FAULTLINE_TEST_NO_SUCH_VARIABLE\"\n";
    Place::new(&config).run(&["check"]).expect(1, &["shop/db", "FAULTLINE_TEST_NO_SUCH_VARIABLE"]);
}
