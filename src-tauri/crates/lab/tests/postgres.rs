//! Real servers: they start, replicate, restart, survive a kill, and leave nothing behind. Needs the npm packages.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
use std::path::Path;

use faultline_lab::postgres::{Flavour, MONITOR, Pair};
use sqlx::{ConnectOptions, Row};

async fn count(server: &faultline_lab::postgres::Server, role: &str) -> i64 {
    let mut connection = server.connect_options(role).connect().await.unwrap();
    let row = sqlx::query("select count(*) from pg_stat_statements where queryid is not null")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    row.get(0)
}

async fn rows(server: &faultline_lab::postgres::Server) -> i64 {
    sqlx::query("select count(*) from thing")
        .fetch_one(&mut server.connect().await.unwrap())
        .await
        .unwrap()
        .get(0)
}

async fn check(major: Flavour) {
    let mut pair = Pair::start(major).await.unwrap();
    pair.primary.execute("create table thing as select generate_series(1, 100)").await.unwrap();
    pair.caught_up().await.unwrap();
    assert_eq!(rows(&pair.standby).await, 100, "PostgreSQL {major}");
    assert!(count(&pair.primary, MONITOR).await > 0, "PostgreSQL {major}");
    assert!(count(&pair.standby, MONITOR).await > 0, "PostgreSQL {major}");

    pair.standby.restart().await.unwrap();
    pair.primary.kill();
    assert!(!pair.primary.is_running());
    pair.primary.start_again().await.unwrap();
    assert_eq!(rows(&pair.primary).await, 100, "PostgreSQL {major}");

    let folders = [pair.primary.data(), pair.standby.data()];
    let pids = [pair.primary.pid().unwrap(), pair.standby.pid().unwrap()];
    drop(pair);
    for folder in folders {
        assert!(!folder.parent().unwrap().exists(), "{} is left over", folder.display());
    }
    for pid in pids {
        assert!(!Path::new(&format!("/proc/{pid}")).exists(), "process {pid} is left over");
    }
}

#[tokio::test]
async fn a_pair_of_every_version_replicates_and_leaves_nothing_behind() {
    for major in Flavour::ALL.into_iter().filter(|flavour| flavour.is_wanted()) {
        check(major).await;
    }
}
