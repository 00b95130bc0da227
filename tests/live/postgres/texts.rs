//! The texts behind the statement counters: thousands of them, tens of megabytes, lost ones, those of several databases.

use std::fmt::Write as _;

use faultline_lab::postgres::{Flavour, MONITOR, Options, SUPERUSER, Server};
use sqlx::{ConnectOptions, Executor, Row};

use super::run;
use crate::watch::{COUNTERS, Watch};

#[tokio::test]
async fn fifty_megabytes_of_texts_are_read_seldom_and_in_parts() {
    const COLUMNS: usize = 70;
    const PADDING: usize = 10_500;
    let server = Server::start(Options::new(Flavour::Debian15)).await.unwrap();
    let mut app = server.connect().await.unwrap();
    let columns: Vec<_> = (0..COLUMNS).map(|column| format!("c{column} int")).collect();
    run(&mut app, &format!("create table wide ({})", columns.join(", ")), 1).await;
    let mut watch = Watch::server(&server, MONITOR);
    watch.baseline().await;
    let padding = "x".repeat(PADDING);
    for first in 0..COLUMNS {
        let mut message = String::new();
        for second in 0..COLUMNS {
            let _written =
                write!(message, "select c{first}, c{second} /* {padding} */ from wide where true; ");
        }
        app.execute(sqlx::AssertSqlSafe(message)).await.unwrap();
    }
    let file = std::fs::metadata(server.data().join("pg_stat_tmp/pgss_query_texts.stat")).unwrap();
    assert!(file.len() > 50_000_000, "{}", file.len());
    let mut named = 0;
    for _ in 0..8 {
        let frame = watch.poll(COUNTERS).await.unwrap();
        let queries = frame.queries.unwrap();
        let told = queries.rows.len();
        assert!(told <= 200, "a megabyte of texts at a time: {told}");
        assert!(!queries.complete, "the others are unknown, not uncalled");
        named += told;
    }
    assert!(named > 0);
    let ours = app
        .fetch_one(
            "select coalesce(sum(calls) filter (where query like '%unnest%'), 0)::int8 as texts, \
             coalesce(sum(calls) filter (where query not like '%unnest%'), 0)::int8 as counters \
             from pg_stat_statements where query like '%faultline%' and query like '%pg_stat_statements($%'",
        )
        .await
        .unwrap();
    let (texts, counters): (i64, i64) = (ours.get("texts"), ours.get("counters"));
    assert_eq!(counters, 9, "the counters are read every time");
    assert!((1..=4).contains(&texts), "and the texts when it is time: {texts}");
}

#[tokio::test]
async fn a_lost_text_has_a_stand_in_and_its_numbers() {
    let server = Server::start(Options::new(Flavour::Debian15)).await.unwrap();
    let mut app = server.connect().await.unwrap();
    let mut watch = Watch::server(&server, MONITOR);
    watch.baseline().await;
    run(&mut app, "select 1 as lost", 3).await;
    // No text ends where its entry says, which the server takes for no text.
    let file = server.data().join("pg_stat_tmp/pgss_query_texts.stat");
    let length = std::fs::metadata(&file).unwrap().len();
    std::fs::write(&file, "x".repeat(usize::try_from(length).unwrap())).unwrap();
    let frame = watch.settle().await;
    let lost: Vec<_> = frame
        .queries
        .unwrap()
        .rows
        .into_iter()
        .filter(|row| row.fp.as_str().starts_with("queryid:"))
        .collect();
    assert_eq!(lost.iter().map(|row| row.calls).sum::<f64>(), 3.0, "{lost:#?}");
    assert!(watch.texts.is_empty(), "{:?}", watch.texts);
}

#[tokio::test]
async fn databases_of_one_server_add_up_and_those_of_the_provider_do_not() {
    let server = Server::start(Options::new(18)).await.unwrap();
    for database in ["other", "cloudsqladmin"] {
        server.execute(&format!("create database {database}")).await.unwrap();
    }
    let mut watch = Watch::server(&server, MONITOR);
    watch.baseline().await;
    for (database, times) in [("shop", 2), ("other", 3), ("cloudsqladmin", 50)] {
        let mut app = server.connect_options(SUPERUSER).database(database).connect().await.unwrap();
        run(&mut app, "select 1 as everywhere", times).await;
    }
    watch.settle().await;
    assert_eq!(watch.calls("select 1 as everywhere"), 5.0);
}
