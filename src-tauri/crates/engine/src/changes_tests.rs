//! Changes that nobody announced, as markers.

use serde_json::json;

use super::*;

fn frame(node: &str, at_s: f64, facts: &Value) -> Frame {
    let mut frame = Frame::new(Timestamp::from_secs(at_s), node.into());
    frame.facts = facts.as_object().unwrap().clone().into_iter().collect();
    frame
}

fn changes() -> Changes {
    Changes::new("shop".into(), "production".to_owned())
}

/// Looks a minute apart, and the titles of the markers that the last one makes.
#[track_caller]
fn check(looks: &[(&str, Value)], expected: &[&str]) {
    let mut changes = changes();
    let mut last = Vec::new();
    for (index, (node, facts)) in looks.iter().enumerate() {
        last = changes.see(&frame(node, 60.0 * (index + 1) as f64, facts), true);
    }
    let titles: Vec<String> = last.iter().map(Deploy::title).collect();
    assert_eq!(titles, expected);
}

#[test]
fn what_changed_after_it_was_known_is_told_in_words() {
    let known = json!({
        "setting:work_mem": "4MB", "setting:jit": "on", "index:item_pkey": "…", "column:item.sku": "text", "column:item.id": "int8",
        "table:item:rows": 5
    });
    for (facts, expected) in [
        (json!({"setting:work_mem": "64MB"}), &["p work_mem 4MB → 64MB"][..]),
        (json!({"setting:work_mem": null}), &["p work_mem 4MB → not set"]),
        (json!({"setting:fsync": "off"}), &["p fsync set to off"]),
        (json!({"index:item_pkey": null}), &["shop index item_pkey dropped"]),
        (json!({"index:item_order_id_idx": "CREATE INDEX …"}), &["shop index item_order_id_idx created"]),
        (json!({"column:item.sku": "varchar(20)"}), &["shop column item.sku text → varchar(20)"]),
        (json!({"column:item.size": "int4"}), &["shop column item.size added"]),
        (json!({"column:item.sku": null}), &["shop column item.sku dropped"]),
        (json!({"table:item:rows": 9, "plan:3f": "b7"}), &[]),
        (json!({"setting:never": null}), &[]),
        (
            json!({"setting:work_mem": "64MB", "setting:jit": "off", "index:item_pkey": null}),
            &["p jit on → off, work_mem 4MB → 64MB", "shop index item_pkey dropped"],
        ),
        (
            json!({"index:a": "", "index:b": "", "index:c": "", "index:d": "", "index:e": ""}),
            &["shop index a created, index b created, index c created and 2 more"],
        ),
    ] {
        check(&[("p", known.clone()), ("p", facts)], expected);
    }
}

#[test]
fn how_things_are_is_no_change() {
    let facts = json!({"setting:work_mem": "4MB", "index:item_pkey": ""});
    check(&[("p", facts.clone())], &[]);
    check(&[("p", json!({"setting:work_mem": "4MB"})), ("p", json!({"index:item_pkey": ""}))], &[]);
    check(&[("p", facts.clone()), ("r", json!({"setting:work_mem": "8MB"}))], &[]);
    check(&[("p", facts.clone()), ("p", facts)], &[]);
}

#[test]
fn replicas_repeat_their_primary_and_a_rollout_is_one_change() {
    let known = json!({"setting:work_mem": "4MB", "index:item_pkey": ""});
    let both = [("p", known.clone()), ("r", known)];
    let then = |one: Value, other: Value, expected: &[&str]| {
        let looks = [both[0].clone(), both[1].clone(), ("p", one), ("r", other)];
        check(&looks, expected);
    };
    then(json!({"index:item_pkey": null}), json!({"index:item_pkey": null}), &[]);
    then(json!({"index:new": "x"}), json!({"index:new": "x"}), &[]);
    then(json!({"index:new": "x"}), json!({"index:other": "x"}), &["shop index other created"]);
    then(json!({"setting:work_mem": "64MB"}), json!({"setting:work_mem": "64MB"}), &[]);
    then(json!({"setting:work_mem": "64MB"}), json!({"setting:work_mem": "1MB"}), &["r work_mem 4MB → 1MB"]);
}

#[test]
fn what_is_missing_when_everything_is_told_anew_went_meanwhile() {
    let known = json!({"index:a": "1", "index:b": "2", "setting:jit": "on"});
    check(
        &[("p", known.clone()), ("p", json!({"index:a": "1", "setting:jit": "on"}))],
        &["shop index b dropped"],
    );
    check(&[("p", known.clone()), ("p", json!({"setting:jit": "on"}))], &[]);
    check(&[("p", known.clone()), ("p", json!({"index:a": "1"})), ("p", json!({"index:a": "1"}))], &[]);
    check(
        &[("p", known), ("p", json!({"index:b": null})), ("p", json!({"index:b": "2"}))],
        &["shop index b created"],
    );
}

