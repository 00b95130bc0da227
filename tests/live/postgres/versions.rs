//! What every version must do alike, on each version's primary and standby: one test a version, one body for all. Which
//! versions are gone through says `FAULTLINE_MATRIX` (see [`Flavour::is_wanted`]).

use faultline_lab::postgres::{Flavour, MONITOR, Options, Pair};
use faultline_model::{HealthLevel, Role};
use faultline_sources::BookedQuery;
use sqlx::{Connection, Executor, PgConnection, Row};

use super::run;
use crate::watch::{FACTS, SESSIONS, Watch};

#[tokio::test]
async fn postgres_14() {
    check(Flavour::Packaged(14)).await;
}

#[tokio::test]
async fn postgres_15() {
    check(Flavour::Packaged(15)).await;
}

#[tokio::test]
async fn postgres_15_of_debian() {
    check(Flavour::Debian15).await;
}

#[tokio::test]
async fn postgres_16() {
    check(Flavour::Packaged(16)).await;
}

#[tokio::test]
async fn postgres_17() {
    check(Flavour::Packaged(17)).await;
}

#[tokio::test]
async fn postgres_18() {
    check(Flavour::Packaged(18)).await;
}

const SUSPECT: &str = "select name from item where order_id = 7";

async fn check(flavour: Flavour) {
    if !flavour.is_wanted() {
        return;
    }
    // Nested statements are counted too, and must not be added to those that called them.
    let options = Options::new(flavour).setting("pg_stat_statements.track", "all");
    let mut pair = Pair::start_with(options).await.unwrap();
    let mut writer = pair.primary.connect().await.unwrap();
    fill(&mut writer).await;
    pair.caught_up().await.unwrap();
    let (mut primary, mut standby) =
        (Watch::server(&pair.primary, MONITOR), Watch::server(&pair.standby, MONITOR));
    for (watch, role) in [(&mut primary, Role::Primary), (&mut standby, Role::Replica)] {
        stands_well(flavour, watch, role).await;
    }
    counts(flavour, &mut writer, &mut primary).await;
    let mut reader = pair.standby.connect().await.unwrap();
    run(&mut reader, SUSPECT, 5).await;
    standby.settle().await;
    assert_eq!(standby.calls(SUSPECT), 5.0, "{flavour}: a standby counts its own");
    run(&mut writer, SUSPECT, 1).await;
    primary.settle().await;
    for (watch, place) in [(&mut primary, "primary"), (&mut standby, "standby")] {
        looks_closer(flavour, watch, place).await;
    }
    reset(flavour, &mut writer, &mut primary).await;
    promoted(flavour, &mut pair, &mut standby).await;
}

async fn fill(writer: &mut PgConnection) {
    for statement in [
        "create table item (id int primary key, order_id int not null, name text)",
        "insert into item select n, n / 4, 'x' from generate_series(1, 40000) n",
        "create function names(wanted int) returns setof text language plpgsql as \
         $$ begin return query select name from item where id = wanted; end $$",
        "create table part (id int, at date) partition by range (at)",
        "create table part_1 partition of part for values from ('2026-01-01') to ('2026-02-01')",
        "create table part_2 partition of part for values from ('2026-02-01') to ('2026-03-01')",
        "analyze",
    ] {
        run(writer, statement, 1).await;
    }
    for tenant in 1..=20 {
        run(writer, &format!("create schema tenant_{tenant}"), 1).await;
        run(writer, &format!("create table tenant_{tenant}.cart (id int primary key)"), 1).await;
    }
}

async fn stands_well(flavour: Flavour, watch: &mut Watch, role: Role) {
    watch.self_test().await;
    let bad: Vec<_> = watch.health.values().filter(|row| row.level > HealthLevel::Ok).collect();
    assert!(bad.is_empty(), "{flavour}: {bad:#?}");
    let frame = watch.poll(FACTS).await.unwrap();
    let about = frame.about.unwrap();
    assert_eq!(about.role, Some(role), "{flavour}");
    assert!(about.version.unwrap().starts_with(&flavour.major().to_string()), "{flavour}");
    assert_eq!(watch.facts.get("column:item.order_id"), Some(&"integer not null".into()), "{flavour}");
    watch.baseline().await;
    let frame = watch.until(SESSIONS, "signals", |f| f.signals.as_ref().map(|_| f.clone())).await;
    assert_eq!(frame.sessions, Some(vec![]), "{flavour}");
    let signals = frame.signals.unwrap().values;
    assert_eq!(signals.contains_key("replay_lag_s"), role == Role::Replica, "{flavour}: {signals:?}");
    assert_eq!(signals.contains_key("log_bytes_per_s"), role == Role::Primary, "{flavour}: {signals:?}");
}

