//! Rows put together by hand.

use faultline_model::Cause;

use super::super::measure::{Due, Guessed};
use super::super::table::render;
use super::*;

fn healthy(file: &str, alarms: usize) -> Row {
    let due = Due { cause: None, also: vec![], deploy: None, queries: 0 };
    let outcome = Outcome {
        due,
        delay_s: None,
        right_s: None,
        first: None,
        last: None,
        blamed: None,
        false_alarms_s: vec![30.0; alarms],
        hidden: false,
        reopened: 0,
        afterwards: 0,
        healthy_h: 0.5,
        guessed: None,
    };
    let scenario = file.rsplit_once('-').unwrap().0.to_owned();
    Row { file: file.to_owned(), scenario, variant: None, seed: 1, intensity: 1.0, outcome, problems: vec![] }
}

/// A regression whose guilty query has a place among those named, or silence.
fn regression(file: &str, delay_s: Option<f64>, query_rank: Option<usize>) -> Row {
    let mut row = healthy(file, 0);
    let answer = |cause_rank| Answer {
        after_s: 5.0,
        cause: Some(Cause::QueryRegression),
        cause_rank: Some(cause_rank),
        deploy: Some("a-1".into()),
        deploy_probability: Some(0.9),
        deploy_right: true,
        query: Some("q".into()),
        query_rank,
    };
    let guessed =
        Guessed { deploy: Some("b-1".into()), total_time: None, time_rise: Some(1), mean_rise: Some(4) };
    row.outcome.due =
        Due { cause: Some(Cause::QueryRegression), also: vec![], deploy: Some("a-1".into()), queries: 1 };
    row.outcome.delay_s = delay_s;
    row.outcome.right_s = delay_s.filter(|_| query_rank == Some(1)).map(|delay| delay + 3.0);
    row.outcome.first = delay_s.map(|_| answer(2));
    row.outcome.last = delay_s.map(|_| answer(1));
    row.outcome.healthy_h = 0.02;
    row.outcome.guessed = Some(guessed);
    row
}

fn report() -> Report {
    let mut failed = regression("n-plus-one-3.jsonl.zst", None, None);
    failed.problems = vec!["exit status: 2: line 3 is damaged".to_owned()];
    let rows = vec![
        regression("n-plus-one-1.jsonl.zst", Some(4.0), Some(1)),
        regression("n-plus-one-2.jsonl.zst", Some(6.0), Some(3)),
        failed,
        healthy("quiet-1.jsonl.zst", 0),
        healthy("quiet-2.jsonl.zst", 1),
    ];
    Report::new(rows, 1.25)
}

#[test]
fn figures_are_put_together() {
    let report = report();
    let total = &report.total;
    let share = |share: &Share| (share.k, share.n);
    assert_eq!((share(&total.opened), share(&total.right)), ((2, 3), (1, 3)));
    assert_eq!((total.delay_s.median, total.right_s.median), (Some(5.0), Some(7.0)));
    assert_eq!(
        (share(&total.last_verdict.cause_top1), share(&total.first_verdict.cause_top1)),
        ((2, 3), (0, 3))
    );
    assert_eq!(
        (share(&total.last_verdict.deploy_top1), share(&total.when_said.deploy_top1)),
        ((2, 3), (2, 2))
    );
    let query = &total.last_verdict.query;
    assert_eq!((share(&query.top1), share(&query.top3)), ((1, 3), (2, 3)));
    assert!((query.mrr.unwrap() - (1.0 + 1.0 / 3.0) / 3.0).abs() < 1e-12);
    assert_eq!((share(&total.blame_in_health), share(&total.blame_for_trouble)), ((1, 2), (0, 0)));
    assert_eq!(total.false_alarms.count, 1);
    assert!((total.false_alarms.hours - 1.06).abs() < 1e-9);
    let [deploy, total_time, time_rise, mean_rise] = &report.baselines[..] else { panic!("{report:?}") };
    assert_eq!(share(deploy.deploy_top1.as_ref().unwrap()), (0, 3));
    for (list, top1, mrr) in [(total_time, 0, 0.0), (time_rise, 3, 1.0), (mean_rise, 0, 0.25)] {
        let query = list.query.as_ref().unwrap();
        assert_eq!((share(&query.top1), query.mrr), ((top1, 3), Some(mrr)), "{}", list.name);
    }
    assert_eq!(report.missed, ["n-plus-one-3.jsonl.zst"]);
    assert_eq!(report.scenarios.keys().collect::<Vec<_>>(), ["n-plus-one", "quiet"]);
}

#[test]
fn the_table_is_as_it_was() {
    insta::assert_snapshot!(render(&report(), true));
    insta::assert_snapshot!(render(&Report::new(vec![healthy("quiet-1.jsonl", 0)], 0.1), false));
}

#[test]
fn the_json_has_every_file() {
    let json = serde_json::to_value(report()).unwrap();
    assert_eq!(json["files"].as_array().unwrap().len(), 5);
    assert_eq!(json["files"][0]["last"]["query_rank"], 1);
    assert_eq!(json["total"]["opened"]["n"], 3);
    assert_eq!(json["scenarios"]["quiet"]["false_alarms"]["count"], 1);
}