#[test]
fn a_table_comes_and_goes_as_one() {
    let known = json!({
        "column:item.id": "int8", "column:item.sku": "text", "index:item.item_pkey": "…", "ddl:public": "a1",
        "column:cart.id": "int8",
    });
    let parts = json!({"column:size.id": "int8", "column:size.name": "text", "index:size.size_pkey": "…"});
    let mut created = parts.clone();
    created["ddl:public"] = "b2".into();
    for (facts, expected) in [
        (
            json!({"column:item.id": null, "column:item.sku": null, "index:item.item_pkey": null}),
            &["shop table item dropped"][..],
        ),
        (json!({"column:item.sku": null}), &["shop column item.sku dropped"]),
        // It grew large enough to be followed.
        (parts, &[]),
        (created, &["shop table size created"]),
        (json!({"ddl:public": "b2"}), &[]),
    ] {
        check(&[("p", known.clone()), ("p", facts.clone())], expected);
        check(&[("p", known.clone()), ("r", known.clone()), ("p", facts.clone()), ("r", facts)], &[]);
    }
}

#[test]
fn a_schema_that_changes_all_day_long_is_no_news() {
    let mut changes = changes();
    changes.see(&frame("p", 0.0, &json!({"index:item.a": "x"})), true);
    let mut told = 0;
    for look in 1..=60 {
        let facts = json!({"index:item.a": look.to_string()});
        told += changes.see(&frame("p", 60.0 * f64::from(look), &facts), true).len();
    }
    assert_eq!(told, MAX_MARKERS);
    assert_eq!(changes.see(&frame("p", 8_000.0, &json!({"index:item.a": "late"})), true).len(), 1);
}

#[test]
fn a_marker_lies_between_two_looks_and_has_a_name_of_its_own() {
    let mut changes = changes();
    let at = |secs: f64| Some(Timestamp::from_secs(secs));
    changes.see(&frame("p", 60.0, &json!({"setting:work_mem": "4MB"})), true);
    changes.see(&frame("p", 90.0, &json!({})), false);
    changes.see(&frame("p", 120.0, &json!({})), true);
    let marker = changes.see(&frame("p", 180.5, &json!({"setting:work_mem": "64MB"})), true).remove(0);
    assert_eq!(marker.id.as_str(), "config:shop/p:work_mem:180");
    assert_eq!((marker.started, marker.finished), (at(120.0), at(180.5)));
    assert_eq!((marker.kind, marker.cluster), (DeployKind::Config, Some("shop".into())));
    assert_eq!((marker.environment.as_str(), marker.actor.as_deref()), ("production", Some(ACTOR)));
}

#[test]
fn a_restart_is_not_blind() {
    let mut changes = changes();
    changes.remember(&frame("p", 60.0, &json!({"index:a": "1", "index:b": "2"})));
    changes.remember(&frame("p", 500.0, &json!({})));
    changes.begin(60.0);
    let marker = changes.see(&frame("p", 900.0, &json!({"index:a": "1"})), true).remove(0);
    assert_eq!(marker.title(), "shop index b dropped");
    assert_eq!(marker.started, Some(Timestamp::from_secs(440.0)));
}

#[test]
fn an_announced_change_explains_what_was_seen_while_it_was_under_way() {
    let marker = |kind| Deploy {
        kind,
        started: Some(Timestamp::from_secs(120.0)),
        finished: Some(Timestamp::from_secs(180.0)),
        ..serde_json::from_str(r#"{"id":"m","service":"shop","cluster":"shop"}"#).unwrap()
    };
    let announced = |text: &str| serde_json::from_str::<Deploy>(text).unwrap();
    for (text, schema, config) in [
        (r#"{"id":"1","service":"c","started":100,"finished":130}"#, true, false),
        (r#"{"id":"1","service":"c","started":100,"finished":110}"#, false, false),
        (r#"{"id":"1","service":"c","started":181,"finished":190}"#, false, false),
        (r#"{"id":"1","service":"c","started":100,"status":"started"}"#, true, false),
        (r#"{"id":"1","service":"c","finished":150,"kind":"schema"}"#, true, false),
        (r#"{"id":"1","service":"c","finished":150,"kind":"config"}"#, false, true),
        (r#"{"id":"1","service":"c","finished":150,"kind":"restart"}"#, false, true),
        (r#"{"id":"1","service":"c","finished":150,"kind":"flag"}"#, false, false),
        (r#"{"id":"1","service":"c","finished":150,"kind":"schema","cluster":"shop"}"#, false, false),
        (r#"{"id":"1","service":"c"}"#, false, false),
    ] {
        let announced = announced(text);
        assert_eq!(explains(&announced, &marker(DeployKind::Schema)), schema, "{text}");
        assert_eq!(explains(&announced, &marker(DeployKind::Config)), config, "{text}");
    }
}
