//! Nodes in every kind of trouble beside healthy ones, all on one thread: a node that accepts and never answers, answers a
//! byte a second, is cut off in the middle of a row, has no connection slot left or lies about its clock delays no other
//! node and makes no number up; and afterwards nothing of it is left.

mod servers;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use faultline_lab::postgres::{MONITOR, Options, SUPERUSER, Server};
use faultline_model::{Due, Engine, Frame, HealthLevel, HealthRow, NodeId, NodeSpec, Source};
use faultline_sources::QueryBook;
use secrecy::SecretString;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tokio::task::JoinSet;

use crate::watch::{RealClock, fingerprint};
use servers::Bad;

/// How long anything that must happen may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(120);
/// Frames that each healthy node must have got.
const FRAMES: usize = 10;
const SELECT: &str = "select n from item where id = 5";
const ALL: Due = Due { sessions: true, counters: true, facts: false };

fn open(name: String, port: u16, password: &str) -> Box<dyn Source> {
    let spec = NodeSpec {
        id: NodeId { cluster: "shop".into(), node: name.as_str().into() },
        engine: Engine::Postgres,
        url: format!("postgres://{MONITOR}@127.0.0.1:{port}/shop?sslmode=disable"),
        password: Some(SecretString::from(password.to_owned())),
        role: None,
    };
    faultline_sources::open(spec, Arc::new(RealClock), QueryBook::default()).unwrap()
}

/// What one node saw.
#[derive(Default)]
struct Seen {
    name: String,
    healthy: bool,
    frames: Vec<Frame>,
    rows: BTreeMap<String, HealthRow>,
}

impl Seen {
    fn calls(&self, sql: &str) -> f64 {
        let wanted = fingerprint(sql);
        let rows =
            self.frames.iter().filter_map(|frame| frame.queries.as_ref()).flat_map(|queries| &queries.rows);
        rows.filter(|row| row.fp.as_str() == wanted).map(|row| row.calls).sum()
    }

    /// Whatever came must be possible, and in the order of time.
    fn check(&self) {
        for pair in self.frames.windows(2) {
            assert!(pair[0].at < pair[1].at, "{}: {:?} before {:?}", self.name, pair[1].at, pair[0].at);
        }
        for frame in &self.frames {
            if let Some(signals) = &frame.signals {
                let fine = |value: &f64| *value >= 0.0 && value.is_finite();
                assert!(
                    signals.span_s > 0.0 && signals.values.values().all(fine),
                    "{}: {signals:?}",
                    self.name
                );
            }
            for row in frame.queries.iter().flat_map(|queries| &queries.rows) {
                assert!(row.calls > 0.0 && row.time_ms >= 0.0, "{}: {row:?}", self.name);
            }
        }
    }
}

/// Polls a node until `over`, as the schedule does: one poll after the other.
async fn watch(name: String, healthy: bool, mut source: Box<dyn Source>, over: Arc<AtomicBool>) -> Seen {
    let mut seen = Seen { name, healthy, ..Seen::default() };
    while !over.load(Ordering::Relaxed) {
        let polled = source.poll(ALL).await;
        seen.rows.extend(polled.health.into_iter().map(|row| (row.aspect.clone(), row)));
        seen.frames.extend(polled.frames);
        // The others' turn.
        tokio::time::sleep(Duration::from_millis(100)).await;
        if healthy && seen.frames.len() >= FRAMES {
            break;
        }
    }
    source.close().await;
    seen
}

/// Sockets that this process has open.
fn sockets() -> usize {
    let entries = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    entries
        .filter(|entry| {
            std::fs::read_link(entry.path()).is_ok_and(|link| link.to_string_lossy().starts_with("socket:"))
        })
        .count()
}

