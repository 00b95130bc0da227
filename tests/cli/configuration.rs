//! What is wrong with a configuration is said with file, line and key, and ends with exit code 78.

use crate::run::{EMPTY_CLUSTER, Place, Running};

#[test]
fn a_wrong_configuration_is_named_by_file_line_and_key() {
    let node =
        |line: &str| format!("[[cluster]]\nname = \"shop\"\n[[cluster.node]]\nname = \"db\"\n{line}\n");
    let postgres = |line: &str| node(&format!("engine = \"postgres\"\n{line}"));
    for (config, words) in [
        (
            "[[clusters]]\nname = \"shop\"\n".to_owned(),
            vec!["config.toml:1:", "clusters", "no such key", "cluster"],
        ),
        (node("engine = \"postgres\"\nulr = \"x\""), vec!["config.toml:6:", "cluster[1].node[1].ulr", "url"]),
        (
            postgres("url = \"postgres://me:hunter2@db/shop\""),
            vec!["config.toml:6:", "url", "password", "keyring:"],
        ),
        (postgres("url = \"mysql://me@db/shop\""), vec!["config.toml:6:", "postgres://"]),
        (
            postgres("url = \"postgres://me@db/shop\"\npassword = \"hunter2\""),
            vec![":7:", "password", "env:"],
        ),
        (node("engine = \"oracle\"\nurl = \"oracle://db\""), vec!["config.toml:5:", "engine", "postgres"]),
        ("[[cluster]]\nname = \n".to_owned(), vec!["config.toml:2:"]),
        (
            "[intervals]\nsessions_s = 0.01\n".to_owned(),
            vec!["config.toml:2:", "intervals.sessions_s", "0.5"],
        ),
        ("[retention]\ndays = -3\n".to_owned(), vec!["config.toml:2:", "retention.days", "3650"]),
        ("\u{0}\u{1b}[2J".to_owned(), vec!["config.toml:1:"]),
    ] {
        let place = Place::new(&config);
        for arguments in
            [vec!["check"], vec!["watch", "--json"], vec!["record", "--for", "1s", "-o", "x.jsonl"]]
        {
            let ended = place.run(&arguments);
            ended.expect(78, &words);
            assert!(ended.stdout.is_empty() && !ended.stderr.contains("hunter2"), "{ended:?}");
            assert!(
                !ended.stderr.contains('\u{1b}'),
                "what the file holds does not steer the terminal: {ended:?}"
            );
        }
        assert!(!place.data().exists(), "{config}");
    }
}

#[test]
fn a_missing_configuration_says_what_to_do() {
    let place = Place::new(EMPTY_CLUSTER);
    std::fs::remove_file(place.path("config.toml")).unwrap();
    for command in ["check", "watch"] {
        place.run(&[command]).expect(78, &["config.toml", "config.example.toml", "--config"]);
        // Nothing is named: the platform's place is looked at.
        let ended = Running::start(place.bare(&[command])).end();
        ended.expect(78, &["home", "faultline", "config.toml", "config.example.toml"]);
    }
}

#[test]
fn the_store_is_where_the_configuration_says_unless_data_says_otherwise() {
    let place = Place::new(EMPTY_CLUSTER);
    let configured = place.path("configured");
    let config = format!("{EMPTY_CLUSTER}\n[store]\npath = '{}'\n", configured.display());
    std::fs::write(place.path("config.toml"), config).unwrap();
    let mark = ["mark", "--service", "checkout", "--version", "v1"];
    place.run(&mark).expect(0, &["marked"]);
    assert!(place.data().exists() && !configured.exists(), "--data goes first");
    let config = place.file("config.toml");
    let named = [&mark[..], &["--config", &config]].concat();
    Running::start(place.bare(&named)).end().expect(0, &["marked"]);
    assert!(configured.exists());
    assert!(!place.path("home").exists());
    Running::start(place.bare(&mark)).end().expect(0, &["marked"]);
    assert!(place.path("home").exists(), "without a configuration the platform's folder");
}
