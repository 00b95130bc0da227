//! The shop's workload on a real pair: every statement runs, versions and their shares show in what the servers count,
//! a lost cache and more traffic show in what the users felt.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use faultline_fingerprint::{Dialect, normalise};
use faultline_lab::postgres::{Options, Pair, Server};
use faultline_lab::workload::{Load, LoadOptions, Second, TrafficChange, Version, Workload, set_up};
use sqlx::Row;

/// How much of the shop's data: enough for every statement.
const SCALE: f64 = 0.05;
/// A hanging test ends here instead of in the runner.
const DEADLINE: Duration = Duration::from_secs(90);

async fn shop() -> (Pair, Arc<Workload>) {
    let pair = Pair::start_with(Options::new(18).setting("max_connections", "200")).await.unwrap();
    let workload = Arc::new(Workload::named("shop").unwrap());
    set_up(&pair, &workload, SCALE).await.unwrap();
    (pair, workload)
}

fn start(pair: &Pair, workload: &Arc<Workload>, versions: &str, rate: f64) -> Load {
    #[derive(serde::Deserialize)]
    struct Versions {
        version: Vec<Version>,
    }
    let versions: Versions = toml::from_str(versions).unwrap();
    let workload = Arc::clone(workload);
    let options = LoadOptions { workload, scale: SCALE, versions: versions.version, seed: 7, rate };
    Load::start(options, &pair.primary, &pair.standby).unwrap()
}

fn normalised(sql: &str) -> String {
    normalise(sql, Dialect::Postgres).text
}

