//! Buckets for charts: right sums and means, gaps stay gaps, and the same from rollups as from the frames themselves.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use faultline_history::{Bucket, HistoryError, OTHER_FINGERPRINT, quick_step_s};
use faultline_model::{Frame, SessionGroup};
use support::*;

#[tokio::test]
async fn sums_means_and_gaps() {
    let store = Store::new().await;
    let all = seen([
        Frame { signals: signals(5.0, &[("latency_ms", 2.0)]), ..frame(5.0, "a") },
        Frame { signals: signals(1.0, &[("latency_ms", 8.0), ("x", 1.0)]), ..frame(6.0, "a") },
        Frame { queries: queries(15.0, &[("1", 30.0, 60.0)]), ..frame(15.0, "a") },
        Frame { sessions: Some(vec![group("1", 4)]), ..frame(1.0, "a") },
        Frame { sessions: Some(vec![]), ..frame(2.0, "a") },
        Frame {
            sessions: Some(vec![SessionGroup { state: "idle in transaction".to_owned(), ..group("1", 2) }]),
            ..frame(10.0, "a")
        },
        Frame { sessions: Some(vec![]), ..frame(35.0, "a") },
        Frame { facts: [("only".to_owned(), 1.into())].into(), ..frame(45.0, "a") },
        Frame { signals: signals(1.0, &[("latency_ms", 3.0)]), ..frame(10.0, "b") },
    ]);
    store.history.append(&shop(), &all).await.unwrap();
    let found = store.history.frames(&shop(), range(0.5, 60.0), 10.0).await.unwrap();
    let places: Vec<_> = found.iter().map(|bucket| (bucket.at.as_secs(), bucket.node.as_str())).collect();
    assert_eq!(places, [(10.0, "a"), (10.0, "b"), (20.0, "a"), (40.0, "a")], "20–30 and 40–60 are gaps");

    let first = &found[0];
    assert_eq!(first.signals, signals(6.0, &[("latency_ms", 3.0), ("x", 1.0)]), "weighted by span");
    let rows = first.queries.as_ref().unwrap();
    assert_eq!(
        (rows.span_s, rows.rows[0].calls, rows.rows[0].time_ms),
        (10.0, 20.0, 40.0),
        "two thirds lie in it"
    );
    let sessions = first.sessions.as_ref().unwrap();
    assert_eq!(first.samples, 3);
    let means: Vec<_> = sessions.iter().map(|load| (load.active, load.mean_sessions)).collect();
    assert_eq!(means, [(true, 4.0 / 3.0), (false, 2.0 / 3.0)]);
    assert_eq!(sessions[0].user.as_deref(), Some("checkout"));

    let second = &found[2];
    assert_eq!(second.queries.as_ref().unwrap().span_s, 5.0);
    assert_eq!((&second.sessions, second.samples), (&None, 0), "nobody looked");
    assert_eq!((&found[3].sessions, &found[3].queries), (&Some(vec![]), &None), "nobody was at work");
}

/// Frames of two hours with a gap, a slow exporter and counters that reach over the minute.
fn busy() -> Vec<Frame> {
    let mut frames = Vec::new();
    for second in (1..7_200_u32).filter(|second| !(3_000..3_700).contains(second)) {
        let secs = f64::from(second);
        let load = Frame {
            sessions: Some(vec![group(&format!("{}", second % 5), second % 3 + 1)]),
            signals: signals(1.0, &[("throughput", f64::from(second % 17))]),
            ..frame(secs, "a")
        };
        if second % 2 == 0 {
            frames.push(load);
        }
        if second % 7 == 0 {
            let fp = format!("{}", second % 3);
            let rows = queries(7.0, &[(&fp, f64::from(second % 11), 7.0), ("all", 1.0, 2.0)]);
            frames.push(Frame { queries: rows, ..frame(secs, "a") });
        }
        if second % 90 == 0 {
            frames.push(Frame { signals: signals(90.0, &[("cpu_user", secs)]), ..frame(secs, "b") });
        }
    }
    frames
}

fn assert_close(one: &[Bucket], two: &[Bucket], what: &str) {
    let flat = |buckets: &[Bucket]| {
        let mut numbers = Vec::new();
        for bucket in buckets {
            let name = format!("{} {}", bucket.at, bucket.node);
            if let Some(signals) = &bucket.signals {
                numbers.push((format!("{name} span"), signals.span_s));
                numbers.extend(signals.values.iter().map(|(key, value)| (format!("{name} {key}"), *value)));
            }
            if let Some(queries) = &bucket.queries {
                numbers.push((format!("{name} queries"), queries.span_s));
                for row in &queries.rows {
                    numbers.push((format!("{name} {} calls", row.fp), row.calls));
                    numbers.push((format!("{name} {} time", row.fp), row.time_ms));
                }
            }
            numbers.push((format!("{name} samples"), f64::from(bucket.samples)));
            for load in bucket.sessions.iter().flatten() {
                numbers.push((format!("{name} {:?} sessions", load.fp), load.mean_sessions));
            }
        }
        numbers.sort_by(|one, two| one.0.cmp(&two.0));
        numbers
    };
    let (one, two) = (flat(one), flat(two));
    assert_eq!(one.len(), two.len(), "{what}");
    for (one, two) in one.into_iter().zip(two) {
        assert!(one.0 == two.0 && (one.1 - two.1).abs() < 1e-6, "{what}: {one:?} {two:?}");
    }
}

