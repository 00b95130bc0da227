//! Rollbacks against a real store and a provider that counts.

use std::sync::atomic::{AtomicU32, Ordering};

use faultline_model::{LoadAas, Notice, Notifier};
use tempfile::TempDir;
use tokio::sync::broadcast::Receiver;

use super::*;
use crate::clock::SystemClock;
use crate::health::HealthBoard;

/// Ends every run in the same way.
struct Counting {
    runs: AtomicU32,
    outcome: RollbackOutcome,
    summary: std::sync::Mutex<String>,
}

#[async_trait::async_trait]
impl Rollback for Counting {
    fn provider(&self) -> &'static str {
        "counting"
    }

    async fn preview(&self, target: &RollbackTarget) -> Result<RollbackPreview, String> {
        Ok(RollbackPreview {
            provider: "counting".into(),
            summary: self.summary.lock().unwrap().clone(),
            requests: vec![format!("POST /rollback {}", target.idempotency_key)],
            warnings: vec![],
            open_url: None,
        })
    }

    async fn run(&self, _: &RollbackTarget) -> RollbackOutcome {
        self.runs.fetch_add(1, Ordering::SeqCst);
        self.outcome.clone()
    }
}

/// A database that has recovered, or not.
struct Database {
    load_ratio: f64,
}

#[async_trait::async_trait]
impl Recoveries for Database {
    async fn look(&self, _: &RollbackTarget, _: &[Fingerprint]) -> Option<Look> {
        let at = SystemClock.now();
        Some(Look {
            at,
            load_ratio: Some(self.load_ratio),
            guilty: LoadAas(0.0),
            calm: false,
            resolved: false,
        })
    }
}

/// Remembers what was shown.
#[derive(Default)]
struct Shown(std::sync::Mutex<Vec<Notice>>);

#[async_trait::async_trait]
impl Notifier for Shown {
    async fn show(&self, notice: Notice) -> Result<(), String> {
        self.0.lock().unwrap().push(notice);
        Ok(())
    }

    async fn close(&self, _: &IncidentId) {}
}

struct Stage {
    rollbacks: Arc<Rollbacks>,
    provider: Arc<Counting>,
    history: History,
    events: Receiver<EngineEvent>,
    shown: Arc<Shown>,
    _folder: TempDir,
}

async fn stage(outcome: RollbackOutcome, load_ratio: f64) -> Stage {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path()).await.unwrap();
    history.put_deploy(&deploy(), SystemClock.now()).await.unwrap();
    let (hub, shown) = (Hub::default(), Arc::new(Shown::default()));
    let events = hub.listen();
    let incidents = Arc::new(Incidents::new(
        history.clone(),
        hub.clone(),
        HealthBoard::default(),
        Arc::clone(&shown) as Arc<dyn Notifier>,
        Arc::new(|_| true),
    ));
    let rollbacks = Arc::new(Rollbacks {
        history: history.clone(),
        hub,
        clock: Arc::new(SystemClock),
        incidents,
        recoveries: Arc::new(Database { load_ratio }),
        limits: VerificationLimits { hold_s: 0.0, deadline_s: 0.0, ..VerificationLimits::default() },
    });
    let summary = std::sync::Mutex::new("Goes back to v141.".to_owned());
    let provider = Arc::new(Counting { runs: AtomicU32::new(0), outcome, summary });
    Stage { rollbacks, provider, history, events, shown, _folder: folder }
}

fn deploy() -> Deploy {
    serde_json::from_str(
        r#"{"id":"c-142","service":"checkout","version":"v142","previous":"v141","finished":12}"#,
    )
    .unwrap()
}

impl Stage {
    async fn press(&self) -> Result<RollbackProgress, EngineError> {
        let incident = IncidentId::from("1");
        let provider = Arc::clone(&self.provider) as Arc<dyn Rollback>;
        let prepared = self.rollbacks.prepare(provider.as_ref(), &deploy(), Some(&incident)).await?;
        self.rollbacks.run(provider, &deploy(), Some(&incident), &prepared.confirm_token, "test").await
    }

