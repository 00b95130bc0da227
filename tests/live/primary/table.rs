//! The table that the primary fills about itself, on real pairs. The test calls the function in place of pg_cron.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use faultline_lab::postgres::{MONITOR, Options, Pair};
use faultline_model::{Due, Frame, HealthLevel, Observed, Role};
use faultline_sources::QueryBook;
use faultline_sources::primary::{TableScript, table_sql};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};

use super::{DEADLINE, LOOK_EVERY, Replica};
use crate::watch::fingerprint;

async fn run(connection: &mut PgConnection, sql: &str, times: usize) {
    for _ in 0..times {
        connection.execute(AssertSqlSafe(sql)).await.unwrap();
    }
}

/// The job, as pg_cron runs it: a session of its own, so that what the sessions before it did is counted.
async fn job(pair: &Pair) {
    let mut session = pair.primary.connect().await.unwrap();
    run(&mut session, "SELECT /* faultline */ faultline.record_load()", 1).await;
    session.close().await.unwrap();
    pair.caught_up().await.unwrap();
}

async fn install(pair: &Pair) {
    pair.primary.execute(&table_sql(&TableScript::default())).await.unwrap();
    pair.primary.execute("create table item (id int primary key, n int)").await.unwrap();
    pair.primary.execute("insert into item select n, n from generate_series(1, 100) n").await.unwrap();
}

fn calls(frame: &Frame) -> BTreeMap<&str, f64> {
    frame.queries.iter().flat_map(|queries| &queries.rows).map(|row| (row.fp.as_str(), row.calls)).collect()
}

async fn versions() -> Vec<Options> {
    // The oldest columns, Debian's, and those with dated entries.
    let full = std::env::var("FAULTLINE_MATRIX").is_ok_and(|matrix| matrix == "full");
    let more = if full { vec![Options::new(14), Options::new(16), Options::new(17)] } else { vec![] };
    [Options::of_the_system(15), Options::new(18)].into_iter().chain(more).collect()
}

#[tokio::test]
async fn a_replica_carries_word_of_its_primary() {
    for options in versions().await {
        let major = options.major;
        let pair = Pair::start_with(options).await.unwrap();
        let book = QueryBook::default();
        let mut replica = Replica::open(&pair.standby, "replica-1", &book);
        assert_eq!(replica.poll().await, [], "there is no table");
        assert_eq!(replica.row, None);
        install(&pair).await;
        job(&pair).await;
        // A replica without the table is looked at again after a while; a new source looks at once.
        let mut replica = Replica::open(&pair.standby, "replica-1", &book);
        assert_eq!(replica.poll().await, [], "the first word is a baseline");
        let mut app = pair.primary.connect().await.unwrap();
        run(&mut app, "update item set n = n + 1 where id = 5", 7).await;
        run(&mut app, "select n from item where id = 5", 3).await;
        job(&pair).await;
        let frame = replica.word("the first interval").await;
        assert_eq!(frame.node.as_str(), "primary");
        let about = frame.about.clone().unwrap();
        assert_eq!((about.role, about.observed), (Some(Role::Primary), Some(Observed::Metrics)), "{major}");
        assert!(about.version.unwrap().starts_with(&major.to_string()));
        let (update, select) = (
            fingerprint("update item set n = n + 1 where id = 5"),
            fingerprint("select n from item where id = 5"),
        );
        let called = calls(&frame);
        assert_eq!(
            (called.get(update.as_str()), called.get(select.as_str())),
            (Some(&7.0), Some(&3.0)),
            "{major}"
        );
        assert!(frame.texts.iter().any(|text| text.fp.as_str() == update), "{:?}", frame.texts);
        assert!(!frame.texts.iter().any(|text| text.text.contains("record_load")), "{:?}", frame.texts);
        let queries = frame.queries.as_ref().unwrap();
        let row = queries.rows.iter().find(|row| row.fp.as_str() == update).unwrap();
        assert!(
            queries.complete && queries.span_s > 0.0 && row.time_ms > 0.0 && row.rows == Some(7.0),
            "{row:?}"
        );
        let row = replica.row.clone().unwrap();
        assert_eq!(row.level, HealthLevel::Ok, "{row:?}");
        assert!(row.message.contains("100 % of its statements' time has a name"), "{row:?}");
        // Nothing new was written: nothing is said. What goes on counts its difference.
        assert_eq!(replica.poll().await, []);
        run(&mut app, "update item set n = n + 1 where id = 6", 2).await;
        job(&pair).await;
        let frame = replica.word("the next interval").await;
        let called = calls(&frame);
        assert_eq!((called.get(update.as_str()), called.get(select.as_str())), (Some(&2.0), None), "{major}");
        assert_eq!(frame.about, None);
        // What runs on the primary shows with its statement.
        let mut endless = pair.primary.connect().await.unwrap();
        let endless =
            tokio::spawn(
                async move { endless.execute("select n, pg_sleep(3600) from item").await.map(|_| ()) },
            );
        let began = Instant::now();
        loop {
            job(&pair).await;
            let frame = replica.word("the sessions").await;
            let signals = frame.signals.clone().unwrap().values;
            assert!(signals.values().all(|value| *value >= 0.0), "{signals:?}");
            if frame.sessions.iter().flatten().any(|group| group.wait.as_deref() == Some("Timeout:PgSleep")) {
                assert_eq!(signals["active_sessions"], 1.0);
                break;
            }
            assert!(began.elapsed() < DEADLINE, "{:?}", frame.sessions);
            tokio::time::sleep(LOOK_EVERY).await;
        }
        endless.abort();
    }
}

