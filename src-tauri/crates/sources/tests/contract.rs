//! What holds for the source of every engine alike, as long as its server cannot be reached. An engine that comes to
//! [`WATCHED`] is tried without a change here but its address.

#![allow(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

use std::net::TcpListener;
use std::sync::Arc;

use faultline_model::{Clock, Due, Engine, HealthLevel, HealthRow, NodeId, NodeSpec, Source, Timestamp};
use faultline_sources::{QueryBook, WATCHED, open};
use secrecy::SecretString;

const ALL: Due = Due { sessions: true, counters: true, facts: true };
const PASSWORD: &str = "hunter2-and-more";

struct Still;
impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(1_000.0)
    }
}

/// An address at which nobody is.
fn nowhere(engine: Engine) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    match engine {
        Engine::Postgres => format!("postgres://watcher@127.0.0.1:{port}/shop?sslmode=disable"),
        Engine::Mysql => format!("mysql://watcher@127.0.0.1:{port}/shop?ssl-mode=disabled"),
        Engine::Mariadb => format!("mariadb://watcher@127.0.0.1:{port}/shop?ssl-mode=disabled"),
        Engine::Unknown => unreachable!("no source watches an unknown engine"),
    }
}

fn spec(engine: Engine, url: String) -> NodeSpec {
    NodeSpec {
        id: NodeId { cluster: "shop".into(), node: "primary".into() },
        engine,
        url,
        password: Some(SecretString::from(PASSWORD.to_owned())),
        role: None,
    }
}

fn opened(engine: Engine) -> Box<dyn Source> {
    open(spec(engine, nowhere(engine)), Arc::new(Still), QueryBook::default()).unwrap()
}

/// One row that says that there is no connection and what to do, and nothing else.
#[track_caller]
fn expect_no_connection(engine: Engine, rows: &[HealthRow]) {
    let [row] = rows else { panic!("{engine:?}: one row was expected: {rows:#?}") };
    let about = (row.target.as_str(), row.aspect.as_str(), row.level);
    assert_eq!(about, ("shop/primary", "connection", HealthLevel::Error), "{engine:?}");
    assert!(row.hint.as_deref().is_some_and(|hint| !hint.is_empty()), "{engine:?}: {row:?}");
    assert!(!format!("{row:?}").contains(PASSWORD), "{engine:?}: {row:?}");
}

#[tokio::test]
async fn who_cannot_be_reached_is_a_row_and_is_not_asked_again_at_once() {
    for &engine in WATCHED {
        let mut source = opened(engine);
        let polled = source.poll(ALL).await;
        assert!(polled.frames.is_empty() && polled.cost_ms >= 0.0, "{engine:?}");
        expect_no_connection(engine, &polled.health);
        let again = source.poll(ALL).await;
        assert!(again.frames.is_empty() && again.health.is_empty(), "{engine:?}: {:?}", again.health);
        let closer = source.inspect(&["3f2a90".into()]).await;
        assert!(closer.frames.is_empty(), "{engine:?}");
    }
}

#[tokio::test]
async fn a_self_test_tries_at_once_and_tells_all_that_it_knows() {
    for &engine in WATCHED {
        let mut source = opened(engine);
        source.poll(ALL).await;
        for _ in 0..2 {
            expect_no_connection(engine, &source.self_test().await);
        }
    }
}

#[tokio::test]
async fn who_was_never_connected_can_be_closed_and_asked_again() {
    for &engine in WATCHED {
        let mut source = opened(engine);
        source.close().await;
        source.close().await;
        expect_no_connection(engine, &source.poll(ALL).await.health);
    }
}

#[test]
fn an_address_that_cannot_be_read_keeps_its_password() {
    for &engine in WATCHED {
        let (scheme, rest) =
            nowhere(engine).split_once("://").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        let with_password = rest.replace("watcher@", &format!("watcher:{PASSWORD}@"));
        for url in [
            format!("gopher://{with_password}"),
            format!("{scheme}://{}", with_password.replace("127.0.0.1", "[half")),
            format!("{scheme}://{}", with_password.replace("mode=disable", "mode=maybe")),
        ] {
            let error = open(spec(engine, url.clone()), Arc::new(Still), QueryBook::default())
                .map(|_| ())
                .unwrap_err();
            let text = error.to_string();
            assert!(text.contains("shop/primary") && !text.contains(PASSWORD), "{engine:?} {url}: {text}");
        }
    }
}
