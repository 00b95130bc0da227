//! Differences between readings: a table of cases and a simulated server that may forget, but whose true counts are
//! never exceeded.

use std::time::Duration;

use proptest::prelude::*;
use tokio::time::Instant;

use super::*;

const S: i64 = 1_000_000;

fn key(queryid: i64) -> Key {
    Key { userid: 10, dbid: 5, toplevel: true, queryid }
}

fn counters(calls: i64, time_ms: f64) -> Counters {
    Counters { calls, time_ms, rows: calls * 2, hit: calls * 3, read: calls }
}

/// A reading at second `at` of entries `(id, calls, time_ms, since_s)`.
fn reading(at: i64, entries: &[(i64, i64, f64, Option<i64>)]) -> Reading {
    Reading {
        at_us: at * S,
        trip: None,
        started_us: 1,
        reset_us: Some(1),
        dealloc: Some(0),
        max_backends: 10,
        entries: entries
            .iter()
            .map(|&(id, calls, time_ms, since)| {
                (key(id), Entry { counters: counters(calls, time_ms), since_us: since.map(|s| s * S) })
            })
            .collect(),
    }
}

/// Expects `(id, calls, time_ms)` and a number of implausible entries.
#[track_caller]
fn check(what: &str, before: &Reading, now: &Reading, expected: &[(i64, i64, f64)], implausible: usize) {
    let Step::Deltas(deltas) = between(Some(before), now, 15 * S) else { panic!("{what}: a gap") };
    let found: Vec<_> = deltas.rows.iter().map(|(key, c)| (key.queryid, c.calls, c.time_ms)).collect();
    assert_eq!(found, expected, "{what}");
    assert_eq!(deltas.implausible, implausible, "{what}");
}

#[test]
fn entries() {
    let before = reading(100, &[(1, 10, 50.0, None)]);
    let dated = reading(100, &[(1, 10, 50.0, Some(20))]);
    check("no call", &before, &reading(115, &[(1, 10, 50.0, None)]), &[], 0);
    check("more calls", &before, &reading(115, &[(1, 14, 60.0, None)]), &[(1, 4, 10.0)], 0);
    check(
        "first sighting",
        &before,
        &reading(115, &[(1, 10, 50.0, None), (2, 3, 9.0, None)]),
        &[(2, 3, 9.0)],
        0,
    );
    check("went down", &before, &reading(115, &[(1, 4, 8.0, None)]), &[(1, 4, 8.0)], 0);
    check("calls up, time down", &before, &reading(115, &[(1, 14, 40.0, None)]), &[(1, 14, 40.0)], 0);
    check("vanished", &before, &reading(115, &[]), &[], 0);
    check("impossible claim", &before, &reading(115, &[(2, 3, 150_001.0, None)]), &[], 1);
    check("possible claim", &before, &reading(115, &[(2, 3, 150_000.0, None)]), &[(2, 3, 150_000.0)], 0);
    check("dated: more calls", &dated, &reading(115, &[(1, 14, 60.0, Some(20))]), &[(1, 4, 10.0)], 0);
    check("dated: new", &dated, &reading(115, &[(2, 3, 9.0, Some(110))]), &[(2, 3, 9.0)], 0);
    check("dated: new, began long ago", &dated, &reading(115, &[(2, 1, 1e9, Some(110))]), &[(2, 1, 1e9)], 0);
    check("dated: was hidden", &dated, &reading(115, &[(2, 3, 9.0, Some(50))]), &[], 0);
    check(
        "dated: evicted and back with more",
        &dated,
        &reading(115, &[(1, 30, 90.0, Some(101))]),
        &[(1, 30, 90.0)],
        0,
    );
    check("dated: same date but less", &dated, &reading(115, &[(1, 3, 9.0, Some(20))]), &[], 0);
    check("not a number", &before, &reading(115, &[(2, 3, f64::NAN, None)]), &[], 1);
}

#[test]
fn a_reset_of_everything_counts_from_zero() {
    let before = reading(100, &[(1, 10, 50.0, None), (2, 1, 1.0, None)]);
    let mut now = reading(115, &[(1, 12, 55.0, None)]);
    now.reset_us = Some(105 * S);
    check("reset, then overtaken", &before, &now, &[(1, 12, 55.0)], 0);
}

#[test]
fn an_eviction_alone_changes_no_difference() {
    let before = reading(100, &[(1, 1_000, 5_000.0, None)]);
    let mut now = reading(115, &[(1, 1_001, 5_001.0, None)]);
    now.dealloc = Some(7);
    check("evictions elsewhere", &before, &now, &[(1, 1, 1.0)], 0);
}

