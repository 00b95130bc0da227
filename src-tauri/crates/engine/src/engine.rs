//! Puts the parts together and runs them: a task a node, a task a cluster, one for deploys, one for retention. What the
//! window and the command line ask goes through [`Engine`].

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use faultline_deploys::webhook::WebhookServer;
use faultline_history::History;
use faultline_model::{
    Clock, ClusterName, Deploy, DeployId, Fingerprint, HealthRow, IncidentEvent, IncidentId, NoticeAction,
    Notifier, Timestamp,
};
use tokio::sync::{Notify, broadcast, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::check;
use crate::cluster::ClusterRequest;
use crate::config::Config;
use crate::deploy_inbox;
use crate::error::EngineError;
use crate::health::HealthBoard;
use crate::hub::{Destination, EngineEvent, Hub, RollbackProgress};
use crate::incidents::Incidents;
use crate::retention;
use crate::rollback::{Prepared, Recoveries, Rollbacks};
use crate::secrets::Secrets;
use crate::start;
use crate::status::ClusterStatus;
use crate::store_lock::StoreLock;
use crate::verification::{Look, VerificationLimits};
use crate::ways_back::WaysBack;

/// Longest wait for the tasks to end at shutdown.
const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(5);

/// Longest wait for a cluster's task to answer.
const ANSWER_DEADLINE: Duration = Duration::from_secs(5);

/// How long an opened incident waits for its first verdict before it is shown without one.
const VERDICT_DEADLINE: Duration = Duration::from_secs(2);

/// Events that may wait to be written down and notified.
pub(crate) const MAX_WAITING_EVENTS: usize = 256;

/// What an engine runs on.
pub struct EngineOptions {
    /// The configuration.
    pub config: Config,
    /// Folder of the store.
    pub data: PathBuf,
    /// Where secrets come from.
    pub secrets: Secrets,
    /// Shows notifications.
    pub notifier: Arc<dyn Notifier>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Whether to listen for deploys where the configuration says so; a second program on the same machine does not.
    pub feeds: bool,
}

/// A cluster's task, from outside.
pub(crate) struct ClusterHandle {
    pub(crate) requests: mpsc::Sender<ClusterRequest>,
    pub(crate) status: Arc<Mutex<ClusterStatus>>,
}

pub(crate) type Clusters = BTreeMap<ClusterName, ClusterHandle>;

/// The running engine.
pub struct Engine {
    config: Config,
    history: History,
    hub: Hub,
    health: HealthBoard,
    clock: Arc<dyn Clock>,
    clusters: Arc<Clusters>,
    incidents: Arc<Incidents>,
    rollbacks: Arc<Rollbacks>,
    ways_back: Arc<WaysBack>,
    webhooks: Vec<WebhookServer>,
    deploy_arrived: Arc<Notify>,
    tasks: TaskTracker,
    stop: CancellationToken,
    _lock: StoreLock,
}

impl Engine {
    /// Opens the store and starts to watch. What cannot be reached or is misconfigured in one place is a health row;
    /// an error is only what leaves nothing to run on.
    ///
    /// # Errors
    /// The data folder or the store cannot be used, or another Faultline watches with it.
    pub async fn start(options: EngineOptions) -> Result<Arc<Self>, EngineError> {
        let EngineOptions { config, data, secrets, notifier, clock, feeds } = options;
        let lock = StoreLock::take(&data)?;
        let history = History::open(&data).await?;
        let (hub, health) = (Hub::default(), HealthBoard::default());
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        health.update(check::not_yet_watched(&config));

        let ways_back = Arc::new(WaysBack::open(&config, &secrets, &health).await);
        let can_roll_back = {
            let ways_back = Arc::clone(&ways_back);
            Arc::new(move |deploy: &Deploy| ways_back.leads_from(deploy))
        };
        let incidents =
            Arc::new(Incidents::new(history.clone(), hub.clone(), health.clone(), notifier, can_roll_back));
        let (events, event_queue) = mpsc::channel(MAX_WAITING_EVENTS);
        let starter = start::Starter {
            config: &config,
            secrets: &secrets,
            history: &history,
            clock: &clock,
            hub: &hub,
            health: &health,
            incidents: &incidents,
            tasks: &tasks,
            stop: &stop,
        };
        let deploy_sequence = history.latest_deploy_sequence().await?;
        let clusters = Arc::new(starter.clusters(events).await?);
        let deploy_arrived = Arc::new(Notify::new());
        let webhooks = if feeds { starter.webhooks(&deploy_arrived).await } else { Vec::new() };

        tasks.spawn(tell_of_incidents(Arc::clone(&incidents), event_queue, stop.clone(), tasks.clone()));
        tasks.spawn(deploy_inbox::hand_on(
            history.clone(),
            deploy_sequence,
            starter.recipients(&clusters),
            hub.clone(),
            Arc::clone(&deploy_arrived),
            stop.clone(),
        ));
        tasks.spawn(retention::keep_to_age(
            history.clone(),
            config.retention.days,
            Arc::clone(&clock),
            stop.clone(),
        ));
        let rollbacks = Arc::new(rollbacks(&history, &hub, &clock, &incidents, &clusters));
        Ok(Arc::new(Self {
            config,
            history,
            hub,
            health,
            clock,
            clusters,
            incidents,
            rollbacks,
            ways_back,
            webhooks,
            deploy_arrived,
            tasks,
            stop,
            _lock: lock,
        }))
    }

    /// Ends all watching, politely and within a deadline.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(SHUTDOWN_DEADLINE, self.tasks.wait()).await.is_err() {
            tracing::warn!("Some tasks did not end in time and are left behind.");
        }
    }

    /// The configuration that it runs on.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The store.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Now, on the engine's clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Everything that happens from now on; for the first listener, everything since the start.
    pub fn listen(&self) -> broadcast::Receiver<EngineEvent> {
        self.hub.listen()
    }

    /// The self-test as it stands.
    pub fn health(&self) -> Vec<HealthRow> {
        self.health.rows()
    }

    /// The self-test's rows of one target.
    pub fn health_of(&self, target: &str) -> Vec<HealthRow> {
        self.health.rows_of(target)
    }

    /// Adds a row to the self-test, for what its caller found.
    pub fn report(&self, row: HealthRow) {
        if self.health.update([row]) {
            self.hub.tell(EngineEvent::Health);
        }
    }

    /// How the clusters stand, in the configuration's order.
    pub fn statuses(&self) -> Vec<ClusterStatus> {
        self.config
            .clusters
            .iter()
            .filter_map(|cluster| self.clusters.get(cluster.name.as_str()))
            .map(|handle| handle.status.lock().unwrap_or_else(PoisonError::into_inner).clone())
            .collect()
    }

    /// Addresses on which webhooks listen.
    pub fn webhook_addresses(&self) -> Vec<std::net::SocketAddr> {
        self.webhooks.iter().map(|server| server.addr).collect()
    }

    /// A window shows the cluster: counters are read more often for a while. Said again with every look.
    pub fn looked_at(&self, cluster: &ClusterName) {
        if let Some(handle) = self.clusters.get(cluster) {
            // A task that is too busy to listen is not slowed down further; the next look says it again.
            handle.requests.try_send(ClusterRequest::LookedAt).ok();
        }
    }

    /// Stores a deploy, as a feed would.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn mark(&self, deploy: &Deploy) -> Result<(), EngineError> {
        self.history.put_deploy(deploy, self.now()).await?;
        self.deploy_arrived.notify_one();
        Ok(())
    }

    /// Whether there is a way back for the deploy.
    pub fn can_roll_back(&self, deploy: &Deploy) -> bool {
        self.ways_back.leads_from(deploy)
    }

    /// What rolling a deploy back would do, with the token that confirms it.
    ///
    /// # Errors
    /// The deploy is unknown, has no way back, or the provider says why it cannot be done.
    pub async fn prepare_rollback(
        &self,
        deploy: &DeployId,
        incident: Option<&IncidentId>,
    ) -> Result<Prepared, EngineError> {
        let deploy = self.deploy(deploy).await?;
        let provider = self.ways_back.of(&deploy.service)?;
        self.rollbacks.prepare(provider.as_ref(), &deploy, incident).await
    }

    /// Runs the rollback that was confirmed, once.
    ///
    /// # Errors
    /// As [`Self::prepare_rollback`]; also when what would run has changed, or it was already sent.
    pub async fn run_rollback(
        &self,
        deploy: &DeployId,
        incident: Option<&IncidentId>,
        confirm_token: &str,
        actor: &str,
    ) -> Result<RollbackProgress, EngineError> {
        let deploy = self.deploy(deploy).await?;
        let provider = self.ways_back.of(&deploy.service)?;
        self.rollbacks.run(provider, &deploy, incident, confirm_token, actor).await
    }

    async fn deploy(&self, id: &DeployId) -> Result<Deploy, EngineError> {
        self.history.deploy(id).await?.ok_or_else(|| EngineError::UnknownDeploy { id: id.clone() })
    }

    /// Does what the user asked for in a notification.
    pub async fn on_notice_action(&self, action: NoticeAction) {
        match action {
            NoticeAction::Show { incident } => {
                self.hub.tell(EngineEvent::Navigate(Destination::Incident(incident)));
            }
            NoticeAction::Dismissed { incident } => self.incidents.dismissed(&incident).await,
            NoticeAction::Rollback { incident, deploy } => {
                if let Err(error) = self.roll_back_from_notice(&incident, &deploy).await {
                    tracing::error!(%error, %deploy, "The notification's rollback could not be run.");
                    self.report(
                        HealthRow::new(
                            "rollback",
                            deploy.as_str(),
                            faultline_model::HealthLevel::Error,
                            error.to_string(),
                        )
                        .with_hint("Open the incident and roll back from its sheet."),
                    );
                    self.hub.tell(EngineEvent::Navigate(Destination::Rollback { incident, deploy }));
                }
            }
        }
    }

    /// At once where the user has set `one_click = true` for the service; else the prepared sheet opens.
    async fn roll_back_from_notice(
        &self,
        incident: &IncidentId,
        deploy: &DeployId,
    ) -> Result<(), EngineError> {
        let service = self.deploy(deploy).await?.service;
        if self.ways_back.is_one_click(&service) {
            let prepared = self.prepare_rollback(deploy, Some(incident)).await?;
            self.run_rollback(deploy, Some(incident), &prepared.confirm_token, "the notification's button")
                .await?;
        } else {
            let (incident, deploy) = (incident.clone(), deploy.clone());
            self.hub.tell(EngineEvent::Navigate(Destination::Rollback { incident, deploy }));
        }
        Ok(())
    }
}

