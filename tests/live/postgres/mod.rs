//! PostgreSQL 14 to 18: counters, sessions, replay, and everything that can be missing or go wrong.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use faultline_lab::postgres::{MAJORS, MONITOR, Options, Pair, SUPERUSER, Server};
use faultline_model::{HealthLevel, Observed, Role};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::watch::{BOTH, COUNTERS, FACTS, SESSIONS, Watch, fingerprint};

async fn server() -> Server {
    Server::start(Options::new(18)).await.unwrap()
}

/// Runs a statement some times, each by itself, on one connection.
async fn run(connection: &mut PgConnection, sql: &str, times: usize) {
    for _ in 0..times {
        connection.execute(AssertSqlSafe(sql)).await.unwrap();
    }
}

#[tokio::test]
async fn counters_are_differences_and_a_new_statement_counts_from_zero() {
    let server = server().await;
    let mut app = server.connect().await.unwrap();
    run(&mut app, "create table item (id int primary key, name text)", 1).await;
    run(&mut app, "select name from item where id = 1", 7).await;
    let mut watch = Watch::server(&server, MONITOR);
    watch.baseline().await;
    run(&mut app, "select name from item where id = 2", 3).await;
    run(&mut app, "insert into item select n, 'x' from generate_series(1, 50) n", 1).await;
    for list in ["1", "1, 2", "1, 2, 3"] {
        run(&mut app, &format!("select id from item where id in ({list})"), 2).await;
    }
    let frame = watch.settle().await;
    assert_eq!(watch.calls("select name from item where id = 9"), 3.0, "a difference");
    assert_eq!(
        watch.calls("select id from item where id in (5, 6)"),
        6.0,
        "lists of any length are one statement"
    );
    let insert = fingerprint("insert into item select n, 'x' from generate_series(1, 50) n");
    let queries = frame.queries.unwrap();
    let row = queries.rows.iter().find(|row| row.fp.as_str() == insert).unwrap();
    assert_eq!((row.calls, row.rows), (1.0, Some(50.0)), "first sighting");
    assert!(row.time_ms > 0.0 && row.blocks_hit > Some(0.0));
    assert!(frame.signals.unwrap().values.contains_key("latency_ms"));
    // Nothing happens: nothing is said, and nothing of ours shows.
    assert_eq!(watch.settle().await.queries.unwrap().rows, vec![]);
}

#[tokio::test]
async fn a_reset_by_somebody_else_makes_no_wrong_number() {
    for major in [15, 18] {
        let server = Server::start(Options::new(major)).await.unwrap();
        let mut app = server.connect().await.unwrap();
        run(&mut app, "select 1 as a", 20).await;
        let mut watch = Watch::server(&server, MONITOR);
        watch.baseline().await;
        run(&mut app, "select 1 as a", 2).await;
        watch.settle().await;
        assert_eq!(watch.calls("select 1 as a"), 2.0, "{major}");
        run(&mut app, "select pg_stat_statements_reset()", 1).await;
        run(&mut app, "select 1 as a", 30).await;
        watch.settle().await;
        assert_eq!(watch.calls("select 1 as a"), 32.0, "{major}: all thirty came after the reset");
    }
}

#[tokio::test]
async fn evictions_lose_calls_but_never_make_any() {
    for major in [15, 18] {
        let server =
            Server::start(Options::new(major).setting("pg_stat_statements.max", "100")).await.unwrap();
        let mut app = server.connect().await.unwrap();
        let columns: Vec<_> = (0..180).map(|column| format!("c{column} int")).collect();
        run(&mut app, &format!("create table wide ({})", columns.join(", ")), 1).await;
        let mut watch = Watch::server(&server, MONITOR);
        watch.baseline().await;
        for round in 1..=3 {
            for column in 0..180 {
                run(&mut app, &format!("select c{column} from wide where true"), 1).await;
            }
            run(&mut app, "select count(*) from wide", 10).await;
            watch.settle().await;
            let (steady, others) =
                (watch.calls("select count(*) from wide"), watch.calls_like("from wide where"));
            assert!((10.0..=10.0 * f64::from(round)).contains(&steady), "{major}: {steady} in round {round}");
            assert!(others > 0.0 && others <= 180.0 * f64::from(round), "{major}: {others} in round {round}");
        }
        // An entry that is evicted and comes back with as many calls looks unchanged, unless entries are dated.
        assert!(major < 17 || watch.calls("select count(*) from wide") == 30.0);
    }
}

