//! Hand-made replays against hand-made truths.

use faultline_model::{CauseVerdict, Finding, SuspectDeploy, SuspectQuery};

use super::*;
use crate::scenario::DelayFrom;
use crate::truth::GuiltyQuery;

/// When the recordings begin, Unix seconds; times below are seconds from there.
const BEGIN: f64 = 1_000.0;

fn truth(cause: Option<Cause>, deploy: Option<&str>, queries: &[&str]) -> Truth {
    let guilty = |fp: &&str| GuiltyQuery { fp: (*fp).into(), text: "select ?".to_owned() };
    Truth {
        scenario: "made-up".to_owned(),
        seed: 1,
        variant: None,
        intensity: 1.0,
        onset: cause.map(|_| BEGIN + 60.0),
        effect: cause.map(|_| BEGIN + 64.0),
        end: cause.map(|_| BEGIN + 100.0),
        cause,
        also: vec![],
        deploy: deploy.map(Into::into),
        queries: queries.iter().map(guilty).collect(),
        delay_from: DelayFrom::Onset,
        counts_from: None,
    }
}

fn regression() -> Truth {
    truth(Some(Cause::QueryRegression), Some("checkout-2"), &["q1", "q2"])
}

fn recorded() -> Recorded {
    Recorded { first: BEGIN, last: BEGIN + 130.0, ..Recorded::default() }
}

/// A verdict at a time: causes, best first; the first deploy; queries, the worst first.
fn said(t: f64, causes: &[Cause], deploy: Option<&str>, queries: &[&str]) -> (f64, Verdict) {
    let cause = |(index, cause): (usize, &Cause)| CauseVerdict {
        cause: *cause,
        verdict: Finding::Supported,
        score: 0.9 - 0.1 * index as f64,
        why: String::new(),
    };
    let query = |fp: &&str| SuspectQuery { fp: (*fp).into(), text: None, share: 0.1 };
    let verdict = Verdict {
        incident: "1".into(),
        causes: causes.iter().enumerate().map(cause).collect(),
        deploys: vec![SuspectDeploy { id: deploy.map(Into::into), probability: 0.7 }],
        queries: queries.iter().map(query).collect(),
    };
    (BEGIN + t, verdict)
}

fn incident(opened: f64, resolved: Option<f64>, verdicts: Vec<(f64, Verdict)>) -> Incident {
    Incident { id: "1".into(), opened: BEGIN + opened, resolved: resolved.map(|t| BEGIN + t), verdicts }
}

fn judge(truth: &Truth, incidents: Vec<Incident>) -> Outcome {
    Outcome::new(truth, &recorded(), &Printed { incidents, problems: vec![] }).unwrap()
}

const GOOD: &[Cause] = &[Cause::QueryRegression, Cause::TrafficSurge];
const BAD: &[Cause] = &[Cause::TrafficSurge, Cause::QueryRegression];

#[test]
fn opening_is_judged_by_its_time() {
    // opened at, resolved at → delay, false alarms, hidden, afterwards
    for (times, delay, false_alarms, hidden, afterwards) in [
        (vec![], None, vec![], false, 0),
        (vec![(60.0, None)], Some(0.0), vec![], false, 0),
        (vec![(63.5, None)], Some(3.5), vec![], false, 0),
        (vec![(110.0, None)], Some(50.0), vec![], false, 0),
        (vec![(110.5, None)], None, vec![], false, 1),
        (vec![(59.9, None)], None, vec![59.9], true, 0),
        (vec![(40.0, Some(50.0)), (62.0, None)], Some(2.0), vec![40.0], false, 0),
        (vec![(40.0, Some(61.0)), (62.0, None)], Some(2.0), vec![40.0], true, 0),
    ] {
        let incidents = times.iter().map(|(opened, resolved)| incident(*opened, *resolved, vec![])).collect();
        let outcome = judge(&regression(), incidents);
        assert_eq!(outcome.delay_s, delay, "{times:?}");
        let rounded: Vec<_> = outcome.false_alarms_s.iter().map(|t| (t * 10.0).round() / 10.0).collect();
        assert_eq!(
            (rounded, outcome.hidden, outcome.afterwards),
            (false_alarms, hidden, afterwards),
            "{times:?}"
        );
        assert_eq!(outcome.opened(), Some(delay.is_some()));
        assert!((outcome.healthy_h - 60.0 / HOUR_S).abs() < 1e-9);
    }
    let again = judge(&regression(), vec![incident(61.0, Some(70.0), vec![]), incident(80.0, None, vec![])]);
    assert_eq!((again.delay_s, again.reopened), (Some(1.0), 1));
}

