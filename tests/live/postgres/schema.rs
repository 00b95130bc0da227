//! Facts of the schema: what is there, what changes, what goes.

use faultline_lab::postgres::{Flavour, MONITOR, Options, Server};
use faultline_model::Facts;
use serde_json::Value;

use super::run;
use crate::watch::{FACTS, Watch};

async fn news(watch: &mut Watch) -> Facts {
    watch.poll(FACTS).await.unwrap().facts
}

/// The next news with this key among them; a dear look at a whole schema is not taken every time.
async fn with(watch: &mut Watch, key: &str) -> Facts {
    watch.until(FACTS, key, |frame| frame.facts.contains_key(key).then(|| frame.facts.clone())).await
}

#[tokio::test]
async fn changes_of_the_schema_are_facts() {
    let server = Server::start(Options::new(Flavour::Debian15)).await.unwrap();
    let mut ddl = server.connect().await.unwrap();
    for statement in [
        "create table item (id int primary key, order_id int not null, name varchar(10))",
        "create index item_order_id on item (order_id) where order_id > 0",
        "create schema shop",
        "create table shop.cart (id bigint)",
        "create table event (id int, at date) partition by range (at)",
    ] {
        run(&mut ddl, statement, 1).await;
    }
    let mut watch = Watch::server(&server, MONITOR);
    let first = news(&mut watch).await;
    for (key, value) in [
        ("column:item.id", "integer not null"),
        ("column:item.name", "character varying(10)"),
        ("column:shop.cart.id", "bigint"),
        ("index:item.item_pkey", "CREATE UNIQUE INDEX item_pkey ON public.item USING btree (id)"),
        (
            "index:item.item_order_id",
            "CREATE INDEX item_order_id ON public.item USING btree (order_id) WHERE (order_id > 0)",
        ),
    ] {
        assert_eq!(first.get(key), Some(&Value::from(value)), "{key}: {first:#?}");
    }
    assert!(first.contains_key("ddl:public") && first.contains_key("ddl:shop"));

    // What only rewrites or empties a table, or makes a partition, changes no schema.
    for statement in [
        "insert into item select n, n, 'x' from generate_series(1, 100) n",
        "vacuum full item",
        "reindex table concurrently item",
        "truncate item",
        "create table event_1 partition of event for values from ('2026-01-01') to ('2026-02-01')",
        "create temporary table scratch (id int)",
    ] {
        run(&mut ddl, statement, 1).await;
    }
    let quiet = news(&mut watch).await;
    let told: Vec<_> = quiet.keys().filter(|key| !key.starts_with("table:")).collect();
    assert!(told.is_empty(), "{told:?}");

    // Each change shows in its own fact and in the hash of its schema.
    for (statement, key, value) in [
        (
            "alter table item alter column name type varchar(20)",
            "column:item.name",
            Value::from("character varying(20)"),
        ),
        (
            "alter table item alter column name set not null",
            "column:item.name",
            Value::from("character varying(20) not null"),
        ),
        ("alter table item drop column name", "column:item.name", Value::Null),
        ("drop index item_order_id", "index:item.item_order_id", Value::Null),
        (
            "create index item_o on item (order_id)",
            "index:item.item_o",
            Value::from("CREATE INDEX item_o ON public.item USING btree (order_id)"),
        ),
        ("create table fresh (id int)", "column:fresh.id", Value::from("integer")),
        ("drop table fresh", "column:fresh.id", Value::Null),
    ] {
        run(&mut ddl, statement, 1).await;
        let changed = with(&mut watch, key).await;
        assert_eq!(changed.get(key), Some(&value), "{statement}: {changed:#?}");
        assert!(
            changed.contains_key("ddl:public") && !changed.contains_key("ddl:shop"),
            "{statement}: {changed:#?}"
        );
    }
    for (statement, hash) in [
        ("alter table item add constraint positive check (order_id > 0)", "ddl:public"),
        ("create view shop.all_carts as select * from shop.cart", "ddl:shop"),
    ] {
        run(&mut ddl, statement, 1).await;
        with(&mut watch, hash).await;
    }
    run(&mut ddl, "drop schema shop cascade", 1).await;
    let gone = news(&mut watch).await;
    assert_eq!(
        (gone.get("ddl:shop"), gone.get("column:shop.cart.id")),
        (Some(&Value::Null), Some(&Value::Null))
    );
    run(&mut ddl, "alter system set work_mem = '77MB'", 1).await;
    run(&mut ddl, "select pg_reload_conf()", 1).await;
    watch
        .until(FACTS, "the setting", |frame| {
            frame.facts.get("setting:work_mem").filter(|value| **value == "77MB").map(|_| ())
        })
        .await;
}
