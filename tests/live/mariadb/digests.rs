//! What the digests say, and what becomes of it when the server forgets, is full, or counts nothing.

use faultline_lab::mariadb::{MONITOR, Options, Server};
use faultline_model::HealthLevel;

use super::{calls, fingerprint, run, server, signal, watch};
use crate::watch::{BOTH, COUNTERS, FACTS, SESSIONS};

#[tokio::test]
async fn counters_are_differences_and_a_new_statement_counts_from_zero() {
    let server = server().await;
    let mut app = server.connect().await.unwrap();
    run(&mut app, "create table item (id int primary key, name varchar(20))", 1).await;
    run(&mut app, "select name from item where id = 1", 7).await;
    let mut watch = watch(&server, MONITOR);
    watch.baseline().await;
    run(&mut app, "select name from item where id = 2", 3).await;
    run(&mut app, "insert into item select seq, 'x' from seq_1_to_50", 1).await;
    for list in ["1", "1, 2", "1, 2, 3"] {
        run(&mut app, &format!("select id from item where id in ({list})"), 2).await;
    }
    let failed = sqlx::Executor::execute(&mut app, "insert into item values (1, 'twice')").await;
    assert!(failed.is_err());
    let frame = watch.settle().await;
    assert_eq!(calls(&watch, "select name from item where id = 9"), 3.0, "a difference");
    assert_eq!(
        calls(&watch, "select id from item where id in (5, 6)"),
        6.0,
        "lists of any length are one statement"
    );
    let row = |sql: &str| {
        let fp = fingerprint(sql);
        frame.queries.as_ref().unwrap().rows.iter().find(|row| row.fp == fp).cloned().unwrap()
    };
    let insert = row("insert into item select seq, 'x' from seq_1_to_50");
    assert_eq!((insert.calls, insert.rows, insert.errors), (1.0, Some(50.0), Some(0.0)), "first sighting");
    assert!(insert.time_ms > 0.0);
    assert_eq!(row("insert into item values (1, 'twice')").errors, Some(1.0));
    assert!(signal(&frame, "latency_ms").is_some_and(|latency_ms| latency_ms > 0.0));
    assert!(signal(&frame, "errors_per_s").is_some_and(|errors| errors > 0.0));
    assert!(signal(&frame, "x_rows_examined_per_s").is_some_and(|rows| rows > 0.0));
    // Nothing happens: nothing is said, and nothing of ours shows.
    assert_eq!(watch.settle().await.queries.unwrap().rows, vec![]);
    watch.poll(FACTS).await.unwrap();
    watch.poll(BOTH).await.unwrap();
    watch.source.inspect(&[fingerprint("select name from item where id = 1")]).await;
    assert_eq!(watch.settle().await.queries.unwrap().rows, vec![], "whatever we asked");
}

#[tokio::test]
async fn a_truncation_by_somebody_else_makes_no_wrong_number() {
    let server = server().await;
    let mut app = server.connect().await.unwrap();
    run(&mut app, "select 1 as a", 20).await;
    let mut watch = watch(&server, MONITOR);
    watch.baseline().await;
    run(&mut app, "select 1 as a", 2).await;
    watch.settle().await;
    assert_eq!(calls(&watch, "select 1 as a"), 2.0);
    run(&mut app, "truncate table performance_schema.events_statements_summary_by_digest", 1).await;
    run(&mut app, "select 1 as a", 5).await;
    watch.settle().await;
    assert_eq!(calls(&watch, "select 1 as a"), 7.0, "fewer than before: all came after the truncation");
    run(&mut app, "truncate table performance_schema.events_statements_summary_by_digest", 1).await;
    run(&mut app, "select 1 as a", 40).await;
    watch.settle().await;
    let told = calls(&watch, "select 1 as a");
    // Entries are dated to the second: one that was made anew within it and overtook itself looks like the old one.
    assert!((42.0..=47.0).contains(&told), "{told}");
}

#[tokio::test]
async fn a_full_table_of_digests_is_an_alarm_and_its_calls_are_not_lost() {
    let server =
        Server::start(Options::default().setting("performance_schema_digests_size", "60")).await.unwrap();
    let mut app = server.connect().await.unwrap();
    let columns: Vec<_> = (0..90).map(|column| format!("c{column} int")).collect();
    run(&mut app, &format!("create table wide ({})", columns.join(", ")), 1).await;
    let mut watch = watch(&server, MONITOR);
    watch.baseline().await;
    for column in 0..90 {
        run(&mut app, &format!("select c{column} from wide"), 1).await;
    }
    let queries = watch.until(COUNTERS, "the overflow", |frame| frame.queries.clone()).await;
    assert!(!queries.complete, "who is absent may have been called");
    let (known, unknown) = (watch.calls_like("from wide"), watch.calls_of("digest:none"));
    assert!(unknown > 0.0 && known > 0.0 && known + unknown >= 90.0, "{known} {unknown}");
    assert!(watch.texts["digest:none"].contains("no room"));
    watch.expect_health("digest_table", HealthLevel::Warning, "performance_schema_digests_size = 10000");
    run(&mut app, "truncate table performance_schema.events_statements_summary_by_digest", 1).await;
    run(&mut app, "select c1, c2 from wide", 1).await;
    watch.settle().await;
    watch.expect_health("digest_table", HealthLevel::Ok, "");
}

