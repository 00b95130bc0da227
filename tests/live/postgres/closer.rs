//! The closer look: plans, advised indexes, and who blocks whom.

use faultline_lab::postgres::{Flavour, MONITOR, Options, Pair, Server};
use faultline_model::HealthLevel;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Executor};

use super::run;
use crate::watch::Watch;

#[tokio::test]
async fn plans_find_their_tables_and_never_execute() {
    for flavour in [Flavour::Debian15, Flavour::Packaged(18)] {
        let server = Server::start(Options::new(flavour)).await.unwrap();
        let mut app = server.connect().await.unwrap();
        for statement in [
            "create schema \"Odd one\"",
            "create table \"Odd one\".\"Cart\" (id int primary key, \"Owner\" int)",
            "insert into \"Odd one\".\"Cart\" select n, n from generate_series(1, 20000) n",
            "create schema tenant_1",
            "create schema tenant_2",
            "create table tenant_1.basket (id int primary key, owner text)",
            "create table tenant_2.basket (id int primary key, owner varchar(20))",
            "insert into tenant_2.basket select n, 'o' || n from generate_series(1, 20000) n",
            "create table counted (n int)",
            "insert into counted values (1)",
            "create role clerk login",
            "grant usage on schema \"Odd one\" to clerk",
            "grant select on all tables in schema \"Odd one\" to clerk",
            "alter role clerk set search_path = \"Odd one\", \"$user\"",
            "analyze",
        ] {
            run(&mut app, statement, 1).await;
        }
        let odd = "select \"Owner\" from \"Cart\" where \"Owner\" = 5";
        let tenant = "select id from basket where owner = 'o5';";
        let update = "update counted set n = n + 1 where n > 0";
        let no_parameter = "select count(*) from counted";
        let joined = "/* route=cart */ with c as (select n from counted) select * from c join tenant_2.basket b on b.id = c.n";
        let mut watch = Watch::server(&server, MONITOR);
        watch.baseline().await;
        run(&mut app, "set search_path = tenant_1, public", 1).await;
        run(&mut app, tenant, 1).await;
        run(&mut app, "set role clerk", 1).await;
        run(&mut app, "set search_path = \"Odd one\"", 1).await;
        run(&mut app, odd, 1).await;
        run(&mut app, "reset role", 1).await;
        run(&mut app, "set search_path = public", 1).await;
        for statement in [update, no_parameter, joined, "vacuum counted"] {
            run(&mut app, statement, 1).await;
        }
        watch.settle().await;
        watch.inspect(&[odd, tenant, no_parameter]).await;
        watch.inspect(&[joined, "vacuum counted", "select never_seen"]).await;
        let summary = |sql: &str| {
            watch.fact_of("plan_summary", sql).unwrap_or_else(|| {
                panic!("{flavour} {sql}: {watch:#?}", watch = (&watch.facts, &watch.health))
            })
        };
        assert_eq!(
            summary(odd),
            "Seq Scan on Cart, 20,000 rows, filter Owner",
            "{flavour}: by the role's own path"
        );
        assert_eq!(
            watch.fact_of("index_hint", odd),
            Some("CREATE INDEX CONCURRENTLY ON \"Odd one\".\"Cart\" (\"Owner\");"),
            "{flavour}"
        );
        assert_eq!(
            summary(tenant),
            "Seq Scan on basket, 20,000 rows, filter owner, in schema tenant_2, the largest of 2",
            "{flavour}: the path of the session is not known"
        );
        assert_eq!(
            watch.fact_of("index_hint", tenant),
            Some("CREATE INDEX CONCURRENTLY ON tenant_2.basket (owner);"),
            "{flavour}"
        );
        assert!(summary(no_parameter).starts_with("Seq Scan on counted"), "{flavour}");
        assert!(
            summary(joined).starts_with("Nested Loop") || summary(joined).starts_with("Hash Join"),
            "{flavour}"
        );
        assert_eq!(watch.fact_of("plan", "vacuum counted"), None, "{flavour}: it has no plan");
        watch.expect_health("plans", HealthLevel::Ok, "");

        // Changing the rows is a right that Faultline does without; it says so, and nothing was executed.
        watch.inspect(&[update]).await;
        watch.expect_health("plans", HealthLevel::NotApplicable, "");
        server.execute("grant update on counted to faultline").await.unwrap();
        watch.inspect(&[update]).await;
        assert!(watch.fact_of("plan_summary", update).unwrap().starts_with("Update on counted"), "{flavour}");
        watch.expect_health("plans", HealthLevel::Ok, "");
        let rows = app.fetch_one("select (n = 2)::text from counted").await.unwrap();
        assert_eq!(
            sqlx::Row::get::<String, _>(&rows, 0),
            "true",
            "{flavour}: updated once, by the application"
        );
        let left = app
            .fetch_one("select count(*)::text from pg_stat_activity where application_name = 'faultline' and state <> 'idle'")
            .await
            .unwrap();
        assert_eq!(sqlx::Row::get::<String, _>(&left, 0), "0", "{flavour}: no transaction was left open");
    }
}

