//! What was seen comes back exactly, in order, after a restart and from another process's store.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::collections::BTreeMap;

use faultline_history::{HistoryError, MAX_TEXT_BYTES};
use faultline_model::{
    About, Deploy, Engine, Frame, Observation, QueryDelta, QueryDeltas, Role, SessionGroup, Signals,
    Timestamp,
};
use proptest::prelude::*;
use support::*;

fn rich(secs: f64, node: &str) -> Frame {
    let mut frame = frame(secs, node);
    frame.about = Some(About {
        role: Some(Role::Primary),
        engine: Engine::Postgres,
        version: Some("18.4".to_owned()),
        cores: Some(8),
        observed: None,
        skew_s: Some(0.1 + 0.2),
    });
    frame.facts.insert("setting:work_mem".to_owned(), "4MB".into());
    frame.facts.insert("table:item:rows".to_owned(), 0.1.into());
    frame.signals = signals(1.0, &[("throughput", 812.123), ("x_own", -0.0), ("latency_ms", f64::INFINITY)]);
    frame.texts.push(text("3f", "select * from item where order_id = ?"));
    frame.queries = queries(15.0, &[("3f", 120.0, 88.2), ("route:GET /cart", 0.0, f64::MIN_POSITIVE)]);
    frame.sessions = Some(vec![group("3f", 3), SessionGroup { fp: None, ..group("", 1) }]);
    frame
}

fn deploy(id: &str) -> Deploy {
    serde_json::from_value(serde_json::json!({"id": id, "service": "checkout", "started": 10.25})).unwrap()
}

#[tokio::test]
async fn everything_comes_back_in_arrival_order_after_a_restart_and_for_others() {
    let store = Store::new().await;
    let mut all = seen([rich(10.0, "a"), rich(9.0, "b"), frame(11.0, "a")]);
    all.push(Observation::Deploy { at: at(10.5), deploy: deploy("d1") });
    let empty = Frame { sessions: Some(vec![]), ..frame(12.0, "a") };
    all.extend(seen([empty]));
    store.history.append(&shop(), &all[..2]).await.unwrap();
    store.history.append(&shop(), &all[2..]).await.unwrap();
    assert_eq!(store.history.observations(&shop(), always()).await.unwrap(), all);
    let inner = store.history.observations(&shop(), range(10.0, 11.0)).await.unwrap();
    assert_eq!(inner, [all[0].clone(), all[3].clone()], "from belongs to a range, to does not");

    let other = store.second().await;
    assert_eq!(other.observations(&shop(), always()).await.unwrap(), all);
    let late = seen([Frame { signals: signals(1.0, &[("x_new_word", 1.0)]), ..frame(13.0, "c") }]);
    other.append(&shop(), &late).await.unwrap();
    all.extend(late);
    assert_eq!(
        store.history.observations(&shop(), always()).await.unwrap(),
        all,
        "words of the other are learnt"
    );
    other.close().await;

    let store = store.reopened().await;
    assert_eq!(store.history.observations(&shop(), always()).await.unwrap(), all);
    assert_eq!(store.history.observations(&"other".into(), always()).await.unwrap(), []);
    assert_eq!(store.history.clusters().await.unwrap(), [shop()]);
}

#[tokio::test]
async fn nothing_of_an_append_that_fails_stays() {
    let store = Store::new().await;
    let many = vec![Observation::Frame(frame(1.0, "a")); faultline_history::MAX_OBSERVATIONS + 1];
    let error = store.history.append(&shop(), &many).await.unwrap_err();
    assert!(matches!(error, HistoryError::TooMuch { .. }), "{error}");
    assert_eq!(store.history.clusters().await.unwrap(), []);
    store.history.append(&shop(), &[]).await.unwrap();
    assert_eq!(store.history.clusters().await.unwrap(), []);
}