#[tokio::test]
async fn resets_evictions_and_restarts_make_no_wrong_numbers() {
    for options in versions().await {
        let major = options.major;
        let mut pair = Pair::start_with(options.setting("pg_stat_statements.max", "100")).await.unwrap();
        install(&pair).await;
        let mut replica = Replica::open(&pair.standby, "replica-1", &QueryBook::default());
        let mut app = pair.primary.connect().await.unwrap();
        run(&mut app, "select n from item where id = 5", 20).await;
        job(&pair).await;
        replica.poll().await;
        let select = fingerprint("select n from item where id = 5");
        run(&mut app, "select n from item where id = 5", 2).await;
        job(&pair).await;
        assert_eq!(calls(&replica.word("a difference").await).get(select.as_str()), Some(&2.0), "{major}");
        run(&mut app, "select pg_stat_statements_reset()", 1).await;
        // So often that no counter is lower than before: only the time of the reset tells.
        run(&mut app, "select n from item where id = 5", 300).await;
        job(&pair).await;
        assert_eq!(
            calls(&replica.word("a reset").await).get(select.as_str()),
            Some(&300.0),
            "{major}: all came after it"
        );
        // More shapes than the server keeps: calls are lost, never made.
        for round in 0..2 {
            for column in 0..150 {
                run(&mut app, &format!("select n as c{column} from item where id = 1"), 1).await;
            }
            job(&pair).await;
            let frame = replica.word("evictions").await;
            let all: f64 = calls(&frame).values().sum();
            assert!(all > 0.0 && all <= 152.0, "{major}, round {round}: {all}");
        }
        // After a restart the counters go on, and what happened around it is not known.
        app.close().await.unwrap();
        pair.primary.restart().await.unwrap();
        let mut app = pair.primary.connect().await.unwrap();
        run(&mut app, "select n from item where id = 5", 5).await;
        job(&pair).await;
        assert_eq!(replica.poll().await, [], "{major}: a restart is a gap");
        run(&mut app, "select n from item where id = 5", 4).await;
        job(&pair).await;
        assert_eq!(
            calls(&replica.word("after the restart").await).get(select.as_str()),
            Some(&4.0),
            "{major}"
        );
    }
}

