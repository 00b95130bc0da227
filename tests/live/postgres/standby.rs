//! A primary and its standby: who shows what, lag, conflicts with replay, promotion.

use faultline_lab::postgres::{MONITOR, Options, Pair};
use faultline_model::{HealthLevel, Observed, Role};

use super::run;
use crate::watch::{BOTH, FACTS, SESSIONS, Watch};

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
async fn a_dead_primary_is_lag_that_grows() {
    let mut pair = Pair::start(18).await.unwrap();
    let mut watch = Watch::server(&pair.standby, MONITOR);
    pair.primary.execute("create table last_word (id int)").await.unwrap();
    pair.caught_up().await.unwrap();
    let lag = |frame: &faultline_model::Frame| frame.signals.as_ref()?.values.get("replay_lag_s").copied();
    watch.until(SESSIONS, "no lag", |frame| lag(frame).filter(|lag| *lag == 0.0)).await;
    pair.primary.kill();
    let first = watch.until(SESSIONS, "lag", |frame| lag(frame).filter(|lag| *lag > 0.0)).await;
    watch.until(SESSIONS, "more of it", |frame| lag(frame).filter(|lag| *lag > first)).await;
    watch.expect_health("replication", HealthLevel::Warning, "primary_conninfo");
}

#[tokio::test]
async fn what_replay_cancels_is_a_gap_and_no_error() {
    let options =
        Options::new(18).setting("max_standby_streaming_delay", "0").setting("hot_standby_feedback", "off");
    let pair = Pair::start_with(options).await.unwrap();
    let mut writer = pair.primary.connect().await.unwrap();
    run(&mut writer, "create table item (id int primary key)", 1).await;
    // Reading the counters takes a second and a half, during which replay wants to go on.
    run(&mut writer, "alter extension pg_stat_statements drop function pg_stat_statements(boolean)", 1).await;
    run(&mut writer, "alter function pg_stat_statements(boolean) rename to quick", 1).await;
    run(
        &mut writer,
        "create function pg_stat_statements(showtext boolean, out userid oid, out dbid oid, out toplevel bool, \
           out queryid bigint, out query text, out calls int8, out total_exec_time float8, out rows int8, \
           out shared_blks_hit int8, out shared_blks_read int8) returns setof record language sql as \
         $$ select q.userid, q.dbid, q.toplevel, q.queryid, q.query, q.calls, q.total_exec_time, q.rows, \
              q.shared_blks_hit, q.shared_blks_read from (select pg_sleep(1.5)) slow, quick(showtext) q $$",
        1,
    )
    .await;
    pair.caught_up().await.unwrap();
    let mut watch = Watch::server(&pair.standby, MONITOR);
    watch.baseline().await;
    let (done, mut stop) = tokio::sync::oneshot::channel::<()>();
    let cancelling = tokio::spawn(async move {
        while stop.try_recv().is_err() {
            for statement in ["insert into item values (1)", "delete from item", "vacuum item"] {
                run(&mut writer, statement, 1).await;
            }
        }
    });
    let mut cancelled = 0;
    for _ in 0..20 {
        let frame = watch.poll(BOTH).await;
        let unread = frame.as_ref().is_none_or(|frame| frame.queries.is_none());
        cancelled += u32::from(unread);
        let bad: Vec<_> = watch.health.values().filter(|row| row.level == HealthLevel::Error).collect();
        assert!(bad.is_empty(), "{bad:#?}");
        if cancelled >= 2 {
            break;
        }
    }
    assert!(cancelled >= 2, "replay never cancelled anything");
    done.send(()).unwrap();
    cancelling.await.unwrap();
    pair.caught_up().await.unwrap();
    watch.settle().await;
    // Statements of others that are cancelled are a signal.
    let mut reader = pair.standby.connect().await.unwrap();
    run(&mut reader, "begin isolation level repeatable read", 1).await;
    run(&mut reader, "select count(*) from item", 1).await;
    let mut writer = pair.primary.connect().await.unwrap();
    for statement in ["insert into item values (1)", "delete from item", "vacuum item"] {
        run(&mut writer, statement, 1).await;
    }
    watch
        .until(SESSIONS, "the conflict", |frame| {
            frame
                .signals
                .as_ref()?
                .values
                .get("x_recovery_conflicts_per_s")
                .filter(|rate| **rate > 0.0)
                .map(|_| ())
        })
        .await;
}
