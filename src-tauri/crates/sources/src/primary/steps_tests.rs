//! Tests of an exporter's series, from samples to what was called. The pages are written as postgres_exporter 0.11 with
//! `queries.yaml` and 0.15 with its own collector, and pg_exporter with its configuration, write them.

use faultline_model::StatementSeries;

use super::super::series::{Names, reading};
use super::*;
use crate::prometheus::{Format, Labels, Sample, read as read_page};

const OURS: &str = "\
faultline_server_now_seconds{server=\"db:5432\"} 1000
faultline_server_started_seconds{server=\"db:5432\"} 10
faultline_server_in_recovery{server=\"db:5432\"} 0
faultline_server_max_connections{server=\"db:5432\"} 100
faultline_server_statement_limit{server=\"db:5432\"} 3
faultline_statements_calls_total{datname=\"shop\",queryid=\"-7\",server=\"db:5432\",user=\"app\"} 10
faultline_statements_seconds_total{datname=\"shop\",queryid=\"-7\",server=\"db:5432\",user=\"app\"} 0.5
faultline_statements_rows_total{datname=\"shop\",queryid=\"-7\",server=\"db:5432\",user=\"app\"} 20
faultline_statements_since_seconds{datname=\"shop\",queryid=\"-7\",server=\"db:5432\",user=\"app\"} 500
faultline_statement_info{datname=\"shop\",queryid=\"-7\",query_text=\"select 1\",server=\"db:5432\"} 1
";

fn samples(page: &str) -> Vec<Sample> {
    read_page(page, Format::Text, |_| true).unwrap().samples
}

fn of(page: &str, series: StatementSeries, before: Option<&Labels>) -> Option<Reading> {
    reading(&samples(page), Names::of(series), before)
}

fn ours(page: &str) -> Reading {
    of(page, StatementSeries::PostgresExporter, None).unwrap()
}

/// The page with numbers put in place of others.
fn later(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(OURS.to_owned(), |page, (from, to)| {
        assert!(page.contains(from), "{from}");
        page.replace(from, to)
    })
}

#[test]
fn a_page_is_a_reading() {
    let found = ours(OURS);
    assert_eq!((found.now_s, found.started_s, found.max_backends), (Some(1_000.0), Some(10.0), 100.0));
    assert_eq!((found.all_listed, found.exporters, found.entries.len()), (true, 1, 1));
    let (key, entry) = found.entries.iter().next().unwrap();
    assert_eq!((key.query.database.as_str(), key.query.queryid, key.user.as_str()), ("shop", -7, "app"));
    assert_eq!((entry.calls, entry.rows, entry.hit, entry.since_s), (10.0, Some(20.0), None, Some(500.0)));
    assert_eq!(found.texts, [(key.query.clone(), "select 1".to_owned())]);
}

#[test]
fn what_other_exporters_write_is_read_too() {
    let collector = "pg_stat_statements_calls_total{user=\"app\",datname=\"shop\",queryid=\"5\"} 3\n\
                     pg_stat_statements_seconds_total{user=\"app\",datname=\"shop\",queryid=\"5\"} 1.5\n\
                     pg_stat_statements_calls_total{user=\"app\",datname=\"shop\",queryid=\"unknown\"} 3\n\
                     pg_stat_statements_calls_total{user=\"app\",datname=\"shop\",queryid=\"6\"} 3\n";
    let found = of(collector, StatementSeries::PostgresExporter, None).unwrap();
    assert_eq!((found.entries.len(), found.all_listed), (1, false), "calls without a time are not counters");
    let pg_exporter = "pg_timestamp{} 1000\npg_is_in_recovery{} 0\n\
                       pg_query_calls{datname=\"shop\",query=\"-5\"} 3\n\
                       pg_query_exec_time{datname=\"shop\",query=\"-5\"} 0.25\n\
                       pg_query_sblk_hit{datname=\"shop\",query=\"-5\"} 9\n";
    let found = of(pg_exporter, StatementSeries::PgExporter, None).unwrap();
    let (key, entry) = found.entries.iter().next().unwrap();
    assert_eq!(
        (key.query.queryid, entry.seconds, entry.hit, found.now_s),
        (-5, 0.25, Some(9.0), Some(1_000.0))
    );
    assert_eq!(of("up 1\n", StatementSeries::PgExporter, None), None);
}

#[test]
fn of_several_exporters_one_is_read() {
    let row = |replica: &str, calls: u32, recovery: u32| {
        format!(
            "faultline_server_in_recovery{{replica=\"{replica}\"}} {recovery}\n\
             faultline_statements_calls_total{{datname=\"shop\",queryid=\"7\",replica=\"{replica}\"}} {calls}\n\
             faultline_statements_seconds_total{{datname=\"shop\",queryid=\"7\",replica=\"{replica}\"}} 1\n"
        )
    };
    let both = row("a", 10, 0) + &row("b", 10, 0);
    let found = ours(&both);
    assert_eq!((found.identity.get("replica"), found.exporters, found.entries.len()), ("a", 2, 1));
    let kept =
        of(&both, StatementSeries::PostgresExporter, Some(&Labels::new([("replica".into(), "b".into())])));
    assert_eq!(kept.unwrap().identity.get("replica"), "b", "whom we began with");
    assert_eq!(ours(&(row("a", 10, 1) + &row("b", 10, 0))).identity.get("replica"), "b", "the primary's");
    assert_eq!(
        between(&ours(&row("a", 10, 0)), &ours(&row("b", 99, 0)), 15.0),
        None,
        "not from one to the other"
    );
}

#[test]
fn nested_statements_are_in_the_time_of_others() {
    let line = |name: &str, toplevel: &str, value: u32| {
        format!(
            "faultline_statements_{name}{{datname=\"shop\",queryid=\"7\",toplevel=\"{toplevel}\"}} {value}\n"
        )
    };
    let page = line("calls_total", "true", 4)
        + &line("seconds_total", "true", 2)
        + &line("calls_total", "false", 90)
        + &line("seconds_total", "false", 80);
    let found = ours(&page);
    assert_eq!(found.entries.values().map(|entry| entry.calls).collect::<Vec<_>>(), [4.0]);
}

/// What was called between two pages, and whether that is all.
fn check(what: &str, before: &str, now: &str, expected: Option<(&[f64], bool)>) {
    let step = between(&ours(before), &ours(now), 15.0);
    let found = step.as_ref().map(|step| {
        let calls: Vec<f64> = step.called.iter().map(|one| one.calls).collect();
        (calls, step.complete)
    });
    assert_eq!(found, expected.map(|(calls, complete)| (calls.to_vec(), complete)), "{what}");
}

#[test]
fn differences_are_never_made_up() {
    let none = "faultline_server_now_seconds{server=\"db:5432\"} 1000\n\
                faultline_server_statement_limit{server=\"db:5432\"} 3\n\
                faultline_statements_calls_total{datname=\"shop\",queryid=\"1\",server=\"db:5432\"} 1\n\
                faultline_statements_seconds_total{datname=\"shop\",queryid=\"1\",server=\"db:5432\"} 1\n";
    let and = |more: &str| format!("{none}{more}");
    let new = |since: u32| {
        format!(
            "faultline_statements_calls_total{{datname=\"shop\",queryid=\"2\",server=\"db:5432\"}} 8\n\
             faultline_statements_seconds_total{{datname=\"shop\",queryid=\"2\",server=\"db:5432\"}} 2\n\
             faultline_statements_since_seconds{{datname=\"shop\",queryid=\"2\",server=\"db:5432\"}} {since}\n"
        )
    };
    let full = none.replace("statement_limit{server=\"db:5432\"} 3", "statement_limit{server=\"db:5432\"} 1");
    let calls = ("user=\"app\"} 10", "user=\"app\"} 14");
    let time = ("user=\"app\"} 0.5", "user=\"app\"} 0.75");
    check("nothing", OURS, OURS, Some((&[], true)));
    check("a difference", OURS, &later(&[calls, time]), Some((&[4.0], true)));
    check(
        "smaller under the same date",
        OURS,
        &later(&[("user=\"app\"} 10", "user=\"app\"} 9")]),
        Some((&[], false)),
    );
    let again = later(&[("user=\"app\"} 10", "user=\"app\"} 3"), ("} 500", "} 1001")]);
    check("evicted and back", OURS, &again, Some((&[3.0], true)));
    check(
        "a restart",
        OURS,
        &later(&[calls, ("seconds{server=\"db:5432\"} 10\n", "seconds{server=\"db:5432\"} 900\n")]),
        None,
    );
    check("new, all listed", none, &and(&new(0)), Some((&[8.0], true)));
    check("new by its date", &full, &and(&new(1_001)), Some((&[8.0], false)));
    check("old, came into the list", &full, &and(&new(5)), Some((&[], false)));
    check("undated, came into the list", &full, &and(&new(0)), Some((&[], false)));
}

#[test]
fn undated_counters_that_went_down_count_from_zero_if_that_is_possible() {
    let undated = |calls: u32, seconds: f64| {
        later(&[
            ("} 500", "} 0"),
            ("user=\"app\"} 10", &format!("user=\"app\"}} {calls}")),
            ("user=\"app\"} 0.5", &format!("user=\"app\"}} {seconds}")),
        ])
    };
    check("a reset", &undated(10, 0.5), &undated(3, 0.2), Some((&[3.0], true)));
    check(
        "more than 100 sessions can do in 15 s",
        &undated(10, 9_000.0),
        &undated(3, 1_600.0),
        Some((&[], false)),
    );
}

#[test]
fn a_gap_says_nothing() {
    let (before, now) = (ours(OURS), ours(&later(&[("user=\"app\"} 10", "user=\"app\"} 14")])));
    for span_s in [0.0, -5.0, 181.0, f64::NAN] {
        assert_eq!(between(&before, &now, span_s), None, "{span_s}");
    }
}

proptest::proptest! {
    #[test]
    fn no_number_is_ever_negative(old: [f64; 3], new: [f64; 3], since: [u8; 2], listed: bool) {
        let entry = |values: [f64; 3], since: u8| Entry {
            calls: values[0].abs(), seconds: values[1].abs(), rows: Some(values[2].abs()), hit: None, read: None,
            since_s: (since > 100).then(|| f64::from(since)),
        };
        let key = || super::super::series::Key {
            query: crate::query_book::BookedQuery { database: "d".into(), queryid: 1 }, user: String::new(),
        };
        let reading = |values, since| Reading {
            now_s: Some(150.0), max_backends: 10.0, all_listed: listed,
            entries: [(key(), entry(values, since))].into_iter().collect(), ..Reading::default()
        };
        if let Some(step) = between(&reading(old, since[0]), &reading(new, since[1]), 15.0) {
            for one in step.called {
                proptest::prop_assert!(one.calls > 0.0 && one.time_ms >= 0.0 && one.rows >= Some(0.0), "{one:?}");
            }
        }
    }
}