#[tokio::test]
async fn a_restart_is_a_gap() {
    let mut server = server().await;
    let mut app = server.connect().await.unwrap();
    run(&mut app, "select 1 as a", 50).await;
    let mut watch = Watch::server(&server, MONITOR);
    watch.baseline().await;
    watch.settle().await;
    server.stop().await;
    assert!(watch.poll(SESSIONS).await.is_none(), "the server is gone");
    watch.expect_health("connection", HealthLevel::Error, "");
    server.start_again().await.unwrap();
    let mut app = server.connect().await.unwrap();
    run(&mut app, "select 1 as a", 60).await;
    watch.until(COUNTERS, "the server again", |_| Some(())).await;
    watch.expect_health("connection", HealthLevel::Ok, "");
    assert_eq!(watch.calls("select 1 as a"), 0.0, "what happened around the restart is not known");
    run(&mut app, "select 1 as a", 4).await;
    watch.settle().await;
    assert_eq!(watch.calls("select 1 as a"), 4.0);
}

#[tokio::test]
async fn a_pair_is_told_apart_and_shares_fingerprints() {
    let pair = Pair::start(18).await.unwrap();
    let mut writer = pair.primary.connect().await.unwrap();
    run(&mut writer, "create table item (id int primary key, name text)", 1).await;
    run(&mut writer, "insert into item select n, 'x' from generate_series(1, 2000) n", 1).await;
    run(&mut writer, "analyze item", 1).await;
    pair.caught_up().await.unwrap();
    let (mut primary, mut standby) =
        (Watch::server(&pair.primary, MONITOR), Watch::server(&pair.standby, MONITOR));
    for (watch, role) in [(&mut primary, Role::Primary), (&mut standby, Role::Replica)] {
        let frame = watch.poll(FACTS).await.unwrap();
        let about = frame.about.unwrap();
        assert_eq!((about.role, about.observed), (Some(role), Some(Observed::Direct)));
        assert!(about.version.unwrap().starts_with("18."));
        assert!(about.skew_s.unwrap().abs() < 1.0, "one machine has one clock");
        assert_eq!(frame.facts.get("table:item:rows"), Some(&serde_json::json!(2000)));
        assert_eq!(frame.facts.get("table:item:indexes"), Some(&serde_json::json!(1)));
        assert!(frame.facts.contains_key("setting:work_mem"));
        let again = watch.poll(FACTS).await.unwrap();
        assert_eq!((again.facts.len(), again.about), (0, None), "only news are told");
        watch.baseline().await;
        watch.self_test().await;
        let bad: Vec<_> = watch.health.values().filter(|row| row.level == HealthLevel::Error).collect();
        assert!(bad.is_empty(), "{bad:#?}");
    }
    let mut reader = pair.standby.connect().await.unwrap();
    run(&mut writer, "update item set name = 'y' where id = 1", 1).await;
    run(&mut writer, "select name from item where id = 1", 3).await;
    run(&mut reader, "select name from item where id = 1", 5).await;
    primary.settle().await;
    standby.settle().await;
    let (update, select) = ("update item set name = 'z' where id = 7", "select name from item where id = 7");
    assert_eq!((primary.calls(update), primary.calls(select)), (1.0, 3.0));
    assert_eq!((standby.calls(update), standby.calls(select)), (0.0, 5.0), "a standby shows its own alone");
}