#[tokio::test]
async fn hostile_strings_are_kept_or_cut() {
    let store = Store::new().await;
    let long = "é".repeat(1024 * 1024);
    let nul = "select '\0\u{1b}[31m\u{202e}'; drop table observation; --";
    let mut hostile = frame(1.0, "n\0de'; --");
    hostile.texts = vec![text("long", &long), text("nul", nul), text(&"f".repeat(5_000), "")];
    hostile.sessions = Some(vec![SessionGroup {
        app: Some(long.clone()),
        user: Some(nul.to_owned()),
        client: Some(String::new()),
        ..group(&"f".repeat(5_000), u32::MAX)
    }]);
    hostile.signals = signals(f64::NAN, &[("", 1.0)]);
    hostile.facts.insert(nul.to_owned(), serde_json::Value::Null);
    store.history.append(&"cl\0ster".into(), &seen([hostile.clone()])).await.unwrap();
    let store = store.reopened().await;
    let found = store.history.observations(&"cl\0ster".into(), always()).await.unwrap();
    let [Observation::Frame(found)] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(found.texts[0].text.len(), MAX_TEXT_BYTES);
    assert_eq!((&found.node, &found.texts[1..]), (&hostile.node, &hostile.texts[1..]));
    assert_eq!((&found.sessions, &found.facts), (&hostile.sessions, &hostile.facts));
    assert!(found.signals.as_ref().unwrap().span_s.is_nan());
    let fps = ["long".into(), "nul".into(), "unknown".into()];
    let texts = store.history.texts(&"cl\0ster".into(), &fps).await.unwrap();
    assert_eq!(texts.len(), 2);
    assert_eq!(texts[&fps[0]].text.len(), MAX_TEXT_BYTES);
    assert_eq!(texts[&fps[1]].text, nul);
    assert_eq!(store.history.frames(&"cl\0ster".into(), range(0.0, 60.0), 60.0).await.unwrap().len(), 1);
}

#[tokio::test]
async fn extreme_times_are_kept() {
    let store = Store::new().await;
    let times = [i64::MIN, -1, 0, i64::MAX].map(Timestamp::from_micros);
    let all = seen(times.map(|at| Frame { at, ..rich(0.0, "a") }));
    store.history.append(&shop(), &all).await.unwrap();
    let found = store.history.observations(&shop(), always()).await.unwrap();
    assert_eq!(found, all[..3], "a range never holds its end");
    store.history.retain(Timestamp::EPOCH).await.unwrap();
    let found = store.history.observations(&shop(), always()).await.unwrap();
    assert_eq!(found, all[2..3]);
}

#[tokio::test]
async fn texts_know_when_a_query_was_at_work() {
    let store = Store::new().await;
    let with_text = Frame { texts: vec![text("1", "select ?")], ..frame(100.0, "a") };
    let called =
        |secs| Frame { queries: queries(15.0, &[("1", 1.0, 1.0), ("2", 1.0, 1.0)]), ..frame(secs, "a") };
    let running = Frame { sessions: Some(vec![group("1", 1)]), ..frame(400.0, "b") };
    let after = frame(500.0, "a");
    let all =
        seen([called(85.0), with_text, called(300.0), running, Frame { sessions: Some(vec![]), ..after }]);
    store.history.append(&shop(), &all).await.unwrap();
    let texts = store.history.texts(&shop(), &["1".into(), "2".into()]).await.unwrap();
    assert_eq!(texts.len(), 1, "no text is known of the other");
    let found = &texts["1"];
    assert_eq!((found.first_seen, found.last_seen), (at(85.0), at(400.0)));
    assert_eq!((found.text.as_str(), found.database.as_deref()), ("select ?", Some("shop")));
}

#[tokio::test]
async fn what_stands_is_merged_from_everything_before() {
    let store = Store::new().await;
    let fact = |secs, key: &str, value: i64| {
        let mut frame = frame(secs, "a");
        frame.facts.insert(key.to_owned(), value.into());
        frame
    };
    let about = |secs, role| Frame {
        about: Some(About { role: Some(role), ..About::default() }),
        ..frame(secs, "a")
    };
    let hour = 3_600.0;
    let mut all = vec![
        about(hour, Role::Replica),
        fact(hour, "x", 1),
        fact(hour, "y", 1),
        Frame { texts: vec![text("1", "select ?")], ..frame(2.0 * hour, "a") },
        fact(2.0 * hour, "x", 2),
    ];
    // Long enough for several checkpoints.
    all.extend((3..40).map(|hours| fact(f64::from(hours) * hour, "y", i64::from(hours))));
    all.push(about(40.0 * hour, Role::Primary));
    for frame in all {
        store.history.append(&shop(), &seen([frame])).await.unwrap();
    }
    store.history.append(&shop(), &seen([fact(2.5 * hour, "late", 1)])).await.unwrap();
    let check = async |secs: f64, role: Role, facts: &[(&str, i64)], texts: usize| {
        let found = store.history.standing(&shop(), at(secs)).await.unwrap();
        let [Observation::Frame(found)] = found.as_slice() else { panic!("{found:?}") };
        let facts: BTreeMap<_, _> =
            facts.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())).collect();
        assert_eq!((found.at, &found.facts, found.texts.len()), (at(secs), &facts, texts), "at {secs}");
        assert_eq!(found.about.as_ref().unwrap().role, Some(role), "at {secs}");
    };
    let late = ("late", 1);
    check(1.5 * hour, Role::Replica, &[("x", 1), ("y", 1)], 0).await;
    check(2.7 * hour, Role::Replica, &[("x", 2), ("y", 1), late], 1).await;
    check(20.0 * hour, Role::Replica, &[("x", 2), ("y", 19), late], 1).await;
    check(41.0 * hour, Role::Primary, &[("x", 2), ("y", 39), late], 1).await;
    assert_eq!(store.history.standing(&shop(), at(hour)).await.unwrap(), [], "before does not include");

    let removed = store.history.retain(at(30.0 * hour)).await.unwrap();
    assert_eq!(removed.observations, 33);
    check(30.0 * hour, Role::Replica, &[("x", 2), ("y", 29), late], 1).await;
    check(33.0 * hour, Role::Replica, &[("x", 2), ("y", 32), late], 1).await;
    check(41.0 * hour, Role::Primary, &[("x", 2), ("y", 39), late], 1).await;
    assert_eq!(store.history.retain(at(30.0 * hour)).await.unwrap().observations, 0);
}