/// Passes on what analysis says. An incident without a verdict is shown after a short wait.
async fn tell_of_incidents(
    incidents: Arc<Incidents>,
    mut queue: mpsc::Receiver<(ClusterName, IncidentEvent)>,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    loop {
        let (cluster, event) = tokio::select! {
            () = stop.cancelled() => return,
            next = queue.recv() => match next {
                Some(next) => next,
                None => return,
            },
        };
        let opened = matches!(event.kind, faultline_model::EventKind::Opened(_))
            .then(|| event.kind.incident().clone());
        incidents.on_event(&cluster, event).await;
        if let Some(id) = opened {
            let incidents = Arc::clone(&incidents);
            tasks.spawn(async move {
                tokio::time::sleep(VERDICT_DEADLINE).await;
                incidents.notify_without_verdict(&id).await;
            });
        }
    }
}

/// Rollbacks that are verified on the clusters.
fn rollbacks(
    history: &History,
    hub: &Hub,
    clock: &Arc<dyn Clock>,
    incidents: &Arc<Incidents>,
    clusters: &Arc<Clusters>,
) -> Rollbacks {
    let (clusters, clock) = (Arc::clone(clusters), Arc::clone(clock));
    let recoveries = ClusterRecoveries { clusters, history: history.clone(), clock: Arc::clone(&clock) };
    Rollbacks {
        history: history.clone(),
        hub: hub.clone(),
        clock,
        incidents: Arc::clone(incidents),
        recoveries: Arc::new(recoveries),
        limits: VerificationLimits::default(),
    }
}

