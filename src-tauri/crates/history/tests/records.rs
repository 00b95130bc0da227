//! Deploys, incidents, rollbacks and the audit log: merged, counted and begun once, over processes and restarts.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use faultline_history::{HistoryError, MAX_DOCUMENT_BYTES};
use faultline_model::{
    Cause, CauseVerdict, Deploy, DeployStatus, EventKind, Finding, IncidentEvent, Opened, RollbackOutcome,
    RollbackTarget, Severity, SuspectDeploy, Verdict,
};
use serde_json::json;
use support::*;

fn deploy(value: serde_json::Value) -> Deploy {
    serde_json::from_value(value).unwrap()
}

#[tokio::test]
async fn word_of_a_deploy_is_merged_and_seen_by_others() {
    let store = Store::new().await;
    let other = store.second().await;
    assert_eq!(store.history.latest_deploy_sequence().await.unwrap(), 0);
    let started = json!({"id":"d1","service":"checkout","version":"v142","started":10.5,"status":"started","actor":"ci"});
    store.history.put_deploy(&deploy(started.clone()), at(11.0)).await.unwrap();
    let (sequence, news) = other.deploys_since(0).await.unwrap();
    assert_eq!(news, [deploy(started)]);

    let finished = deploy(json!({"id":"d1","service":"checkout","finished":20.0}));
    let merged = other.put_deploy(&finished, at(21.0)).await.unwrap();
    assert_eq!((merged.started, merged.finished), (Some(at(10.5)), Some(at(20.0))));
    assert_eq!((merged.status, merged.actor.as_deref()), (DeployStatus::Succeeded, Some("ci")));
    let (next, news) = store.history.deploys_since(sequence).await.unwrap();
    assert_eq!((news.as_slice(), next > sequence), (&[merged.clone()][..], true));
    assert_eq!(store.history.latest_deploy_sequence().await.unwrap(), next);

    store.history.put_deploy(&finished, at(30.0)).await.unwrap();
    assert_eq!(other.deploys_since(next).await.unwrap(), (next, vec![]), "nothing new, nothing changed");
    let store = store.reopened().await;
    assert_eq!(store.history.deploy(&"d1".into()).await.unwrap(), Some(merged));
    assert_eq!(store.history.deploy(&"d2".into()).await.unwrap(), None);
}

#[tokio::test]
async fn deploys_are_found_by_their_earliest_time_and_environment() {
    let store = Store::new().await;
    for (value, received) in [
        (json!({"id":"late","service":"a","started":100.0,"finished":500.0}), 501.0),
        (json!({"id":"early","service":"a","finished":50.0}), 50.0),
        (json!({"id":"untimed","service":"a"}), 70.0),
        (json!({"id":"staging","service":"a","environment":"staging","started":60.0}), 60.0),
    ] {
        store.history.put_deploy(&deploy(value), at(received)).await.unwrap();
    }
    let check = async |from, to, environment, expected: &[&str]| {
        let found = store.history.deploys(range(from, to), environment).await.unwrap();
        let ids: Vec<_> = found.iter().map(|deploy| deploy.id.as_str().to_owned()).collect();
        assert_eq!(ids, expected, "{from}–{to} {environment:?}");
    };
    check(0.0, 1_000.0, None, &["early", "staging", "untimed", "late"]).await;
    check(0.0, 1_000.0, Some("production"), &["early", "untimed", "late"]).await;
    check(60.0, 100.0, None, &["staging", "untimed"]).await;
    check(200.0, 1_000.0, None, &[]).await;
    let huge = deploy(json!({"id":"huge","service":"a","url":"x".repeat(MAX_DOCUMENT_BYTES)}));
    let error = store.history.put_deploy(&huge, at(1.0)).await.unwrap_err();
    assert!(matches!(error, HistoryError::TooMuch { .. }), "{error}");
}

fn opened(t: f64, incident: &str, severity: Severity) -> IncidentEvent {
    let opened = Opened {
        incident: incident.into(),
        cluster: shop(),
        onset: at(t - 4.0),
        severity,
        load_ratio: Some(6.2),
        nodes: vec!["primary".into()],
    };
    IncidentEvent { t: at(t), kind: EventKind::Opened(opened) }
}