/// Simple and prepared protocol, nested statements, tenants, partitions, lists.
async fn counts(flavour: Flavour, writer: &mut PgConnection, watch: &mut Watch) {
    run(writer, "select name from item where id = 3", 2).await;
    for id in 1..=3_i32 {
        sqlx::query("select name from item where id = $1").bind(id).fetch_one(&mut *writer).await.unwrap();
    }
    run(writer, "select names(5)", 4).await;
    for tenant in 1..=20 {
        run(writer, &format!("set search_path = tenant_{tenant}"), 1).await;
        run(writer, "select id from cart where id in (1, 2)", 1).await;
        run(writer, "select id from cart where id in (1, 2, 3)", 1).await;
    }
    run(writer, "set search_path = public", 1).await;
    run(writer, "select id from part where at = '2026-01-05'", 1).await;
    run(writer, "select id from part where at = '2026-02-05'", 1).await;
    watch.settle().await;
    for (sql, expected) in [
        ("select name from item where id = 9", 5.0),
        ("select names(9)", 4.0),
        ("select name from item where id = wanted", 0.0),
        ("select id from cart where id in (9)", 40.0),
        ("select id from part where at = '2026-03-03'", 2.0),
    ] {
        assert_eq!(watch.calls(sql), expected, "{flavour}: {sql}; {:#?}", watch.texts);
    }
    let row = writer
        .fetch_one("select queryid from pg_stat_statements where query = 'select names($1)' limit 1")
        .await
        .unwrap();
    let booked = watch.book.find(&BookedQuery { database: "shop".to_owned(), queryid: row.get(0) });
    assert_eq!(booked.unwrap().text, "select names(?)", "{flavour}");
}

async fn looks_closer(flavour: Flavour, watch: &mut Watch, place: &str) {
    watch.inspect(&[SUSPECT]).await;
    let fact =
        |what: &str| watch.fact_of(what, SUSPECT).unwrap_or_else(|| panic!("{flavour}: {:#?}", watch.facts));
    assert_eq!(fact("plan").len(), 16, "{flavour}");
    assert_eq!(fact("plan_summary"), "Seq Scan on item, 40,000 rows, filter order_id", "{flavour}");
    assert_eq!(fact("index_hint"), "CREATE INDEX CONCURRENTLY ON public.item (order_id);", "{flavour}");
    assert_eq!(fact("index_basis").ends_with("to be made on the primary"), place == "standby", "{flavour}");
    let again = watch.inspect(&[SUSPECT]).await;
    assert!(again.is_none(), "{flavour}: only news are told: {again:?}");
}

async fn reset(flavour: Flavour, writer: &mut PgConnection, watch: &mut Watch) {
    let sql = "select 1 as after_reset";
    run(writer, sql, 20).await;
    watch.settle().await;
    run(writer, "select pg_stat_statements_reset()", 1).await;
    run(writer, sql, 30).await;
    watch.settle().await;
    assert_eq!(watch.calls(sql), 50.0, "{flavour}: thirty came after the reset");
}

/// The standby becomes the primary: its role is news, its counters go on, its signals are those of a primary.
async fn promoted(flavour: Flavour, pair: &mut Pair, watch: &mut Watch) {
    pair.primary.kill();
    pair.standby.execute("select pg_promote()").await.unwrap();
    let role = watch
        .until(SESSIONS, "the promotion", |frame| frame.about.as_ref().and_then(|about| about.role))
        .await;
    assert_eq!(role, Role::Primary, "{flavour}");
    let mut writer = pair.standby.connect().await.unwrap();
    run(&mut writer, "update item set name = 'y' where id = 1", 2).await;
    watch.settle().await;
    assert_eq!(watch.calls("update item set name = 'z' where id = 9"), 2.0, "{flavour}");
    assert_eq!(watch.calls(SUSPECT), 5.0, "{flavour}: no more and no less than before");
    watch
        .until(SESSIONS, "the signals of a primary", |frame| {
            let values = &frame.signals.as_ref()?.values;
            (values.contains_key("log_bytes_per_s") && !values.contains_key("replay_lag_s")).then_some(())
        })
        .await;
    watch.source.close().await;
    writer.close().await.unwrap();
}