#[tokio::test]
async fn two_hundred_nodes_most_of_them_in_trouble() {
    let server = Server::start(Options::new(18)).await.unwrap();
    server.execute("create table item (id int primary key, n int)").await.unwrap();
    let (port, password) = (server.port(), server.password().to_owned());
    let before = (sockets(), tokio::runtime::Handle::current().metrics().num_alive_tasks());
    let over = Arc::new(AtomicBool::new(false));
    let (mut healthy, mut troubled) = (JoinSet::new(), JoinSet::new());
    let bad = [Bad::mute().await, Bad::dripping().await, Bad::cutting(port).await, Bad::refusing().await];
    for (kind, count) in [(0, 50), (1, 50), (2, 20), (3, 30)] {
        for number in 0..count {
            let name = format!("{}-{number}", bad[kind].name);
            let source = open(name.clone(), bad[kind].port, &password);
            troubled.spawn(watch(name, false, source, Arc::clone(&over)));
        }
    }
    for number in 0..50 {
        let name = format!("healthy-{number}");
        let source = open(name.clone(), port, &password);
        healthy.spawn(watch(name, true, source, Arc::clone(&over)));
    }
    let began = Instant::now();
    let mut app = server.connect().await.unwrap();
    let mut called = 0.0;
    let mut seen = Vec::new();
    while !healthy.is_empty() {
        app.execute(SELECT).await.unwrap();
        called += 1.0;
        while let Some(one) = healthy.try_join_next() {
            seen.push(one.unwrap());
        }
        assert!(began.elapsed() < DEADLINE, "{} healthy nodes are held up", healthy.len());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    over.store(true, Ordering::Relaxed);
    while let Some(one) = troubled.join_next().await {
        seen.push(one.unwrap());
    }
    assert_eq!(seen.len(), 200);
    for one in &seen {
        one.check();
        assert!(one.calls(SELECT) <= called, "{}: {} of {called}", one.name, one.calls(SELECT));
        if one.healthy {
            assert_eq!(one.frames.len(), FRAMES, "{}", one.name);
            assert!(one.calls(SELECT) > 0.0, "{}", one.name);
            assert!(one.rows["connection"].level == HealthLevel::Ok, "{}: {:?}", one.name, one.rows);
        } else if !one.name.starts_with("cutting") {
            assert_eq!(one.frames, [], "{}: nothing was seen, and nothing is said", one.name);
        }
    }
    app.close().await.unwrap();
    drop(bad);
    // Sockets and tasks end a moment after they were let go.
    let began = Instant::now();
    loop {
        let now = (sockets(), tokio::runtime::Handle::current().metrics().num_alive_tasks());
        if now.0 <= before.0 && now.1 <= before.1 {
            break;
        }
        assert!(began.elapsed() < DEADLINE, "left behind: {now:?}, at first {before:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_server_without_a_free_slot_says_so_and_is_watched_when_it_has_one() {
    let server = Server::start(Options::new(18).setting("max_connections", "10")).await.unwrap();
    server.create_role("crowd").await.unwrap();
    let mut crowd = Vec::new();
    let options = server.connect_options("crowd");
    while let Ok(connection) = PgConnection::connect_with(&options).await {
        crowd.push(connection);
        assert!(crowd.len() < 20, "the server has no limit");
    }
    let mut source = open("full".to_owned(), server.port(), server.password());
    let polled = source.poll(ALL).await;
    assert_eq!(polled.frames, []);
    let row = polled.health.iter().find(|row| row.aspect == "connection").unwrap();
    assert!(row.level == HealthLevel::Error && row.hint.is_some(), "{row:?}");
    drop(crowd);
    let began = Instant::now();
    loop {
        let polled = source.poll(ALL).await;
        if !polled.frames.is_empty() {
            break;
        }
        assert!(began.elapsed() < DEADLINE, "{:?}", polled.health);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    source.close().await;
}

#[tokio::test]
async fn a_server_that_lies_about_its_clock_makes_no_number_up() {
    let server = Server::start(Options::new(18)).await.unwrap();
    server.execute("create table item (id int primary key, n int)").await.unwrap();
    // Its clock is hours off at first and then set, forwards and backwards.
    server
        .execute(&format!(
            "create schema liar; grant usage on schema liar to {MONITOR}; create table liar.by (hours int); \
             insert into liar.by values (5); grant select on liar.by to {MONITOR}; \
             create function liar.clock_timestamp() returns timestamptz volatile language sql as \
               'select pg_catalog.clock_timestamp() + (select hours from liar.by) * interval ''1 hour'''; \
             alter role {MONITOR} set search_path = liar, pg_catalog, public"
        ))
        .await
        .unwrap();
    let options = server.connect_options(SUPERUSER);
    let mut app = PgConnection::connect_with(&options).await.unwrap();
    let mut source = open("liar".to_owned(), server.port(), server.password());
    let mut seen = Seen { name: "liar".to_owned(), ..Seen::default() };
    let mut called = 0.0;
    for hours in [5, 5, 9, 9, -3, -3, -3] {
        app.execute(AssertSqlSafe(format!("update liar.by set hours = {hours}"))).await.unwrap();
        for _ in 0..3 {
            app.execute(SELECT).await.unwrap();
            called += 1.0;
        }
        let polled = source.poll(Due { facts: true, ..ALL }).await;
        seen.rows.extend(polled.health.into_iter().map(|row| (row.aspect.clone(), row)));
        seen.frames.extend(polled.frames);
        tokio::time::sleep(Duration::from_millis(1_100)).await;
    }
    seen.check();
    assert!(seen.calls(SELECT) > 0.0 && seen.calls(SELECT) <= called, "{} of {called}", seen.calls(SELECT));
    for frame in &seen.frames {
        if let Some(queries) = &frame.queries {
            assert!(queries.span_s < 60.0, "an interval of {} s was made up", queries.span_s);
        }
    }
    assert_eq!(seen.rows["clock"].level, HealthLevel::Warning, "{:?}", seen.rows["clock"]);
    source.close().await;
}