#[tokio::test]
async fn without_the_performance_schema_the_rest_is_watched_and_the_lines_turn_it_on() {
    let mut server =
        Server::start(Options::default().setting("performance_schema", "OFF").setting("userstat", "ON"))
            .await
            .unwrap();
    let mut app = server.connect().await.unwrap();
    run(&mut app, "create table item (id int primary key)", 1).await;
    let mut watch = watch(&server, MONITOR);
    assert_eq!(watch.poll(BOTH).await.unwrap().queries, None);
    watch.expect_health("performance_schema", HealthLevel::Warning, "[mariadb]\nperformance_schema = ON\n");
    run(&mut app, "insert into item select seq from seq_1_to_500", 1).await;
    run(&mut app, "select count(*) from item where id + 0 > 3", 20).await;
    let frame = watch.until(BOTH, "signals", |frame| frame.signals.as_ref().map(|_| frame.clone())).await;
    for (name, least) in [
        ("throughput", 1.0),
        ("rows_read_per_s", 100.0),
        ("rows_changed_per_s", 1.0),
        ("scan_reads_per_s", 0.0),
        ("log_bytes_per_s", 1.0),
        ("connections", 1.0),
        ("active_sessions", 0.0),
        ("lock_waiting", 0.0),
        ("logical_reads_per_s", 1.0),
    ] {
        assert!(signal(&frame, name).is_some_and(|value| value >= least), "{name}: {:?}", frame.signals);
    }
    run(&mut app, "select count(*) from item where id + 0 > 3", 5).await;
    watch.until(BOTH, "latency from user statistics", |frame| signal(frame, "latency_ms")).await;
    let hint = watch.health["performance_schema"].hint.clone().unwrap();
    for line in hint.lines().filter(|line| line.contains(" = ")) {
        let (name, value) = line.split_once(" = ").unwrap();
        server.set(name, value);
    }
    server.restart().await.unwrap();
    watch.until(BOTH, "the digests", |frame| frame.queries.clone()).await;
    watch.expect_health("performance_schema", HealthLevel::Ok, "");
    watch.expect_health("statement_samples", HealthLevel::Ok, "");
}

#[tokio::test]
async fn a_restart_is_a_gap() {
    let mut server = server().await;
    let mut app = server.connect().await.unwrap();
    run(&mut app, "select 1 as a", 50).await;
    let mut watch = watch(&server, MONITOR);
    watch.baseline().await;
    watch.settle().await;
    // The server tells its age in whole seconds: two lives that begin within one cannot be told apart.
    let age =
        "select variable_value >= 4 from information_schema.global_status where variable_name = 'uptime'";
    while sqlx::query_scalar::<_, i64>(age).fetch_one(&mut app).await.unwrap() == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    server.stop().await;
    assert!(watch.poll(SESSIONS).await.is_none(), "the server is gone");
    watch.expect_health("connection", HealthLevel::Error, "");
    server.start_again().await.unwrap();
    let mut app = server.connect().await.unwrap();
    run(&mut app, "select 1 as a", 60).await;
    watch.until(COUNTERS, "the server again", |_| Some(())).await;
    watch.expect_health("connection", HealthLevel::Ok, "");
    assert_eq!(calls(&watch, "select 1 as a"), 0.0, "what happened around the restart is not known");
    run(&mut app, "select 1 as a", 4).await;
    watch.settle().await;
    assert_eq!(calls(&watch, "select 1 as a"), 4.0);
}

#[tokio::test]
async fn percentiles_come_from_the_plugin_where_it_counts() {
    let server = server().await;
    let mut app = server.connect().await.unwrap();
    let installed = sqlx::Executor::execute(&mut app, "install soname 'query_response_time'").await;
    let mut watch = watch(&server, MONITOR);
    watch.baseline().await;
    // The plugin is in Debian's mariadb-server, the server itself in mariadb-server-core.
    if installed.is_err() {
        watch.expect_health("percentiles", HealthLevel::NotApplicable, "");
        return;
    }
    watch.expect_health("percentiles", HealthLevel::Warning, "SET GLOBAL query_response_time_stats = ON;");
    run(&mut app, "set global query_response_time_stats = on", 1).await;
    watch.poll(FACTS).await.unwrap();
    watch.expect_health("percentiles", HealthLevel::Ok, "");
    watch.poll(COUNTERS).await.unwrap();
    run(&mut app, "select 1 as a", 50).await;
    let frame = watch.poll(COUNTERS).await.unwrap();
    let (p95, p99) =
        (signal(&frame, "x_latency_p95_ms").unwrap(), signal(&frame, "x_latency_p99_ms").unwrap());
    assert!(p95 > 0.0 && p95 <= p99, "{p95} {p99}");
}