#[tokio::test]
async fn plans_of_another_database_or_without_the_right_are_a_row() {
    let server = Server::start(Options::new(Flavour::Debian15)).await.unwrap();
    server.execute("create database other").await.unwrap();
    server.create_role("watcher").await.unwrap();
    server.execute("grant pg_monitor to watcher").await.unwrap();
    let mut watch = Watch::server(&server, "watcher");
    watch.self_test().await;
    watch.expect_health("plans", HealthLevel::NotApplicable, "GRANT pg_read_all_data TO watcher;");
    watch.baseline().await;
    let there = "select oid as there from pg_class where oid = 5";
    let mut app = sqlx::ConnectOptions::connect(
        &server.connect_options(faultline_lab::postgres::SUPERUSER).database("other"),
    )
    .await
    .unwrap();
    run(&mut app, there, 1).await;
    let mut app = server.connect().await.unwrap();
    run(&mut app, "create table secret (id int)", 1).await;
    let secret = "select id from secret where id = 1";
    run(&mut app, secret, 1).await;
    watch.settle().await;
    watch.inspect(&[there]).await;
    watch.expect_health("plans", HealthLevel::Warning, "/other");
    watch.inspect(&[secret]).await;
    watch.expect_health("plans", HealthLevel::Warning, "GRANT pg_read_all_data TO watcher;");
    let cure = watch.health["plans"].hint.clone().unwrap();
    server.execute(cure.split_once(';').unwrap().0).await.unwrap();
    watch.inspect(&[secret]).await;
    watch.expect_health("plans", HealthLevel::Ok, "");
    assert_eq!(watch.fact_of("index_hint", secret), None, "a small table");
}

#[tokio::test]
async fn the_root_blocker_is_named_until_it_lets_go() {
    let pair = Pair::start(18).await.unwrap();
    let server = &pair.primary;
    server
        .execute("create table account (id int primary key, n int); insert into account select n, 0 from generate_series(1, 9) n")
        .await
        .unwrap();
    let mut watch = Watch::server(server, MONITOR);
    assert!(watch.inspect(&[]).await.is_none(), "nobody waits, and nothing was told");
    let mut holder = server.connect().await.unwrap();
    run(&mut holder, "set application_name = 'checkout@v142'", 1).await;
    run(&mut holder, "begin", 1).await;
    run(&mut holder, "update account set n = n + 1 where id = 1", 1).await;
    let mut waiters = Vec::new();
    for n in 0..3 {
        let mut waiter = server.connect().await.unwrap();
        // The first waits for the row, the others for the first.
        let sql = format!("update account set n = n + {n} where id = 1");
        waiters.push(tokio::spawn(async move { waiter.execute(AssertSqlSafe(sql)).await.map(|_| ()) }));
    }
    let mut looks = 0;
    while watch.facts.get("lock:waiting") != Some(&Value::from(3)) {
        watch.inspect(&[]).await;
        looks += 1;
        assert!(looks < 400, "three never waited: {:#?}", watch.facts);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let root = watch.facts["lock:root"].as_str().unwrap();
    for part in [
        "role postgres, application checkout@v142",
        "idle in transaction",
        "blocks 3 sessions",
        "update account set n = n + ? where id = ?",
    ] {
        assert!(root.contains(part), "{part}: {root}");
    }
    let tree: Value = serde_json::from_str(watch.facts["lock:tree"].as_str().unwrap()).unwrap();
    let sessions = tree["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 4, "{tree:#}");
    assert!(sessions.iter().any(|session| session["lock"] == "transactionid ShareLock"), "{tree:#}");
    run(&mut holder, "rollback", 1).await;
    for waiter in waiters {
        waiter.await.unwrap().unwrap();
    }
    watch.inspect(&[]).await;
    for key in ["lock:root", "lock:tree", "lock:waiting"] {
        assert_eq!(watch.facts[key], Value::Null, "{key}");
    }

    // On a standby it is replay that waits, or that is waited for.
    let mut standby = Watch::server(&pair.standby, MONITOR);
    pair.caught_up().await.unwrap();
    let mut reader = pair.standby.connect().await.unwrap();
    run(&mut reader, "begin", 1).await;
    run(&mut reader, "select n from account", 1).await;
    run(&mut holder, "alter table account add column note text", 1).await;
    let mut looks = 0;
    while standby.facts.get("lock:waiting") != Some(&Value::from(1)) {
        standby.inspect(&[]).await;
        looks += 1;
        assert!(looks < 400, "replay never waited: {:#?}", (&standby.facts, &standby.health));
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let root = standby.facts["lock:root"].as_str().unwrap();
    assert!(root.contains("blocks 1 session") && root.contains("select n from account"), "{root}");
    run(&mut reader, "commit", 1).await;
}