#[test]
fn calls_can_be_spawned() {
    fn check<T: Send>(_: impl FnOnce(faultline_history::History) -> T) {}
    check(|history| async move { history.append(&shop(), &[]).await });
    check(|history| async move { history.observations(&shop(), always()).await });
    check(|history| async move { history.frames(&shop(), always(), 1.0).await });
    check(|history| async move { history.standing(&shop(), at(0.0)).await });
    check(|history| async move { history.retain(at(0.0)).await });
    check(|history| async move { history.incident(&"1".into()).await });
    check(|history| async move { history.open_incident(&shop()).await });
    check(|history| async move { history.next_incident_number().await });
}

fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![any::<f64>(), any::<u64>().prop_map(f64::from_bits), (0..1_000_000_u32).prop_map(f64::from)]
}

fn any_frame() -> impl Strategy<Value = Frame> {
    let word = "\\PC{0,12}";
    let signals =
        (any_number(), prop::collection::btree_map(word, any_number(), 0..6)).prop_map(|(span_s, values)| {
            Signals { span_s, values: values.into_iter().map(|(name, value)| (name.into(), value)).collect() }
        });
    let more = prop::array::uniform4(prop::option::of(any_number()));
    let delta = (word, any_number(), any_number(), more).prop_map(|(fp, calls, time_ms, more)| {
        let [rows, blocks_hit, blocks_read, errors] = more;
        QueryDelta { fp: fp.into(), calls, time_ms, rows, blocks_hit, blocks_read, errors }
    });
    let queries = (any_number(), any::<bool>(), prop::collection::vec(delta, 0..6))
        .prop_map(|(span_s, complete, rows)| QueryDeltas { span_s, complete, rows });
    let optional = || prop::option::of(word);
    let group =
        ((optional(), optional(), optional(), optional(), optional()), word, any_number(), any::<u32>())
            .prop_map(|((fp, wait, user, app, client), state, running_ms, count)| SessionGroup {
                fp: fp.map(Into::into),
                wait,
                state,
                running_ms,
                user,
                app,
                client,
                count,
            });
    let sessions = prop::collection::vec(group, 0..5);
    (0..2_000_000_000_i64, prop::option::of(signals), prop::option::of(queries), prop::option::of(sessions))
        .prop_map(|(micros, signals, queries, sessions)| Frame {
            signals,
            queries,
            sessions,
            ..Frame::new(Timestamp::from_micros(micros), "a".into())
        })
}

/// `Debug` tells -0.0 from 0.0 and one NaN equals another in it, where `==` does neither; the bits are compared apart.
fn bits(frames: &[Observation]) -> Vec<u64> {
    let mut bits = Vec::new();
    for observation in frames {
        let Observation::Frame(frame) = observation else { continue };
        if let Some(signals) = &frame.signals {
            bits.push(signals.span_s.to_bits());
            bits.extend(signals.values.values().map(|value| value.to_bits()));
        }
        for row in frame.queries.iter().flat_map(|queries| &queries.rows) {
            bits.extend([row.calls.to_bits(), row.time_ms.to_bits()]);
            let more = [row.rows, row.blocks_hit, row.blocks_read, row.errors];
            bits.extend(more.into_iter().flatten().map(f64::to_bits));
        }
        bits.extend(frame.sessions.iter().flatten().map(|group| group.running_ms.to_bits()));
    }
    bits
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_frames_come_back_bit_for_bit(frames in prop::collection::vec(any_frame(), 1..12)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let store = Store::new().await;
            let all = seen(frames);
            store.history.append(&shop(), &all).await.unwrap();
            let store = store.reopened().await;
            let found = store.history.observations(&shop(), always()).await.unwrap();
            assert_eq!(format!("{found:?}"), format!("{all:?}"));
            assert_eq!(bits(&found), bits(&all));
            store.history.frames(&shop(), range(0.0, 2_000.0), 60.0).await.unwrap();
        });
    }
}
