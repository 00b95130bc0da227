//! The parser of pages: every case of OpenMetrics, the looser text format, limits, and pages that nobody wrote.

use std::fmt::Write as _;

use faultline_sources::prometheus::{self as endpoint, Exposition, Format};
use proptest::prelude::*;
use serde_json::Value;

const CASES: &str = include_str!("../../../../../tests/specs/openmetrics/parser_cases.json");

/// A page that keeps every rule.
fn strict(text: &str) -> Result<Exposition, String> {
    let page = endpoint::read(text, Format::OpenMetrics, |_| true).map_err(|fault| fault.to_string())?;
    match page.fault {
        Some(fault) => Err(fault.to_string()),
        None => Ok(page),
    }
}

fn shown(page: &Exposition) -> String {
    let mut shown = String::new();
    for sample in &page.samples {
        let at = sample.at.map(|at| format!(" @{at}")).unwrap_or_default();
        writeln!(shown, "{} {:?}{at}", sample.labels, sample.value).unwrap();
    }
    shown
}

#[test]
fn every_case_of_openmetrics_is_taken_or_refused_as_it_should_be() {
    let cases: Value = serde_json::from_str(CASES).unwrap();
    let (mut taken, mut wrong, mut count) = (String::new(), Vec::new(), 0);
    for case in cases["cases"].as_array().unwrap() {
        let (name, text) = (case["name"].as_str().unwrap(), case["text"].as_str().unwrap());
        let should = case["shouldParse"].as_bool().unwrap();
        count += 1;
        match (strict(text), should) {
            (Ok(page), true) => write!(taken, "== {name}\n{}", shown(&page)).unwrap(),
            (Err(_), false) => {}
            (Ok(_), false) => wrong.push(format!("{name} is taken: {text:?}")),
            (Err(error), true) => wrong.push(format!("{name} is refused: {error}: {text:?}")),
        }
    }
    assert_eq!((count, wrong), (211, Vec::<String>::new()));
    insta::assert_snapshot!(taken);
}

#[track_caller]
fn check(format: Format, text: &str, expected: Result<&str, &str>) {
    match (endpoint::read(text, format, |_| true), expected) {
        (Ok(page), Ok(expected)) => assert_eq!(shown(&page).trim_end(), expected, "{text:?}"),
        (Err(fault), Err(part)) => assert!(fault.to_string().contains(part), "{text:?}: {fault}"),
        (got, expected) => panic!("{text:?}: {got:?} instead of {expected:?}"),
    }
}

