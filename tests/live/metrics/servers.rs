//! Prometheus and VictoriaMetrics as endpoints: values, ranges in parts, gaps, restarts, and dialects.

use std::time::Duration;

use faultline_lab::prometheus::{Options, Prometheus};
use faultline_lab::victoria_metrics::VictoriaMetrics;
use faultline_model::{Due, EndpointKind, HealthLevel, Source, Timestamp};
use faultline_sources::prometheus::{Endpoint, Trouble};
use faultline_sources::{QueryBook, open_endpoint};

use super::target::{RATES, Target};
use super::{clock, spec, until};

const SIGNALS: &[(&str, &str)] = &[
    ("requests_per_s", "sum(rate(requests_total[5s]))"),
    ("request_error_ratio", "sum(rate(requests_total{code=~\"5..\"}[5s])) / sum(rate(requests_total[5s]))"),
    ("request_clients", "clients"),
];

/// Rates of a page that grows by the clock are as exact as the times of its scrapes, on a busy machine.
const TOLERANCE: f64 = 0.25;

/// All values of a poll, in the order of their signals; `None` when one is missing.
async fn values(source: &mut Box<dyn Source>) -> Option<Vec<f64>> {
    let frames = source.poll(Due::default()).await.frames;
    let signals = frames.into_iter().find_map(|frame| frame.signals)?;
    (signals.values.len() == SIGNALS.len()).then(|| signals.values.values().copied().collect())
}

fn check(values: &[f64], what: &str) {
    let all: f64 = RATES.iter().map(|(_, rate)| rate).sum();
    for (value, expected) in values.iter().zip([7.0, RATES[1].1 / all, all]) {
        assert!((value - expected).abs() <= expected * TOLERANCE, "{what}: {values:?}");
    }
}

#[tokio::test]
async fn scraped_here_or_by_prometheus_the_signals_are_the_same() {
    let target = Target::start().await;
    let options = Options {
        targets: vec![("edge".to_owned(), target.address.clone())],
        scrape_every: Duration::from_millis(500),
        ..Options::default()
    };
    let mut server = Prometheus::start(options).await.unwrap();
    let page = spec(EndpointKind::Scrape, format!("http://{}/metrics", target.address), SIGNALS);
    let asked = spec(EndpointKind::Promql, server.url(), SIGNALS);
    let mut sources = [
        ("scraped", open_endpoint(page, clock(), QueryBook::default()).unwrap()),
        ("asked", open_endpoint(asked, clock(), QueryBook::default()).unwrap()),
    ];
    for (how, source) in &mut sources {
        // Prometheus gives a rate before its range is covered, as long as that is too small; we do not.
        let is_right = |values: &Vec<f64>| *how == "scraped" || values[2] > (1.0 - TOLERANCE) * 50.0;
        check(&until(how, async || values(source).await.filter(is_right)).await, how);
        // The counters begin anew: nothing is negative, and nothing of the old height comes in.
        target.restart();
        let after = until(how, async || values(source).await).await;
        assert!(after[2] >= 0.0 && after[2] < 1_000.0, "{how}: {after:?}");
    }
    // The target is gone: a gap at once where we scrape, and within Prometheus' own scrapes where it does.
    target.set_down(true);
    for (how, source) in &mut sources {
        until(how, async || {
            let frames = source.poll(Due::default()).await.frames;
            let clients = frames.iter().filter_map(|frame| frame.signals.as_ref());
            (!clients.clone().any(|signals| signals.values.contains_key("request_clients"))).then_some(())
        })
        .await;
    }
    target.set_down(false);
    // What was counted between the last page and a restart is lost, for Prometheus and for us: a rate over it is too small.
    for (how, source) in &mut sources {
        let is_right = |values: &Vec<f64>| values[2] > (1.0 - TOLERANCE) * 50.0;
        check(&until(how, async || values(source).await.filter(is_right)).await, how);
    }
    let rows = sources[1].1.self_test().await;
    assert!(rows.iter().all(|row| row.level <= HealthLevel::Ok), "{rows:#?}");
    server.restart().await.unwrap();
    let is_right = |values: &Vec<f64>| values[2] > (1.0 - TOLERANCE) * 50.0;
    let after = until("after the restart", async || values(&mut sources[1].1).await.filter(is_right)).await;
    check(&after, "after the restart");
}