fn verdict(t: f64, incident: &str, probability: f64) -> IncidentEvent {
    let verdict = Verdict {
        incident: incident.into(),
        causes: vec![CauseVerdict {
            cause: Cause::QueryRegression,
            verdict: Finding::Supported,
            score: probability,
            why: "new query = 83 % of the extra load".to_owned(),
        }],
        deploys: vec![SuspectDeploy { id: Some("d1".into()), probability }],
        queries: vec![],
    };
    IncidentEvent { t: at(t), kind: EventKind::Verdict(verdict) }
}

fn resolved(t: f64, incident: &str) -> IncidentEvent {
    IncidentEvent { t: at(t), kind: EventKind::Resolved { incident: incident.into() } }
}

#[tokio::test]
async fn an_incident_keeps_its_events_and_its_state() {
    let store = Store::new().await;
    let recovering = IncidentEvent { t: at(300.0), kind: EventKind::Recovering { incident: "1".into() } };
    let events = [
        opened(94.0, "1", Severity::Warning),
        verdict(97.0, "1", 0.5),
        opened(98.0, "1", Severity::Critical),
        verdict(99.0, "1", 0.9),
        recovering,
    ];
    for event in &events {
        store.history.record_event(&shop(), event).await.unwrap();
    }
    let open = store.history.open_incident(&shop()).await.unwrap().unwrap();
    assert_eq!((open.onset, open.opened, open.resolved), (at(94.0), at(94.0), None));
    assert_eq!((open.severity, open.load_ratio), (Severity::Critical, Some(6.2)));
    assert_eq!(open.verdict.as_ref().unwrap().deploys[0].probability, 0.9);
    assert_eq!((open.events.as_slice(), open.nodes.as_slice()), (&events[..], &["primary".into()][..]));
    assert_eq!(store.history.open_incident(&"other".into()).await.unwrap(), None);

    let store = store.reopened().await;
    store.history.record_event(&shop(), &resolved(400.0, "1")).await.unwrap();
    assert_eq!(store.history.open_incident(&shop()).await.unwrap(), None);
    let record = store.history.incident(&"1".into()).await.unwrap().unwrap();
    assert_eq!((record.resolved, record.events.len()), (Some(at(400.0)), 6));
    assert_eq!(store.history.incident(&"2".into()).await.unwrap(), None);
}

#[tokio::test]
async fn events_of_unknown_incidents_are_refused() {
    let store = Store::new().await;
    store.history.record_event(&shop(), &opened(10.0, "1", Severity::Warning)).await.unwrap();
    let cases = [
        (shop(), resolved(20.0, "2")),
        (shop(), verdict(20.0, "2", 0.5)),
        ("other".into(), resolved(20.0, "1")),
        ("other".into(), opened(20.0, "1", Severity::Critical)),
    ];
    for (cluster, event) in cases {
        let error = store.history.record_event(&cluster, &event).await.unwrap_err();
        assert!(matches!(error, HistoryError::UnknownIncident { .. }), "{event:?}: {error}");
    }
    assert_eq!(store.history.incident(&"1".into()).await.unwrap().unwrap().events.len(), 1);
}

#[tokio::test]
async fn incidents_are_found_by_when_they_went_on() {
    let store = Store::new().await;
    for (cluster, id, from, to) in
        [("shop", "1", 100.0, Some(200.0)), ("bill", "2", 150.0, Some(160.0)), ("shop", "3", 300.0, None)]
    {
        store.history.record_event(&cluster.into(), &opened(from, id, Severity::Warning)).await.unwrap();
        if let Some(to) = to {
            store.history.record_event(&cluster.into(), &resolved(to, id)).await.unwrap();
        }
    }
    let check = async |from, to, cluster: Option<&str>, expected: &[&str]| {
        let cluster = cluster.map(Into::into);
        let found = store.history.incidents(range(from, to), cluster.as_ref()).await.unwrap();
        let ids: Vec<_> = found.iter().map(|record| record.id.as_str().to_owned()).collect();
        assert_eq!(ids, expected, "{from}–{to} {cluster:?}");
    };
    check(0.0, 1_000.0, None, &["3", "2", "1"]).await;
    check(0.0, 1_000.0, Some("shop"), &["3", "1"]).await;
    check(170.0, 180.0, None, &["1"]).await;
    check(0.0, 97.0, None, &["1"]).await;
    check(900.0, 1_000.0, None, &["3"]).await;
    check(0.0, 96.0, None, &[]).await;
}

