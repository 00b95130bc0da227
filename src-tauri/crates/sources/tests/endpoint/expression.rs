//! Expressions: what they give over what was scraped, and where they are refused.

use faultline_model::Timestamp;
use faultline_sources::prometheus::{self as endpoint, Expression, Format, Memory, Value};
use proptest::prelude::*;

/// Scrapes every 5 s, the last of them at 100 s: each line is a series and its values, `_` where it was not on the page.
fn remember(series: &str) -> Memory {
    let rows: Vec<(&str, Vec<&str>)> = series
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| {
            let (name, values) = line.rsplit_once(": ").unwrap();
            (name, values.split_whitespace().collect())
        })
        .collect();
    let mut memory = Memory::new(4_000.0, 300.0);
    let scrapes = rows.iter().map(|(_, values)| values.len()).max().unwrap_or(0);
    for scrape in 0..scrapes {
        let at = Timestamp::from_secs(100.0 - 5.0 * (scrapes - 1 - scrape) as f64);
        let page: String = rows
            .iter()
            .filter(|(_, values)| values[scrape] != "_")
            .map(|(name, values)| format!("{name} {}\n", values[scrape]))
            .collect();
        memory.add(at, endpoint::read(&page, Format::Text, |_| true).unwrap().samples).unwrap();
    }
    memory
}

fn evaluate(memory: &Memory, expression: &str, at_s: f64) -> String {
    let parsed = Expression::parse(expression);
    let parsed = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return format!("!! {error}"),
    };
    let number = |value: f64| format!("{}", (value * 1e6).round() / 1e6);
    match parsed.evaluate(memory, Timestamp::from_secs(at_s)) {
        Ok(Value::Scalar(value)) => number(value),
        Ok(Value::Vector(series)) => series
            .iter()
            .map(|(labels, value)| format!("{labels} {}", number(*value)))
            .collect::<Vec<_>>()
            .join("; "),
        Err(error) => format!("! {error}"),
    }
}

