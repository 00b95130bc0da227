//! Table tests of the configuration.

use std::path::Path;

use faultline_model::{Engine, Role};

use super::{
    Config, ConfigError, DeployFeedConfig, HeaderText, MetricsAuth, MetricsKind, RollbackProvider, SecretRef,
    default_paths, load, parse,
};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../config.example.toml");

/// A cluster with a node whose keys come next.
const NODE: &str = "[[cluster]]\nname = 'shop'\n[[cluster.node]]\nname = 'replica'\n";
/// A metric endpoint whose further keys come next.
const METRICS: &str =
    "[[cluster]]\nname = 'shop'\n[[metrics]]\ncluster = 'shop'\nnode = 'edge'\nkind = 'scrape'\n";
/// A rollback whose further keys come next.
const ROLLBACK: &str = "[[rollback]]\nservice = 'checkout'\nprovider = 'http'\n";

#[test]
fn the_example_has_every_key_and_is_valid() {
    let config = load(Path::new(EXAMPLE)).unwrap();
    let shop = &config.clusters[0];
    assert_eq!((shop.name.as_str(), shop.environment.as_str(), shop.nodes.len()), ("shop", "production", 2));
    assert_eq!(shop.nodes[0].role, Some(Role::Primary));
    assert_eq!(shop.nodes[1].password, Some(SecretRef::Keyring("shop-replica-1".to_owned())));
    assert_eq!(config.clusters[1].nodes[0].engine, Engine::Mariadb);
    assert_eq!(config.services[0].applications, ["checkout@*"]);
    assert_eq!(config.metrics[0].kind, MetricsKind::Scrape);
    assert_eq!(config.metrics[0].headers["X-Scope-OrgID"], HeaderText::Plain("shop".to_owned()));
    assert!(matches!(&config.metrics[1].auth, MetricsAuth::Basic { user, .. } if user == "faultline"));
    let DeployFeedConfig::Webhook { listen, secret } = &config.deploys[0];
    assert_eq!((listen.port(), secret.to_string().as_str()), (7787, "env:FAULTLINE_WEBHOOK_SECRET"));
    let RollbackProvider::Http(http) = &config.rollbacks[0].provider else { panic!("an http rollback") };
    assert_eq!(http.progress.as_ref().unwrap().deadline_s, Some(1800.0));
    assert!(matches!(&config.rollbacks[1].provider, RollbackProvider::Link { url } if url.ends_with("{id}")));
}

#[test]
fn an_empty_file_is_all_defaults() {
    let config = parse("# nothing yet\n", "config.toml").unwrap();
    assert_eq!(config, Config::default());
    assert_eq!((config.intervals.counters_s, config.retention.days), (15.0, 30));
}

#[test]
fn the_example_states_the_defaults() {
    let config = load(Path::new(EXAMPLE)).unwrap();
    assert_eq!(config.intervals, Config::default().intervals);
    assert_eq!(config.retention, Config::default().retention);
    assert_eq!(config.store, Config::default().store);
}

/// Checks that `text` is refused at `place` with a message that has every one of `parts` and not `hunter2`.
#[track_caller]
fn refused(text: &str, place: &str, parts: &[&str]) {
    let error = parse(text, "config.toml").expect_err(text);
    let message = error.to_string();
    assert!(message.starts_with(&format!("config.toml:{place}: ")), "{message}\n{text}");
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in: {message}");
    }
    assert!(!message.contains("hunter2"), "a secret is repeated: {message}");
}

