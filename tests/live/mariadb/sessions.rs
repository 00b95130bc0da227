//! What runs, what it waits for, and who blocks whom.

use std::process::{Command, Stdio};

use faultline_lab::mariadb::{MONITOR, Options, SUPERUSER, Server};
use faultline_model::{HealthLevel, Polled};
use serde_json::{Value, json};

use super::{fingerprint, run, server, signal, watch};
use crate::watch::{BOTH, FACTS, SESSIONS, Watch};

/// Facts of a closer look.
async fn inspect(watch: &mut Watch) -> faultline_model::Facts {
    let Polled { frames, .. } = watch.source.inspect(&[]).await;
    frames.into_iter().flat_map(|frame| frame.facts).collect()
}

#[tokio::test]
async fn a_lock_pile_up_shows_its_waiters_and_its_root() {
    for performance_schema in ["ON", "OFF"] {
        let options = Options::default().setting("performance_schema", performance_schema);
        let server = Server::start(options).await.unwrap();
        server.execute("create table account (id int primary key, n int)").await.unwrap();
        server.execute("insert into account values (1, 0)").await.unwrap();
        let mut watch = watch(&server, MONITOR);
        let mut holder = server.connect().await.unwrap();
        run(&mut holder, "begin", 1).await;
        run(&mut holder, "update account set n = n + 1 where id = 1", 1).await;
        let mut waiters = Vec::new();
        for _ in 0..2 {
            let mut waiter = server.connect().await.unwrap();
            waiters.push(tokio::spawn(async move {
                run(&mut waiter, "update account set n = n + 5 where id = 1", 1).await;
            }));
        }
        let wanted = |group: &faultline_model::SessionGroup| {
            group.wait.as_deref() == Some("Lock:row") && group.count == 2
        };
        let blocked = watch.session("the blocked ones", wanted).await;
        assert_eq!(blocked.fp, Some(fingerprint("update account set n = n + 1 where id = 1")));
        assert_eq!(
            (blocked.user.as_deref(), blocked.client.as_deref()),
            (Some(SUPERUSER), Some("127.0.0.1"))
        );
        assert!(blocked.is_active() && blocked.running_ms > 0.0);
        let idle = watch.session("the holder", |group| group.state == "idle in transaction").await;
        assert!(!idle.is_active());
        // What an idle session ran last is told by the performance schema alone.
        let last = Some(fingerprint("update account set n = n + 1 where id = 1"));
        assert_eq!(idle.fp, last.filter(|_| performance_schema == "ON"), "{performance_schema}");
        let frame =
            watch.until(SESSIONS, "signals", |frame| frame.signals.as_ref().map(|_| frame.clone())).await;
        assert_eq!(
            (signal(&frame, "lock_waiting"), signal(&frame, "active_sessions")),
            (Some(2.0), Some(2.0))
        );
        let facts = inspect(&mut watch).await;
        let root = facts["lock:root"].as_str().unwrap();
        assert!(root.contains("lab@127.0.0.1") && root.contains("idle in transaction for"), "{root}");
        assert!(root.contains("blocks 2 sessions on shop.account"), "{root}");
        assert_eq!(root.contains("its last statement: update account"), performance_schema == "ON", "{root}");
        assert_eq!(facts["lock:waiting"], json!(2));
        run(&mut holder, "commit", 1).await;
        for waiter in waiters {
            waiter.await.unwrap();
        }
        watch
            .until(SESSIONS, "rest", |f| f.sessions.as_ref().filter(|sample| sample.is_empty()).map(|_| ()))
            .await;
        let facts = inspect(&mut watch).await;
        assert_eq!((&facts["lock:root"], &facts["lock:waiting"]), (&Value::Null, &Value::Null), "it is over");
    }
}

#[tokio::test]
async fn a_schema_change_that_waits_blocks_those_behind_it() {
    let server = server().await;
    server.execute("create table item (id int primary key)").await.unwrap();
    let mut holder = server.connect().await.unwrap();
    run(&mut holder, "begin", 1).await;
    run(&mut holder, "select * from item", 1).await;
    let mut change = server.connect().await.unwrap();
    let changing =
        tokio::spawn(async move { run(&mut change, "alter table item add column n int", 1).await });
    let mut watch = watch(&server, MONITOR);
    let wanted = |group: &faultline_model::SessionGroup| group.wait.as_deref() == Some("Lock:metadata");
    let blocked = watch.session("the change", wanted).await;
    assert_eq!(blocked.fp, Some(fingerprint("alter table item add column n int")));
    run(&mut holder, "commit", 1).await;
    changing.await.unwrap();
}

#[tokio::test]
async fn a_statement_that_never_finishes_shows_by_its_text_and_its_program() {
    let server = server().await;
    let mut watch = watch(&server, MONITOR);
    let mut client = Command::new("mariadb")
        .args(["--no-defaults", "--protocol=tcp", "--host=127.0.0.1", "--skip-ssl", "--user=lab"])
        .arg(format!("--port={}", server.port()))
        .args(["--execute", "select sleep(3600) as endless"])
        .env("MYSQL_PWD", server.password())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let group =
        watch.session("the endless one", |group| group.wait.as_deref() == Some("Timeout:sleep")).await;
    client.kill().unwrap();
    client.wait().unwrap();
    assert_eq!(group.fp, Some(fingerprint("select sleep(5) as endless")));
    assert_eq!(group.app.as_deref(), Some("mysql"), "the name that the client gives itself");
    assert!(watch.texts.values().any(|text| text == "select sleep(?) as endless"), "{:?}", watch.texts);
}

#[tokio::test]
async fn those_who_watch_are_not_shown_and_do_not_count() {
    let server = server().await;
    let (mut one, mut other) = (watch(&server, MONITOR), watch(&server, MONITOR));
    for due in [FACTS, BOTH] {
        one.poll(due).await.unwrap();
        other.poll(due).await.unwrap();
    }
    for _ in 0..5 {
        let (frame, others) = tokio::join!(one.poll(BOTH), other.poll(BOTH));
        for frame in [frame.unwrap(), others.unwrap()] {
            assert_eq!(frame.sessions, Some(vec![]));
            assert_eq!(frame.queries.unwrap().rows, vec![]);
        }
    }
    drop(other);
    one.until(SESSIONS, "nobody's throughput", |frame| {
        signal(frame, "throughput").filter(|rate| *rate == 0.0)
    })
    .await;
    one.self_test().await;
    let bad: Vec<_> = one.health.values().filter(|row| row.level >= HealthLevel::Warning).collect();
    assert!(bad.is_empty(), "{bad:#?}");
}
