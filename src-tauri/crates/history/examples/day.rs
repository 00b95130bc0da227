//! Prints what a day of two busy nodes costs: time to append, bytes on disk, time to draw from, time to forget.

#![expect(clippy::print_stdout, reason = "the figures are what this program is for")]

use std::time::Instant;

use faultline_history::{History, quick_step_s};
use faultline_model::{
    Frame, Observation, QueryDelta, QueryDeltas, SessionGroup, Signals, TimeRange, Timestamp, signal,
};

const DAY_S: u32 = 86_400;
const NODES: [&str; 2] = ["primary", "replica-1"];
const FINGERPRINTS: u32 = 40;
const COUNTERS_S: u32 = 15;

fn frame(node: &str, second: u32, start: f64) -> Observation {
    let mut frame = Frame::new(Timestamp::from_secs(start + f64::from(second)), node.into());
    let wobble =
        |salt: u32| f64::from(second.wrapping_mul(2_654_435_761).wrapping_add(salt * 40_503) % 1_000) / 7.0;
    frame.signals = Some(Signals {
        span_s: 1.0,
        values: signal::ALL
            .iter()
            .take(20)
            .zip(0..)
            .map(|(name, salt)| ((*name).into(), wobble(salt)))
            .collect(),
    });
    frame.sessions = Some(
        (0..6)
            .map(|group| SessionGroup {
                fp: Some(format!("{:016x}", (second / 7 + group) % FINGERPRINTS).as_str().into()),
                wait: (group % 2 == 0).then(|| "Lock:transactionid".to_owned()),
                state: "active".to_owned(),
                running_ms: wobble(group),
                user: Some("checkout".to_owned()),
                app: Some("checkout@v142".to_owned()),
                client: Some(format!("10.0.0.{group}")),
                count: 1 + group,
            })
            .collect(),
    );
    if second.is_multiple_of(COUNTERS_S) {
        let row = |fp: u32| QueryDelta {
            fp: format!("{fp:016x}").as_str().into(),
            calls: f64::from(second % 97 + fp),
            time_ms: wobble(fp),
            rows: Some(f64::from(fp * 3)),
            blocks_hit: Some(f64::from(second % 1_009)),
            blocks_read: Some(0.0),
            errors: None,
        };
        let rows = (0..FINGERPRINTS).map(row).collect();
        frame.queries = Some(QueryDeltas { span_s: f64::from(COUNTERS_S), complete: true, rows });
    }
    Observation::Frame(frame)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let history = History::open(folder.path()).await?;
    let cluster = "shop".into();
    let start = 1_700_000_000.0;
    let began = Instant::now();
    let mut longest = 0.0_f64;
    for second in 0..DAY_S {
        let frames = NODES.map(|node| frame(node, second, start));
        let one = Instant::now();
        history.append(&cluster, &frames).await?;
        longest = longest.max(one.elapsed().as_secs_f64());
    }
    let took = began.elapsed().as_secs_f64();
    println!(
        "append: {:.2} ms a second of two nodes on average, {:.0} ms at most",
        took / f64::from(DAY_S) * 1e3,
        longest * 1e3
    );
    let bytes = std::fs::metadata(history.file())?.len();
    println!("size: {:.1} MB a node and day", bytes as f64 / 1e6 / NODES.len() as f64);

    let end = Timestamp::from_secs(start + f64::from(DAY_S));
    for (name, secs) in [("15m", 900.0), ("1h", 3_600.0), ("6h", 21_600.0), ("24h", f64::from(DAY_S))] {
        let range = TimeRange::last(secs, end);
        let step_s = quick_step_s(range, 800);
        let mut best = f64::MAX;
        let mut buckets = 0;
        for _ in 0..20 {
            let began = Instant::now();
            buckets = history.frames(&cluster, range, step_s).await?.len();
            best = best.min(began.elapsed().as_secs_f64());
        }
        println!("frames {name} by {step_s} s: {:.1} ms, {buckets} buckets", best * 1e3);
    }
    let began = Instant::now();
    let all = history.observations(&cluster, TimeRange::last(3_600.0, end)).await?;
    println!("observations 1h: {:.1} ms, {} frames", began.elapsed().as_secs_f64() * 1e3, all.len());
    let began = Instant::now();
    let removed = history.retain(end - 43_200.0).await?;
    println!("retain: {:.2} s for {removed:?}", began.elapsed().as_secs_f64());
    history.close().await;
    Ok(())
}
