//! From ticks to panels: the arithmetic of load, and gaps that stay gaps.
#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::collections::BTreeMap;

use faultline_chart::build::{OTHER_KEY, Tick, UNFINISHED_KEY, calls_per_s, latency, load_by_query};
use faultline_chart::{Panel, Theme};
use faultline_model::{QueryDelta, Timestamp, signal};

fn tick(node: &str, at_s: f64) -> Tick {
    Tick::new(Timestamp::from_secs(at_s), 10.0, node.into())
}

fn query(fp: &str, calls: f64, time_ms: f64) -> QueryDelta {
    QueryDelta {
        fp: fp.into(),
        calls,
        time_ms,
        rows: None,
        blocks_hit: None,
        blocks_read: None,
        errors: None,
    }
}

fn counted(node: &str, at_s: f64, queries: &[(&str, f64)]) -> Tick {
    let queries = queries.iter().map(|(fp, time_ms)| query(fp, time_ms / 10.0, *time_ms)).collect();
    Tick { queries, queries_observed: true, ..tick(node, at_s) }
}

fn sampled(mut tick: Tick, sessions: &[(Option<&str>, f64)]) -> Tick {
    tick.sessions = sessions.iter().map(|(fp, mean)| (fp.map(Into::into), *mean)).collect();
    tick.sessions_observed = true;
    tick
}

/// Every series as `key: second=value …`, a gap as `-`.
fn plain(panel: &Panel) -> Vec<String> {
    let value = |value: &Option<f64>| {
        value.map_or("-".to_owned(), |value| format!("{}", (value * 1e6).round() / 1e6))
    };
    let points = |points: &[(Timestamp, Option<f64>)]| {
        points.iter().map(|(at, one)| format!(" {}={}", at.as_secs(), value(one))).collect::<String>()
    };
    panel.series.iter().map(|series| format!("{}:{}", series.key, points(&series.points))).collect()
}

fn load(ticks: &[Tick], top_n: usize) -> Vec<String> {
    plain(&load_by_query(ticks, top_n, &BTreeMap::new(), Theme::Light))
}

#[test]
fn load_is_counted_time_by_query_over_all_nodes() {
    let ticks = [
        counted("a", 10.0, &[("q1", 5_000.0), ("q2", 1_000.0)]),
        counted("b", 10.5, &[("q1", 5_000.0)]),
        counted("a", 20.0, &[]),
        counted("b", 20.5, &[("q2", 20_000.0)]),
    ];
    assert_eq!(load(&ticks, 2), ["q2: 10=0.1 20=2", "q1: 10=1 20=0"]);
    assert_eq!(load(&ticks, 1), ["other: 10=1 20=0", "q2: 10=0.1 20=2"]);
}

#[test]
fn what_has_not_finished_is_a_part_of_its_own() {
    let stuck = sampled(counted("a", 10.0, &[("q1", 10_000.0)]), &[(Some("q1"), 1.0), (Some("q9"), 6.0)]);
    let calm = sampled(counted("a", 20.0, &[("q1", 10_000.0)]), &[(Some("q1"), 1.4)]);
    assert_eq!(load(&[stuck, calm], 5), ["q1: 10=1 20=1".to_owned(), format!("{UNFINISHED_KEY}: 10=6 20=0")]);
}

#[test]
fn where_there_are_no_counters_the_sessions_are_the_load() {
    let ticks = [sampled(tick("a", 10.0), &[(Some("q1"), 2.0), (None, 0.5)]), sampled(tick("a", 20.0), &[])];
    assert_eq!(load(&ticks, 5), [format!("{OTHER_KEY}: 10=0.5 20=0"), "q1: 10=2 20=0".to_owned()]);
}

#[test]
fn gaps_stay_gaps() {
    let q = [("q", 10_000.0)];
    let silence = [counted("a", 10.0, &q), tick("a", 20.0), counted("a", 40.0, &q)];
    assert_eq!(load(&silence, 5), ["q: 10=1 20=- 40=1"]);
    // A node that misses one word is not a drop of the cluster's load.
    let lost = [
        counted("a", 10.0, &q),
        counted("b", 10.0, &q),
        counted("a", 20.0, &q),
        counted("a", 30.0, &q),
        counted("b", 30.0, &q),
    ];
    assert_eq!(load(&lost, 5), ["q: 10=2 20=- 30=2"]);
    assert_eq!(load(&[], 5), Vec::<String>::new());
    assert_eq!(load(&[Tick { span_s: 0.0, ..counted("a", 10.0, &q) }], 5), Vec::<String>::new());
}

#[test]
fn short_samples_and_long_counters_share_a_cell() {
    let mut ticks: Vec<Tick> = (1..=10)
        .map(|second| sampled(Tick { span_s: 1.0, ..tick("a", f64::from(second)) }, &[(Some("q"), 1.0)]))
        .collect();
    ticks.push(counted("a", 10.0, &[("q", 10_000.0)]));
    assert_eq!(load(&ticks, 5), ["q: 10=1"]);
}

#[test]
fn texts_name_the_queries() {
    let texts = BTreeMap::from([("q".into(), "select ?".to_owned())]);
    let panel = load_by_query(&[counted("a", 10.0, &[("q", 1.0)])], 5, &texts, Theme::Dark);
    assert_eq!(panel.series[0].label, "select ?");
}

fn with_signal(mut tick: Tick, name: &str, value: f64) -> Tick {
    tick.signals.insert(name.into(), value);
    tick
}

#[test]
fn latency_is_a_line_for_each_node_with_gaps() {
    let ticks = [
        with_signal(tick("a", 10.0), signal::LATENCY_MS, 3.0),
        with_signal(tick("a", 20.0), signal::LATENCY_MS, f64::NAN),
        with_signal(tick("a", 50.0), signal::LATENCY_MS, 4.0),
        with_signal(tick("edge", 10.0), signal::REQUEST_LATENCY_MS, 30.0),
        tick("b", 10.0),
    ];
    assert_eq!(plain(&latency(&ticks, Theme::Light)), ["a: 10=3 20=- 35=- 50=4", "edge:requests: 10=30"]);
}

#[test]
fn calls_are_counted_or_else_throughput_is_taken() {
    let ticks = [
        with_signal(counted("a", 10.0, &[("q", 1_000.0)]), signal::THROUGHPUT, 999.0),
        with_signal(tick("b", 10.0), signal::THROUGHPUT, 5.0),
        with_signal(tick("edge", 10.0), signal::REQUESTS_PER_S, 7.0),
    ];
    assert_eq!(plain(&calls_per_s(&ticks, Theme::Light)), ["calls: 10=15", "requests: 10=7"]);
}