#[test]
fn right_is_deploy_and_query_to_the_end() {
    let good = |t| said(t, GOOD, Some("checkout-2"), &["q2", "x"]);
    let other_deploy = |t| said(t, GOOD, Some("search-9"), &["q1"]);
    let other_query = |t| said(t, GOOD, Some("checkout-2"), &["x", "q1"]);
    for (verdicts, right_s) in [
        (vec![], None),
        (vec![good(65.0)], Some(5.0)),
        (vec![other_deploy(65.0), good(70.0), good(80.0)], Some(10.0)),
        (vec![good(65.0), other_query(70.0)], None),
        (vec![good(65.0), other_query(70.0), good(75.0)], Some(15.0)),
        // Also what is said when it is over, as long as the incident is open.
        (vec![good(65.0), other_deploy(125.0)], None),
    ] {
        let outcome = judge(&regression(), vec![incident(64.0, None, verdicts.clone())]);
        assert_eq!(outcome.right_s, right_s, "{verdicts:?}");
        assert_eq!(outcome.right(), Some(right_s.is_some()));
    }
}

#[test]
fn nobody_guilty_is_right_without_a_name() {
    let storm = truth(Some(Cause::TrafficSurge), None, &[]);
    for (deploy, right_s, blames) in [(None, Some(5.0), false), (Some("search-9"), None, true)] {
        let outcome = judge(&storm, vec![incident(62.0, None, vec![said(65.0, BAD, deploy, &["q9"])])]);
        assert_eq!((outcome.right_s, outcome.blames()), (right_s, Some(blames)), "{deploy:?}");
        assert_eq!((outcome.deploy_first(outcome.last.as_ref()), outcome.query_place(None)), (None, None));
    }
    // No deploys at all are no blame either; a guilty deploy is not asked.
    let mut silent = said(65.0, BAD, None, &[]);
    silent.1.deploys.clear();
    assert_eq!(judge(&storm, vec![incident(62.0, None, vec![silent])]).right_s, Some(5.0));
    assert_eq!(judge(&storm, vec![]).blames(), Some(false));
    assert_eq!(judge(&regression(), vec![]).blames(), None);
}

#[test]
fn the_last_verdict_of_the_trouble_counts() {
    let verdicts = vec![
        said(65.0, BAD, None, &[]),
        said(104.0, GOOD, Some("checkout-2"), &["x", "y", "q1", "q2"]),
        said(106.0, BAD, None, &[]),
    ];
    let outcome = judge(&regression(), vec![incident(64.0, None, verdicts)]);
    let (first, last) = (outcome.first.as_ref(), outcome.last.as_ref());
    assert_eq!((outcome.cause_within(1, first), outcome.cause_within(2, first)), (Some(false), Some(true)));
    assert_eq!((outcome.cause_within(1, last), outcome.deploy_first(last)), (Some(true), Some(true)));
    assert_eq!((outcome.deploy_first(first), outcome.query_place(first)), (Some(false), Some(None)));
    assert_eq!(outcome.query_place(last), Some(Some(3)));
    assert_eq!(last.unwrap().after_s, 44.0);
    // Silence is wrong.
    let silence = judge(&regression(), vec![]);
    assert_eq!((silence.cause_within(2, None), silence.deploy_first(None)), (Some(false), Some(false)));
    assert_eq!(silence.query_place(None), Some(None));
}

