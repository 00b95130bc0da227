//! Who may not, cannot or does not answer.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use faultline_lab::mariadb::{MONITOR, Server};
use faultline_model::HealthLevel;

use super::{at, fingerprint, run, server, watch};
use crate::watch::{BOTH, COUNTERS, FACTS, SESSIONS};

/// Certificates for `localhost` and the authority that signed them; `README.md` beside them says where they are from.
const CA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../src-tauri/crates/http/tests/tls/ca.pem");
const CERTIFICATE: &str = include_str!("../../../src-tauri/crates/http/tests/tls/server.pem");
const KEY: &str = include_str!("../../../src-tauri/crates/http/tests/tls/server.key");

#[tokio::test]
async fn what_is_missing_is_a_row_whose_command_mends_it() {
    let server = server().await;
    server.execute("create table item (id int primary key)").await.unwrap();
    server.create_account("nobody_special").await.unwrap();
    let mut watch = watch(&server, "nobody_special");
    let frame = watch.poll(BOTH).await.unwrap();
    assert_eq!(frame.sessions, None, "who may not see cannot say that nobody works");
    assert_eq!(frame.about.unwrap().role, None, "nor that it follows nobody");
    let frame = watch.poll(BOTH).await.unwrap();
    assert!(
        frame.signals.unwrap().values.contains_key("throughput"),
        "the server's counters need no privilege"
    );
    for (aspect, grant) in [
        ("privileges", "GRANT PROCESS ON *.* TO 'nobody_special'@'%';"),
        ("replication", "GRANT REPLICA MONITOR ON *.* TO 'nobody_special'@'%';"),
        ("performance_schema", "GRANT SELECT ON performance_schema.* TO 'nobody_special'@'%';"),
    ] {
        watch.expect_health(aspect, HealthLevel::Error, grant);
        server.execute(grant).await.unwrap();
    }
    // The servers give new sessions alone what is granted globally; the source begins one when something was missing.
    watch.poll(FACTS).await.unwrap();
    watch.poll(BOTH).await.unwrap();
    for aspect in ["privileges", "performance_schema"] {
        watch.expect_health(aspect, HealthLevel::Ok, "");
    }
    watch.expect_health(
        "definitions",
        HealthLevel::Warning,
        "GRANT REFERENCES ON *.* TO 'nobody_special'@'%';",
    );
    server.execute("grant references on *.* to nobody_special@'%'").await.unwrap();
    watch.source.close().await;
    watch.poll(FACTS).await.unwrap();
    watch.expect_health("definitions", HealthLevel::Ok, "");
    let frame = watch.until(BOTH, "the digests", |frame| frame.queries.as_ref().map(|_| frame.clone())).await;
    assert!(frame.sessions.is_some());
    watch.expect_health("replication", HealthLevel::NotApplicable, "");
}

#[tokio::test]
async fn who_cannot_get_in_is_told_why_and_keeps_the_password() {
    let server = server().await;
    let port = server.port();
    let cases = [
        (server.address(MONITOR), "wrong-secret", "ALTER USER 'faultline'@'%'"),
        (server.address("absent"), "wrong-secret", "CREATE USER 'absent'@'%'"),
        (format!("mariadb://{MONITOR}@127.0.0.1:{port}/shop"), server.password(), "ssl-mode=disabled"),
    ];
    for (url, password, hint) in cases {
        let mut watch = at(&url, password);
        assert!(watch.poll(SESSIONS).await.is_none(), "{url}");
        watch.expect_health("connection", HealthLevel::Error, hint);
        assert!(!format!("{:?}", watch.health).contains(password), "{:?}", watch.health);
        let second = watch.source.poll(SESSIONS).await;
        assert!(second.frames.is_empty() && second.health.is_empty(), "no new attempt, no new row");
    }
    server.execute("set global max_connections = 10").await.unwrap();
    let mut taken = Vec::new();
    while let Ok(connection) = server.connect().await {
        taken.push(connection);
    }
    let mut full = watch(&server, MONITOR);
    assert!(full.poll(SESSIONS).await.is_none());
    full.expect_health("connection", HealthLevel::Error, "max_connections");
}

