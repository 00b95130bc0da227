//! What each finding says, and that its hint holds the command that fixes it.

use std::collections::BTreeMap;
use std::time::Duration;

use faultline_model::{Engine, HealthLevel, NodeId, NodeSpec};

use super::super::capabilities::Columns;
use super::super::table::Table;
use super::*;

fn address(url: &str) -> Address {
    let spec = NodeSpec {
        id: NodeId { cluster: "shop".into(), node: "primary".into() },
        engine: Engine::Mariadb,
        url: url.to_owned(),
        password: None,
        role: None,
    };
    Address::parse(&spec).unwrap()
}

fn columns(pairs: &[(&str, &str)]) -> Columns {
    let mut table = Table::new(["table_name", "column_name"].map(str::to_owned).to_vec());
    for (name, column) in pairs {
        table.push(vec![Some((*name).to_owned()), Some((*column).to_owned())]);
    }
    Columns::from_table(&table).unwrap()
}

fn healthy() -> Capabilities {
    Capabilities {
        mariadb: true,
        version: (10, 11, 19),
        version_text: "10.11.19-MariaDB".to_owned(),
        account: "watcher@%".to_owned(),
        process: true,
        columns: columns(&[("events_statements_summary_by_digest", "DIGEST")]),
        variables: BTreeMap::from([
            ("performance_schema".to_owned(), "ON".to_owned()),
            ("performance_schema_digests_size".to_owned(), "5000".to_owned()),
            ("max_digest_length".to_owned(), "1024".to_owned()),
        ]),
        consumers: BTreeMap::from([("statements_digest".to_owned(), true)]),
        samples_statements: true,
        ..Capabilities::default()
    }
}

/// Expects the aspect's level and a part of its hint.
#[track_caller]
fn check(has: &Capabilities, aspect: &str, level: HealthLevel, hint: &str) {
    let found = capabilities(has, &address("mysql://watcher@db.example/shop?ssl-mode=preferred"));
    let found = found.iter().find(|found| found.aspect == aspect).unwrap();
    assert_eq!(found.level, level, "{found:?}");
    assert!(found.hint.as_deref().unwrap_or_default().contains(hint), "{found:?}");
}

#[test]
fn each_shortcoming_names_its_cure() {
    use HealthLevel::{Error, NotApplicable, Ok, Warning};
    let base = healthy();
    for aspect in [PERFORMANCE_SCHEMA, SAMPLES, PRIVILEGES, VERSION] {
        check(&base, aspect, Ok, "");
    }
    check(&base, TLS, Warning, "ssl-mode=verify_identity");
    check(&base, PERCENTILES, NotApplicable, "");
    let set = |name: &str, value: &str| {
        let mut has = base.clone();
        has.variables.insert(name.to_owned(), value.to_owned());
        has
    };
    check(
        &set("performance_schema", "OFF"),
        PERFORMANCE_SCHEMA,
        Warning,
        "[mariadb]\nperformance_schema = ON",
    );
    let mysql = Capabilities { mariadb: false, version: (8, 0, 41), ..set("performance_schema", "OFF") };
    check(&mysql, PERFORMANCE_SCHEMA, Warning, "[mysqld]\nperformance_schema = ON");
    check(
        &set("query_response_time_stats", "OFF"),
        PERCENTILES,
        Warning,
        "SET GLOBAL query_response_time_stats = ON;",
    );
    let blind = Capabilities { columns: Columns::default(), ..base.clone() };
    check(&blind, PERFORMANCE_SCHEMA, Error, "GRANT SELECT ON performance_schema.* TO 'watcher'@'%';");
    let mut off = base.clone();
    off.consumers.insert("statements_digest".to_owned(), false);
    check(&off, PERFORMANCE_SCHEMA, Error, "performance_schema_consumer_statements_digest = ON");
    let mut silent = base.clone();
    silent.consumers.insert("statement_instruments".to_owned(), false);
    check(&silent, PERFORMANCE_SCHEMA, Error, "UPDATE performance_schema.setup_instruments");
    let unsampled = Capabilities { samples_statements: false, ..base.clone() };
    check(&unsampled, SAMPLES, Warning, "'events_statements_current'");
    let unprivileged = Capabilities { process: false, ..base.clone() };
    check(&unprivileged, PRIVILEGES, Error, "GRANT PROCESS ON *.* TO 'watcher'@'%';");
    check(&Capabilities { version: (10, 5, 9), ..base.clone() }, VERSION, Error, "upgrade");
    check(&Capabilities { mariadb: false, version: (5, 7, 44), ..base }, VERSION, Error, "upgrade");
}

