//! The source around an endpoint: frames, gaps, rows, and what goes wrong.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use faultline_model::{
    Due, EndpointAuth, EndpointKind, EndpointSpec, HealthLevel, HealthRow, Observed, Role, Source,
};
use faultline_sources::{QueryBook, open_endpoint};

use crate::server::{Asked, Server, Still, json, spec, status, text, typed};

const RATE: &[(&str, &str)] = &[("requests_per_s", "sum(rate(requests_total[20s]))")];

fn open(spec: EndpointSpec, clock: &Arc<Still>) -> Box<dyn Source> {
    open_endpoint(spec, clock.clone(), QueryBook::default()).unwrap()
}

fn level(rows: &[HealthRow], aspect: &str) -> Option<HealthLevel> {
    rows.iter().find(|row| row.aspect.starts_with(aspect)).map(|row| row.level)
}

/// A poll's only value, and the span that it covers.
async fn value(source: &mut Box<dyn Source>) -> Option<(f64, f64)> {
    let polled = source.poll(Due::default()).await;
    let signals = polled.frames.into_iter().find_map(|frame| frame.signals)?;
    Some((*signals.values.values().next()?, signals.span_s))
}

#[tokio::test]
async fn an_exporter_is_scraped_and_its_rates_begin_when_their_range_is_covered() {
    let count = Arc::new(AtomicUsize::new(1_000));
    let shared = Arc::clone(&count);
    let server =
        Server::start(move |_| text(format!("requests_total {}\n", shared.load(Ordering::SeqCst)))).await;
    let clock = Still::at(1_000.0);
    let mut endpoint = spec(EndpointKind::Scrape, server.url("/metrics"), RATE);
    endpoint.role = Some(Role::Edge);
    let mut source = open(endpoint, &clock);
    let first = source.poll(Due::default()).await;
    assert_eq!(first.frames.len(), 1);
    let about = first.frames[0].about.as_ref().unwrap();
    assert_eq!((about.role, about.observed), (Some(Role::Edge), Some(Observed::Metrics)));
    assert!(first.frames[0].signals.is_none());
    for (aspect, expected) in [
        ("metrics connection", HealthLevel::Ok),
        ("metrics tls", HealthLevel::NotApplicable),
        ("metrics auth", HealthLevel::NotApplicable),
        ("metrics format", HealthLevel::Ok),
        ("metrics limits", HealthLevel::Ok),
        ("metrics freshness", HealthLevel::Ok),
        ("signal requests_per_s", HealthLevel::Ok),
    ] {
        assert_eq!(level(&first.health, aspect), Some(expected), "{aspect}");
    }
    let mut at = 1_000.0;
    let mut step = |by: usize, seconds: f64| {
        at += seconds;
        clock.set(at);
        count.fetch_add(by, Ordering::SeqCst);
    };
    // A rate over less than its range would be too small: there is none until the range is covered.
    for _ in 0..2 {
        step(50, 5.0);
        assert_eq!(value(&mut source).await, None);
    }
    step(50, 5.0);
    assert_eq!(value(&mut source).await, Some((10.0, 5.0)));
    step(50, 5.0);
    step(0, 0.5);
    assert_eq!(value(&mut source).await.unwrap().1, 5.5);
    // Asleep for an hour, the clock put back: what is remembered says nothing any more; nothing is invented, and the span
    // is what a poll usually covers.
    for jump in [3_600.0, -600.0] {
        step(100_000, jump);
        assert_eq!(value(&mut source).await, None);
        for _ in 0..2 {
            step(50, 5.0);
            assert_eq!(value(&mut source).await, None);
        }
        step(50, 5.0);
        assert_eq!(value(&mut source).await, Some((10.0, 5.0)));
    }
    // Nothing of all this is news.
    assert_eq!(
        source.poll(Due::default()).await.frames.iter().filter(|frame| frame.about.is_some()).count(),
        0
    );
}

