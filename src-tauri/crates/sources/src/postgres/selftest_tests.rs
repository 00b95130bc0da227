//! What each finding says, and that its hint holds the command that fixes it.

use std::time::Duration;

use faultline_model::{HealthLevel, NodeId, NodeSpec};

use super::super::capabilities::Statements;
use super::*;
use crate::common::Board;

fn address() -> Address {
    let spec = NodeSpec {
        id: NodeId { cluster: "shop".into(), node: "primary".into() },
        engine: faultline_model::Engine::Postgres,
        url: "postgres://watcher:hunter2@db.example:5433/shop?sslmode=require".to_owned(),
        password: None,
        role: None,
    };
    Address::parse(&spec).unwrap()
}

fn healthy() -> Capabilities {
    Capabilities {
        version_num: 180_000,
        version: "18.4".to_owned(),
        in_recovery: false,
        backend_pid: 7,
        session_settings: true,
        user: "watcher".to_owned(),
        database: "shop".to_owned(),
        reads_all_stats: true,
        reads_all_data: true,
        activity_bytes: Some(1_024),
        server: Some("10.0.0.5:5432".to_owned()),
        track_io_timing: Some("on".to_owned()),
        compute_query_id: Some("auto".to_owned()),
        preloaded: Some("pg_stat_statements".to_owned()),
        track: Some("top".to_owned()),
        statements: Some(Statements {
            version: "1.12".to_owned(),
            schema: "public".to_owned(),
            time_column: "total_exec_time",
            toplevel: true,
            since: true,
            info: true,
        }),
    }
}

/// Expects the aspect's level and a part of its hint.
#[track_caller]
fn check(has: &Capabilities, stated: Option<Role>, aspect: &str, level: HealthLevel, hint: &str) {
    let found = capabilities(has, &address(), stated);
    let found = found.iter().find(|found| found.aspect == aspect).unwrap();
    assert_eq!(found.level, level, "{found:?}");
    assert!(found.hint.as_deref().unwrap_or_default().contains(hint), "{found:?}");
}

#[test]
fn each_shortcoming_names_its_cure() {
    use HealthLevel::{Error, Ok, Warning};
    let base = healthy();
    check(&base, None, STATEMENTS, Ok, "");
    check(&base, Some(Role::Replica), ROLE, Warning, "take the role out");
    check(&base, None, TLS, Warning, "sslmode=verify-full");
    let standby = Capabilities { in_recovery: true, ..base.clone() };
    let without = |base: &Capabilities| Capabilities { statements: None, ..base.clone() };
    check(&without(&base), None, STATEMENTS, Error, "CREATE EXTENSION pg_stat_statements;");
    check(&without(&standby), None, STATEMENTS, Error, "run it on the primary");
    let unloaded = Capabilities { track: None, preloaded: Some("auto_explain, x".into()), ..standby.clone() };
    check(
        &unloaded,
        None,
        STATEMENTS,
        Error,
        "ALTER SYSTEM SET shared_preload_libraries = 'auto_explain', 'x', 'pg_stat_statements';",
    );
    let unknown = Capabilities { track: None, preloaded: None, ..base.clone() };
    check(&unknown, None, STATEMENTS, Error, "keep what SHOW shared_preload_libraries; tells");
    let none = Capabilities { track: Some("none".into()), ..base.clone() };
    check(&none, None, STATEMENTS, Error, "SET pg_stat_statements.track = 'top'");
    let mut old = base.clone();
    old.statements.as_mut().unwrap().info = false;
    check(&old, None, STATEMENTS, Warning, "ALTER EXTENSION pg_stat_statements UPDATE;");
    old.statements.as_mut().unwrap().toplevel = false;
    check(&old, None, STATEMENTS, Warning, "ALTER EXTENSION pg_stat_statements UPDATE;");
    assert!(old.counters().is_some());
    old.track = Some("all".into());
    check(&old, None, STATEMENTS, Error, "ALTER EXTENSION pg_stat_statements UPDATE;");
    assert!(old.counters().is_none(), "nested statements would be counted twice");
    let blind = Capabilities { reads_all_stats: false, ..base.clone() };
    check(&blind, None, PRIVILEGES, Error, "GRANT pg_monitor TO watcher;");
    let no_ids = Capabilities { compute_query_id: Some("off".into()), ..base.clone() };
    check(&no_ids, None, QUERY_IDS, Warning, "SET compute_query_id = 'auto'");
    check(&unknown, None, QUERY_IDS, Warning, "SET compute_query_id = 'on'");
    let untimed = Capabilities { track_io_timing: Some("off".into()), ..base.clone() };
    check(&untimed, None, IO_TIMING, Warning, "SET track_io_timing = on");
    let ancient = Capabilities { version_num: 130_011, version: "13.11".into(), ..base };
    check(&ancient, None, VERSION, Error, "upgrade");
}