/// Asks the incident's cluster how far it has recovered.
struct ClusterRecoveries {
    clusters: Arc<Clusters>,
    history: History,
    clock: Arc<dyn Clock>,
}

#[async_trait::async_trait]
impl Recoveries for ClusterRecoveries {
    async fn look(&self, incident: Option<&IncidentId>, queries: &[Fingerprint]) -> Option<Look> {
        let record = match incident {
            Some(id) => self.history.incident(id).await.ok().flatten(),
            None => None,
        };
        let handle = match &record {
            Some(record) => self.clusters.get(&record.cluster)?,
            None => self.clusters.values().next()?,
        };
        let (reply, answer) = oneshot::channel();
        handle.requests.send(ClusterRequest::Recovery { queries: queries.to_vec(), reply }).await.ok()?;
        let recovery = tokio::time::timeout(ANSWER_DEADLINE, answer).await.ok()?.ok()?;
        Some(Look {
            at: self.clock.now(),
            load_ratio: recovery.load_ratio,
            guilty: recovery.queries_load,
            calm: recovery.calm,
            resolved: record.is_some_and(|record| record.resolved.is_some()),
        })
    }
}

#[cfg(test)]
mod tests {
    use faultline_model::{EventKind, Opened, RollbackOutcome, RollbackTarget, Severity};