#[tokio::test]
async fn a_server_that_wants_tls_gets_it_verified() {
    let mut server = server().await;
    let place = |server: &Server, host: &str, mode: &str| {
        format!("mariadb://{MONITOR}@{host}:{}/shop?{mode}", server.port())
    };
    let certificate = server.write("server.pem", CERTIFICATE).unwrap();
    let key = server.write("server.key", KEY).unwrap();
    server.set("ssl_cert", &certificate.display().to_string());
    server.set("ssl_key", &key.display().to_string());
    server.restart().await.unwrap();
    server.execute("set global require_secure_transport = on").await.unwrap();
    let verified = format!("ssl-mode=verify_identity&ssl-ca={CA}");
    for (host, mode, connects, aspect, level, hint) in [
        ("localhost", verified.as_str(), true, "tls", HealthLevel::Ok, ""),
        ("127.0.0.1", "ssl-mode=required", true, "tls", HealthLevel::Ok, ""),
        ("127.0.0.1", verified.as_str(), false, "connection", HealthLevel::Error, "ssl-ca="),
        ("localhost", "ssl-mode=verify_identity", false, "connection", HealthLevel::Error, "ssl-ca="),
        (
            "127.0.0.1",
            "ssl-mode=disabled",
            false,
            "connection",
            HealthLevel::Error,
            "ssl-mode=verify_identity",
        ),
    ] {
        let mut watch = at(&place(&server, host, mode), server.password());
        assert_eq!(watch.poll(SESSIONS).await.is_some(), connects, "{host} {mode}: {:?}", watch.health);
        watch.expect_health(aspect, level, hint);
        watch.source.close().await;
    }
}

#[tokio::test]
async fn a_server_that_stands_still_costs_a_deadline_and_is_found_again() {
    let server = server().await;
    let mut watch = watch(&server, MONITOR);
    watch.poll(BOTH).await.unwrap();
    server.freeze(true);
    for attempt in ["in a session", "at the door"] {
        let began = Instant::now();
        assert!(watch.poll(BOTH).await.is_none(), "{attempt}");
        assert!(began.elapsed() < Duration::from_secs(30), "the deadlines are four and five seconds");
        watch.expect_health("connection", HealthLevel::Error, "check host");
    }
    server.freeze(false);
    watch.until(COUNTERS, "the server again", |_| Some(())).await;
    watch.expect_health("connection", HealthLevel::Ok, "");
}

#[tokio::test]
async fn a_server_that_refuses_or_never_answers_costs_a_deadline_at_most() {
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = TcpListener::bind("127.0.0.1:0").unwrap();
    let (deaf_port, gone_port) = (deaf.local_addr().unwrap().port(), gone.local_addr().unwrap().port());
    drop(gone);
    for (port, part) in [(deaf_port, "did not answer"), (gone_port, "cannot be reached")] {
        let mut watch = at(&format!("mysql://u@127.0.0.1:{port}/d?ssl-mode=disabled"), "secret");
        let began = Instant::now();
        assert!(watch.poll(SESSIONS).await.is_none());
        assert!(began.elapsed() < Duration::from_secs(30), "the deadline is five seconds");
        let row = &watch.health["connection"];
        assert!(row.level == HealthLevel::Error && row.message.contains(part), "{row:?}");
        watch.source.close().await;
    }
}

#[tokio::test]
async fn everything_that_we_send_is_marked_reads_and_is_never_prepared() {
    let server = server().await;
    let mut lab = server.connect().await.unwrap();
    run(&mut lab, "create table item (id int primary key, n int)", 1).await;
    run(&mut lab, "insert into item select seq, seq from seq_1_to_2000", 1).await;
    run(&mut lab, "set global log_output = 'TABLE'", 1).await;
    run(&mut lab, "set global general_log = on", 1).await;
    let mut watch = watch(&server, MONITOR);
    watch.baseline().await;
    run(&mut lab, "select * from item where n = 5", 2).await;
    watch.settle().await;
    watch.poll(FACTS).await.unwrap();
    watch.poll(BOTH).await.unwrap();
    watch.source.inspect(&[fingerprint("select * from item where n = 5")]).await;
    watch.self_test().await;
    watch.source.close().await;
    let sent: Vec<(String, String)> = sqlx::query_as(
        "select cast(command_type as char), cast(argument as char) from mysql.general_log where user_host like '%faultline%'",
    )
    .fetch_all(&mut lab)
    .await
    .unwrap();
    assert!(
        sent.iter().any(|(_, text)| text.contains("EXPLAIN FORMAT=JSON select * from item where n = 5")),
        "{sent:#?}"
    );
    for (kind, text) in &sent {
        match kind.as_str() {
            "Connect" | "Quit" => {}
            "Query" => {
                let statement =
                    text.strip_prefix("/* faultline */ ").unwrap_or_else(|| panic!("not marked: {text}"));
                let word = statement.split(' ').next().unwrap();
                assert!(["SELECT", "SHOW", "SET", "EXPLAIN"].contains(&word), "{text}");
            }
            other => panic!("{other}: {text}"),
        }
    }
    let limits = "max_statement_time = 2";
    assert!(sent.iter().any(|(_, text)| text.contains(limits)), "{sent:#?}");
    assert!(sent.iter().any(|(_, text)| text.ends_with("SET SESSION TRANSACTION READ ONLY")), "{sent:#?}");
    watch.expect_health("pooler", HealthLevel::Ok, "");
}
