//! The shop on a real pair: both services serve, a new version shows by name and by query, and goes again.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use faultline_lab::postgres::{Pair, Server};
use faultline_lab::shop::{self, Service};
use sqlx::Row;

/// Waits for a number to reach another; a hanging test ends here instead of in the runner.
async fn until(server: &Server, at_least: i64, question: &'static str) {
    let asked = async {
        let mut connection = server.connect().await.unwrap();
        while sqlx::query(question).fetch_one(&mut connection).await.unwrap().get::<i64, _>(0) < at_least {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), asked).await.unwrap_or_else(|_| panic!("{question}"));
}

#[tokio::test]
async fn a_version_shows_by_name_and_by_query_and_goes_again() {
    let pair = Pair::start(18).await.unwrap();
    shop::set_up(&pair).await.unwrap();
    let load = shop::start_load(&pair);
    for server in [&pair.standby, &pair.primary] {
        until(server, 2, "select count(distinct userid) from pg_stat_statements join pg_roles r on r.oid = userid where rolname in ('checkout', 'search')").await;
    }
    until(&pair.standby, 1, "select count(*) from pg_stat_activity where application_name = 'checkout@v141'")
        .await;

    let checkout = load.service(Service::Checkout);
    let bad = Service::Checkout.version("v142").unwrap();
    checkout.switch(bad);
    checkout.serves(bad).await;
    until(&pair.standby, 1, "select count(*) from pg_stat_activity where application_name = 'checkout@v142'")
        .await;
    until(
        &pair.standby,
        1,
        "select count(*) from pg_stat_statements where query like 'select * from order_item%'",
    )
    .await;

    checkout.switch(Service::Checkout.first_version());
    until(
        &pair.standby,
        1,
        "select (count(*) = 0)::int::bigint from pg_stat_activity where application_name = 'checkout@v142'",
    )
    .await;
    assert_eq!(load.service(Service::Search).counts().failed, 0);
    assert!(load.service(Service::Search).counts().served > 0);
    load.stop().await;
}