#[test]
fn the_text_format_is_read_as_loosely_as_prometheus_does() {
    for (text, expected) in [
        ("", Ok("")),
        ("a 1", Ok("a 1.0")),
        ("a 1\n\n# FOO\n#\n  b  2  \n", Ok("a 1.0\nb 2.0")),
        ("a\t1\t1700000000123", Ok("a 1.0 @1700000000.123")),
        ("a { b = \"c\" , } 1", Ok("a{b=\"c\"} 1.0")),
        ("a{b=\"c\"}1", Ok("a{b=\"c\"} 1.0")),
        ("a{} 1", Ok("a 1.0")),
        ("a{b=\"\"} 1", Ok("a 1.0")),
        ("a{z=\"1\",b=\"2\"} 1", Ok("a{b=\"2\",z=\"1\"} 1.0")),
        (r#"a{b="x\\y\"z\nw\q"} 1"#, Ok(r#"a{b="x\\y\"z\nw\\q"} 1.0"#)),
        ("a NaN\nb +Inf\nc -Inf\nd 1e-3", Ok("a NaN\nb inf\nc -inf\nd 0.001")),
        ("{\"http.requests\",\"le.bel\"=\"x\"} 1", Ok("http.requests{le.bel=\"x\"} 1.0")),
        ("{\"größe\"} 1", Ok("größe 1.0")),
        ("a 1\na 2", Ok("a 1.0")),
        ("a 1 1000\na 2 2000", Ok("a 1.0 @1\na 2.0 @2")),
        ("a{le=\"1\"} 3\r\nb 1\r\n", Ok("a{le=\"1\"} 3.0\nb 1.0")),
        ("a:b 1", Ok("a:b 1.0")),
        ("a", Err("line 1: \"\" is not a number")),
        ("a b", Err("line 1: \"b\" is not a number")),
        ("x 1\na 1 1.5", Err("line 2: \"1.5\" is not a time in whole milliseconds")),
        ("a 1 2 3", Err("the end of the line")),
        ("a{b=\"c} 1", Err("has no end")),
        ("a{b=\"c\\", Err("has no end")),
        ("a{b=c} 1", Err("a text in quotes, found \"c} 1\"")),
        ("a{b=\"1\",b=\"2\"} 1", Err("the label b comes twice")),
        ("a{b=\"1\"", Err("a comma or } after a label, and the line ends")),
        ("{b=\"1\"} 1", Err("the sample has no name")),
        ("a{\"b\"} 1", Err("the sample has two names")),
        ("a-b 1", Err("a space, or labels in braces, found \"-b 1\"")),
        ("1a 1", Err("a name, found")),
        ("<html>", Err("line 1")),
    ] {
        check(Format::Text, text, expected);
    }
}

#[test]
fn openmetrics_goes_on_where_only_a_rule_is_broken_and_stops_at_a_page_that_was_cut_off() {
    check(Format::OpenMetrics, "# TYPE a counter\na_total 1 # {id=\"7\"} 1 9.5\n# EOF", Ok("a_total 1.0"));
    check(Format::OpenMetrics, "a 1 1.5\n{\"b.c\"} 2\n# EOF\n", Ok("a 1.0 @1.5\nb.c 2.0"));
    check(Format::OpenMetrics, "# TYPE \"b.c\" gauge\n{\"b.c\",x=\"y\"} 2\n# EOF\n", Ok("b.c{x=\"y\"} 2.0"));
    check(Format::OpenMetrics, "a 1\n", Err("line 1: the page does not end with # EOF: it was cut off"));
    check(Format::OpenMetrics, "a 1\n# EOF\na 2\n", Err("line 3: there is something after # EOF"));
    let broken = "# TYPE a counter\na_total 1\n# TYPE b histogram\nb_bucket{le=\"2\"} 1\nb_bucket{le=\"1\"} 1\n# EOF\n";
    let page = endpoint::read(broken, Format::OpenMetrics, |_| true).unwrap();
    assert_eq!(page.samples.len(), 3);
    assert_eq!(page.fault.unwrap().to_string(), "line 5: buckets are not in the order of le");
}

#[test]
fn what_is_not_wanted_is_counted_and_let_go() {
    let page = endpoint::read("a 1\nb 2\nb 3\nc{", Format::Text, |_| true).unwrap_err();
    assert_eq!(page.line, 4);
    let page = endpoint::read("a 1\nb 2\nb 3\n", Format::Text, |name| name == "b").unwrap();
    assert_eq!((page.samples.len(), page.total, page.duplicates), (1, 3, 1));
}

#[test]
fn each_limit_is_named() {
    let labels = |count: usize| (0..count).map(|n| format!("l{n}=\"x\"")).collect::<Vec<_>>().join(",");
    let long = |bytes: usize| "x".repeat(bytes);
    for (text, part) in [
        (format!("a{{{}}} 1", labels(endpoint::MAX_LABELS + 1)), "more than 128 labels"),
        (format!("{} 1", long(endpoint::MAX_NAME_BYTES + 1)), "a name has more than 1024 bytes"),
        (format!("{{\"{}\"}} 1", long(endpoint::MAX_NAME_BYTES + 1)), "more than 1024 bytes"),
        (format!("a{{b=\"{}\"}} 1", long(endpoint::MAX_VALUE_BYTES + 1)), "more than 65536 bytes"),
        ("a 1\n".repeat(endpoint::MAX_SAMPLES + 1), "more than 250000 samples"),
    ] {
        check(Format::Text, &text, Err(part));
    }
    check(Format::Text, &format!("a{{{}}} 1", labels(2)), Ok("a{l0=\"x\",l1=\"x\"} 1.0"));
}

#[test]
fn the_content_type_decides_the_format() {
    for (content_type, expected) in [
        (None, Ok(Format::Text)),
        (Some("text/plain; version=0.0.4; charset=utf-8"), Ok(Format::Text)),
        (Some("text/plain;version=1.0.0;escaping=allow-utf-8"), Ok(Format::Text)),
        (Some("application/openmetrics-text; version=1.0.0"), Ok(Format::OpenMetrics)),
        (Some("Application/OpenMetrics-Text"), Ok(Format::OpenMetrics)),
        (Some("text/html"), Err("/metrics")),
        (Some("application/json"), Err("promql")),
        (Some("application/vnd.google.protobuf"), Err("protobuf")),
        (Some("image/png"), Err("image/png")),
    ] {
        match (Format::of(content_type), expected) {
            (Ok(format), Ok(expected)) => assert_eq!(format, expected, "{content_type:?}"),
            (Err(reason), Err(part)) => assert!(reason.contains(part), "{content_type:?}: {reason}"),
            (got, _) => panic!("{content_type:?}: {got:?}"),
        }
    }
}

/// Lines that look as though an exporter had written them.
fn lines() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("a_total".to_owned()),
        Just("{".to_owned()),
        Just("}".to_owned()),
        Just("le=\"1\"".to_owned()),
        Just(",".to_owned()),
        Just(" ".to_owned()),
        Just("1".to_owned()),
        Just("NaN".to_owned()),
        Just("\n".to_owned()),
        Just("# TYPE a counter\n".to_owned()),
        Just("# TYPE h histogram\n".to_owned()),
        Just("# UNIT a s\n".to_owned()),
        Just("h_bucket{le=\"+Inf\"} 2\n".to_owned()),
        Just("h_sum 2\n".to_owned()),
        Just("# EOF\n".to_owned()),
        Just(" # {a=\"b\"} 1".to_owned()),
        Just("\\".to_owned()),
        Just("\"".to_owned()),
        "\\PC{0,3}",
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_page_makes_the_parser_panic(text in lines()) {
        for format in [Format::Text, Format::OpenMetrics] {
            let _ = endpoint::read(&text, format, |_| true);
        }
    }

    #[test]
    fn what_is_written_is_read(
        name in "[a-zA-Z_:][a-zA-Z0-9_:]{0,8}",
        labels in prop::collection::btree_map("[a-zA-Z_][a-zA-Z0-9_]{0,5}", "\\PC{1,8}", 0..4),
        value in prop::num::f64::ANY,
        ms in prop::option::of(0_i64..4_000_000_000_000),
    ) {
        let escaped = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let pairs: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let (text_time, om_time) = match ms {
            Some(ms) => (format!(" {ms}"), format!(" {}", ms as f64 / 1000.0)),
            None => (String::new(), String::new()),
        };
        let line = format!("{name}{{{}}} {value}", pairs.join(","));
        let text = endpoint::read(&format!("{line}{text_time}\n"), Format::Text, |_| true).unwrap();
        let om = endpoint::read(&format!("{line}{om_time}\n# EOF\n"), Format::OpenMetrics, |_| true).unwrap();
        prop_assert_eq!(text.samples.len(), 1);
        let sample = &text.samples[0];
        prop_assert_eq!(sample.labels.metric(), name);
        prop_assert!(sample.value == value || value.is_nan() && sample.value.is_nan());
        for (name, value) in &labels {
            prop_assert_eq!(sample.labels.get(name), value);
        }
        prop_assert_eq!(&sample.labels, &om.samples[0].labels);
        prop_assert_eq!(sample.at, om.samples[0].at);
    }
}
