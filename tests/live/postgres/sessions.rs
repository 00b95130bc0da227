//! Sessions at work, and the signals of the database.

use faultline_lab::postgres::{MONITOR, Options, SUPERUSER, Server};
use faultline_model::HealthLevel;
use sqlx::{Connection, Executor, PgConnection};

use super::{run, server};
use crate::watch::{BOTH, COUNTERS, SESSIONS, Watch, fingerprint};

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
        if setting == "off" {
            for _ in 0..2 {
                let frame = watch.poll(COUNTERS).await.unwrap();
                assert_eq!(frame.queries, None, "nothing is counted, which is not nothing happened");
            }
        }
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
async fn a_text_that_was_cut_off_is_named_by_the_counters() {
    let server = Server::start(Options::new(18).setting("track_activity_query_size", "100")).await.unwrap();
    let columns: Vec<_> = (0..30).map(|n| format!("{n} as a_rather_long_name_{n}")).collect();
    let sql = format!("select pg_sleep(3600), {}", columns.join(", "));
    let whole = fingerprint(&sql);
    let mut app = server.connect().await.unwrap();
    // The server shows a text only once a call of it has finished; this one did before we came.
    run(&mut app, &sql.replace("3600", "0"), 1).await;
    let mut watch = Watch::server(&server, MONITOR);
    watch.baseline().await;
    let endless = tokio::spawn(async move { app.execute(sqlx::AssertSqlSafe(sql)).await.map(|_| ()) });
    watch
        .until(BOTH, "the whole statement's fingerprint", |frame| {
            let named = |group: &faultline_model::SessionGroup| {
                group.fp.as_ref().is_some_and(|fp| fp.as_str() == whole)
            };
            frame.sessions.iter().flatten().any(named).then_some(())
        })
        .await;
    endless.abort();
}
