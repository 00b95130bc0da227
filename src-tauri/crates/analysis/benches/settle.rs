//! What the analysis costs: one tick of a quiet and of a troubled cluster, and the replay of an hour.
#![allow(missing_docs, reason = "criterion's macro makes an item without any")]

use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use faultline_analysis::{Analysis, AnalysisConfig};
use faultline_model::{
    Engine, Fingerprint, Frame, Header, NodeName, Observation, QueryDelta, QueryDeltas, QueryText,
    SessionGroup, Signals, Timestamp,
};

/// Seconds of calm that a tick is measured after.
const LEARNT_S: u32 = 600;

/// Signals of a node.
const SIGNALS: u32 = 60;

fn header() -> Header {
    Header {
        cluster: "shop".into(),
        interval_s: 1.0,
        sessions_s: Some(1.0),
        fp_version: Some(1),
        title: None,
        engine: Engine::Postgres,
    }
}

/// A number in 0–1 that looks random.
fn noise(seed: u32) -> f64 {
    let mut x = u64::from(seed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    f64::from((x >> 40) as u32) / f64::from(1_u32 << 24)
}

/// What a source sees of one node in second `t` of a cluster with so many active queries.
fn second(t: u32, queries: u32, counted_s: u32, trouble: bool) -> Observation {
    let mut frame =
        Frame::new(Timestamp::from_secs(1_700_000_000.0 + f64::from(t)), NodeName::new("primary"));
    let fp = |i: u32| Fingerprint::new(format!("{i:016x}"));
    if t == 0 {
        frame.texts = (0..=queries)
            .map(|i| QueryText {
                fp: fp(i),
                text: format!("select * from t{i} where id = ?"),
                database: None,
                user: Some("shop".to_owned()),
            })
            .collect();
    }
    let group = |i: u32, count: u32| SessionGroup {
        fp: Some(fp(i)),
        wait: None,
        state: "active".to_owned(),
        running_ms: 4.0,
        user: Some(format!("service-{}", i % 10)),
        app: Some(format!("service-{}@v1", i % 10)),
        client: Some(format!("10.0.0.{}", i % 40)),
        count,
    };
    let mut sessions: Vec<SessionGroup> = (0..queries)
        .filter(|i| noise(t.wrapping_mul(7_919) ^ i.wrapping_mul(104_729)) < 0.02)
        .map(|i| group(i, 1))
        .collect();
    if trouble {
        sessions.push(group(queries, 40));
    }
    frame.sessions = Some(sessions);
    frame.signals = Some(Signals {
        span_s: 1.0,
        values: (0..SIGNALS)
            .map(|i| (format!("x_signal_{i}").as_str().into(), 100.0 + noise(t * 61 + i)))
            .collect(),
    });
    if counted_s > 0 && t.is_multiple_of(counted_s) {
        let rows = queries + u32::from(trouble);
        frame.queries = Some(QueryDeltas {
            span_s: f64::from(counted_s),
            complete: true,
            rows: (0..rows)
                .map(|i| QueryDelta {
                    fp: fp(i),
                    calls: 5.0 * f64::from(counted_s) * (0.9 + 0.2 * noise(t + i)),
                    time_ms: 20.0 * f64::from(counted_s) * (0.9 + 0.2 * noise(t + i)),
                    rows: Some(10.0),
                    blocks_hit: Some(10.0),
                    blocks_read: Some(1.0),
                    errors: None,
                })
                .collect(),
        });
    }
    Observation::Frame(frame)
}

fn learnt(queries: u32) -> Analysis {
    let mut analysis = Analysis::new(AnalysisConfig::default(), &header());
    for t in 0..LEARNT_S {
        analysis.observe(&second(t, queries, 15, false));
        analysis.settle();
    }
    analysis
}

/// Mean time of settling a tick over the first two minutes of an incident, and the longest.
fn troubled(analysis: &Analysis, queries: u32) -> (Duration, Duration) {
    let mut analysis = analysis.clone();
    let (mut sum, mut longest) = (Duration::ZERO, Duration::ZERO);
    for t in LEARNT_S..LEARNT_S + 120 {
        analysis.observe(&second(t, queries, 2, true));
        let began = Instant::now();
        analysis.settle();
        let took = began.elapsed();
        sum += took;
        longest = longest.max(took);
    }
    assert!(analysis.open_incident().is_some(), "the bench needs an incident");
    (sum / 120, longest)
}

#[expect(clippy::print_stderr, reason = "the longest tick is a figure that criterion cannot measure")]
fn bench(criterion: &mut Criterion) {
    let mut analysis = learnt(500);
    criterion.bench_function("settle a quiet tick, 500 queries, 60 signals", |bencher| {
        bencher.iter(|| analysis.settle());
    });
    criterion.bench_function("settle a tick of an incident, mean, 500 queries, 60 signals", |bencher| {
        bencher.iter_custom(|times| (0..times).map(|_| troubled(&analysis, 500).0).sum());
    });
    let (_, longest) = troubled(&analysis, 500);
    eprintln!("longest tick of an incident: {longest:?}");
    let hour: Vec<Observation> =
        (0..3_600).map(|t| second(t, 100, 15, (1_800..1_900).contains(&t))).collect();
    criterion.bench_function("replay an hour at 1 s, 100 queries, 60 signals", |bencher| {
        bencher.iter(|| {
            let mut analysis = Analysis::new(AnalysisConfig::default(), &header());
            hour.iter()
                .map(|observation| {
                    analysis.observe(observation);
                    analysis.settle().len()
                })
                .sum::<usize>()
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).measurement_time(Duration::from_secs(2)).warm_up_time(Duration::from_millis(500));
    targets = bench
}
criterion_main!(benches);
