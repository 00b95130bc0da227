//! What is wrong with a workload's files is told with file, line and these words; the shop is what scenarios need.

use std::collections::BTreeSet;
use std::fs;

use faultline_fingerprint::{Dialect, normalise};

use super::program::{Programs, What};
use super::values::{Drawn, Sources, Value};
use super::{Place, Step, Version, Workload};

/// A workload of one service, a line for each thing that can be wrong.
const GOOD: &str = r#"schema = "schema.sql"
[sizes]
item = 10
[params]
item = { uniform = "item" }
hot = { zipf = { of = "item", exponent = 1.0 } }
[[services]]
name = "kiosk"
version = "v1"
connections = 2
requests_per_s = 10
[services.steps]
look = { sql = "select $1", params = ["item"], cached = 0.5 }
wait = { pause_ms = 5 }
[[services.routes]]
route = "GET /look"
weight = 1
steps = ["look", "wait", { sql = "select 2" }]
"#;

/// A second service in a file of its own.
const SECOND: &str = r#"name = "stall"
version = "v1"
connections = 2
requests_per_s = 10
[[routes]]
route = "GET /look"
weight = 1
steps = [{ name = "glance", sql = "select 3" }]
"#;

fn read(main: &str, second: &str, schema: &str) -> Result<Workload, String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("workload.toml", main), ("stall.toml", second), ("schema.sql", schema)] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let prefix = format!("{}/", folder.path().display());
    Workload::from_folder(folder.path()).map_err(|error| error.to_string().replace(&prefix, ""))
}

#[test]
fn names_of_steps_stand_for_them() {
    let workload = read(GOOD, SECOND, "create table item (id bigint);\n").unwrap();
    let steps = &workload.services[0].routes[0].steps;
    let sql: Vec<Option<&str>> = steps.iter().map(|step| step.sql.as_deref()).collect();
    assert_eq!(sql, [Some("select $1"), None, Some("select 2")]);
    assert_eq!((steps[0].cached, steps[1].pause_ms), (0.5, Some(5)));
    assert_eq!(workload.statement("look"), Some("select $1"));
    assert_eq!(workload.statement("wait"), None);
}

#[test]
fn what_is_wrong_with_a_workload_is_told_with_its_line() {
    let check = |from: &str, to: &str, expected: &str| {
        assert!(GOOD.contains(from), "{from}");
        let said = read(&GOOD.replacen(from, to, 1), SECOND, "select {item};\n").unwrap_err();
        assert_eq!(said, expected, "{from} -> {to}");
    };
    check(
        "[sizes]",
        "sises = 1\n[sizes]",
        "workload.toml:2: unknown field `sises`, expected one of `schema`, `sizes`, `params`, `services`, `service_files`",
    );
    check("item = 10", "item = 0", "workload.toml:3: item is 0: write 1 or more");
    check(
        "item = 10",
        "Item = 10",
        "workload.toml:3: a size cannot be called \"Item\": use small letters, digits and _, beginning with a letter",
    );
    check(
        "uniform = \"item\"",
        "uniform = \"shelf\"",
        "workload.toml:5: there is no size \"shelf\"; there is item",
    );
    check(
        "uniform = \"item\"",
        "between = [3, 2]",
        "workload.toml:5: nothing is between 3 and 2: the lower one is first",
    );
    check("uniform = \"item\"", "one_of = []", "workload.toml:5: one of nothing: add a text");
    check(
        "uniform = \"item\"",
        "text = { pattern = \"a\", of = \"item\" }",
        "workload.toml:5: \"a\" needs exactly one {}, where the number goes",
    );
    check("exponent = 1.0", "exponent = -1.0", "workload.toml:6: an exponent is 0 to 4, not -1");
    check(
        "\"kiosk\"",
        "\"a kiosk\"",
        "workload.toml:8: a service cannot be called \"a kiosk\": use small letters, digits and _, beginning with a letter",
    );
    check(
        "\"kiosk\"",
        "\"backup\"",
        "workload.toml:8: backup is a role of the lab's own: choose another name",
    );
    check(
        "connections = 2",
        "connections = 0",
        "workload.toml:10: a service has 1 to 400 connections, not 0",
    );
    check(
        "requests_per_s = 10",
        "requests_per_s = 0",
        "workload.toml:11: requests per second are above 0 and at most 10000, not 0",
    );
    check(
        "requests_per_s = 10",
        "requests_per_s = nan",
        "workload.toml:11: requests per second are above 0 and at most 10000, not NaN",
    );
    check("cached = 0.5", "cached = 1.5", "workload.toml:13: a cached share is 0 to 1, not 1.5");
    check("cached = 0.5", "share = 0", "workload.toml:13: a share is above 0 and at most 1, not 0");
    check("cached = 0.5", "times = 0", "workload.toml:13: 0 times is never: write 1 or more");
    check(
        "cached = 0.5",
        "cache = 0.5",
        "workload.toml:13: unknown field `cache`, expected one of `name`, `sql`, `pause_ms`, `params`, `on`, `times`, `share`, `cached`",
    );
    check(
        "select $1\", params",
        "select $2\", params",
        "workload.toml:13: the statement has 2 placeholders and `params` has 1 names",
    );
    check(
        "params = [\"item\"]",
        "params = [\"shelf\"]",
        "workload.toml:13: there is no parameter \"shelf\"; there is hot, item",
    );
    check(
        "pause_ms = 5",
        "pause_ms = 5, sql = \"select 1\"",
        "workload.toml:14: a step has either `sql` or `pause_ms`",
    );
    check("pause_ms = 5", "times = 5", "workload.toml:14: a step has either `sql` or `pause_ms`");
    check("pause_ms = 5", "pause_ms = 5, params = [\"item\"]", "workload.toml:14: a pause has no parameters");
    check("weight = 1", "weight = -1", "workload.toml:17: a weight is above 0, not -1");
    check(
        "\"look\", ",
        "\"watch\", \"look\", ",
        "workload.toml:18: kiosk has no step \"watch\"; it has look, wait",
    );
    check("\"look\", ", "", "workload.toml:13: no route has the step look: add it to one, or leave it out");
    check(
        "{ sql = \"select 2\" }",
        "{ name = \"look\", sql = \"select 2\" }",
        "workload.toml:18: there are two steps look",
    );
    check(
        "[\"look\", \"wait\", { sql = \"select 2\" }]",
        "[\"look\", \"wait\", 2]",
        "workload.toml:18: invalid type: integer `2`, expected a step, or the name of one",
    );
    check(
        "schema = ",
        "service_files = [\"stall.toml\", \"../x.toml\"]\nschema = ",
        "workload.toml:1: \"../x.toml\" is no file's name: name one in the same folder",
    );
    check(
        "schema = \"schema.sql\"",
        "schema = \"/etc/passwd\"",
        "workload.toml:1: \"/etc/passwd\" is no file's name: name one in the same folder",
    );
}

