//! Through PgBouncer: recognised, refused with the reason and the way around it, and nothing left behind for its other
//! clients.

use faultline_lab::pgbouncer::{PgBouncer, PoolMode, PoolOptions};
use faultline_lab::postgres::{MONITOR, Options, Server};
use faultline_model::HealthLevel;
use sqlx::{Executor, PgConnection, Row};

use crate::watch::{BOTH, FACTS, Watch};

/// What a session is, as far as another client of the pool could have changed it.
async fn session(client: &mut PgConnection) -> Vec<String> {
    let row = client
        .fetch_one(
            "select current_setting('statement_timeout') || ' ' || current_setting('lock_timeout') || ' ' || \
               current_setting('idle_in_transaction_session_timeout') || ' ' || \
               current_setting('default_transaction_read_only') || ' ' || current_setting('search_path') || ' ' || \
               current_setting('plan_cache_mode') || ' ' || current_setting('timezone') as settings, \
             (select count(*)::text from pg_prepared_statements) as prepared, \
             (select count(*)::text from pg_class where relpersistence = 't') as temporary, \
             (select count(*)::text from pg_locks where locktype = 'advisory') as advisory, \
             (select count(*)::text from pg_cursors where name <> '') as cursors, \
             (select count(*)::text from pg_listening_channels()) as channels",
        )
        .await
        .unwrap();
    (0..row.len()).map(|column| row.get(column)).collect()
}

/// Faultline tries to watch through a pooler whose only server connection it shares with another client.
async fn check(server: &Server, options: PoolOptions, reason: &str, hint: &str) {
    let pooler = PgBouncer::start(server, options).await.unwrap();
    let mut client = pooler.connect(server, MONITOR).await.unwrap();
    let before = session(&mut client).await;
    // In session mode the only connection is the client's as long as it stays.
    if options.mode == PoolMode::Session {
        drop(client);
    }
    let mut watch = Watch::url(&pooler.address(server, MONITOR), Some(server.password()));
    for due in [BOTH, FACTS] {
        assert!(watch.poll(due).await.is_none(), "{options:?}");
    }
    watch.self_test().await;
    assert!(watch.inspect(&["select 1"]).await.is_none(), "{options:?}");
    watch.expect_health("pooler", HealthLevel::Error, hint);
    let row = &watch.health["pooler"];
    assert!(row.message.contains(reason), "{options:?}: {row:?}");
    assert_eq!(watch.health.len(), 1, "nothing else is claimed: {:#?}", watch.health);
    let mut client = pooler.connect(server, MONITOR).await.unwrap();
    assert_eq!(session(&mut client).await, before, "{options:?}");
}

#[tokio::test]
async fn a_pooler_is_refused_with_the_way_around_it_and_keeps_no_trace() {
    let server = Server::start(Options::new(faultline_lab::postgres::Flavour::Debian15)).await.unwrap();
    let direct = format!("127.0.0.1:{}", server.port());
    for mode in [PoolMode::Transaction, PoolMode::Session] {
        let refused = PoolOptions { mode, ignores_settings: false };
        check(&server, refused, "unsupported startup parameter: options", "SHOW DATABASES;").await;
        let swallowed = PoolOptions { mode, ignores_settings: true };
        check(&server, swallowed, "swallowed the settings", &direct).await;
    }
    // The way around it works.
    let mut watch = Watch::server(&server, MONITOR);
    watch.self_test().await;
    watch.expect_health("pooler", HealthLevel::Ok, "");
}
