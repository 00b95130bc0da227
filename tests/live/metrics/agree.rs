//! The same expressions over the same samples, evaluated here and by a real Prometheus: the results are the same.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use faultline_lab::prometheus::{Options, Prometheus};
use faultline_model::{EndpointKind, Timestamp};
use faultline_sources::prometheus::{Endpoint, Expression, Format, Labels, Memory, Value, read};

use super::spec;

/// The first scrape, Unix seconds.
const BEGAN_S: f64 = 1_700_000_000.0;
const SCRAPES: usize = 30;
const EVERY_S: f64 = 5.0;
/// Relative difference of two results that are the same but for the order of their additions.
const TOLERANCE: f64 = 1e-9;

/// Evaluated over each seed's series, which have the label `seed`.
const EXPRESSIONS: &[&str] = &[
    "requests_total{SEED}",
    "rate(requests_total{SEED}[20s])",
    "rate(requests_total{SEED}[1m])",
    "increase(requests_total{SEED}[47s])",
    "irate(requests_total{SEED}[30s])",
    "rate(resets_total{SEED}[30s])",
    "increase(resets_total{SEED}[2m])",
    "irate(resets_total{SEED}[30s])",
    "rate(gaps_total{SEED}[1m])",
    "sum(rate(requests_total{SEED}[30s]))",
    "sum by (code) (rate(requests_total{SEED}[30s]))",
    "avg without (code) (requests_total{SEED})",
    "max by (host) (gauge{SEED}) - min by (host) (gauge{SEED})",
    "count(gauge{SEED}) + sum(gauge{SEED}) / 3",
    "sum(rate(requests_total{SEED,code=~\"5..\"}[30s])) / sum(rate(requests_total{SEED}[30s]))",
    "rate(requests_total{SEED,code=\"500\"}[30s]) / ignoring (code) rate(requests_total{SEED,code=\"200\"}[30s])",
    "sum by (host) (gauge{SEED}) * on (host) sum by (host) (rate(requests_total{SEED}[1m]))",
    "-gauge{SEED,host!=\"a\"} + 2 * 3",
    "1000 / gauge{SEED}",
    "sum(missing{SEED}) or vector(0)",
    "requests_total{SEED,code=\"200\"} or gauge{SEED}",
    "histogram_quantile(0.5, rate(seconds_bucket{SEED}[1m]))",
    "histogram_quantile(0.99, sum by (le) (rate(seconds_bucket{SEED}[1m])))",
    "histogram_quantile(0.2, seconds_bucket{SEED})",
];

/// Numbers that look random and are the same each time.
struct Noise(u64);

impl Noise {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// The pages of one seed: when each was scraped, milliseconds, and its lines.
fn pages(seed: u64) -> Vec<(i64, Vec<String>)> {
    let mut noise = Noise(seed);
    let mut counters = [1_000_000_u64; 6];
    let (mut resets, mut gaps) = (1_000_000_u64, 1_000_000_u64);
    // High enough that no rate is cut off at where its counter was zero: there versions of Prometheus differ.
    let mut buckets = [1_000_000_u64, 2_000_000, 3_000_000];
    let mut pages = Vec::new();
    for scrape in 0..SCRAPES {
        let ms = ((BEGAN_S + scrape as f64 * EVERY_S) * 1_000.0) as i64 + 1 + noise.below(400) as i64;
        let mut lines = Vec::new();
        let mut line = |name: &str, labels: &str, value: u64| {
            let comma = if labels.is_empty() { "" } else { "," };
            lines.push(format!("{name}{{seed=\"{seed}\"{comma}{labels}}} {value}"));
        };
        for (index, (host, code)) in
            ["a", "b", "c"].iter().flat_map(|host| ["200", "500"].map(|code| (*host, code))).enumerate()
        {
            counters[index] += noise.below(1_000);
            line("requests_total", &format!("host=\"{host}\",code=\"{code}\""), counters[index]);
        }
        resets = if noise.below(5) == 0 { noise.below(1_000) } else { resets + noise.below(500) };
        line("resets_total", "", resets);
        gaps += noise.below(100);
        if noise.below(4) > 0 || scrape == SCRAPES - 1 {
            line("gaps_total", "", gaps);
        }
        for host in ["a", "b", "c"] {
            line("gauge", &format!("host=\"{host}\""), 1 + noise.below(50));
        }
        let mut below = 0;
        for (bucket, bound) in buckets.iter_mut().zip(["0.1", "1", "+Inf"]) {
            below += noise.below(30);
            *bucket += below;
            line("seconds_bucket", &format!("le=\"{bound}\""), *bucket);
        }
        pages.push((ms, lines));
    }
    pages
}

/// All pages as one text of OpenMetrics, series by series as it wants them.
fn openmetrics(seeds: &[Vec<(i64, Vec<String>)>]) -> String {
    let mut series: BTreeMap<String, Vec<(i64, String)>> = BTreeMap::new();
    for (ms, line) in seeds.iter().flatten().flat_map(|(ms, lines)| lines.iter().map(move |line| (*ms, line)))
    {
        let (name, value) = line.rsplit_once(' ').unwrap();
        series.entry(name.to_owned()).or_default().push((ms, value.to_owned()));
    }
    let mut text = String::new();
    for (name, points) in series {
        for (ms, value) in points {
            writeln!(text, "{name} {value} {}.{:03}", ms / 1_000, ms % 1_000).unwrap();
        }
    }
    text + "# EOF\n"
}

fn same(ours: f64, theirs: f64) -> bool {
    ours == theirs || ours.is_nan() && theirs.is_nan() || (ours - theirs).abs() <= TOLERANCE * theirs.abs()
}

#[tokio::test]
async fn expressions_give_what_a_real_prometheus_gives() {
    let seeds: Vec<_> = (1..=3).map(pages).collect();
    let options = Options { samples: Some(openmetrics(&seeds)), ..Options::default() };
    let server = Prometheus::start(options).await.unwrap();
    let endpoint = Endpoint::open(&spec(EndpointKind::Promql, server.url(), &[])).unwrap();
    let (mut compared, mut wrong) = (0, Vec::new());
    for (seed, pages) in (1..).zip(&seeds) {
        let mut memory = Memory::new(200.0, 300.0);
        for (scrape, (ms, lines)) in pages.iter().enumerate() {
            let at = Timestamp::from_micros(ms * 1_000);
            memory.add(at, read(&lines.join("\n"), Format::Text, |_| true).unwrap().samples).unwrap();
            if scrape % 6 != 5 {
                continue;
            }
            for expression in EXPRESSIONS {
                let expression = expression.replace("SEED", &format!("seed=\"{seed}\""));
                let ours: BTreeMap<Labels, f64> =
                    match Expression::parse(&expression).unwrap().evaluate(&memory, at).unwrap() {
                        Value::Scalar(number) => [(Labels::default(), number)].into(),
                        Value::Vector(series) => series.into_iter().collect(),
                    };
                let answer = endpoint.query(&expression, Some(at)).await.unwrap();
                let theirs: BTreeMap<Labels, f64> =
                    answer.samples.into_iter().map(|sample| (sample.labels, sample.value)).collect();
                let agree = ours.len() == theirs.len()
                    && ours
                        .iter()
                        .all(|(labels, ours)| theirs.get(labels).is_some_and(|theirs| same(*ours, *theirs)));
                compared += theirs.len();
                if !agree {
                    wrong.push(format!("{expression} at scrape {scrape}: {ours:?} is not {theirs:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(compared > 500, "only {compared} results were compared");
}