#[tokio::test]
async fn paused_replay_is_lag_and_an_idle_primary_is_not() {
    let pair = Pair::start(18).await.unwrap();
    let mut watch = Watch::server(&pair.standby, MONITOR);
    let lag = |name: &'static str| {
        move |frame: &faultline_model::Frame| frame.signals.as_ref().and_then(|s| s.values.get(name).copied())
    };
    pair.caught_up().await.unwrap();
    let calm =
        watch.until(SESSIONS, "no lag", |frame| lag("replay_lag_s")(frame).filter(|lag| *lag == 0.0)).await;
    assert_eq!(calm, 0.0);
    pair.standby.execute("select pg_wal_replay_pause()").await.unwrap();
    pair.primary.execute("create table late as select generate_series(1, 10000) n").await.unwrap();
    watch
        .until(SESSIONS, "a second of lag", |frame| {
            let behind = lag("replay_lag_bytes")(frame).filter(|bytes| *bytes > 1_000.0);
            behind.and(lag("replay_lag_s")(frame)).filter(|lag| *lag > 1.0)
        })
        .await;
    watch.expect_health("replication", HealthLevel::Warning, "SELECT pg_wal_replay_resume();");
    pair.standby.execute("select pg_wal_replay_resume()").await.unwrap();
    watch.until(SESSIONS, "no lag again", |frame| lag("replay_lag_s")(frame).filter(|lag| *lag == 0.0)).await;
    watch.expect_health("replication", HealthLevel::Ok, "");
}

#[tokio::test]
async fn a_promoted_standby_says_so() {
    let pair = Pair::start(18).await.unwrap();
    let mut watch = Watch::server(&pair.standby, MONITOR);
    let role = |frame: &faultline_model::Frame| frame.about.as_ref().and_then(|about| about.role);
    assert_eq!(watch.poll(SESSIONS).await.as_ref().and_then(role), Some(Role::Replica));
    pair.standby.execute("select pg_promote()").await.unwrap();
    let now = watch.until(SESSIONS, "the promotion", role).await;
    assert_eq!(now, Role::Primary);
}

#[tokio::test]
async fn sessions_show_what_runs_and_what_it_waits_for() {
    let server = server().await;
    server
        .execute("create table account (id int primary key, n int); insert into account values (1, 0)")
        .await
        .unwrap();
    let mut watch = Watch::server(&server, MONITOR);
    let mut holder = server.connect().await.unwrap();
    run(&mut holder, "set application_name = 'checkout@v142'", 1).await;
    run(&mut holder, "begin", 1).await;
    run(&mut holder, "update account set n = n + 1 where id = 1", 1).await;
    let options = server.connect_options(SUPERUSER).application_name("cart");
    let mut waiter = PgConnection::connect_with(&options).await.unwrap();
    let waiting =
        tokio::spawn(async move { run(&mut waiter, "update account set n = n + 5 where id = 1", 1).await });
    let blocked = watch.session("the blocked one", |g| g.wait.as_deref() == Some("Lock:transactionid")).await;
    assert_eq!(
        blocked.fp.as_ref().unwrap().as_str(),
        fingerprint("update account set n = n + 1 where id = 1")
    );
    assert_eq!((blocked.app.as_deref(), blocked.user.as_deref()), (Some("cart"), Some("postgres")));
    assert_eq!((blocked.client.as_deref(), blocked.count), (Some("127.0.0.1"), 1));
    assert!(blocked.is_active() && blocked.running_ms > 0.0);
    let idle = watch.session("the holder", |g| g.app.as_deref() == Some("checkout@v142")).await;
    assert_eq!((idle.state.as_str(), idle.is_active()), ("idle in transaction", false));
    let counted =
        watch.until(SESSIONS, "signals", |frame| frame.signals.clone().map(|signals| signals.values)).await;
    assert_eq!((counted["lock_waiting"], counted["active_sessions"]), (1.0, 1.0));
    assert!(counted["connections"] >= 2.0, "{counted:?}");
    run(&mut holder, "commit", 1).await;
    waiting.await.unwrap();
    watch
        .until(SESSIONS, "rest", |f| f.sessions.as_ref().filter(|sample| sample.is_empty()).map(|_| ()))
        .await;
}