    /// Waits for the state; the states before it.
    async fn until(&mut self, wanted: RollbackState) -> Vec<RollbackState> {
        let mut states = Vec::new();
        while states.last() != Some(&wanted) {
            if let EngineEvent::Rollback(progress) = self.events.recv().await.unwrap() {
                states.push(progress.state);
            }
        }
        states
    }

    fn runs(&self) -> u32 {
        self.provider.runs.load(Ordering::SeqCst)
    }
}

fn succeeded() -> RollbackOutcome {
    RollbackOutcome::Succeeded { message: "Runs v141.".into() }
}

#[tokio::test]
async fn it_is_sent_once_verified_and_written_down() {
    let mut stage = stage(succeeded(), 1.1).await;
    stage.press().await.unwrap();
    let again = stage.press().await.unwrap_err();
    assert!(again.to_string().contains("already sent"), "{again}");
    assert_eq!(
        stage.until(RollbackState::Verified).await,
        [RollbackState::Requested, RollbackState::Running, RollbackState::Succeeded, RollbackState::Verified]
    );
    assert_eq!(stage.runs(), 1);

    let undone = stage.history.deploy(&"c-142".into()).await.unwrap().unwrap();
    assert_eq!(undone.status, DeployStatus::RolledBack);
    let marker = stage.history.deploy(&"rollback-c-142-1-1".into()).await.unwrap().unwrap();
    assert_eq!((marker.kind, marker.version.as_deref()), (DeployKind::Rollback, Some("v141")));
    let all = TimeRange::new(Timestamp::EPOCH, SystemClock.now() + 60.0);
    let actions: Vec<_> = stage
        .history
        .audit_log(all)
        .await
        .unwrap()
        .into_iter()
        .map(|entry| (entry.actor, entry.action))
        .collect();
    assert!(actions.contains(&("test".into(), "rollback".into())), "{actions:?}");
    assert!(actions.contains(&("faultline".into(), "rollback verified".into())), "{actions:?}");
}

#[tokio::test]
async fn what_failed_may_be_sent_again_under_a_new_key() {
    let mut stage = stage(RollbackOutcome::Failed { message: "409".into() }, 6.0).await;
    let first = stage.press().await.unwrap();
    stage.until(RollbackState::Failed).await;
    let second = stage.press().await.unwrap();
    stage.until(RollbackState::Failed).await;
    assert_ne!(first.key, second.key);
    assert_eq!(stage.runs(), 2);
}

#[tokio::test]
async fn what_may_have_been_done_is_not_sent_again() {
    let mut stage = stage(RollbackOutcome::Unknown { message: "no answer".into() }, 6.0).await;
    stage.press().await.unwrap();
    stage.until(RollbackState::Unknown).await;
    assert!(stage.press().await.is_err());
    assert_eq!(stage.runs(), 1);
}

#[tokio::test]
async fn what_was_not_confirmed_is_not_run() {
    let stage = stage(succeeded(), 1.0).await;
    let provider = Arc::clone(&stage.provider) as Arc<dyn Rollback>;
    let prepared = stage.rollbacks.prepare(provider.as_ref(), &deploy(), None).await.unwrap();
    "Goes back to v140.".clone_into(&mut stage.provider.summary.lock().unwrap());
    let run = stage.rollbacks.run(provider, &deploy(), None, &prepared.confirm_token, "test").await;
    assert!(matches!(run, Err(EngineError::PreviewChanged)));
    assert_eq!(stage.runs(), 0);
}

#[tokio::test]
async fn a_rollback_that_did_not_help_is_said_to_the_user() {
    let mut stage = stage(succeeded(), 6.0).await;
    stage.press().await.unwrap();
    stage.until(RollbackState::NotVerified).await;
    let key = "c-142-1-1";
    while stage.shown.0.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(stage.shown.0.lock().unwrap()[0].title.contains("did not help"));
    assert_eq!(stage.history.rollback(key).await.unwrap().unwrap().verified, Some(false));
}