#[test]
fn what_has_no_meaning_is_refused_where_it_stands() {
    let node = |rest: &str| format!("{NODE}engine = 'postgres'\n{rest}");
    let cases: &[(&str, &str, &[&str])] = &[
        ("[intervals\n", "1:11", &["this is not TOML"]),
        ("[intervals]\nsession_s = 1\n", "2:1", &["intervals.session_s: there is no such key", "sessions_s"]),
        ("cluster = 1\n", "1:11", &["cluster: this must be a list of tables: [[cluster]]"]),
        ("[intervals]\nsessions_s = 0\n", "2:14", &["a number from 0.5 to 60"]),
        ("[intervals]\nsessions_s = nan\n", "2:14", &["a number from 0.5 to 60"]),
        ("[intervals]\nfacts_s = \"60\"\n", "2:11", &["a number from 5 to 86400"]),
        ("[retention]\ndays = 1.5\n", "2:8", &["a whole number from 1 to 3650"]),
        ("[retention]\ndays = 99999999999999999999\n", "2:8", &["a whole number"]),
        (
            "[[cluster]]\nenvironment = 'x'\n",
            "1:1",
            &["cluster[1].name: this key is missing; add a line name ="],
        ),
        ("[[cluster]]\nname = ' '\n", "2:8", &["cluster[1].name: this must not be empty"]),
        ("[[cluster]]\nname = 'a/b'\n", "2:8", &["no slash"]),
        ("[[cluster]]\nname = 'a'\n[[cluster]]\nname = 'a'\n", "3:1", &["there is a cluster a already"]),
        (
            "[[service]]\nname = 'a'\nroles = 'x'\n",
            "3:9",
            &["service[1].roles: this must be a list of texts"],
        ),
        ("[[deploys]]\nprovider = 'pigeon'\n", "2:12", &["the providers are: webhook"]),
        ("[[deploys]]\nprovider = 'webhook'\nlisten = '0.0.0.0:1'\n", "3:10", &["127.0.0.1:PORT"]),
        ("[[deploys]]\nprovider = 'webhook'\nlisten = '127.0.0.1'\n", "3:10", &["127.0.0.1:7787"]),
        (
            "[[deploys]]\nprovider = 'webhook'\nlisten = '[::1]:1'\n",
            "1:1",
            &["deploys[1].secret: this key is missing"],
        ),
        (
            "[[deploys]]\nprovider = 'webhook'\nlisten = '[::1]:1'\nsecret = 'hunter2'\n",
            "4:10",
            &["deploys[1].secret", "keyring:NAME", "env:NAME"],
        ),
        ("[[rollback]]\nservice = 'a'\nprovider = 'ssh'\n", "3:12", &["it must be link or http"]),
        (
            "[[rollback]]\nservice = 'a'\nprovider = 'link'\nurl = 'https://h/'\nbody = '{}'\n",
            "5:1",
            &["rollback[1].body: there is no such key"],
        ),
        (&node("url = 'localhost'\n"), "6:7", &["cluster[1].node[1].url: this is no address"]),
        (&node("url = 'mysql://faultline@h/shop'\n"), "6:7", &["postgres://user@host/database"]),
        (&node("url = 'postgres://f:hunter2@h/shop'\n"), "6:7", &["no password may be in the address"]),
        (
            &node("url = 'postgres://f@h/shop?password=hunter2'\n"),
            "6:7",
            &["no password may be in the address"],
        ),
        (&node("url = 'postgres:///shop'\n"), "6:7", &["has no host"]),
        (
            &node("url = 'postgres://f@h/shop'\npassword = 12345\n"),
            "7:12",
            &["this must be a text in quotes"],
        ),
        (
            &node("url = 'postgres://f@h/shop'\npassword = 'hunter2'\n"),
            "7:12",
            &["no secret may be in this file"],
        ),
        (&node("url = 'postgres://f@h/shop'\npassword = 'keyring:'\n"), "7:12", &["1 to 100 characters"]),
        (&node("url = 'postgres://f@h/shop'\npassword = 'env:A-B'\n"), "7:12", &["letters, digits and _"]),
        (&node("url = 'postgres://f@h/shop'\nrole = 'leader'\n"), "7:8", &["primary or replica"]),
        (&format!("{NODE}engine = 'oracle'\n"), "5:10", &["postgres, mysql or mariadb"]),
        (&format!("{METRICS}url = 'ftp://h/'\nsignals = {{ x_a = 'a' }}\n"), "7:7", &["https://"]),
        (
            &format!("{METRICS}url = 'https://h/'\n"),
            "3:1",
            &["metrics[1]: name what is to be read", "preset"],
        ),
        (
            &format!("{METRICS}url = 'https://h/'\npreset = 'nod_exporter'\n"),
            "8:10",
            &["metrics[1].preset: there is no such preset", "node_exporter, pgbouncer_exporter"],
        ),
        (
            &format!("{METRICS}url = 'https://h/'\npreset = ['envoy', 1]\n"),
            "8:20",
            &["metrics[1].preset: this must be a text in quotes, or a list of texts"],
        ),
        (
            &format!("{METRICS}url = 'https://h/'\npreset = 'envoy'\nselector = 'up'\n"),
            "9:12",
            &["metrics[1].selector: column 1", "{label=\"value\"}"],
        ),
        (
            &format!("{METRICS}url = 'https://h/'\nsignals = {{ x_a = 'a' }}\nselector = '{{a=\"b\"}}'\n"),
            "9:12",
            &["a selector narrows a preset"],
        ),
        (
            &format!("{METRICS}url = 'https://h/'\nsignals = {{ x_a = 'rate(a)' }}\n"),
            "8:19",
            &["metrics[1].signals.x_a: in the expression, column"],
        ),
        (
            &format!("{METRICS}url = 'https://h/'\nsignals = {{ x_a = 'sum(max_over_time(a[1m]))' }}\n"),
            "8:19",
            &["column 5: max_over_time is not evaluated here", "kind = \"promql\""],
        ),
        (
            &format!("{METRICS}url = 'https://h/'\npreset = 'envoy'\ncertificate = 'c.pem'\n"),
            "3:1",
            &["metrics[1].key: this key is missing"],
        ),
        (
            &format!("{METRICS}url = 'https://h/'\npreset = 'envoy'\nrole = 'proxy'\n"),
            "9:8",
            &["edge, primary or replica"],
        ),
        (
            &format!("{METRICS}url = 'https://h/'\nstatements = 'mysqld_exporter'\n"),
            "8:14",
            &["postgres_exporter or pg_exporter"],
        ),
        (
            &format!("{METRICS}url = 'https://h/'\nsignals = {{ througput = 'a' }}\n"),
            "8:25",
            &["metrics[1].signals.througput: there is no such signal", "x_"],
        ),
        (
            &format!("{METRICS}url = 'https://f:hunter2@h/'\nsignals = {{ x_a = 'a' }}\n"),
            "7:7",
            &["no password may be in the address"],
        ),
        (
            &format!("{METRICS}url = 'https://h/'\nsignals = {{ x_a = 'a' }}\nuser = 'f'\n"),
            "3:1",
            &["metrics[1].password: this key is missing"],
        ),
        (
            &format!(
                "{METRICS}url = 'https://h/'\nsignals = {{ x_a = 'a' }}\nheaders = {{ Authorization = 'hunter2' }}\n"
            ),
            "9:29",
            &["metrics[1].headers.Authorization", "keyring:NAME"],
        ),
        (
            "[[metrics]]\ncluster = 'shop'\nkind = 'scrape'\nsignals = { x_a = 'a' }\n",
            "2:11",
            &["no [[cluster]] is called shop"],
        ),
        (
            &format!("{ROLLBACK}url = 'https://h/{{who}}'\n"),
            "4:7",
            &["{who} stands for nothing", "{previous}"],
        ),
        (&format!("{ROLLBACK}url = 'https://h/{{who'\n"), "4:7", &["a { has no }"]),
        (&format!("{ROLLBACK}url = 'https://h/{{run}}'\n"), "4:7", &["{run} stands for nothing"]),
        (
            &format!("{ROLLBACK}url = 'https://h/'\nbody = '{{previous}}'\n"),
            "5:8",
            &["the body must be JSON"],
        ),
        (&format!("{ROLLBACK}url = 'https://h/'\nmethod = 'GET'\n"), "5:10", &["POST, PUT, PATCH or DELETE"]),
        (&format!("{ROLLBACK}url = 'https://h/'\none_click = 'yes'\n"), "5:13", &["true or false"]),
        (
            &format!("{ROLLBACK}url = 'https://h/'\n[rollback.progress]\ninterval_s = 0\n"),
            "6:14",
            &["rollback[1].progress.interval_s", "from 1 to 300"],
        ),
        (
            &format!("{ROLLBACK}url = 'https://h/'\n{ROLLBACK}url = 'https://h/'\n"),
            "5:1",
            &["a rollback of checkout"],
        ),
    ];
    for (text, place, parts) in cases {
        refused(text, place, parts);
    }
}