#[tokio::test]
async fn a_statement_that_never_finishes_shows_by_its_text() {
    for setting in ["auto", "off"] {
        let server = Server::start(Options::new(18).setting("compute_query_id", setting)).await.unwrap();
        let mut watch = Watch::server(&server, MONITOR);
        let mut app = server.connect().await.unwrap();
        let endless =
            tokio::spawn(async move { app.execute("select pg_sleep(3600) as endless").await.map(|_| ()) });
        let group = watch.session("the endless one", |g| g.wait.as_deref() == Some("Timeout:PgSleep")).await;
        assert_eq!(group.fp.unwrap().as_str(), fingerprint("select pg_sleep(5) as endless"), "{setting}");
        assert!(
            watch.texts.values().any(|text| text == "select pg_sleep(?) as endless"),
            "{:?}",
            watch.texts
        );
        endless.abort();
        let level = if setting == "off" { HealthLevel::Warning } else { HealthLevel::Ok };
        watch.expect_health("compute_query_id", level, if setting == "off" { "ALTER SYSTEM" } else { "" });
    }
}

#[tokio::test]
async fn signals_follow_the_work() {
    let server = server().await;
    let mut watch = Watch::server(&server, MONITOR);
    let mut app = server.connect().await.unwrap();
    run(&mut app, "create table item (id int)", 1).await;
    watch.poll(SESSIONS).await.unwrap();
    run(&mut app, "insert into item select generate_series(1, 100)", 20).await;
    // The server's processes tell their counters with a delay; leaving is when they must.
    app.close().await.unwrap();
    watch
        .until(SESSIONS, "changed rows", |frame| {
            let values = &frame.signals.as_ref()?.values;
            let rows = values["rows_changed_per_s"] > 0.0 && values["throughput"] > 0.0;
            (rows && values["log_bytes_per_s"] >= 0.0).then_some(())
        })
        .await;
}

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

    server.execute("drop extension pg_stat_statements").await.unwrap();
    let mut watch = Watch::server(&server, MONITOR);
    assert_eq!(watch.poll(COUNTERS).await.unwrap().queries, None);
    watch.expect_health("pg_stat_statements", HealthLevel::Error, "CREATE EXTENSION pg_stat_statements;");
    server
        .execute("create schema \"Odd place\"; create extension pg_stat_statements schema \"Odd place\"")
        .await
        .unwrap();
    watch.poll(FACTS).await.unwrap();
    watch.expect_health("pg_stat_statements", HealthLevel::Ok, "");
    watch.poll(COUNTERS).await.unwrap();
    watch.expect_health("counters", HealthLevel::Error, "GRANT USAGE ON SCHEMA \"Odd place\" TO faultline;");
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

#[tokio::test]
async fn every_major_version_is_watched() {
    for major in MAJORS {
        let server = Server::start(Options::new(major)).await.unwrap();
        let mut watch = Watch::server(&server, MONITOR);
        watch.self_test().await;
        let bad: Vec<_> = watch.health.values().filter(|row| row.level == HealthLevel::Error).collect();
        assert!(bad.is_empty(), "{major}: {bad:#?}");
        watch.baseline().await;
        let mut app = server.connect().await.unwrap();
        run(&mut app, "select 1 as a", 3).await;
        watch.settle().await;
        assert_eq!(watch.calls("select 1 as a"), 3.0, "{major}");
        let frame = watch.until(SESSIONS, "signals", |f| f.signals.as_ref().map(|_| f.clone())).await;
        assert_eq!(frame.sessions, Some(vec![]), "{major}");
        watch.poll(FACTS).await.unwrap();
        watch.source.close().await;
    }
}