#[tokio::test]
async fn what_an_exporter_is_asked_says_what_is_read_and_how_long_is_waited() {
    let server = Server::start(|_| text("requests_total 1\n")).await;
    let mut endpoint = spec(EndpointKind::Scrape, server.url("/metrics?collect[]=cpu"), RATE);
    endpoint.auth = Some(EndpointAuth::Basic { user: "faultline".to_owned(), password: "hunter2".into() });
    endpoint.headers.insert("X-Team".to_owned(), "shop".into());
    open(endpoint, &Still::at(0.0)).poll(Due::default()).await;
    let asked: &Asked = &server.asked()[0];
    assert_eq!((asked.method.as_str(), asked.path.as_str(), asked.query.len()), ("GET", "/metrics", 1));
    assert!(asked.header("accept").unwrap().starts_with("application/openmetrics-text;version=1.0.0"));
    assert!(asked.header("accept-encoding").unwrap().contains("gzip"));
    assert_eq!(asked.header("x-prometheus-scrape-timeout-seconds"), Some("4.75"));
    assert_eq!(asked.header("authorization"), Some("Basic ZmF1bHRsaW5lOmh1bnRlcjI="));
    assert_eq!(asked.header("x-team"), Some("shop"));
}

#[tokio::test]
async fn each_signal_says_what_is_wrong_with_it() {
    let page = "up{host=\"a\"} 1\nup{host=\"b\"} 1\nzero 0\nold 1 1000\nrequests_total 5\n";
    let server = Server::start(move |_| text(page)).await;
    let signals = [
        ("x_one", "sum(up)"),
        ("x_many", "up"),
        ("x_none", "missing{a=\"b\"}"),
        ("x_nan", "zero / zero"),
        ("x_old", "old"),
        ("x_rate", "rate(requests_total[20s])"),
        ("x_clash", "up + on () up"),
        ("x_strangers", "up{host=\"a\"} + zero{}"),
    ];
    let clock = Still::at(1_000.0);
    let mut source = open(spec(EndpointKind::Scrape, server.url("/"), &signals), &clock);
    let polled = source.poll(Due::default()).await;
    let values = &polled.frames[0].signals.as_ref().unwrap().values;
    assert_eq!(values.len(), 1);
    let rows: String = polled
        .health
        .iter()
        .filter(|row| row.aspect.starts_with("signal") || row.aspect.contains("freshness"))
        .map(|row| {
            let aspect = row.aspect.split(" (").next().unwrap();
            format!(
                "{aspect} {:?}: {} | {}\n",
                row.level,
                row.message,
                row.hint.as_deref().unwrap_or_default()
            )
        })
        .collect();
    insta::assert_snapshot!(rows);
    // A row is told once.
    clock.set(1_001.0);
    let again = source.poll(Due::default()).await.health;
    assert_eq!(again.iter().map(|row| row.aspect.as_str()).collect::<Vec<_>>(), Vec::<&str>::new());
}

#[tokio::test]
async fn what_goes_wrong_is_a_row_of_the_right_aspect_and_a_gap() {
    let page = || text("requests_total 5\n");
    type Answer = fn() -> axum::http::Response<String>;
    let cases: &[(&str, Answer, &str, &str)] = &[
        ("unauthorised", || status(401, "text/plain", "who are you"), "metrics auth", "Add token"),
        ("forbidden", || status(403, "text/plain", "no"), "metrics auth", "Add token"),
        ("no such page", || status(404, "text/plain", "404 page not found"), "metrics format", "/metrics"),
        ("broken", || status(500, "text/plain", "collector failed"), "metrics connection", ""),
        ("a web page", || typed("text/html", "<h1>Node Exporter</h1>"), "metrics format", ""),
        ("nonsense", || text("a b c"), "metrics format", ""),
        ("cut off", || typed("application/openmetrics-text", "a 1\n"), "metrics format", ""),
        (
            "elsewhere",
            || {
                axum::http::Response::builder()
                    .status(302)
                    .header("location", "http://elsewhere.invalid/")
                    .body(String::new())
                    .unwrap()
            },
            "metrics connection",
            "",
        ),
    ];
    for (name, answer, aspect, hint) in cases {
        let broken = Arc::new(Mutex::new(false));
        let (is_broken, answer) = (Arc::clone(&broken), *answer);
        let server = Server::start(move |_| if *is_broken.lock().unwrap() { answer() } else { page() }).await;
        let clock = Still::at(1_000.0);
        let mut source =
            open(spec(EndpointKind::Scrape, server.url("/"), &[("x_a", "requests_total")]), &clock);
        assert!(value(&mut source).await.is_some(), "{name}");
        *broken.lock().unwrap() = true;
        clock.set(1_005.0);
        let polled = source.poll(Due::default()).await;
        assert!(polled.frames.is_empty(), "{name}: {:?}", polled.frames);
        let row = polled.health.iter().find(|row| row.level == HealthLevel::Error).unwrap();
        assert!(row.aspect.starts_with(aspect), "{name}: {row:?}");
        assert!(row.hint.as_deref().unwrap_or_default().contains(hint), "{name}: {row:?}");
        *broken.lock().unwrap() = false;
        clock.set(1_010.0);
        let polled = source.poll(Due::default()).await;
        assert_eq!(polled.frames.len(), 1, "{name}");
        assert_eq!(
            level(&polled.health, aspect),
            Some(if aspect.ends_with("auth") { HealthLevel::NotApplicable } else { HealthLevel::Ok }),
            "{name}"
        );
    }
}

