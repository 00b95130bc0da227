//! The statement counters: differences, resets, evictions, restarts, and what counts as one statement.

use faultline_lab::postgres::{MONITOR, Options, Server};
use faultline_model::HealthLevel;

use super::{run, server};
use crate::watch::{COUNTERS, FACTS, SESSIONS, Watch, fingerprint};

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
async fn an_old_extension_counts_what_it_can_tell_apart() {
    let server = server().await;
    let mut app = server.connect().await.unwrap();
    run(&mut app, "create function one() returns int language plpgsql as $$ begin return (select 1 as inner_one); end $$", 1).await;
    run(&mut app, "drop extension pg_stat_statements", 1).await;
    run(&mut app, "create extension pg_stat_statements version '1.8'", 1).await;
    let mut watch = Watch::server(&server, MONITOR);
    watch.baseline().await;
    let cure = "ALTER EXTENSION pg_stat_statements UPDATE;";
    watch.expect_health("pg_stat_statements", HealthLevel::Warning, cure);
    run(&mut app, "select one()", 4).await;
    watch.settle().await;
    assert_eq!(watch.calls("select one()"), 4.0);
    // With nested statements among them the old extension's numbers would count their time twice.
    run(&mut app, "alter system set pg_stat_statements.track = 'all'", 1).await;
    run(&mut app, "select pg_reload_conf()", 1).await;
    watch
        .until(FACTS, "the setting", |frame| {
            frame.facts.get("setting:pg_stat_statements.track").filter(|track| **track == "all").map(|_| ())
        })
        .await;
    watch.poll(FACTS).await;
    watch.expect_health("pg_stat_statements", HealthLevel::Error, cure);
    assert_eq!(watch.poll(COUNTERS).await.unwrap().queries, None);
    server.execute(cure).await.unwrap();
    watch.poll(FACTS).await;
    watch.expect_health("pg_stat_statements", HealthLevel::Ok, "");
    watch.settle().await;
    let mut app = server.connect().await.unwrap();
    run(&mut app, "select one()", 5).await;
    watch.settle().await;
    assert_eq!(watch.calls("select one()"), 9.0);
    assert_eq!(watch.calls_like("inner_one"), 0.0, "the time of what is nested is in its caller's");
}