/// A counter that grows by 2 a second, every 10 s for a day and a half, ending now.
fn history(now_s: f64) -> (f64, Vec<(f64, f64)>) {
    let began_s = (now_s / 10.0).floor() * 10.0 - 129_600.0;
    (began_s, (0..=12_960_u32).map(|n| (began_s + f64::from(n) * 10.0, f64::from(n) * 20.0)).collect())
}

async fn check_ranges(url: String, began_s: f64, dialect: &str) {
    let endpoint = Endpoint::open(&spec(EndpointKind::Promql, url, &[])).unwrap();
    let (from, to) = (Timestamp::from_secs(began_s + 600.0), Timestamp::from_secs(began_s + 129_600.0));
    let whole = until(dialect, async || {
        let found = endpoint.range("rate(history_total[1m])", from, to, 10.0).await.unwrap();
        (found.series.first()?.points.len() >= 12_900).then_some(found)
    })
    .await;
    let points = &whole.series[0].points;
    assert_eq!((whole.series.len(), points.len()), (1, 12_901), "{dialect}");
    assert!(points.windows(2).all(|pair| pair[1].0.secs_since(pair[0].0) == 10.0), "{dialect}");
    assert!(points.iter().all(|(_, value)| (value - 2.0).abs() < 1e-6), "{dialect}");
    let answer = endpoint.query("sum(rate(history_total[1m]))", Some(to)).await.unwrap();
    assert!((answer.samples[0].value - 2.0).abs() < 1e-6, "{dialect}: {answer:?}");
    let error = endpoint.query("sum(rate(history_total[1m])", None).await.unwrap_err();
    assert!(
        matches!(&error, Trouble::Refused { kind, message, .. } if !kind.is_empty() && message.contains("history_total")
        || matches!(&error, Trouble::Refused { message, .. } if message.contains("parse"))),
        "{dialect}: {error:?}"
    );
    let missing = endpoint.query("nothing_of_that_name", None).await.unwrap();
    assert_eq!(missing.samples.len(), 0, "{dialect}");
}

#[tokio::test]
async fn a_day_and_a_half_comes_in_parts_from_prometheus() {
    let (began_s, points) = history(clock().now().as_secs());
    let samples: String = points.iter().map(|(at, value)| format!("history_total {value} {at}\n")).collect();
    let options = Options { samples: Some(samples + "# EOF\n"), ..Options::default() };
    let server = Prometheus::start(options).await.unwrap();
    check_ranges(server.url(), began_s, "Prometheus").await;
}

#[tokio::test]
async fn a_day_and_a_half_comes_in_parts_from_victoria_metrics() {
    let server = VictoriaMetrics::start().await.unwrap();
    let (began_s, points) = history(clock().now().as_secs());
    let samples = points.iter().map(|(at, value)| format!("history_total {value} {:.0}\n", at * 1_000.0));
    server.import(samples.collect()).await.unwrap();
    check_ranges(server.url(), began_s, "VictoriaMetrics").await;
    // Its dialect goes through as it is.
    let signals = [
        ("x_history", "WITH (h = history_total) sum(rate(h))"),
        ("x_last", "last_over_time(history_total[1h])"),
    ];
    let spec = spec(EndpointKind::Promql, format!("{}/", server.url()), &signals);
    let mut source = open_endpoint(spec, clock(), QueryBook::default()).unwrap();
    let polled = source.poll(Due::default()).await;
    let values = &polled.frames[0].signals.as_ref().unwrap().values;
    assert!((values["x_history"] - 2.0).abs() < 0.1, "{values:?}");
    assert_eq!(values.len(), 2, "{:#?}", polled.health);
}