#[test]
fn what_is_wrong_in_another_file_is_told_there() {
    let main = format!("service_files = [\"stall.toml\"]\n{GOOD}");
    let check = |second: &str, schema: &str, expected: &str| {
        let said = read(&main, second, schema);
        assert_eq!(said.map(|_| String::new()).unwrap_or_else(|said| said), expected);
    };
    check(SECOND, "select {item}, '{\"a\": 1}';\n", "");
    check(SECOND, "-- tables\nselect {items};\n", "schema.sql:2: there is no size \"items\"; there is item");
    check(&SECOND.replace("weight = 1", "weight = 0"), "", "stall.toml:7: a weight is above 0, not 0");
    check(&SECOND.replace("glance", "look"), "", "stall.toml:8: there are two steps look");
    check(&SECOND.replace("stall", "kiosk"), "", "stall.toml:1: there are two services kiosk");
    check(&SECOND.replace("GET /look", " "), "", "stall.toml:6: a route needs a name");
}

fn shop() -> Workload {
    Workload::named("shop").unwrap()
}

fn steps(workload: &Workload) -> impl Iterator<Item = &Step> {
    workload.services.iter().flat_map(|service| &service.routes).flat_map(|route| &route.steps)
}

#[test]
fn the_shop_has_at_least_220_statement_shapes() {
    let shop = shop();
    let of = |sql: &String| normalise(sql, Dialect::Postgres).fingerprint;
    let shapes: BTreeSet<_> = steps(&shop).filter_map(|step| step.sql.as_ref()).map(of).collect();
    assert!(shapes.len() >= 220, "{}", shapes.len());
}

#[test]
fn no_healthy_statement_of_the_shop_looks_up_items_by_their_order() {
    let shop = shop();
    for sql in steps(&shop).filter_map(|step| step.sql.as_ref()) {
        assert!(!(sql.contains("from order_item") && sql.contains("order_id =")), "{sql}");
    }
}

#[test]
fn a_workload_that_is_not_there_is_told() {
    let said = Workload::named("market").unwrap_err().to_string();
    assert_eq!(said, "there is no workload \"market\" in the lab; there is shop");
}

fn versions(text: &str) -> Vec<Version> {
    #[derive(serde::Deserialize)]
    struct Versions {
        version: Vec<Version>,
    }
    toml::from_str::<Versions>(text).unwrap().version
}