#[tokio::test]
async fn rollups_say_the_same_as_the_frames_in_whatever_order_those_came() {
    let frames = busy();
    // The one is appended second by second; the other at once and in two halves, the later first.
    let live = Store::new().await;
    for chunk in frames.chunks(50) {
        live.history.append(&shop(), &seen(chunk.to_vec())).await.unwrap();
    }
    let late = Store::new().await;
    let (early, rest) = frames.split_at(frames.len() / 2);
    late.history.append(&shop(), &seen(rest.to_vec())).await.unwrap();
    late.history.append(&shop(), &seen(early.to_vec())).await.unwrap();
    for step_s in [60.0, 120.0, 600.0, 1_200.0] {
        let rolled = live.history.frames(&shop(), range(0.0, 7_200.0), step_s).await.unwrap();
        assert!(!rolled.is_empty());
        let other = late.history.frames(&shop(), range(0.0, 7_200.0), step_s).await.unwrap();
        assert_close(&rolled, &other, &format!("late, {step_s}"));
        // A millisecond more: no multiple of a rollup, so it is made from the frames, a bucket at a time.
        let mut plain = Vec::new();
        for bucket in &rolled {
            let to = bucket.at.as_secs();
            let part = late.history.frames(&shop(), range(to - step_s + 0.001, to), 0.5).await.unwrap();
            let node: Vec<_> = part.into_iter().filter(|part| part.node == bucket.node).collect();
            let calls: f64 =
                node.iter().flat_map(|part| &part.queries).flat_map(|q| &q.rows).map(|r| r.calls).sum();
            let samples: u32 = node.iter().map(|part| part.samples).sum();
            plain.push((calls, samples));
        }
        for (bucket, (calls, samples)) in rolled.iter().zip(plain) {
            let rolled: f64 =
                bucket.queries.iter().flat_map(|queries| &queries.rows).map(|row| row.calls).sum();
            assert!((rolled - calls).abs() < 1e-6, "{} {} {rolled} {calls}", bucket.at, bucket.node);
            assert_eq!(bucket.samples, samples, "{} {}", bucket.at, bucket.node);
        }
    }
}

#[tokio::test]
async fn a_frame_that_comes_late_changes_its_bucket() {
    let store = Store::new().await;
    let sample = |secs, count| Frame { sessions: Some(vec![group("1", count)]), ..frame(secs, "a") };
    store.history.append(&shop(), &seen([sample(30.0, 2), sample(4_000.0, 1)])).await.unwrap();
    let mean = async || {
        let found = store.history.frames(&shop(), range(0.0, 600.0), 600.0).await.unwrap();
        found[0].sessions.as_ref().unwrap()[0].mean_sessions
    };
    assert_eq!(mean().await, 2.0);
    store.history.append(&shop(), &seen([sample(31.0, 4)])).await.unwrap();
    assert_eq!(mean().await, 3.0);
}

#[tokio::test]
async fn what_is_beyond_the_limit_of_a_rollup_is_added_up() {
    let store = Store::new().await;
    let fps: Vec<String> = (0..3_000).map(|fp| format!("q{fp}")).collect();
    let rows: Vec<_> = fps.iter().map(|fp| (fp.as_str(), 1.0, 1.0)).collect();
    let groups = fps.iter().map(|fp| group(fp, 1)).collect();
    let all = seen([
        Frame { queries: queries(10.0, &rows), sessions: Some(groups), ..frame(30.0, "a") },
        Frame { sessions: Some(vec![]), ..frame(300.0, "a") },
    ]);
    store.history.append(&shop(), &all).await.unwrap();
    let found = store.history.frames(&shop(), range(0.0, 60.0), 60.0).await.unwrap();
    let rows = &found[0].queries.as_ref().unwrap().rows;
    assert_eq!((rows.len(), rows.iter().map(|row| row.calls).sum::<f64>()), (1_000, 3_000.0));
    assert_eq!(rows[0].fp.as_str(), OTHER_FINGERPRINT);
    let load: f64 = found[0].sessions.iter().flatten().map(|load| load.mean_sessions).sum();
    assert_eq!(load, 3_000.0);
}

#[tokio::test]
async fn impossible_questions_are_refused_and_empty_ones_answered() {
    let store = Store::new().await;
    for step_s in [0.0, -1.0, f64::NAN, f64::INFINITY, 0.000_1] {
        let error = store.history.frames(&shop(), range(0.0, 1.0), step_s).await.unwrap_err();
        assert!(matches!(error, HistoryError::Step { .. }), "{error}");
    }
    assert_eq!(store.history.frames(&shop(), always(), 60.0).await.unwrap(), []);
    store
        .history
        .append(&shop(), &seen([Frame { sessions: Some(vec![]), ..frame(5.0, "a") }]))
        .await
        .unwrap();
    assert_eq!(store.history.frames(&shop(), range(10.0, 5.0), 60.0).await.unwrap(), []);
    assert_eq!(store.history.frames(&shop(), always(), 60.0).await.unwrap().len(), 1);
    assert_eq!(store.history.frames(&shop(), always(), 0.25).await.unwrap().len(), 1);
}

#[test]
fn quick_steps_fit_the_range() {
    for (secs, buckets, expected) in [
        (900.0, 800, 2.0),
        (3_600.0, 800, 5.0),
        (21_600.0, 800, 60.0),
        (86_400.0, 800, 120.0),
        (30.0 * 86_400.0, 800, 3_600.0),
        (0.0, 0, 1.0),
    ] {
        assert_eq!(quick_step_s(range(0.0, secs), buckets), expected, "{secs}");
    }
}
