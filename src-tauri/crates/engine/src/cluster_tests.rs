//! What becomes of reports: across sleeps and set clocks, with changes that nobody announced, and when it is replayed.

use std::path::Path;

use faultline_analysis::{AnalysisConfig, Replay};
use faultline_history::History;
use faultline_model::{NodeId, Polled, QueryDelta, QueryDeltas, SessionGroup};
use tempfile::TempDir;
use tokio::sync::Notify;

use super::*;
use crate::clock::SystemClock;
use crate::health::HealthBoard;
use crate::hub::Hub;
use crate::incidents::Incidents;
use crate::secrets::Secrets;
use crate::silent::SilentNotifier;

/// When the tests begin, Unix seconds.
const BEGIN_S: f64 = 1_793_700_000.0;

struct Stage {
    task: ClusterTask,
    last_at: Timestamp,
    events: mpsc::Receiver<(ClusterName, IncidentEvent)>,
    asks: watch::Receiver<Ask>,
    _folder: TempDir,
}

async fn parts(folder: &Path) -> (Parts, mpsc::Receiver<(ClusterName, IncidentEvent)>) {
    let history = History::open(folder).await.unwrap();
    let (hub, health) = (Hub::default(), HealthBoard::default());
    let incidents = Arc::new(Incidents::new(
        history.clone(),
        hub.clone(),
        health.clone(),
        Arc::new(SilentNotifier),
        Arc::new(|_| false),
    ));
    let (events, queue) = mpsc::channel(1_000);
    let parts = Parts {
        secrets: Secrets::in_memory(),
        history,
        clock: Arc::new(SystemClock),
        hub,
        health,
        incidents,
        events,
        deploy_arrived: Arc::new(Notify::new()),
        feeds: false,
        stop: CancellationToken::new(),
    };
    (parts, queue)
}

fn header() -> Header {
    Header {
        cluster: "shop".into(),
        interval_s: 15.0,
        sessions_s: Some(1.0),
        fp_version: None,
        title: None,
        engine: faultline_model::Engine::Postgres,
    }
}

impl Stage {
    async fn set() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (parts, events) = parts(folder.path()).await;
        let at = Timestamp::from_secs(BEGIN_S);
        let begun = warm_up::begin(&parts, &header(), "production", 60.0, at).await.unwrap();
        let (sender, asks) = watch::channel(None);
        let task = ClusterTask {
            name: "shop".into(),
            environment: "production".to_owned(),
            header: header(),
            facts_s: 60.0,
            parts,
            analysis: begun.analysis,
            changes: begun.changes,
            status: Arc::new(Mutex::new(ClusterStatus::new("shop".into(), "production".into(), []))),
            attention: watch::channel(Attention::Quiet).0,
            asks: [("p".into(), sender)].into(),
            service_facts: Facts::new(),
            ids: begun.ids,
            untold: Vec::new(),
            voices: Voices::default(),
            suspicion: Suspicion::default(),
            reported: None,
        };
        Self { task, last_at: Timestamp::default(), events, asks, _folder: folder }
    }

    /// A look at second `at_s` with so many sessions at work.
    async fn look(&mut self, at_s: f64, at_work: u32) {
        let frame = frame(at_s, at_work);
        self.report(frame, false).await;
    }

    async fn report(&mut self, frame: Frame, facts_due: bool) {
        let id = NodeId { cluster: "shop".into(), node: frame.node.clone() };
        let at = frame.at;
        let polled = Polled { frames: vec![frame], cost_ms: 3.0, ..Polled::default() };
        let report = Report { id, voice: Voice::Direct, at, facts_due, polled };
        self.task.on_report(report, &mut self.last_at).await;
    }

    /// What was said since the last time.
    fn said(&mut self) -> Vec<IncidentEvent> {
        let mut said = Vec::new();
        while let Ok((_, event)) = self.events.try_recv() {
            said.push(event);
        }
        said
    }

    async fn deploys(&self) -> Vec<Deploy> {
        let (from, to) = (Timestamp::from_secs(BEGIN_S - 1e5), Timestamp::from_secs(BEGIN_S + 1e6));
        self.task.parts.history.deploys(TimeRange::new(from, to), None).await.unwrap()
    }
}

fn frame(at_s: f64, at_work: u32) -> Frame {
    let mut frame = Frame::new(Timestamp::from_secs(BEGIN_S + at_s), "p".into());
    // A little noise, the same in every run.
    let count = at_work + (at_s as u32 * 7 % 3);
    let group = r#"{"fp":"a","state":"active","running_ms":5}"#;
    frame.sessions = Some(vec![SessionGroup { count, ..serde_json::from_str(group).unwrap() }]);
    if (at_s as u64).is_multiple_of(15) {
        let row = r#"{"fp":"a","calls":100}"#;
        let time_ms = f64::from(count) * 15_000.0;
        let rows = vec![QueryDelta { time_ms, ..serde_json::from_str(row).unwrap() }];
        frame.queries = Some(QueryDeltas { span_s: 15.0, complete: true, rows });
    }
    frame
}

#[tokio::test]
async fn a_sleep_is_a_gap_and_no_incident() {
    let mut stage = Stage::set().await;
    for second in 0..120 {
        stage.look(f64::from(second), 3).await;
    }
    // Eight hours later the day has begun: another load, which is no step that anybody saw.
    for second in 28_800..28_860 {
        stage.look(f64::from(second), 3).await;
    }
    assert_eq!(stage.said(), []);
    assert!(stage.task.analysis.load_now().is_some_and(|load| load.0 < 6.0));
}