#[test]
fn each_failed_connection_says_what_to_do_and_keeps_the_password() {
    let server = |code: &str, message: &str| Trouble::Server { code: code.into(), message: message.into() };
    let cases = [
        (server("28P01", "password authentication failed"), CONNECTION, "ALTER ROLE \"watcher\" PASSWORD"),
        (server("28000", "no pg_hba.conf entry"), CONNECTION, "CREATE ROLE \"watcher\" LOGIN"),
        (server("3D000", "database does not exist"), CONNECTION, "CREATE DATABASE \"shop\""),
        (
            server("42501", "permission denied"),
            CONNECTION,
            "GRANT CONNECT ON DATABASE \"shop\" TO \"watcher\"",
        ),
        (server("53300", "too many clients"), CONNECTION, "max_connections"),
        (server("57P03", "the database system is starting up"), CONNECTION, "hot_standby"),
        (server("08P01", "unsupported startup parameter: options"), POOLER, "instead of the pooler's"),
        (
            server(
                "0A000",
                "Feature not supported: RDS Proxy currently doesn't support command-line options.",
            ),
            POOLER,
            "instead of the pooler's",
        ),
        (Trouble::Silent { deadline: Duration::from_secs(5) }, CONNECTION, "firewall"),
        (Trouble::Tls { reason: "unknown issuer".into() }, CONNECTION, "sslrootcert"),
        (Trouble::Unreachable { reason: "refused".into() }, CONNECTION, "that the server runs"),
    ];
    for (trouble, aspect, hint) in cases {
        let found = connection(&trouble, &address());
        assert_eq!((found.aspect, found.level), (aspect, HealthLevel::Error), "{trouble:?}");
        assert!(found.hint.as_deref().unwrap().contains(hint), "{found:?}");
        assert!(!format!("{found:?}").contains("hunter2"), "{found:?}");
    }
}

#[test]
fn replay() {
    use HealthLevel::{NotApplicable, Ok, Warning};
    for (in_recovery, streams, paused, sees, expected) in [
        (false, false, false, true, NotApplicable),
        (true, true, false, true, Ok),
        (true, false, false, true, Warning),
        (true, true, true, true, Warning),
        (true, false, false, false, NotApplicable),
    ] {
        assert_eq!(replication(in_recovery, streams, paused, sees).level, expected);
    }
}

#[test]
fn only_changes_are_news() {
    let mut board = Board::new("shop/primary".to_owned());
    board.recovered(Found::ok(SESSIONS, "fine"));
    assert!(board.take_news().is_empty(), "never spoken of");
    board.set(Found::error(SESSIONS, "broken", "mend it"));
    board.set(Found::error(SESSIONS, "broken", "mend it"));
    assert_eq!(board.take_news().len(), 1);
    board.recovered(Found::ok(SESSIONS, "fine"));
    let news = board.take_news();
    assert_eq!((news[0].level, news[0].target.as_str()), (HealthLevel::Ok, "shop/primary"));
    board.set(Found::ok(ROLE, "a primary"));
    board.tell_all();
    assert_eq!(board.take_news().len(), 2);
    board.only(Found::error(CONNECTION, "gone", "look"));
    assert_eq!((board.take_news().len(), board.all().len()), (1, 1));
}
