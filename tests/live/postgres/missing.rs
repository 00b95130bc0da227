//! Everything that can be missing or refused, each with the command that mends it.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use faultline_lab::postgres::MONITOR;
use faultline_model::HealthLevel;

use super::server;
use crate::watch::{BOTH, COUNTERS, FACTS, SESSIONS, Watch};

#[tokio::test]
async fn what_is_missing_is_a_row_whose_command_mends_it() {
    let server = server().await;
    server.create_role("nobody_special").await.unwrap();
    let mut watch = Watch::server(&server, "nobody_special");
    let frame = watch.poll(SESSIONS).await.unwrap();
    assert_eq!(frame.sessions, None, "who may not see cannot say that nobody works");
    watch.expect_health("privileges", HealthLevel::Error, "GRANT pg_monitor TO nobody_special;");
    server.execute("GRANT pg_monitor TO nobody_special;").await.unwrap();
    watch.poll(FACTS).await.unwrap();
    watch.expect_health("privileges", HealthLevel::Ok, "");
    assert!(watch.poll(SESSIONS).await.unwrap().sessions.is_some());

    server.create_role("watcher").await.unwrap();
    server.execute("drop extension pg_stat_statements").await.unwrap();
    let mut watch = Watch::server(&server, MONITOR);
    assert_eq!(watch.poll(COUNTERS).await.unwrap().queries, None);
    watch.expect_health("pg_stat_statements", HealthLevel::Error, "CREATE EXTENSION pg_stat_statements;");
    // A role that may read everything sees every schema as well.
    server.execute("grant pg_monitor to watcher").await.unwrap();
    let mut watch = Watch::server(&server, "watcher");
    watch.poll(FACTS).await.unwrap();
    server
        .execute("create schema \"Odd place\"; create extension pg_stat_statements schema \"Odd place\"")
        .await
        .unwrap();
    watch.poll(FACTS).await.unwrap();
    watch.expect_health("pg_stat_statements", HealthLevel::Ok, "");
    watch.poll(COUNTERS).await.unwrap();
    watch.expect_health("counters", HealthLevel::Error, "GRANT USAGE ON SCHEMA \"Odd place\" TO watcher;");
    let cure = watch.health["counters"].hint.clone().unwrap();
    server.execute(&cure).await.unwrap();
    watch.settle().await;
    watch.expect_health("counters", HealthLevel::Ok, "");
}

#[tokio::test]
async fn a_library_that_is_not_loaded_is_named_with_its_cure() {
    let mut server = server().await;
    for statement in
        ["alter system set shared_preload_libraries = 'plpgsql'", "alter system set track_io_timing = off"]
    {
        server.execute(statement).await.unwrap();
    }
    server.restart().await.unwrap();
    let mut watch = Watch::server(&server, MONITOR);
    watch.self_test().await;
    watch.expect_health("track_io_timing", HealthLevel::Warning, "ALTER SYSTEM SET track_io_timing = on;");
    let cure = "ALTER SYSTEM SET shared_preload_libraries = 'plpgsql', 'pg_stat_statements';";
    watch.expect_health("pg_stat_statements", HealthLevel::Error, cure);
    assert_eq!(watch.poll(COUNTERS).await.unwrap().queries, None);
    server.execute(cure).await.unwrap();
    server.restart().await.unwrap();
    watch.until(BOTH, "the counters", |frame| frame.queries.clone()).await;
    watch.expect_health("pg_stat_statements", HealthLevel::Ok, "");
}

#[tokio::test]
async fn who_cannot_get_in_is_told_why_and_keeps_the_password() {
    let server = server().await;
    let port = server.port();
    let cases = [
        (format!("postgres://{MONITOR}@127.0.0.1:{port}/shop?sslmode=disable"), "wrong-secret", "PASSWORD"),
        (format!("postgres://absent@127.0.0.1:{port}/shop?sslmode=disable"), "wrong-secret", ""),
        (server.address(MONITOR).replace("/shop", "/no_such_shop"), server.password(), "CREATE DATABASE"),
        (format!("postgres://{MONITOR}@127.0.0.1:{port}/shop"), server.password(), "sslmode=disable"),
    ];
    for (url, password, hint) in cases {
        let mut watch = Watch::url(&url, Some(password));
        assert!(watch.poll(SESSIONS).await.is_none(), "{url}");
        watch.expect_health("connection", HealthLevel::Error, hint);
        assert!(!format!("{:?}", watch.health).contains(password), "{:?}", watch.health);
        let second = watch.source.poll(SESSIONS).await;
        assert!(second.frames.is_empty() && second.health.is_empty(), "no new attempt, no new row");
    }
}

#[tokio::test]
async fn a_server_that_refuses_or_never_answers_costs_a_deadline_at_most() {
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = TcpListener::bind("127.0.0.1:0").unwrap();
    let (deaf_port, gone_port) = (deaf.local_addr().unwrap().port(), gone.local_addr().unwrap().port());
    drop(gone);
    for (port, part) in [(deaf_port, "did not answer"), (gone_port, "cannot be reached")] {
        let mut watch =
            Watch::url(&format!("postgres://u@127.0.0.1:{port}/d?sslmode=disable"), Some("secret"));
        let began = Instant::now();
        assert!(watch.poll(SESSIONS).await.is_none());
        assert!(began.elapsed() < Duration::from_secs(30), "the deadline is five seconds");
        let row = &watch.health["connection"];
        assert!(row.level == HealthLevel::Error && row.message.contains(part), "{row:?}");
        watch.source.close().await;
    }
}