const SHOP: &str = "
    requests_total{code=\"200\",host=\"a\"}: 1000 1050 1100 1150 1200
    requests_total{code=\"500\",host=\"a\"}: 1000 1005 1010 1015 1020
    requests_total{code=\"200\",host=\"b\"}: 1000 1010 1020 5 15
    seconds_total{host=\"a\"}: 1000 1005 1010 1015 1020
    up{host=\"a\"}: 1 1 1 1 1
    up{host=\"b\"}: 1 1 1 1 0
    gone{host=\"a\"}: 7 7 7 7 _
    came_total: _ _ _ 1000 1010
    once_total: _ _ _ _ 3
    odd: NaN NaN NaN NaN NaN
    bucket{le=\"1\"}: 0 0 0 0 50
    bucket{le=\"2\"}: 0 0 0 0 100
    bucket{le=\"+Inf\"}: 0 0 0 0 100
";

#[test]
fn expressions_give_what_prometheus_gives() {
    let (memory, mut wrong) = (remember(SHOP), Vec::new());
    for (expression, expected) in [
        ("1 + 2 * 3", "7"),
        ("-(2 - 5) / 2", "1.5"),
        ("up", "up{host=\"a\"} 1; up{host=\"b\"} 0"),
        ("up{host=\"a\"}", "up{host=\"a\"} 1"),
        ("up{host!=\"a\"}", "up{host=\"b\"} 0"),
        ("up{host=~\"a|c\"}", "up{host=\"a\"} 1"),
        ("up{host!~\"a.*\"}", "up{host=\"b\"} 0"),
        ("{__name__=~\"u.\",host=\"a\"}", "up{host=\"a\"} 1"),
        ("up{other=\"\"}", "up{host=\"a\"} 1; up{host=\"b\"} 0"),
        ("gone", ""),
        ("sum(up)", "{} 1"),
        ("avg(up)", "{} 0.5"),
        ("max(up) + min(up) + count(up)", "{} 3"),
        ("max(odd)", "{} NaN"),
        ("sum by (code) (requests_total)", "{code=\"200\"} 1215; {code=\"500\"} 1020"),
        ("sum without (code) (requests_total)", "{host=\"a\"} 2220; {host=\"b\"} 15"),
        // Samples on both edges: nothing is stretched.
        ("rate(requests_total{code=\"200\",host=\"a\"}[20s])", "{code=\"200\",host=\"a\"} 10"),
        ("increase(requests_total{code=\"200\",host=\"a\"}[20s])", "{code=\"200\",host=\"a\"} 200"),
        // 1010 1020 5 15: grown by 10, reset, by 5 from zero, by 10.
        ("increase(requests_total{host=\"b\"}[20s])", "{code=\"200\",host=\"b\"} 33.333333"),
        ("irate(requests_total{host=\"b\"}[20s])", "{code=\"200\",host=\"b\"} 2"),
        ("irate(requests_total{host=\"b\"}[9s])", "{code=\"200\",host=\"b\"} 2"),
        ("irate(requests_total{host=\"b\"}[5s])", ""),
        // Two samples in the middle of nothing: stretched by half a distance.
        ("increase(came_total[1m])", "{} 15"),
        ("rate(once_total[1m])", ""),
        // What is gone counts for ranges still, as in Prometheus.
        ("rate(gone[30s])", "{host=\"a\"} 0"),
        (
            "sum(rate(requests_total{code=\"500\"}[20s])) / sum(rate(requests_total{host=\"a\"}[20s]))",
            "{} 0.090909",
        ),
        (
            "1000 * rate(seconds_total[20s]) / on (host) sum by (host) (rate(requests_total{host=\"a\"}[20s]))",
            "{host=\"a\"} 90.909091",
        ),
        ("up - ignoring (code) up", "{host=\"a\"} 0; {host=\"b\"} 0"),
        ("up * 2 or vector(9)", "{host=\"a\"} 2; {host=\"b\"} 0; {} 9"),
        ("sum(missing) or vector(0)", "{} 0"),
        ("sum(missing) / sum(up)", ""),
        ("up / requests_total", ""),
        ("sum(up) / 0", "{} inf"),
        ("histogram_quantile(0.5, bucket)", "{} 1"),
        ("histogram_quantile(0.75, sum by (le) (bucket))", "{} 1.5"),
        (
            "requests_total + on (host) up",
            "! on the left of + several series have the labels {host=\"a\"}: only one-to-one matching is evaluated; aggregate that side, or match on more labels",
        ),
        (
            "up + on (host) requests_total",
            "! on the right of + several series have the labels {host=\"a\"}: only one-to-one matching is evaluated; aggregate that side, or match on more labels",
        ),
        ("-{__name__=~\"up|gone\"}", "{host=\"a\"} -1; {host=\"b\"} -0"),
        (
            "-{__name__=~\"up|seconds_total\"}",
            "! several series become {host=\"a\"} when their metric's name is taken away; select one metric",
        ),
    ] {
        let given = evaluate(&memory, expression, 100.0);
        if given != expected {
            wrong.push(format!("{expression} gives {given}, not {expected}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn samples_with_times_of_their_own_are_as_old_as_they_say() {
    let mut memory = Memory::new(0.0, 70.0);
    let page = "fresh 1 95000\nold 1 20000\nplain 1\nahead 1 103000\n";
    memory
        .add(Timestamp::from_secs(100.0), endpoint::read(page, Format::Text, |_| true).unwrap().samples)
        .unwrap();
    for (expression, expected) in
        [("fresh", "fresh 1"), ("old", ""), ("plain", "plain 1"), ("ahead", "ahead 1")]
    {
        assert_eq!(evaluate(&memory, expression, 100.0), expected, "{expression}");
    }
    let old = Expression::parse("old").unwrap();
    assert_eq!(memory.age_s(&old.selectors()[0], Timestamp::from_secs(100.0)), Some(80.0));
}

#[test]
fn what_is_not_evaluated_here_is_refused_where_it_stands() {
    let mut wrong = Vec::new();
    for (expression, column, part) in [
        ("", 1, "no expression"),
        ("sum(", 5, "unclosed left parenthesis"),
        ("sum(rate(a[1m])", 16, "unclosed left parenthesis"),
        ("sum(rate(a[1m]))) + 1", 17, "unexpected right parenthesis"),
        ("sum(a) + * b", 10, "not PromQL"),
        ("a{b=}", 5, "not PromQL"),
        ("a{b=~\"(\"}", 6, "illegal regex"),
        ("rate(a)", 6, "expected type matrix"),
        ("sum(b) + rate(a)", 15, "expected type matrix"),
        ("avg_over_time(a[1m])", 1, "avg_over_time is not evaluated here; what is: rate"),
        ("1 + sum(delta(a[1m]))", 9, "delta is not evaluated here"),
        ("topk(3, a)", 1, "topk is not evaluated here"),
        ("sum(a) > 3", 8, "> is not evaluated here"),
        ("a and b", 3, "and is not evaluated here"),
        ("a % 2", 3, "% is not evaluated here"),
        ("a offset 5m", 3, "offset is not evaluated here"),
        ("sum(rate(a{x=\"offset\"}[1m] offset 1h))", 28, "offset is not evaluated here"),
        ("a @ 100", 3, "@ is not evaluated here"),
        ("a[1m]", 2, "a range stands only in rate"),
        ("rate(a[1m:5s])", 7, "subqueries are not evaluated here"),
        ("rate(a[2h])", 7, "at most 3600 s"),
        ("a * on (x) group_left b", 12, "group_left and group_right are not evaluated here"),
        ("{job=~\".*\"}", 1, "at least one non-empty matcher"),
        ("\"text\"", 1, "a text is not a number"),
        ("größe{b=\"ä\"}", 1, "unexpected character"),
        ("a{b=\"ä\"} and sum(x)", 10, "and is not evaluated here"),
    ] {
        let error = Expression::parse(expression).expect_err(expression);
        if !error.problem.contains(part) || error.column != column {
            wrong.push(format!("{expression}: {error}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    let deep = format!("{}a{}", "(".repeat(70), ")".repeat(70));
    assert!(Expression::parse(&deep).unwrap_err().problem.contains("at most 64 deep"));
    assert!(Expression::parse(&"a + ".repeat(4000)).unwrap_err().problem.contains("at most 8192 bytes"));
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "[a-z(){}\\[\\]\"=~!,+*/ 0-9ms.-]{0,60}|\\PC{0,30}") {
        let _ = Expression::parse(&text);
    }

    #[test]
    fn growth_is_never_negative_and_never_from_nothing(values in prop::collection::vec(0_u32..1000, 2..20)) {
        let line = format!("c: {}", values.iter().map(u32::to_string).collect::<Vec<_>>().join(" "));
        let memory = remember(&line);
        let expression = Expression::parse("increase(c[1m])").unwrap();
        let grown = match expression.evaluate(&memory, Timestamp::from_secs(100.0)).unwrap() {
            Value::Vector(series) => series.first().map(|(_, value)| *value),
            Value::Scalar(_) => None,
        };
        let recent = &values[values.len().saturating_sub(12)..];
        let certain: u32 = recent.windows(2).map(|pair| if pair[1] < pair[0] { pair[1] } else { pair[1] - pair[0] }).sum();
        let grown = grown.unwrap();
        prop_assert!(grown >= f64::from(certain) - 1e-9, "{grown} of at least {certain}");
        let sampled_s = 5.0 * (recent.len() - 1) as f64;
        prop_assert!(grown <= f64::from(certain) * (sampled_s + 5.5) / sampled_s + 1e-9, "{grown} of {certain} over {sampled_s} s");
    }
}