#[tokio::test]
async fn a_clock_set_back_makes_nobody_blind() {
    let mut stage = Stage::set().await;
    for second in 0..120 {
        stage.look(f64::from(second), 3).await;
    }
    // Set back by a minute, and then trouble begins.
    for second in 60..120 {
        stage.look(f64::from(second), 3).await;
    }
    assert_eq!(stage.said(), []);
    for second in 120..160 {
        stage.look(f64::from(second), 40).await;
    }
    let said = stage.said();
    assert!(matches!(said.first().map(|event| &event.kind), Some(EventKind::Opened(_))), "{said:?}");
}

#[tokio::test]
async fn an_unannounced_change_becomes_a_deploy_of_its_cluster() {
    let mut stage = Stage::set().await;
    let with_facts = |at_s: f64, text: &str| {
        let mut frame = frame(at_s, 1);
        frame.facts = serde_json::from_str(text).unwrap();
        frame
    };
    stage.report(with_facts(0.0, r#"{"setting:work_mem":"4MB","index:item_pkey":"x"}"#), true).await;
    assert_eq!(stage.deploys().await, []);
    stage.report(with_facts(60.0, r#"{"setting:work_mem":"64MB"}"#), true).await;
    let deploys = stage.deploys().await;
    assert_eq!(deploys[0].title(), "p work_mem 4MB → 64MB");
    assert!(deploys[0].concerns(&"shop".into(), "production"));
    assert!(!deploys[0].concerns(&"billing".into(), "production"));

    // A migration that was under way explains the index.
    let text = format!(r#"{{"id":"m","service":"checkout","kind":"schema","finished":{}}}"#, BEGIN_S + 100.0);
    let announced: Deploy = serde_json::from_str(&text).unwrap();
    stage.task.parts.history.put_deploy(&announced, Timestamp::from_secs(BEGIN_S + 100.0)).await.unwrap();
    stage.report(with_facts(120.0, r#"{"index:item_pkey":null}"#), true).await;
    assert_eq!(stage.deploys().await.len(), 2);
    stage.report(with_facts(180.0, r#"{"index:item_pkey":"x"}"#), true).await;
    assert_eq!(stage.deploys().await.len(), 3);
}

#[tokio::test]
async fn a_replay_says_what_was_said_live() {
    let mut stage = Stage::set().await;
    let mut live = Vec::new();
    for second in 0..200 {
        let at_s = f64::from(second);
        let mut frame = frame(at_s, if second < 120 { 3 } else { 40 });
        if second == 0 {
            frame.facts.insert("setting:work_mem".to_owned(), "4MB".into());
        } else if second == 117 {
            frame.facts.insert("setting:work_mem".to_owned(), "64kB".into());
        }
        let marked = stage.deploys().await.len();
        stage.report(frame, second % 60 == 0 || second == 117).await;
        // What the inbox does with a deploy that arrived.
        if let Some(marker) = stage.deploys().await.into_iter().nth(marked) {
            let at = next_after(stage.last_at, stage.last_at);
            stage.last_at = at;
            stage.task.take_in(Observation::Deploy { at, deploy: marker }).await;
        }
        live.extend(stage.said());
    }
    assert!(live.iter().any(|event| matches!(&event.kind, EventKind::Verdict(verdict)
        if verdict.deploys.iter().any(|suspect| suspect.id.as_ref().is_some_and(|id| id.as_str().starts_with("config:"))))));

    let range = TimeRange::new(Timestamp::from_secs(BEGIN_S - 1.0), Timestamp::from_secs(BEGIN_S + 1e4));
    let observations = stage.task.parts.history.observations(&"shop".into(), range).await.unwrap();
    let mut replay = Replay::new(AnalysisConfig::default(), &header());
    let replayed: Vec<_> = observations.iter().flat_map(|observation| replay.feed(observation)).collect();
    assert_eq!(replayed, live[..replayed.len()]);
    assert!(replayed.len() + 1 >= live.len(), "only what belongs to the last time may be missing");
}

#[tokio::test]
async fn a_node_is_asked_to_look_closer_while_something_is_suspected() {
    let mut stage = Stage::set().await;
    for second in 0..120 {
        stage.look(f64::from(second), 3).await;
    }
    assert_eq!(*stage.asks.borrow(), None);
    for second in 120..140 {
        stage.look(f64::from(second), 40).await;
    }
    let asked = stage.asks.borrow().clone().unwrap();
    assert_eq!(asked.iter().map(Fingerprint::as_str).collect::<Vec<_>>(), ["a"]);
    for second in 140..260 {
        stage.look(f64::from(second), 3).await;
    }
    assert_eq!(*stage.asks.borrow(), None);
}

#[tokio::test]
async fn what_looking_costs_and_explains_is_known() {
    let mut stage = Stage::set().await;
    for second in 0..120 {
        stage.look(f64::from(second), 3).await;
    }
    let status = stage.task.status().clone();
    let node = &status.nodes["p"];
    let cost = node.cost_ms_per_s().unwrap();
    assert!((cost - 3.0).abs() < 0.1, "{cost}");
    let explained = status.coverage().unwrap().explained();
    assert!(explained > 0.7, "{explained}");
}