#[test]
fn traffic_and_query_are_told_apart() {
    let surge = || truth(Some(Cause::TrafficSurge), None, &[]);
    let accepting = |mut truth: Truth, also| {
        truth.also = vec![also];
        truth
    };
    let lock = || truth(Some(Cause::LockContention), Some("a-1"), &[]);
    for (truth, causes, query_called_traffic, traffic_called_query) in [
        (regression(), GOOD, Some(false), None),
        (regression(), BAD, Some(true), None),
        (lock(), &[Cause::Abuse][..], Some(true), None),
        (accepting(regression(), Cause::TrafficSurge), BAD, Some(false), None),
        (surge(), GOOD, None, Some(true)),
        (surge(), BAD, None, Some(false)),
        (accepting(surge(), Cause::QueryRegression), GOOD, None, Some(false)),
        (truth(Some(Cause::CacheLoss), None, &[]), GOOD, None, None),
        (truth(None, None, &[]), GOOD, None, None),
    ] {
        let outcome = judge(&truth, vec![incident(62.0, None, vec![said(65.0, causes, None, &[])])]);
        let said = (outcome.query_called_traffic(), outcome.traffic_called_query());
        assert_eq!(said, (query_called_traffic, traffic_called_query), "{truth:?} {causes:?}");
    }
}

#[test]
fn health_wants_silence() {
    let quiet = truth(None, None, &[]);
    let calm = judge(&quiet, vec![]);
    assert_eq!((calm.opened(), calm.right(), calm.blames()), (None, None, Some(false)));
    assert!((calm.healthy_h - 130.0 / HOUR_S).abs() < 1e-9);
    let alarmed = judge(&quiet, vec![incident(70.0, None, vec![said(72.0, GOOD, Some("a-1"), &[])])]);
    assert_eq!((alarmed.false_alarms_s.len(), alarmed.blames()), (1, Some(true)));
    assert_eq!(alarmed.blamed, Some("a-1".into()));
    let unsure = judge(&quiet, vec![incident(70.0, None, vec![])]);
    assert_eq!((unsure.blamed.clone(), unsure.blames()), (None, Some(true)));
}

#[test]
fn what_is_said_before_it_counts_is_left_out() {
    let mut job = truth(Some(Cause::BatchJob), None, &[]);
    job.counts_from = Some(BEGIN + 50.0);
    let outcome = judge(&job, vec![incident(20.0, Some(30.0), vec![]), incident(55.0, Some(58.0), vec![])]);
    assert_eq!(outcome.false_alarms_s, [55.0]);
    assert!((outcome.healthy_h - 10.0 / HOUR_S).abs() < 1e-9);
    // Still open when it begins, but from a time that does not count: no false alarm, and no hit.
    let outcome = judge(&job, vec![incident(20.0, None, vec![])]);
    assert_eq!((outcome.false_alarms_s.len(), outcome.delay_s), (0, None));
}

#[test]
fn delays_may_count_from_the_effect() {
    let mut slow = regression();
    slow.delay_from = DelayFrom::Effect;
    let found = vec![incident(66.0, None, vec![said(70.0, GOOD, Some("checkout-2"), &["q1"])])];
    let outcome = judge(&slow, found.clone());
    assert_eq!((outcome.delay_s, outcome.right_s), (Some(2.0), Some(6.0)));
    slow.effect = None;
    assert_eq!(judge(&slow, found).delay_s, Some(6.0));
}

#[test]
fn a_trouble_lasts_to_the_end_where_none_is_said() {
    let mut endless = regression();
    endless.end = None;
    assert_eq!(judge(&endless, vec![incident(139.0, None, vec![])]).delay_s, Some(79.0));
    endless.onset = None;
    let error = Outcome::new(&endless, &recorded(), &Printed::default()).unwrap_err().to_string();
    assert!(error.contains("made-up") && error.contains("query_regression"), "{error}");
}