#[test]
fn a_version_adds_replaces_and_removes() {
    let workload = read(GOOD, SECOND, "").unwrap();
    let versions = versions(
        r#"
[[version]]
service = "kiosk"
version = "v2"
add = [{ route = "GET /look", step = { sql = "update item set id = $1 where id = $2", params = ["item", "hot"], times = 3 } }]
replace = [{ step = "look", with = { sql = "select 22" } }]
remove = ["wait"]
routes = [{ route = "GET /more", weight = 2, steps = ["look"] }]
connections = 7
"#,
    );
    let sources = Sources::of(&workload);
    let programs = Programs::of(&workload.services[0], &versions, &sources).unwrap();
    assert_eq!(programs.routes, ["GET /look", "GET /more"]);
    let texts = |version: &str, route: usize| -> Vec<String> {
        let program = programs.version(version);
        let steps = program.routes[route].as_ref().map(|task| task.steps.clone()).unwrap_or_default();
        let text = |what: &What| match what {
            What::Run { sql, on, .. } => format!("{sql} on {on:?}"),
            What::Pause(duration) => format!("{duration:?}"),
        };
        steps.iter().map(|act| text(&act.what)).collect()
    };
    let first = ["select $1 on Replica", "5ms", "select 2 on Replica"];
    assert_eq!(texts("v1", 0), first);
    assert_eq!(texts("v1", 1), [""; 0]);
    let second =
        ["select 22 on Replica", "select 2 on Replica", "update item set id = $1 where id = $2 on Primary"];
    assert_eq!(texts("v2", 0), second);
    assert_eq!(texts("v2", 1), ["select $1 on Replica"]);
    assert_eq!(texts("unheard-of", 0), first);
    assert_eq!((programs.version("v2").connections, programs.version("unheard-of").connections), (7, 2));
}

#[test]
fn a_version_that_does_not_fit_is_told() {
    let workload = read(GOOD, SECOND, "").unwrap();
    let check = |line: &str, expected: &str| {
        let text = format!("[[version]]\nservice = \"kiosk\"\nversion = \"v2\"\n{line}\n");
        let programs = Programs::of(&workload.services[0], &versions(&text), &Sources::of(&workload));
        assert_eq!(programs.unwrap_err().to_string(), expected);
    };
    check(
        "remove = [\"watch\"]",
        "version v2 of kiosk changes the step \"watch\", which kiosk does not have",
    );
    check(
        "add = [{ route = \"GET /\", step = { sql = \"select 1\" } }]",
        "version v2 of kiosk changes the route \"GET /\", which kiosk does not have",
    );
    check("connections = 0", "version v2 of kiosk has 0 connections: 1 to 400 are possible");
    check(
        "replace = [{ step = \"look\", with = { sql = \"select $1\" } }]",
        "a step of \"GET /look\" of kiosk has 1 placeholders and 0 parameters: select $1",
    );
}

#[test]
fn reads_go_to_the_replica_and_the_rest_to_the_primary() {
    let check = |sql: &str, place: Place| assert_eq!(super::program::place_of(sql), place, "{sql}");
    check("select 1", Place::Replica);
    check("with a as (select 1) select * from a", Place::Replica);
    check("select updated_at from cart", Place::Replica);
    check("select 1 from a for update skip locked", Place::Primary);
    check("select 1 from a for no key update", Place::Primary);
    check("with a as (delete from b returning 1) select * from a", Place::Primary);
    check("insert into a values (1)", Place::Primary);
    check("vacuum", Place::Primary);
}

#[test]
fn a_request_is_about_one_item_unless_a_statement_names_it_again() {
    let workload = read(&GOOD.replace("item = 10", "item = 1000000"), SECOND, "").unwrap();
    let sources = Sources::of(&workload);
    let item = sources.number("item").unwrap();
    let mut random = rand::SeedableRng::seed_from_u64(1);
    let mut drawn = Drawn::default();
    let mut draw = |params: &[usize], again: bool| sources.draw(params, again, &mut drawn, &mut random);
    let first = draw(&[item], false);
    assert!(matches!(first[..], [Value::Number(1..=1_000_000)]), "{first:?}");
    let two = draw(&[item, item], false);
    assert_eq!(two[0], first[0]);
    assert_ne!(two[1], first[0]);
    assert_ne!(draw(&[item], true), first);
    assert_eq!(draw(&[item], false), first);
}

#[test]
fn scaled_sizes_are_at_least_one() {
    let workload = read(GOOD, SECOND, "").unwrap();
    let check = |scale: f64, item: u64| assert_eq!(workload.with_scale(scale).sizes["item"], item, "{scale}");
    check(1.0, 10);
    check(2.5, 25);
    check(0.001, 1);
}