#[tokio::test]
async fn nobody_answers() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/metrics", listener.local_addr().unwrap());
    drop(listener);
    let mut source = open(spec(EndpointKind::Scrape, url, RATE), &Still::at(0.0));
    let rows = source.self_test().await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(level(&rows, "metrics connection"), Some(HealthLevel::Error));
    assert!(rows[0].message.contains("cannot be reached"), "{rows:?}");
}

#[tokio::test]
async fn a_self_test_scrapes_twice_where_once_does_not_tell() {
    let count = AtomicUsize::new(100);
    let server =
        Server::start(move |_| text(format!("requests_total {}\n", count.fetch_add(10, Ordering::SeqCst))))
            .await;
    struct Real;
    impl faultline_model::Clock for Real {
        fn now(&self) -> faultline_model::Timestamp {
            use std::sync::OnceLock;
            static BEGAN: OnceLock<std::time::Instant> = OnceLock::new();
            faultline_model::Timestamp::from_secs(
                1e9 + BEGAN.get_or_init(std::time::Instant::now).elapsed().as_secs_f64(),
            )
        }
    }
    let spec = spec(EndpointKind::Scrape, server.url("/"), RATE);
    let mut source = open_endpoint(spec, Arc::new(Real), QueryBook::default()).unwrap();
    let rows = source.self_test().await;
    assert_eq!(server.asked().len(), 2);
    let row = rows.iter().find(|row| row.aspect == "signal requests_per_s").unwrap();
    assert_eq!((row.level, row.message.as_str()), (HealthLevel::Ok, "it gives one number"));
}

/// What a server answers to one query.
fn vector(values: &[&str]) -> String {
    let series: Vec<String> = values
        .iter()
        .enumerate()
        .map(|(n, value)| format!(r#"{{"metric":{{"n":"{n}"}},"value":[1000.5,"{value}"]}}"#))
        .collect();
    format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{}]}}}}"#, series.join(","))
}