#[tokio::test]
async fn one_replica_speaks_and_a_session_on_the_primary_goes_before() {
    let pair = Pair::start(18).await.unwrap();
    install(&pair).await;
    job(&pair).await;
    let book = QueryBook::default();
    book.name_primary("writer".into());
    let (mut one, mut other) =
        (Replica::open(&pair.standby, "replica-1", &book), Replica::open(&pair.standby, "replica-2", &book));
    assert_eq!((one.poll().await, other.poll().await), (vec![], vec![]));
    for round in 0..3 {
        job(&pair).await;
        assert_eq!(one.word("word").await.node.as_str(), "writer", "{round}");
        assert_eq!(other.poll().await, [], "{round}: not twice");
    }
    assert!(other.row.clone().unwrap().message.contains("another replica"), "{:?}", other.row);
    let mut direct = Replica::open(&pair.primary, "db-1", &book);
    assert_eq!(direct.poll().await, [], "it speaks of itself");
    assert!(direct.row.clone().unwrap().message.contains("by a session on it"), "{:?}", direct.row);
    job(&pair).await;
    assert_eq!((one.poll().await, other.poll().await), (vec![], vec![]));
    assert!(one.row.clone().unwrap().message.contains("by a session on it"), "{:?}", one.row);
    // Promoted: the table is the server's own past.
    pair.standby.execute("select pg_promote()").await.unwrap();
    let began = Instant::now();
    while !one.row.clone().unwrap().message.contains("the primary is seen by a session") {
        one.poll_for(Due { sessions: true, counters: true, facts: true }).await;
        assert!(began.elapsed() < DEADLINE, "{:?}", one.row);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn what_is_in_the_way_is_a_row_with_its_cure() {
    let pair = Pair::start(18).await.unwrap();
    pair.primary.create_role("nobody_special").await.unwrap();
    // A role that may read every table may read this one too.
    pair.primary.execute(&format!("revoke pg_read_all_data from {MONITOR}")).await.unwrap();
    let script = TableScript { role: "nobody_special".to_owned(), ..TableScript::default() };
    pair.primary.execute(&table_sql(&script)).await.unwrap();
    job(&pair).await;
    let mut replica = Replica::open(&pair.standby, "replica-1", &QueryBook::default());
    assert_eq!(replica.poll().await, []);
    let row = replica.row.clone().unwrap();
    assert_eq!(row.level, HealthLevel::Error, "{row:?}");
    let cure = row.hint.unwrap().replace("; on the primary", ";");
    assert!(cure.contains(&format!("TO {MONITOR}")) || cure.contains(&format!("TO \"{MONITOR}\"")), "{cure}");
    pair.primary.execute(&cure).await.unwrap();
    job(&pair).await;
    let began = Instant::now();
    while replica.row.as_ref().is_none_or(|row| row.level != HealthLevel::Ok) {
        replica.poll().await;
        assert!(began.elapsed() < DEADLINE, "{:?}", replica.row);
        tokio::time::sleep(LOOK_EVERY).await;
    }
    // The script may be run again, and what it says takes it away does.
    pair.primary.execute(&table_sql(&TableScript::default())).await.unwrap();
    job(&pair).await;
    replica.word("the same table").await;
    pair.primary.execute("DROP SCHEMA faultline CASCADE").await.unwrap();
    pair.caught_up().await.unwrap();
    assert_eq!(replica.poll().await, []);
    assert_eq!(replica.poll().await, [], "and is missed by nobody");
}

#[tokio::test]
async fn the_table_stays_small() {
    let pair = Pair::start(18).await.unwrap();
    install(&pair).await;
    for _ in 0..30 {
        job(&pair).await;
    }
    let mut session = pair.primary.connect().await.unwrap();
    run(&mut session, "update faultline.load set written_at = written_at - interval '1 hour'", 1).await;
    job(&pair).await;
    let row = session.fetch_one("select count(*) as ticks from faultline.load").await.unwrap();
    assert_eq!(row.get::<i64, _>("ticks"), 1, "what is older than a quarter of an hour is gone");
    let row = session.fetch_one("select span_ms from faultline.load").await.unwrap();
    assert_eq!(row.get::<Option<f64>, _>("span_ms"), None, "an hour's pause is a gap");
}
