//! What differences mean, case by case, and for any course of events.

use proptest::prelude::*;

use super::*;

fn key(digest: &str) -> Key {
    Key { schema: Some("shop".to_owned()), digest: Some(digest.to_owned()) }
}

fn counters(calls: u64, ms: u64) -> Counters {
    Counters { calls, time_ps: ms * 1_000_000_000, ..Counters::default() }
}

fn reading(at_s: f64, entries: &[(&str, u64, u64, f64)]) -> Reading {
    let entry = |&(digest, calls, ms, first_s): &(&str, u64, u64, f64)| {
        (key(digest), Entry { counters: counters(calls, ms), first_s: Some(first_s) })
    };
    Reading { at_s, uptime_s: at_s, entries: entries.iter().map(entry).collect() }
}

#[track_caller]
fn check(
    what: &str,
    before: &[(&str, u64, u64, f64)],
    now: &[(&str, u64, u64, f64)],
    expected: &[(&str, u64, u64)],
) {
    let mut ledger = Ledger::default();
    assert_eq!(ledger.advance(reading(100.5, before)), Err(Gap::First), "{what}");
    let deltas = ledger.advance(reading(115.5, now)).unwrap();
    let found: Vec<_> = deltas.rows.iter().map(|(key, sum)| (key.digest.as_deref().unwrap(), *sum)).collect();
    let expected: Vec<_> =
        expected.iter().map(|&(digest, calls, ms)| (digest, counters(calls, ms))).collect();
    assert_eq!(found, expected, "{what}");
    assert_eq!(deltas.span_s, 15.0);
}

#[test]
fn entries_count_their_difference_or_from_a_proven_beginning() {
    let before = [("a", 10, 50, 20.0)];
    check("more calls", &before, &[("a", 14, 60, 20.0)], &[("a", 4, 10)]);
    check("nothing new", &before, &[("a", 10, 50, 20.0)], &[]);
    check("not read again", &before, &[], &[]);
    check("new", &before, &[("b", 3, 9, 110.0)], &[("b", 3, 9)]);
    check("new, in the second of the reading before", &before, &[("b", 3, 9, 100.0)], &[("b", 3, 9)]);
    check("seen before we could", &before, &[("b", 3, 9, 50.0)], &[]);
    check("truncated, fewer", &before, &[("a", 4, 8, 108.0)], &[("a", 4, 8)]);
    check("truncated, more", &before, &[("a", 30, 90, 108.0)], &[("a", 30, 90)]);
    check("truncated within a second of its beginning", &before, &[("a", 4, 8, 20.0)], &[("a", 4, 8)]);
}

#[test]
fn what_found_no_room_is_kept_apart() {
    let full = |calls| Reading {
        entries: vec![(Key::default(), Entry { counters: counters(calls, calls), first_s: Some(90.0) })],
        ..reading(if calls == 5 { 100.0 } else { 101.0 }, &[])
    };
    let mut ledger = Ledger::default();
    ledger.advance(full(5)).unwrap_err();
    let deltas = ledger.advance(full(9)).unwrap();
    assert_eq!((deltas.rows.len(), deltas.overflow), (0, counters(4, 4)));
}

#[test]
fn gaps() {
    for (what, at_s, uptime_s, expected) in [
        ("server restarted", 115.0, 5.0, Gap::Restarted),
        ("clock went back", 99.0, 99.0, Gap::Paused),
        ("no time passed", 100.0, 100.0, Gap::Paused),
        ("asleep", 161.0, 161.0, Gap::Paused),
    ] {
        let mut ledger = Ledger::default();
        ledger.advance(reading(100.0, &[("a", 10, 50, 20.0)])).unwrap_err();
        let now = Reading { uptime_s, ..reading(at_s, &[("a", 20, 90, 20.0)]) };
        assert_eq!(ledger.advance(now), Err(expected), "{what}");
        let after = Reading { uptime_s: uptime_s + 5.0, ..reading(at_s + 5.0, &[("a", 21, 91, 20.0)]) };
        assert_eq!(ledger.advance(after).unwrap().rows, [(key("a"), counters(1, 1))], "{what}: known again");
    }
}

/// What may happen to a server between two polls.
#[derive(Clone, Debug)]
enum Event {
    Run { digest: u8, calls: u64 },
    Truncate,
    Poll,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (0..5_u8, 1..50_u64).prop_map(|(digest, calls)| Event::Run { digest, calls }),
        1 => Just(Event::Truncate),
        3 => Just(Event::Poll),
    ]
}

proptest! {
    #[test]
    fn never_more_than_the_truth_and_exact_while_nobody_truncates(
        events in proptest::collection::vec(event(), 0..60), fraction in 0.0..0.99_f64,
    ) {
        let mut server: HashMap<u8, (Entry, f64)> = HashMap::new();
        let (mut truth, mut told) = (HashMap::<u8, u64>::new(), HashMap::<u8, u64>::new());
        let (mut ledger, mut polled, mut truncated) = (Ledger::default(), false, false);
        for (tick, event) in events.iter().chain([&Event::Poll]).enumerate() {
            let at_s = 1_000.0 + tick as f64 * 1.0 + fraction;
            match event {
                Event::Run { digest, calls } => {
                    let fresh = (Entry { first_s: Some(at_s.floor()), ..Entry::default() }, at_s);
                    let (entry, last_s) = server.entry(*digest).or_insert(fresh);
                    entry.counters.add(&counters(*calls, *calls));
                    *last_s = at_s.floor();
                    if polled {
                        *truth.entry(*digest).or_default() += calls;
                    }
                }
                Event::Truncate => {
                    truncated = true;
                    server.clear();
                }
                Event::Poll => {
                    let since_s = ledger.since_s().map(|since_s| since_s - 2.0);
                    let seen = server.iter().filter(|(_, (_, last_s))| since_s.is_none_or(|since_s| *last_s >= since_s));
                    let entries = seen.map(|(digest, (entry, _))| (key(&digest.to_string()), *entry)).collect();
                    if let Ok(deltas) = ledger.advance(Reading { at_s, uptime_s: at_s, entries }) {
                        for (key, counters) in deltas.rows {
                            *told.entry(key.digest.unwrap().parse().unwrap()).or_default() += counters.calls;
                        }
                    }
                    polled = true;
                }
            }
        }
        for (digest, calls) in &told {
            prop_assert!(calls <= truth.get(digest).unwrap_or(&0), "{digest}: told {calls}, truth {truth:?}");
        }
        if !truncated {
            prop_assert_eq!(told, truth);
        }
    }
}