#[test]
fn gaps() {
    let base = reading(100, &[(1, 10, 50.0, None)]);
    let restarted = Reading { started_us: 2, ..reading(115, &[(1, 20, 90.0, None)]) };
    let cases = [
        ("nothing before", None, reading(115, &[]), 0, Gap::First),
        ("server restarted", Some(&base), restarted, 15 * S, Gap::Restarted),
        ("clock went back", Some(&base), reading(99, &[]), 15 * S, Gap::Paused),
        ("no time passed", Some(&base), reading(100, &[]), 15 * S, Gap::Paused),
        ("asleep", Some(&base), reading(161, &[]), 15 * S, Gap::Paused),
        ("asleep, slow interval", Some(&base), reading(901, &[]), 200 * S, Gap::Paused),
    ];
    for (what, before, now, usual, expected) in cases {
        assert_eq!(between(before, &now, usual), Step::Gap(expected), "{what}");
    }
    assert!(
        matches!(between(Some(&base), &reading(160, &[]), 0), Step::Deltas(_)),
        "just within the shortest gap"
    );
    assert!(
        matches!(between(Some(&base), &reading(900, &[]), 200 * S), Step::Deltas(_)),
        "usual for this one"
    );
}

#[test]
fn a_clock_that_was_set_is_a_gap() {
    let began = Instant::now();
    let trip = |secs: u64| {
        let at = began + Duration::from_secs(secs);
        Some(Trip { sent: at, received: at })
    };
    let before = Reading { trip: trip(0), ..reading(100, &[(1, 10, 50.0, None)]) };
    for (what, server_s, ours_s, expected) in [
        ("as ours", 115, 15, None),
        ("hours ahead of ours all the time", 115, 15, None),
        ("set forward by 20 s", 135, 15, Some(Gap::Jumped)),
        ("set back by 10 s", 105, 15, Some(Gap::Jumped)),
        ("we slept for 25 s", 140, 15, Some(Gap::Jumped)),
    ] {
        let now = Reading { trip: trip(ours_s), ..reading(server_s, &[(1, 14, 60.0, None)]) };
        let found = match between(Some(&before), &now, 15 * S) {
            Step::Gap(gap) => Some(gap),
            Step::Deltas(_) => None,
        };
        assert_eq!(found, expected, "{what}");
    }
}

/// What may happen to a server between two polls.
#[derive(Clone, Debug)]
enum Event {
    Run { id: i64, calls: i64, ms_per_call: u32 },
    Evict { id: i64 },
    ResetAll,
    Poll,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (0..6_i64, 1..50_i64, 0..40_u32).prop_map(|(id, calls, ms_per_call)| Event::Run { id, calls, ms_per_call }),
        2 => (0..6_i64).prop_map(|id| Event::Evict { id }),
        1 => Just(Event::ResetAll),
        3 => Just(Event::Poll),
    ]
}

/// Plays the events; returns what was truly called after the first poll and what the differences say, by id, and
/// whether the server ever forgot anything.
fn play(events: &[Event], dated: bool, has_info: bool) -> (HashMap<i64, i64>, HashMap<i64, i64>, bool) {
    let mut server = reading(0, &[]);
    server.max_backends = 10_000;
    server.reset_us = has_info.then_some(0);
    server.dealloc = has_info.then_some(0);
    let (mut truth, mut told, mut forgot) = (HashMap::new(), HashMap::new(), false);
    let mut last: Option<Reading> = None;
    for (tick, event) in events.iter().chain([&Event::Poll]).enumerate() {
        server.at_us = (i64::try_from(tick).unwrap() + 1) * S;
        match event {
            Event::Run { id, calls, ms_per_call } => {
                let at = server.at_us;
                let entry = server
                    .entries
                    .entry(key(*id))
                    .or_insert(Entry { counters: Counters::default(), since_us: dated.then_some(at) });
                entry.counters.add(&counters(*calls, *calls as f64 * f64::from(*ms_per_call)));
                if last.is_some() {
                    *truth.entry(*id).or_default() += calls;
                }
            }
            Event::Evict { id } => {
                forgot |= server.entries.remove(&key(*id)).is_some();
                server.dealloc = server.dealloc.map(|count| count + 1);
            }
            Event::ResetAll => {
                forgot |= !server.entries.is_empty();
                server.entries.clear();
                server.reset_us = has_info.then_some(server.at_us);
            }
            Event::Poll => {
                if let Step::Deltas(deltas) = between(last.as_ref(), &server, 15 * S) {
                    for (key, counters) in deltas.rows {
                        assert!(counters.calls > 0 && counters.time_ms >= 0.0 && counters.rows >= 0);
                        *told.entry(key.queryid).or_default() += counters.calls;
                    }
                }
                last = Some(server.clone());
            }
        }
    }
    (truth, told, forgot)
}

proptest! {
    #[test]
    fn never_more_than_the_truth_and_exact_while_the_server_remembers(
        events in proptest::collection::vec(event(), 0..60), dated: bool, has_info: bool,
    ) {
        let (truth, told, forgot) = play(&events, dated, has_info);
        for (id, calls) in &told {
            prop_assert!(calls <= truth.get(id).unwrap_or(&0), "{id}: told {calls}, truth {truth:?}");
        }
        if !forgot {
            prop_assert_eq!(told, truth);
        }
    }
}
