//! A primary and its replica: roles, lag, broken channels, promotion.

use faultline_lab::mariadb::{MONITOR, Options, Pair};
use faultline_model::{Engine, Frame, HealthLevel, Observed, Role};

use super::{calls, run, signal, watch};
use crate::watch::{FACTS, SESSIONS};

fn role(frame: &Frame) -> Option<Role> {
    frame.about.as_ref().and_then(|about| about.role)
}

#[tokio::test]
async fn a_pair_is_told_apart_and_each_shows_its_own_statements() {
    let pair = Pair::start(Options::default()).await.unwrap();
    let mut writer = pair.primary.connect().await.unwrap();
    run(&mut writer, "create table item (id int primary key, name varchar(20))", 1).await;
    run(&mut writer, "insert into item select seq, 'x' from seq_1_to_100", 1).await;
    pair.caught_up().await.unwrap();
    let (mut primary, mut replica) = (watch(&pair.primary, MONITOR), watch(&pair.replica, MONITOR));
    for (watch, expected) in [(&mut primary, Role::Primary), (&mut replica, Role::Replica)] {
        let about = watch.poll(SESSIONS).await.unwrap().about.unwrap();
        assert_eq!(
            (about.role, about.observed, about.engine),
            (Some(expected), Some(Observed::Direct), Engine::Mariadb)
        );
        assert!(about.version.unwrap().starts_with("10.11."));
        assert!(about.skew_s.unwrap().abs() < 1.0, "one machine has one clock");
        watch.baseline().await;
        watch.poll(FACTS).await.unwrap();
        watch.self_test().await;
        let bad: Vec<_> = watch.health.values().filter(|row| row.level >= HealthLevel::Warning).collect();
        assert!(bad.is_empty(), "{bad:#?}");
    }
    let mut reader = pair.replica.connect().await.unwrap();
    run(&mut writer, "update item set name = 'y' where id = 1", 1).await;
    run(&mut writer, "select name from item where id = 1", 3).await;
    run(&mut reader, "select name from item where id = 1", 5).await;
    pair.caught_up().await.unwrap();
    primary.settle().await;
    replica.settle().await;
    let (update, select) = ("update item set name = 'z' where id = 7", "select name from item where id = 7");
    assert_eq!((calls(&primary, update), calls(&primary, select)), (1.0, 3.0));
    assert_eq!(
        (calls(&replica, update), calls(&replica, select)),
        (0.0, 5.0),
        "a replica shows its own alone"
    );
}

#[tokio::test]
async fn lag_is_told_and_a_broken_channel_is_no_lag_of_zero() {
    let pair = Pair::start(Options::default()).await.unwrap();
    pair.primary.execute("create table item (id int primary key, n int)").await.unwrap();
    pair.primary.execute("insert into item values (1, 0)").await.unwrap();
    pair.caught_up().await.unwrap();
    let mut watch = watch(&pair.replica, MONITOR);
    let no_lag = |frame: &Frame| signal(frame, "replay_lag_s").filter(|lag| *lag == 0.0);
    watch.until(SESSIONS, "no lag", no_lag).await;
    // Somebody holds on the replica what it must change.
    let mut holder = pair.replica.connect().await.unwrap();
    run(&mut holder, "begin", 1).await;
    run(&mut holder, "select * from item where id = 1 for update", 1).await;
    pair.primary.execute("update item set n = 1 where id = 1").await.unwrap();
    watch
        .until(SESSIONS, "a second of lag", |frame| {
            let behind = signal(frame, "replay_lag_bytes").filter(|bytes| *bytes > 0.0);
            behind.and(signal(frame, "replay_lag_s")).filter(|lag| *lag >= 1.0)
        })
        .await;
    run(&mut holder, "commit", 1).await;
    watch.until(SESSIONS, "no lag again", no_lag).await;
    watch.expect_health("replication", HealthLevel::Ok, "");

    pair.replica.execute("stop slave sql_thread").await.unwrap();
    watch
        .until(SESSIONS, "no word of lag", |frame| {
            (frame.signals.is_some() && signal(frame, "replay_lag_s").is_none()).then_some(())
        })
        .await;
    watch.expect_health("replication", HealthLevel::Error, "START SLAVE;");
    pair.replica.execute("start slave").await.unwrap();
    watch.until(SESSIONS, "lag once more", no_lag).await;
    watch.expect_health("replication", HealthLevel::Ok, "");

    // What the primary sends cannot be applied: the reason is told.
    pair.replica.execute("set global read_only = 0").await.unwrap();
    pair.replica.execute("drop table item").await.unwrap();
    pair.primary.execute("update item set n = 2 where id = 1").await.unwrap();
    watch
        .until(SESSIONS, "the failure", |frame| {
            (frame.signals.is_some() && signal(frame, "replay_lag_s").is_none()).then_some(())
        })
        .await;
    let row = &watch.health["replication"];
    assert!(row.level == HealthLevel::Error && row.message.contains("item"), "{row:?}");
    assert_eq!(watch.poll(SESSIONS).await.and_then(|frame| role(&frame)), None, "still a replica");
}

#[tokio::test]
async fn a_promoted_replica_says_so() {
    let pair = Pair::start(Options::default()).await.unwrap();
    let mut watch = watch(&pair.replica, MONITOR);
    assert_eq!(watch.poll(SESSIONS).await.as_ref().and_then(role), Some(Role::Replica));
    // One that leaves its channel behind is told by its taking writes.
    pair.replica.execute("stop slave").await.unwrap();
    watch.poll(SESSIONS).await.unwrap();
    watch.expect_health("replication", HealthLevel::Error, "START SLAVE;");
    pair.replica.execute("set global read_only = 0").await.unwrap();
    assert_eq!(watch.until(SESSIONS, "the promotion", role).await, Role::Primary);
    watch.expect_health("replication", HealthLevel::Warning, "RESET SLAVE ALL;");
    pair.replica.execute("reset slave all").await.unwrap();
    let frame = watch.poll(SESSIONS).await.unwrap();
    assert_eq!(signal(&frame, "replay_lag_s"), None);
    watch.expect_health("replication", HealthLevel::NotApplicable, "");
}