/// Waits until a number of a server is in a range.
async fn until(server: &Server, question: &'static str, wanted: impl Fn(i64) -> bool) {
    let asked = async {
        let mut connection = server.connect().await.unwrap();
        while !wanted(sqlx::query(question).fetch_one(&mut connection).await.unwrap().get(0)) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(DEADLINE, asked).await.unwrap_or_else(|_| panic!("{question}"));
}

/// Waits until the seconds since the start say something.
async fn until_felt(load: &Load, what: &str, wanted: impl Fn(&[Second]) -> bool) {
    let felt = async {
        while !wanted(&load.seconds()) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(DEADLINE, felt)
        .await
        .unwrap_or_else(|_| panic!("{what}: {:?}", load.seconds().last()));
}

#[tokio::test]
async fn every_statement_of_the_shop_runs() {
    let (pair, workload) = shop().await;
    // A version that asks for every route equally often, with every step of it, shows errors soon.
    let mut workload = Workload::clone(&workload);
    for service in &mut workload.services {
        service.requests_per_s = 60.0;
        for route in &mut service.routes {
            route.weight = 1.0;
            route.steps.iter_mut().for_each(|step| (step.share, step.cached) = (1.0, 0.0));
        }
    }
    let statements: std::collections::BTreeSet<String> = workload
        .services
        .iter()
        .flat_map(|service| &service.routes)
        .flat_map(|route| &route.steps)
        .filter_map(|step| step.sql.as_deref())
        .map(normalised)
        .collect();
    let load = start(&pair, &Arc::new(workload), "version = []", 1.0);
    let mut missing = statements.clone();
    let run = async {
        while !missing.is_empty() {
            tokio::time::sleep(Duration::from_millis(500)).await;
            for server in [&pair.primary, &pair.standby] {
                let mut connection = server.connect().await.unwrap();
                let rows =
                    sqlx::query("select query from pg_stat_statements").fetch_all(&mut connection).await;
                rows.unwrap().iter().for_each(|row| {
                    missing.remove(&normalised(row.get(0)));
                });
            }
        }
    };
    let done = tokio::time::timeout(DEADLINE, run).await;
    assert!(done.is_ok(), "never ran, or failed: {missing:#?}");
    let failed: u64 = load.seconds().iter().map(|second| second.failed).sum();
    assert_eq!(failed, 0);
    load.stop().await;
}

const VERSIONS: &str = r#"
[[version]]
service = "checkout"
version = "v142"
replace = [{ step = "cart_badge", with = { sql = "select 142, count(*) from cart_item where cart_id = $1", params = ["cart"] } }]

[[version]]
service = "search"
version = "88"
connections = 30
connect_per_request = true
add = [{ route = "GET /suggest", step = { name = "facets", sql = "select 88, $1::bigint", params = ["item"], times = 5 } }]
remove = ["item_viewed"]
routes = [{ route = "GET /new", weight = 20, steps = [{ sql = "select 880" }] }]
"#;

#[tokio::test]
async fn a_version_shows_by_name_by_statements_and_by_share() {
    let (pair, workload) = shop().await;
    let load = start(&pair, &workload, VERSIONS, 2.0);
    let on_v141 = "select count(*) from pg_stat_activity where application_name = 'checkout@v141'";
    let on_v142 = "select count(*) from pg_stat_activity where application_name = 'checkout@v142'";
    let of_v142 = "select coalesce(sum(calls), 0)::bigint from pg_stat_statements where query like 'select $2, count(*) from cart_item%'";
    until(&pair.standby, on_v141, |count| count == 12).await;

    load.switch("checkout", "v142", 0.25);
    let first = load.first_request("checkout", "v142").await;
    assert!(first <= faultline_lab::clock::unix_now());
    until(&pair.standby, on_v142, |count| count == 3).await;
    until(&pair.standby, of_v142, |count| count > 0).await;
    until(&pair.standby, on_v141, |count| count == 9).await;

    load.switch("checkout", "v142", 1.0);
    until(&pair.standby, on_v142, |count| count == 12).await;
    until(&pair.standby, on_v141, |count| count == 0).await;
    assert_eq!(load.first_request("checkout", "v142").await, first, "it served before");

    load.switch("checkout", "v141", 1.0);
    load.first_request("checkout", "v141").await;
    until(&pair.standby, on_v142, |count| count == 0).await;

    load.switch("checkout", "a-harmless-one", 1.0);
    until(
        &pair.standby,
        "select count(*) from pg_stat_activity where application_name = 'checkout@a-harmless-one'",
        |count| count == 12,
    )
    .await;

    load.switch("search", "88", 1.0);
    let loops = "select coalesce(sum(calls), 0)::bigint from pg_stat_statements where query = 'select $2, $1::bigint'";
    let new_route =
        "select coalesce(sum(calls), 0)::bigint from pg_stat_statements where query = 'select $1'";
    until(&pair.standby, loops, |count| count >= 50).await;
    until(&pair.standby, new_route, |count| count >= 10).await;
    let failed: u64 = load.seconds().iter().map(|second| second.failed).sum();
    assert_eq!(failed, 0);
    load.stop().await;
    until(
        &pair.standby,
        "select count(*) from pg_stat_activity where application_name like '%@%'",
        |count| count == 0,
    )
    .await;
}

#[tokio::test]
async fn a_lost_cache_and_more_traffic_show() {
    let (pair, workload) = shop().await;
    let load = start(&pair, &workload, "version = []", 1.0);
    let mean = |seconds: &[Second], of: fn(&Second) -> u64| {
        seconds.iter().map(of).sum::<u64>() as f64 / seconds.len().max(1) as f64
    };
    let statements = |second: &Second| second.statements;
    until_felt(&load, "ten seconds", |seconds| seconds.len() >= 10).await;
    let healthy = load.seconds();
    let (per_s, arrived) = (mean(&healthy, statements), mean(&healthy, |second| second.requests_arrived));
    load.lose_cache(true);
    let since = healthy.len() + 1;
    let later = move |seconds: &[Second]| seconds.get(since..).unwrap_or_default().to_vec();
    until_felt(&load, "the same reads, more often", |seconds| {
        let after = later(seconds);
        after.len() >= 5 && mean(&after, statements) > 1.3 * per_s
    })
    .await;
    load.lose_cache(false);
    let search = vec!["search".to_owned()];
    let change = TrafficChange {
        services: search,
        routes: Vec::new(),
        factor: 5.0,
        ramp: Duration::from_secs(1),
        clients: None,
    };
    let change = load.traffic(change);
    until_felt(&load, "more requests", |seconds| {
        seconds.last().is_some_and(|second| second.requests_arrived as f64 > 1.8 * arrived)
    })
    .await;
    load.end_traffic(change);
    load.stop().await;
    assert!(load.generator_lag().arrivals > 0);
}
