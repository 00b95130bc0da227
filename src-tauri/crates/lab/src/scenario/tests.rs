//! What is wrong with a file is told with its line and in these words.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Action, Catalogue, Event, Scenario, check};
use crate::workload::Workload;

/// The folder with one file for each mistake; its first line has the line of the mistake and the message.
const BAD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/scenario/bad");

/// A workload of one service.
const SMALL: &str = r#"
schema = "schema.sql"
sizes = { item = 10 }
params = { item = { uniform = "item" } }

[[services]]
name = "shop"
version = "v1"
connections = 2
requests_per_s = 10

[[services.routes]]
route = "GET /cart"
weight = 1
steps = [{ name = "cart", sql = "select $1", params = ["item"] }]
"#;

fn small() -> Workload {
    toml::from_str(SMALL).unwrap()
}

/// Everything that is checked when a catalogue is opened, with the small workload.
fn verdict(path: &Path, text: &str) -> String {
    let checked = Scenario::from_text(path, text).and_then(|scenario| {
        if scenario.workload != "shop" {
            scenario.workload()?;
        }
        check::check(&scenario, &small())?;
        for name in scenario.variants.keys() {
            check::check(&scenario.variant(name)?, &small())?;
        }
        Ok(())
    });
    let said = checked.map_or_else(|error| error.to_string(), |()| "nothing is wrong".to_owned());
    said.strip_prefix(&format!("{}:", path.display())).map(str::to_owned).unwrap_or(said)
}

#[test]
fn what_is_wrong_with_a_file_is_told_with_its_line() {
    let mut paths: Vec<PathBuf> = fs::read_dir(BAD).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut differ = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path).unwrap();
        let (expected, rest) = text.split_once('\n').unwrap();
        let said = verdict(&path, &format!("\n{rest}"));
        if expected != format!("# {said}") {
            differ.push(format!("{}\n# {said}", path.display()));
        }
    }
    assert!(differ.is_empty(), "{} files have another mistake:\n{}", differ.len(), differ.join("\n"));
}

const GOOD: &str = r#"
name = "good"
title = "A trouble"
about = "What happens."
values = { times = 10, share = 0.5, guilty = "v2", table = "item" }

[variant.strong]
intensity = 2
values = { times = 20, guilty = "v3" }

[[version]]
service = "shop"
version = "$guilty"
add = [{ route = "GET /cart", step = { name = "loop", sql = "select {times} from {table} where $1 > 0", params = ["item"], times = "$times", share = "$share" } }]

[[event]]
at_s = -2
onset = true
do = "deploy"
service = "shop"
version = "$guilty"

[[event]]
at_s = 40
do = "roll_back"
service = "shop"

[truth]
cause = "query_regression"
why = "The loop is new."
deploy = "shop-{guilty}"
queries = ["loop"]
"#;

#[test]
fn values_stand_where_their_names_are_and_variants_change_them() {
    let check = |scenario: &Scenario, intensity: f64, version: &str, times: u32, sql: &str| {
        assert_eq!(scenario.intensity(), intensity);
        let step = &scenario.versions[0].add[0].step;
        assert_eq!((step.times, step.share), (times, 0.5));
        assert_eq!(scenario.statement("loop"), Some(sql));
        assert_eq!(scenario.versions[0].version, version);
        assert_eq!(scenario.truth.deploy.as_deref(), Some(format!("shop-{version}").as_str()));
        check::check(scenario, &small()).unwrap();
    };
    let scenario = Scenario::from_text(Path::new("good.toml"), GOOD).unwrap();
    check(&scenario, 1.0, "v2", 10, "select 10 from item where $1 > 0");
    let strong = scenario.variant("strong").unwrap();
    check(&strong, 2.0, "v3", 20, "select 20 from item where $1 > 0");
    check(&strong.variant("strong").unwrap(), 2.0, "v3", 20, "select 20 from item where $1 > 0");
    let error = scenario.variant("weak").unwrap_err().to_string();
    assert_eq!(error, "good.toml:7: there is no variant weak; there is strong");
}

#[test]
fn a_deploy_acts_at_the_end_of_its_roll_out_or_with_its_first_stage() {
    let scenario = Scenario::from_text(Path::new("good.toml"), GOOD).unwrap();
    let acts = |event: &Event| event.acts_s();
    assert_eq!(scenario.events.iter().map(acts).collect::<Vec<_>>(), [0.0, 42.0]);
    let mut staged = scenario.events[0].clone();
    if let Action::Deploy(deploy) = &mut staged.action {
        deploy.stages = vec![super::Stage { at_s: 3.0, share: 1.0 }];
    }
    assert_eq!(staged.acts_s(), 3.0);
}

#[test]
fn a_folder_of_the_users_own_adds_scenarios_and_wins() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = || Catalogue::open(Some(folder.path()));
    let nothing = catalogue().unwrap_err().to_string();
    assert_eq!(
        nothing,
        format!("there is no scenario in {}: a scenario is a .toml file", folder.path().display())
    );
    let own = |name: &str, workload: &str| {
        let text = GOOD.replace("\"good\"", &format!("\"{name}\"\nworkload = \"{workload}\""));
        fs::write(folder.path().join(format!("{name}.toml")), text).unwrap();
    };
    fs::create_dir(folder.path().join("kiosk")).unwrap();
    fs::write(folder.path().join("kiosk/workload.toml"), SMALL).unwrap();
    fs::write(folder.path().join("kiosk/schema.sql"), "create table item (id bigint);\n").unwrap();
    own("mine", "kiosk");
    own("quiet", "kiosk");
    let catalogue = catalogue().unwrap();
    assert_eq!(catalogue.scenario("mine", Some("strong")).unwrap().intensity(), 2.0);
    assert_eq!(catalogue.scenario("quiet", None).unwrap().title, "A trouble");
    assert_eq!(catalogue.scenarios().count(), Catalogue::builtin().unwrap().scenarios().count() + 1);
    let unknown = catalogue.scenario("mime", None).unwrap_err().to_string();
    assert!(unknown.starts_with("there is no scenario \"mime\"; there is "), "{unknown}");
}

/// Asks to write the page anew instead of comparing it.
const BLESS: &str = "FAULTLINE_BLESS";

#[test]
fn the_page_beside_the_scenarios_says_what_the_files_say() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/README.md");
    let page = Catalogue::builtin().unwrap().page();
    if std::env::var_os(BLESS).is_some() {
        fs::write(file, &page).unwrap();
    }
    assert_eq!(fs::read_to_string(file).unwrap(), page, "run with {BLESS}=1 to write it anew");
}

#[test]
fn the_list_has_a_line_for_each_scenario() {
    let catalogue = Catalogue::builtin().unwrap();
    let table = catalogue.table();
    assert_eq!(table.lines().count(), catalogue.scenarios().count() + 1);
    let names = catalogue.scenarios().zip(table.lines().skip(1));
    for (scenario, line) in names {
        assert!(line.starts_with(&format!("{} ", scenario.name)), "{line}");
    }
}
