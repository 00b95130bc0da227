//! Tests of the primary's own table, as replication may bring it.

use super::*;

const S: i64 = MICROS_PER_S;

fn tick(at_s: i64, span_s: Option<i64>, commits: i64, statements: &str) -> Tick {
    Tick {
        written_us: at_s * S,
        span_ms: span_s.map(|span_s| (span_s * 1_000) as f64),
        complete: true,
        statements: statements.to_owned(),
        counters: format!(
            "{{\"reset_us\":null,\"commits\":{commits},\"rollbacks\":0,\"connections\":4,\"version\":\"15.2\"}}"
        ),
        sessions: "[[7,\"Lock:tuple\",\"active\",250,\"app\",\"\",\"local\",2,\"shop\"],\
                   [null,null,\"idle in transaction\",1,null,null,null,1,null]]"
            .to_owned(),
    }
}

const SEVEN: &str = "[[\"shop\",7,\"app\",4,20.5,4,100,1]]";
const BOTH: &str = "[[\"shop\",7,\"app\",1,5.0,1,10,0],[\"shop\",-8,\"app\",2,2.0,2,2,2]]";

fn take(table: &mut Table, now_s: i64, ticks: &[Tick]) -> Taken {
    table.take(Timestamp::from_secs(1_000.0), "primary".into(), now_s * S, ticks, &QueryBook::default())
}

fn calls(taken: &Taken) -> Vec<(&str, f64)> {
    let queries = taken.frame.as_ref().and_then(|frame| frame.queries.as_ref());
    queries.iter().flat_map(|queries| &queries.rows).map(|row| (row.fp.as_str(), row.calls)).collect()
}

#[test]
fn a_tick_becomes_a_frame_of_the_primary() {
    let mut table = Table::default();
    let first = take(&mut table, 100, &[tick(99, Some(15), 10, SEVEN)]);
    assert_eq!(
        (first.standing, first.frame),
        (Standing::Beginning, None),
        "it may have been told before a restart"
    );
    let taken = take(&mut table, 115, &[tick(114, Some(15), 41, BOTH)]);
    assert_eq!(calls(&taken), [("queryid:-8", 2.0), ("queryid:7", 1.0)]);
    assert_eq!(taken.standing, Standing::Used { every_s: 15, late_s: 0, named_percent: 0 });
    let frame = taken.frame.unwrap();
    assert_eq!((frame.node.as_str(), frame.at), ("primary", Timestamp::from_secs(1_000.0)));
    let about = frame.about.unwrap();
    assert_eq!((about.role, about.observed), (Some(Role::Primary), Some(Observed::Metrics)));
    assert_eq!(about.version.as_deref(), Some("15.2"));
    let queries = frame.queries.unwrap();
    assert_eq!((queries.span_s, queries.complete), (15.0, true));
    let signals = frame.signals.unwrap();
    let value = |name: &str| signals.values.get(name).copied();
    assert_eq!((signals.span_s, value("throughput"), value("latency_ms")), (15.0, Some(2.0), Some(2.33333)));
    assert_eq!(
        (value("active_sessions"), value("lock_waiting"), value("connections")),
        (Some(2.0), Some(2.0), Some(4.0))
    );
    assert_eq!(value("deadlocks_per_s"), None, "what is not written is not observed");
    let sessions = frame.sessions.unwrap();
    assert_eq!((sessions[0].fp.as_ref().map(|fp| fp.as_str()), sessions[0].count), (Some("queryid:7"), 2));
    assert_eq!(sessions[1].fp, None);
    let again = take(&mut table, 130, &[tick(129, Some(15), 42, "[]")]);
    let frame = again.frame.unwrap();
    assert_eq!(
        (frame.about, frame.queries.unwrap().rows),
        (None, vec![]),
        "nothing was called, and that is known"
    );
}

#[test]
fn ticks_that_come_together_are_one_interval() {
    let mut table = Table::default();
    take(&mut table, 100, &[tick(99, Some(15), 0, "[]")]);
    let late = [tick(114, Some(15), 0, SEVEN), tick(129, Some(15), 0, SEVEN), tick(144, Some(15), 93, BOTH)];
    let taken = take(&mut table, 170, &late);
    assert_eq!(calls(&taken), [("queryid:-8", 2.0), ("queryid:7", 9.0)]);
    assert_eq!(taken.standing, Standing::Used { every_s: 15, late_s: 20, named_percent: 0 });
    let frame = taken.frame.unwrap();
    assert_eq!(frame.queries.unwrap().span_s, 45.0);
    assert_eq!(frame.signals.unwrap().values["throughput"], 2.0);
}