#[tokio::test]
async fn incident_numbers_are_given_out_once() {
    let store = Store::new().await;
    let other = store.second().await;
    let ask =
        |history: faultline_history::History| async move { history.next_incident_number().await.unwrap() };
    let asked = (0..20).map(|turn| ask(if turn % 2 == 0 { store.history.clone() } else { other.clone() }));
    let mut numbers = futures::future::join_all(asked).await;
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=20).collect::<Vec<_>>());
    let store = store.reopened().await;
    assert_eq!(store.history.next_incident_number().await.unwrap(), 21);
}

fn target(key: &str, incident: Option<&str>) -> RollbackTarget {
    RollbackTarget {
        deploy: deploy(json!({"id":"d1","service":"checkout","previous":"v141"})),
        incident: incident.map(Into::into),
        idempotency_key: key.to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollback_begins_once_over_processes_and_restarts() {
    let store = Store::new().await;
    let other = store.second().await;
    for key in ["one", "two", "three"] {
        let tries = (0..8).map(|turn| {
            let history = if turn % 2 == 0 { store.history.clone() } else { other.clone() };
            tokio::spawn(async move { history.begin_rollback(&target(key, None), at(1.0)).await.unwrap() })
        });
        let allowed: Vec<_> =
            futures::future::join_all(tries).await.into_iter().filter(|one| *one.as_ref().unwrap()).collect();
        assert_eq!(allowed.len(), 1, "{key}");
    }
    let store = store.reopened().await;
    assert!(!store.history.begin_rollback(&target("one", None), at(2.0)).await.unwrap());
    assert!(store.history.begin_rollback(&target("four", None), at(2.0)).await.unwrap());
}

#[tokio::test]
async fn a_rollback_is_followed_to_its_verification() {
    let store = Store::new().await;
    store.history.record_event(&shop(), &opened(10.0, "1", Severity::Critical)).await.unwrap();
    let target = target("k", Some("1"));
    assert!(store.history.begin_rollback(&target, at(20.0)).await.unwrap());
    let begun = store.history.rollback("k").await.unwrap().unwrap();
    assert_eq!(
        (&begun.target, begun.started, begun.finished, &begun.outcome),
        (&target, at(20.0), None, &None)
    );
    let outcome = RollbackOutcome::Succeeded { message: "done".to_owned() };
    store.history.finish_rollback("k", &outcome, at(50.0)).await.unwrap();
    store.history.set_rollback_verification("k", false, "the rollback did not help", at(90.0)).await.unwrap();
    let store = store.reopened().await;
    let record = store.history.rollback("k").await.unwrap().unwrap();
    assert_eq!(
        (record.finished, &record.outcome, record.verified),
        (Some(at(50.0)), &Some(outcome.clone()), Some(false))
    );
    assert_eq!(record.verification.as_deref(), Some("the rollback did not help"));
    assert_eq!(store.history.incident(&"1".into()).await.unwrap().unwrap().rollbacks, [record]);

    assert_eq!(store.history.rollback("unknown").await.unwrap(), None);
    let error = store.history.finish_rollback("unknown", &outcome, at(1.0)).await.unwrap_err();
    assert!(matches!(error, HistoryError::UnknownRollback { .. }), "{error}");
    let error = store.history.set_rollback_verification("unknown", true, "", at(1.0)).await.unwrap_err();
    assert!(matches!(error, HistoryError::UnknownRollback { .. }), "{error}");
}

#[tokio::test]
async fn the_audit_log_keeps_every_line() {
    let store = Store::new().await;
    let lines =
        [(1.0, json!({"deploy": "d1"})), (1.0, json!(null)), (2.0, json!("x".repeat(MAX_DOCUMENT_BYTES)))];
    for (secs, detail) in &lines {
        store.history.audit(at(*secs), "user", "rollback", detail).await.unwrap();
    }
    store.history.retain(at(1_000.0)).await.unwrap();
    let store = store.reopened().await;
    let found = store.history.audit_log(range(0.0, 10.0)).await.unwrap();
    assert_eq!(found.len(), 3);
    assert_eq!((&found[0].detail, &found[1].detail), (&lines[0].1, &lines[1].1));
    assert_eq!(found[2].detail, json!({"left_out_bytes": MAX_DOCUMENT_BYTES + 2}));
    assert_eq!(
        (found[0].actor.as_str(), found[0].action.as_str(), found[0].at),
        ("user", "rollback", at(1.0))
    );
    assert_eq!(store.history.audit_log(range(2.0, 10.0)).await.unwrap().len(), 1);
}
