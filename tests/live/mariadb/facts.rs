//! Settings, sizes, definitions and plans.

use faultline_lab::mariadb::MONITOR;
use faultline_model::{Facts, HealthLevel};
use serde_json::{Value, json};

use super::{fingerprint, run, server, watch};
use crate::watch::{COUNTERS, FACTS, Watch};

/// Polls the facts until one of them is news.
async fn until(watch: &mut Watch, key: &str) -> Facts {
    watch.until(FACTS, key, |frame| frame.facts.contains_key(key).then(|| frame.facts.clone())).await
}

#[tokio::test]
async fn settings_sizes_and_definitions_are_facts_and_their_changes_news() {
    let server = server().await;
    let mut app = server.connect().await.unwrap();
    run(&mut app, "create table item (id int primary key, name varchar(40) not null, key by_name (name))", 1)
        .await;
    run(&mut app, "create table parts (id int) partition by hash (id) partitions 2", 1).await;
    run(&mut app, "create schema other", 1).await;
    run(&mut app, "create table other.odd_name (id int)", 1).await;
    run(&mut app, "insert into item select seq, concat('n', seq) from seq_1_to_2000", 1).await;
    run(&mut app, "analyze table item", 1).await;
    let mut watch = watch(&server, MONITOR);
    let facts = until(&mut watch, "table:item:rows").await;
    assert_eq!(facts["table:item:rows"], json!(2000));
    assert!(facts["table:item:bytes"].as_u64().unwrap() >= 16_384);
    assert_eq!(facts["table:item:indexes"], json!(2));
    assert_eq!(facts["index:item.by_name"], json!("btree (name)"));
    assert_eq!(facts["index:item.PRIMARY"], json!("unique btree (id)"));
    assert_eq!(facts["column:item.name"], json!("varchar(40) not null"));
    assert_eq!(facts["column:parts.id"], json!("int(11)"), "partitions are one table");
    assert_eq!(facts["column:other.odd_name.id"], json!("int(11)"));
    assert_eq!(facts["setting:innodb_lock_wait_timeout"], json!("50"), "the server's and not our session's");
    assert_eq!(facts["setting:performance_schema"], json!("ON"));
    assert!(watch.poll(FACTS).await.unwrap().facts.is_empty(), "only news are told");

    run(
        &mut app,
        "alter table item drop index by_name, add column n int, modify name varchar(60) not null",
        1,
    )
    .await;
    run(&mut app, "set global long_query_time = 3", 1).await;
    let facts = until(&mut watch, "index:item.by_name").await;
    assert_eq!(facts["index:item.by_name"], Value::Null, "gone");
    assert_eq!(facts["column:item.n"], json!("int(11)"));
    assert_eq!(facts["column:item.name"], json!("varchar(60) not null"));
    assert_eq!(facts["table:item:indexes"], json!(1));
    assert_eq!(facts["setting:long_query_time"], json!("3.000000"));
    run(&mut app, "drop table parts", 1).await;
    assert_eq!(until(&mut watch, "column:parts.id").await["column:parts.id"], Value::Null);
    watch.expect_health("definitions", HealthLevel::Ok, "");
}

#[tokio::test]
async fn a_suspect_is_explained_and_its_missing_index_named() {
    let server = server().await;
    let mut app = server.connect().await.unwrap();
    run(&mut app, "create table item (id int primary key, name varchar(40), n int)", 1).await;
    run(&mut app, "insert into item select seq, concat('n', seq), seq % 50 from seq_1_to_5000", 1).await;
    run(&mut app, "analyze table item", 1).await;
    let mut watch = watch(&server, MONITOR);
    watch.poll(COUNTERS).await.unwrap();
    let statement = "select i.name from item i where i.n = 7 and i.name > 'secret'";
    run(&mut app, statement, 3).await;
    watch.settle().await;
    let suspect = fingerprint(statement);
    let inspect = async |watch: &mut Watch| -> Facts {
        let polled = watch.source.inspect(std::slice::from_ref(&suspect)).await;
        watch.health.extend(polled.health.into_iter().map(|row| (row.aspect.clone(), row)));
        polled.frames.into_iter().flat_map(|frame| frame.facts).collect()
    };
    let facts = inspect(&mut watch).await;
    assert_eq!(facts[&format!("plan_summary:{suspect}")], json!("i: full scan of about 5000 rows"));
    assert_eq!(
        facts[&format!("index_hint:{suspect}")],
        json!(
            "ALTER TABLE `shop`.`item` ADD INDEX `idx_item_n_name` (`n`, `name`), ALGORITHM=INPLACE, LOCK=NONE;"
        )
    );
    assert!(facts[&format!("index_basis:{suspect}")].as_str().unwrap().contains("about 5000 rows of item"));
    assert!(!format!("{facts:?}").contains("secret"), "literals never go out: {facts:?}");
    let hint = facts[&format!("index_hint:{suspect}")].as_str().unwrap().to_owned();
    run(&mut app, &hint, 1).await;
    let again = inspect(&mut watch).await;
    assert_ne!(again[&format!("plan:{suspect}")], facts[&format!("plan:{suspect}")], "the plan flipped");
    assert_eq!(again[&format!("index_hint:{suspect}")], Value::Null, "nothing is missing any more");
    assert_eq!(inspect(&mut watch).await, Facts::new(), "only news are told");
    run(&mut app, "revoke select on shop.* from faultline@'%'", 1).await;
    inspect(&mut watch).await;
    watch.expect_health("plans", HealthLevel::Warning, "GRANT SELECT ON");
}
