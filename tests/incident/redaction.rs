//! A redacted recording: the same verdicts, and nobody's names.

use crate::Line;

/// Names and words that are in the shop, its servers and its deploys.
const NAMES: [&str; 10] = [
    "shop",
    "checkout",
    "search",
    "primary-",
    "replica-1",
    "v141",
    "v142",
    "select",
    "order_item",
    "127.0.0.1",
];

/// Compares what a redacted recording says with what the whole one says.
#[track_caller]
pub(crate) fn check(whole: &[Line], redacted: &[Line], file: &str) {
    for name in NAMES {
        let line = file.lines().find(|line| line.contains(name));
        assert_eq!(line, None, "{name} is still in the redacted recording");
    }
    let shapes = |lines: &[Line]| lines.iter().map(shape).collect::<Vec<_>>();
    assert_eq!(shapes(redacted), shapes(whole));
}

/// A line without names: when, what, which causes, how probable, which fingerprints.
fn shape(line: &Line) -> Line {
    let list = |key: &str, fields: &[&str]| -> Vec<Vec<Line>> {
        let entries = line[key].as_array().map(Vec::as_slice).unwrap_or_default();
        entries.iter().map(|entry| fields.iter().map(|field| rounded(&entry[field])).collect()).collect()
    };
    serde_json::json!({
        "t": line["t"],
        "event": line["event"],
        "incident": line["incident"],
        "onset": line["onset"],
        "severity": line["severity"],
        "load_ratio": line["load_ratio"],
        "causes": list("causes", &["cause", "verdict", "score"]),
        "deploys": list("deploys", &["probability"]),
        "queries": list("queries", &["fp", "share"]),
    })
}

/// Names decide the order in which numbers are added up, and so their last digits.
fn rounded(value: &Line) -> Line {
    value.as_f64().map_or_else(|| value.clone(), |number| format!("{number:.9}").into())
}