#[test]
fn what_is_fine_is_taken() {
    type IsRight = fn(&Config) -> bool;
    let cases: &[(&str, IsRight)] = &[
        (
            "[[deploys]]\nprovider = 'webhook'\nlisten = 'localhost:0'\ntoken = 'env:T'\n",
            |config| matches!(&config.deploys[0], DeployFeedConfig::Webhook { secret: SecretRef::Env(name), .. } if name == "T"),
        ),
        ("[[cluster]]\nname = 'größe'\nnode = []\n", |config| config.clusters[0].nodes.is_empty()),
        ("[intervals]\nsessions_s = 0.5\ncounters_s = 1_000\n", |config| {
            config.intervals.counters_s == 1000.0
        }),
        (
            "[[rollback]]\nservice = 'a'\nprovider = 'http'\nurl = 'http://h/{service}'\nheaders = { PRIVATE-TOKEN = 'env:T' }\n",
            |config| {
                let RollbackProvider::Http(http) = &config.rollbacks[0].provider else { return false };
                http.method == "POST"
                    && http.headers["PRIVATE-TOKEN"] == HeaderText::Secret(SecretRef::Env("T".to_owned()))
            },
        ),
        (
            "[[cluster]]\nname = 'a'\n[[cluster.node]]\nname = 'n'\nengine = 'postgres'\nurl = 'postgres:///shop?host=/run'\n",
            |config| config.clusters[0].nodes[0].password.is_none(),
        ),
    ];
    for (text, is_right) in cases {
        let config = parse(text, "config.toml").unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert!(is_right(&config), "{text}\n{config:#?}");
    }
}

#[test]
fn a_file_that_is_not_there_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let error = load(&folder.path().join("config.toml")).unwrap_err();
    assert!(error.is_not_found(), "{error}");
    std::fs::write(folder.path().join("long.toml"), "#".repeat(2 * 1024 * 1024)).unwrap();
    assert!(matches!(load(&folder.path().join("long.toml")), Err(ConfigError::TooLong { .. })));
    std::fs::write(folder.path().join("binary.toml"), [0xff, 0xfe]).unwrap();
    let error = load(&folder.path().join("binary.toml")).unwrap_err();
    assert!(!error.is_not_found() && error.to_string().contains("binary.toml"), "{error}");
}

#[test]
fn the_platform_has_a_place_for_the_file() {
    match default_paths() {
        Ok(paths) => assert!(paths.config_file.ends_with("config.toml") && paths.data_folder.is_absolute()),
        Err(error) => assert!(error.to_string().contains("--config"), "{error}"),
    }
}