#[tokio::test]
async fn a_prometheus_server_is_asked_for_each_signal() {
    let server =
        Server::start(|asked| {
            let query = asked.parameter("query").unwrap();
            json(match query {
                "sum(up)" => vector(&["3"]),
                "up" => vector(&["1", "1", "1"]),
                "0/0" => r#"{"status":"success","data":{"resultType":"scalar","result":[1000.5,"NaN"]}}"#
                    .to_owned(),
                "gone" => vector(&[]),
                "partial" => vector(&["5"]).replace("\"status\"", "\"isPartial\":true,\"status\""),
                "warned" => vector(&["6"])
                    .replace("\"status\"", "\"warnings\":[\"store 10.0.0.9 is down\"],\"status\""),
                "stale" => vector(&["7"]),
                "WITH (x = up) x" => {
                    return status(
                        400,
                        "application/json",
                        r#"{"status":"error","errorType":"bad_data","error":"1:6: parse error"}"#,
                    );
                }
                "time() - max(timestamp(stale))" => vector(&["500"]),
                other if other.starts_with("time() - max(timestamp(") => vector(&["3"]),
                other => panic!("unexpected query {other}"),
            })
        })
        .await;
    let signals = [
        ("x_sum", "sum(up)"),
        ("x_many", "up"),
        ("x_nan", "0/0"),
        ("x_gone", "gone"),
        ("x_partial", "partial"),
        ("x_warned", "warned"),
        ("x_stale", "stale"),
        ("x_refused", "WITH (x = up) x"),
    ];
    let clock = Still::at(1_000.0);
    let mut source = open(spec(EndpointKind::Promql, server.url("/prometheus/"), &signals), &clock);
    let polled = source.poll(Due::default()).await;
    let signals = polled.frames[0].signals.as_ref().unwrap();
    let values: Vec<(&str, f64)> =
        signals.values.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    assert_eq!(values, [("x_sum", 3.0), ("x_warned", 6.0)]);
    assert_eq!(polled.frames[0].about.as_ref().unwrap().skew_s, Some(0.5));
    let mut rows: Vec<String> = polled
        .health
        .iter()
        .map(|row| format!("{} {:?}: {}", row.aspect.split(" (").next().unwrap(), row.level, row.message))
        .collect();
    rows.sort();
    let port = server.url("").rsplit(':').next().unwrap().to_owned();
    insta::assert_snapshot!(rows.join("\n").replace(&port, "PORT"));
}

#[tokio::test]
async fn the_range_of_a_presets_rates_follows_how_often_samples_come() {
    let server = Server::start(|asked| {
        let query = asked.parameter("query").unwrap();
        json(if query.contains("count_over_time") { vector(&["20"]) } else { vector(&["1"]) })
    })
    .await;
    let mut endpoint = spec(EndpointKind::Promql, server.url(""), &[]);
    endpoint.presets = vec!["nginx_exporter".to_owned()];
    endpoint.selector = "{instance=\"edge-1:9113\",job!=\"x\"}".to_owned();
    let mut source = open(endpoint, &Still::at(1_000.0));
    source.poll(Due::default()).await;
    let mut asked: Vec<String> =
        server.asked().iter().map(|one| one.parameter("query").unwrap().to_owned()).collect();
    asked.sort();
    insta::assert_snapshot!(asked.join("\n"));
}

#[test]
fn what_cannot_be_watched_is_refused_with_its_place() {
    let base = || spec(EndpointKind::Scrape, "https://edge.internal/metrics".to_owned(), RATE);
    type Change = fn(&mut EndpointSpec);
    let cases: &[(Change, &[&str])] = &[
        (
            |spec| spec.url = "edge/metrics".to_owned(),
            &["shop/edge: the url cannot be read", "https://host:9090"],
        ),
        (|spec| spec.url = "https://u:hunter2@edge/".to_owned(), &["does not belong into it"]),
        (
            |spec| {
                spec.signals.insert("x_bad".into(), "sum(delta(a[1m]))".to_owned());
            },
            &[
                "shop/edge: the expression of x_bad cannot be used: column 5: delta is not evaluated here",
                "it is: sum(delta(a[1m]))",
            ],
        ),
        (|spec| spec.signals.clear(), &["neither signals nor a preset"]),
        (|spec| spec.presets.push("apache".to_owned()), &["no preset apache", "node_exporter"]),
        (
            |spec| {
                spec.presets.push("envoy".to_owned());
                spec.selector = "{a=}".to_owned();
            },
            &["the selector {a=} cannot be used"],
        ),
        (|spec| spec.ca = Some("/nowhere/ca.pem".into()), &["`ca` /nowhere/ca.pem cannot be read"]),
        (
            |spec| {
                spec.headers.insert("X".to_owned(), "hunter2\n".into());
            },
            &["the header X cannot be sent"],
        ),
        (|spec| spec.interval_s = f64::NAN, &["interval"]),
    ];
    for (change, parts) in cases {
        let mut spec = base();
        change(&mut spec);
        let error =
            open_endpoint(spec, Still::at(0.0), QueryBook::default()).map(|_| ()).unwrap_err().to_string();
        assert!(parts.iter().all(|part| error.contains(part)), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}