#[test]
fn full_tables_and_cut_texts_name_the_setting_to_raise() {
    let has = healthy();
    assert_eq!(digest_table(&has, 0.0, false).level, HealthLevel::Ok);
    for found in [digest_table(&has, 3.0, false), digest_table(&has, 0.0, true)] {
        assert!(found.hint.unwrap().contains("performance_schema_digests_size = 10000"));
    }
    assert!(digest_length(&has, true).hint.unwrap().contains("max_digest_length = 4096"));
    assert_eq!(digest_length(&has, false).level, HealthLevel::Ok);
}

#[test]
fn each_failed_connection_says_what_to_do() {
    let server = |number| Trouble::Server { number, message: "no".to_owned() };
    let unreachable = |reason: &str| Trouble::Unreachable { reason: reason.to_owned() };
    for (trouble, hint) in [
        (server(1045), "ALTER USER 'watcher'@'%' IDENTIFIED BY"),
        (server(1045), "ssl-mode=verify_identity"),
        (server(1698), "CREATE USER 'watcher'@'%'"),
        (server(1130), "GRANT SELECT ON performance_schema.*"),
        (server(1129), "flush-hosts"),
        (server(1040), "max_connections"),
        (server(1203), "MAX_USER_CONNECTIONS"),
        (server(3159), "ssl-mode=verify_identity"),
        (Trouble::Silent { deadline: Duration::from_secs(5) }, "firewall"),
        (Trouble::Tls { reason: "unknown issuer".to_owned() }, "ssl-ca="),
        (unreachable("unknown authentication plugin: client_ed25519"), "mysql_native_password"),
        (unreachable("connection refused"), "that the server runs"),
    ] {
        let found = connection(&trouble, &address("mysql://watcher@db.example/shop?ssl-mode=disabled"));
        assert!(found.hint.as_deref().unwrap().contains(hint), "{found:?}");
    }
}

#[test]
fn broken_channels_name_their_cure_in_the_dialect_of_the_server() {
    let channel = |name: &str, receives: &str, applies: &str| Channel {
        name: name.to_owned(),
        receives: receives.to_owned(),
        applies: applies.to_owned(),
        ..Channel::default()
    };
    let maria = healthy();
    let mysql = Capabilities { mariadb: false, version: (8, 4, 3), ..healthy() };
    let old = Capabilities { mariadb: false, version: (8, 0, 20), ..healthy() };
    for (has, broken, hint) in [
        (&maria, channel("", "Yes", "No"), "START SLAVE;"),
        (&maria, channel("east", "No", "Yes"), "START SLAVE 'east';"),
        (&mysql, channel("", "Connecting", "Yes"), "START REPLICA;"),
        (&mysql, channel("east", "Yes", "No"), "START REPLICA FOR CHANNEL 'east';"),
        (&old, channel("", "Yes", "No"), "START SLAVE;"),
    ] {
        let found = replication(has, &[broken], Role::Replica);
        assert!(
            found.level == HealthLevel::Error && found.hint.as_deref().unwrap().contains(hint),
            "{found:?}"
        );
    }
    let left_behind = replication(&mysql, &[channel("", "No", "No")], Role::Primary);
    assert!(left_behind.hint.unwrap().contains("RESET REPLICA ALL"));
    assert_eq!(replication(&mysql, &[], Role::Primary).level, HealthLevel::NotApplicable);
}
