//! Plans as servers print them, and what is made of them.

use serde_json::json;

use super::*;

fn plan(node: Value) -> Plan {
    Plan::parse(&json!([{ "Plan": node }]).to_string()).unwrap()
}

fn scan(kind: &str, table: &str, more: Value) -> Value {
    let mut node = json!({"Node Type": kind, "Relation Name": table, "Schema": "public", "Alias": table, "Plan Rows": 7});
    node.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    node
}

fn join(kind: &str, outer: Value, inner: Value) -> Value {
    json!({"Node Type": kind, "Join Type": "Inner", "Total Cost": 8.5, "Plans": [outer, inner]})
}

#[track_caller]
fn check(node: Value, expected: &str) {
    let rows = |scan: &Scan| (scan.table == "item").then_some(1_800_000.0);
    assert_eq!(plan(node).summary(rows), expected);
}

#[test]
fn one_line_says_what_is_read_and_how() {
    let filter = json!({"Filter": "(item.order_id = $1)"});
    check(scan("Seq Scan", "item", filter.clone()), "Seq Scan on item, 1.8 million rows, filter order_id");
    check(
        scan("Index Scan", "item", json!({"Index Name": "item_pkey"})),
        "Index Scan on item using item_pkey",
    );
    check(
        join("Nested Loop", scan("Seq Scan", "cart", json!({})), scan("Seq Scan", "item", filter.clone())),
        "Nested Loop (Seq Scan on cart; Seq Scan on item, 1.8 million rows, filter order_id)",
    );
    check(
        json!({"Node Type": "Aggregate", "Plans": [{"Node Type": "Gather", "Plans": [scan("Seq Scan", "item", filter)]}]}),
        "Seq Scan on item, 1.8 million rows, filter order_id",
    );
    check(
        json!({"Node Type": "ModifyTable", "Operation": "Update", "Relation Name": "item",
               "Plans": [scan("Index Scan", "item", json!({"Index Name": "item_pkey"}))]}),
        "Update on item (Index Scan on item using item_pkey)",
    );
    let bitmap = json!({"Plans": [{"Node Type": "Bitmap Index Scan", "Index Name": "item_a"}]});
    check(scan("Bitmap Heap Scan", "item", bitmap), "Bitmap Heap Scan on item using item_a");
    check(json!({"Node Type": "Result"}), "Result");
}

#[test]
fn the_shape_is_what_is_read_in_which_order_and_nothing_else() {
    let of = |node: Value| plan(node).shape_hash();
    let cart = || scan("Seq Scan", "cart", json!({}));
    let item = |more| scan("Index Scan", "item", more);
    let base = of(join("Hash Join", cart(), item(json!({"Index Name": "item_pkey"}))));
    assert_eq!(base.len(), 16);
    let same = of(join(
        "Hash Join",
        cart(),
        item(json!({"Index Name": "item_pkey", "Plan Rows": 9, "Total Cost": 1.0})),
    ));
    assert_eq!(base, same);
    for (what, other) in [
        ("order", join("Hash Join", item(json!({"Index Name": "item_pkey"})), cart())),
        ("join", join("Nested Loop", cart(), item(json!({"Index Name": "item_pkey"})))),
        ("index", join("Hash Join", cart(), item(json!({"Index Name": "item_a"})))),
        (
            "table",
            join(
                "Hash Join",
                scan("Seq Scan", "basket", json!({})),
                item(json!({"Index Name": "item_pkey"})),
            ),
        ),
    ] {
        assert_ne!(base, of(other), "{what}");
    }
}

#[test]
fn a_new_partition_is_no_new_plan() {
    let append = |partitions: &[&str]| {
        let plans: Vec<_> = partitions.iter().map(|name| scan("Seq Scan", name, json!({}))).collect();
        plan(json!({"Node Type": "Append", "Plans": plans})).shape_hash()
    };
    let before = append(&["event_2026_10", "event_2026_11"]);
    assert_eq!(before, append(&["event_2026_10", "event_2026_11", "event_2026_12"]));
    assert_ne!(before, append(&["event_2026_10", "event_default"]));
}

#[test]
fn numbers_are_said_as_people_say_them() {
    for (number, expected) in
        [(7.0, "7"), (999.0, "999"), (1_234.0, "1,234"), (1_800_000.0, "1.8 million"), (2.5e9, "2.5 billion")]
    {
        assert_eq!(counted(number), expected);
    }
}

#[test]
fn what_is_no_plan_is_none() {
    for answer in ["", "[]", "{}", "[{\"Plan\": 1}]", "[{\"Plan\": "] {
        assert!(Plan::parse(answer).is_none(), "{answer}");
    }
}