    use super::*;
    use crate::clock::SystemClock;
    use crate::config;
    use crate::silent::SilentNotifier;

    async fn start(data: &std::path::Path) -> Arc<Engine> {
        faultline_deploys::install_tls_provider();
        let options = EngineOptions {
            config: config::parse("[[cluster]]\nname = \"shop\"\n", "config.toml").unwrap(),
            data: data.to_owned(),
            secrets: Secrets::in_memory(),
            notifier: Arc::new(SilentNotifier),
            clock: Arc::new(SystemClock),
            feeds: false,
        };
        Engine::start(options).await.unwrap()
    }

    #[tokio::test]
    async fn a_rollback_that_was_cut_off_is_not_called_running_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let now = SystemClock.now();
        let history = History::open(folder.path()).await.unwrap();
        let opened = Opened {
            incident: "1".into(),
            cluster: "shop".into(),
            onset: now - 60.0,
            severity: Severity::Warning,
            load_ratio: None,
            nodes: vec![],
        };
        let event = IncidentEvent { t: now - 50.0, kind: EventKind::Opened(opened) };
        history.record_event(&"shop".into(), &event).await.unwrap();
        let deploy = serde_json::from_str(r#"{"id":"c-142","service":"checkout"}"#).unwrap();
        let target =
            RollbackTarget { deploy, incident: Some("1".into()), idempotency_key: "c-142-1-1".into() };
        assert!(history.begin_rollback(&target, now - 10.0).await.unwrap());
        history.close().await;

        let engine = start(folder.path()).await;
        let run = engine.history().rollback("c-142-1-1").await.unwrap().unwrap();
        assert!(matches!(run.outcome, Some(RollbackOutcome::Unknown { .. })), "{run:?}");
        assert!(run.finished.is_some());
        engine.shutdown().await;
    }
}