#[test]
fn what_begins_anew_or_comes_too_late_is_a_gap() {
    type Case<'a> = (&'a str, i64, &'a [Tick], Standing, &'a [(&'a str, f64)]);
    let cases: &[Case<'_>] = &[
        ("a restart", 115, &[tick(114, None, 0, "[]")], Standing::Beginning, &[]),
        (
            "a restart in between",
            145,
            &[tick(114, Some(15), 0, SEVEN), tick(129, None, 0, "[]"), tick(144, Some(15), 0, BOTH)],
            Standing::Used { every_s: 15, late_s: 0, named_percent: 0 },
            &[("queryid:-8", 2.0), ("queryid:7", 1.0)],
        ),
        ("lag", 400, &[tick(114, Some(15), 0, SEVEN)], Standing::Silent { minutes: 4 }, &[]),
        (
            "what is left of a long lag",
            400,
            &[tick(114, Some(15), 0, SEVEN), tick(399, Some(15), 0, BOTH)],
            Standing::Used { every_s: 15, late_s: 0, named_percent: 0 },
            &[("queryid:-8", 2.0), ("queryid:7", 1.0)],
        ),
        ("nothing yet", 120, &[], Standing::Beginning, &[]),
        ("nothing for long", 340, &[], Standing::Silent { minutes: 4 }, &[]),
    ];
    for (what, now_s, ticks, standing, expected) in cases {
        let mut table = Table::default();
        take(&mut table, 100, &[tick(99, Some(15), 0, "[]")]);
        let taken = take(&mut table, *now_s, ticks);
        assert_eq!(taken.standing, *standing, "{what}");
        assert_eq!(calls(&taken), *expected, "{what}");
    }
}

#[test]
fn a_reset_makes_no_signals_and_a_strange_row_no_numbers() {
    let mut table = Table::default();
    take(&mut table, 100, &[tick(99, Some(15), 10, "[]")]);
    let reset =
        Tick { counters: "{\"reset_us\":5,\"commits\":99}".to_owned(), ..tick(114, Some(15), 0, SEVEN) };
    let frame = take(&mut table, 115, &[reset]).frame.unwrap();
    assert_eq!((frame.signals, frame.queries.map(|queries| queries.rows.len())), (None, Some(1)));
    for broken in ["{}", "[[1]]", "nonsense"] {
        let taken = take(&mut table, 130, &[tick(129, Some(15), 0, broken)]);
        assert!(matches!(taken.standing, Standing::Unreadable { .. }), "{broken}: {taken:?}");
        assert_eq!(taken.frame, None, "{broken}");
    }
}

#[test]
fn what_the_book_knows_is_named() {
    let (mut table, book) = (Table::default(), QueryBook::default());
    let query = |queryid| BookedQuery { database: "shop".into(), queryid };
    book.write(query(7), QueryText { fp: "aa".into(), text: "select ?".into(), database: None, user: None });
    assert_eq!(Table::unknown(&[tick(99, None, 0, BOTH)], &book), Ok(vec![-8]));
    take(&mut table, 100, &[tick(99, Some(15), 0, "[]")]);
    let at = Timestamp::from_secs(1.0);
    let taken = table.take(at, "primary".into(), 115 * S, &[tick(114, Some(15), 0, BOTH)], &book);
    assert_eq!(calls(&taken), [("aa", 1.0), ("queryid:-8", 2.0)]);
    assert_eq!(taken.standing, Standing::Used { every_s: 15, late_s: 0, named_percent: 70 });
    let frame = taken.frame.unwrap();
    assert_eq!(frame.texts.len(), 1);
    assert_eq!(frame.sessions.unwrap()[0].fp, Some("aa".into()));
}

#[test]
fn every_standing_says_what_to_do() {
    let standings = [
        Standing::Beginning,
        Standing::Used { every_s: 15, late_s: 0, named_percent: 90 },
        Standing::Used { every_s: 15, late_s: 20, named_percent: 90 },
        Standing::Ignored(PrimaryWay::Direct),
        Standing::Silent { minutes: 3 },
        Standing::Forbidden { user: "\"faultline\"".to_owned() },
        Standing::Unreadable { reason: "no".to_owned() },
    ];
    for standing in standings {
        let found = standing.found();
        assert_eq!(found.is_ok(), found.hint.is_none(), "{found:?}");
    }
}
