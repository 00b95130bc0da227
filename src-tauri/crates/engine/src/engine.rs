//! Puts the parts together and runs them: a task a node, a task a cluster, one for deploys, one for retention. What the
//! window and the command line ask goes through [`Engine`].

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use faultline_history::History;
use faultline_model::{
    Clock, ClusterName, Deploy, DeployId, HealthRow, IncidentEvent, IncidentId, NodeName, NoticeAction,
    Notifier, Timestamp,
};
use secrecy::SecretString;
use tokio::sync::{Notify, broadcast, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::check;
use crate::cluster::ClusterRequest;
use crate::config::{Config, Edit};
use crate::deploy_inbox;
use crate::error::EngineError;
use crate::health::HealthBoard;
use crate::hub::{Destination, EngineEvent, Hub, RollbackProgress};
use crate::incidents::Incidents;
use crate::recoveries::ClusterRecoveries;
use crate::reload::Reloader;
use crate::retention;
use crate::rollback::{Prepared, Rollbacks};
use crate::secrets::Secrets;
use crate::standing::{ClusterHandle, Standing};
use crate::start::Parts;
use crate::status::ClusterStatus;
use crate::store_lock::StoreLock;
use crate::verification::VerificationLimits;

/// Longest wait for the tasks to end at shutdown.
const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(5);

/// How long an opened incident waits for its first verdict before it is shown without one.
const VERDICT_DEADLINE: Duration = Duration::from_secs(2);

/// Events that may wait to be written down and notified.
pub(crate) const MAX_WAITING_EVENTS: usize = 256;

/// What an engine runs on.
pub struct EngineOptions {
    /// The configuration to start with.
    pub config: Config,
    /// The file that it came from: read anew when it changes, and edited. Without one neither happens.
    pub config_file: Option<ConfigSource>,
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

/// The configuration's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigSource {
    /// Where it is.
    pub path: PathBuf,
    /// Whether it may be missing: then nothing is configured yet.
    pub is_optional: bool,
}

/// The running engine.
pub struct Engine {
    parts: Parts,
    standing: Standing,
    reloader: Arc<Reloader>,
    rollbacks: Arc<Rollbacks>,
    data: PathBuf,
    tasks: TaskTracker,
    _lock: StoreLock,
}

impl Engine {
    /// Opens the store and starts to watch. What cannot be reached or is misconfigured in one place is a health row;
    /// an error is only what leaves nothing to run on.
    ///
    /// # Errors
    /// The data folder or the store cannot be used, or another Faultline watches with it.
    pub async fn start(options: EngineOptions) -> Result<Arc<Self>, EngineError> {
        let EngineOptions { config, config_file, data, secrets, notifier, clock, feeds } = options;
        let lock = StoreLock::take(&data)?;
        let history = History::open(&data).await?;
        let (hub, health) = (Hub::default(), HealthBoard::default());
        let standing = Standing::default();
        let can_roll_back = {
            let standing = standing.clone();
            Arc::new(move |deploy: &Deploy| standing.now().ways_back.leads_from(deploy))
        };
        let incidents =
            Arc::new(Incidents::new(history.clone(), hub.clone(), health.clone(), notifier, can_roll_back));
        let (events, event_queue) = mpsc::channel(MAX_WAITING_EVENTS);
        let deploy_arrived = Arc::new(Notify::new());
        let stop = CancellationToken::new();
        let parts =
            Parts { secrets, history, clock, hub, health, incidents, events, deploy_arrived, feeds, stop };
        let deploy_sequence = parts.history.latest_deploy_sequence().await?;
        let file = config_file.map(|file| (file.path, file.is_optional));
        let reloader = Arc::new(Reloader::new(parts.clone(), standing.clone(), file));
        reloader.change(config).await?;
        reloader.look().await;
        let engine = Self {
            rollbacks: Arc::new(rollbacks(&parts, &standing)),
            parts,
            standing,
            reloader,
            data,
            tasks: TaskTracker::new(),
            _lock: lock,
        };
        engine.spawn_tasks(event_queue, deploy_sequence);
        Ok(Arc::new(engine))
    }

    fn spawn_tasks(&self, event_queue: mpsc::Receiver<(ClusterName, IncidentEvent)>, deploy_sequence: i64) {
        let (parts, tasks) = (&self.parts, &self.tasks);
        let stop = || parts.stop.clone();
        tasks.spawn(tell_of_incidents(Arc::clone(&parts.incidents), event_queue, stop(), tasks.clone()));
        tasks.spawn(deploy_inbox::hand_on(
            parts.history.clone(),
            deploy_sequence,
            self.standing.clone(),
            parts.hub.clone(),
            Arc::clone(&parts.deploy_arrived),
            stop(),
        ));
        tasks.spawn(retention::keep_to_age(
            parts.history.clone(),
            self.standing.clone(),
            Arc::clone(&parts.clock),
            stop(),
        ));
        tasks.spawn(Arc::clone(&self.reloader).run());
    }

    /// Ends all watching, politely and within a deadline.
    pub async fn shutdown(&self) {
        self.parts.stop.cancel();
        self.tasks.close();
        let watched = self.standing.now();
        let clusters = futures::future::join_all(watched.clusters.values().map(ClusterHandle::end));
        let webhooks = futures::future::join_all(watched.webhooks.iter().map(|webhook| webhook.end()));
        let all = async { tokio::join!(clusters, webhooks, self.tasks.wait()) };
        if tokio::time::timeout(SHUTDOWN_DEADLINE, all).await.is_err() {
            tracing::warn!("Some tasks did not end in time and are left behind.");
        }
    }

    /// The configuration that it runs on.
    pub fn config(&self) -> Arc<Config> {
        Arc::clone(&self.standing.now().config)
    }

    /// The file that the configuration comes from.
    pub fn config_path(&self) -> Option<&Path> {
        self.reloader.path()
    }

    /// What is wrong with the configuration file; the last good configuration is at work meanwhile.
    pub fn config_trouble(&self) -> Option<String> {
        self.reloader.trouble()
    }

    /// Changes the configuration in its file and takes it up at once. Comments and order of the file stay.
    ///
    /// # Errors
    /// When there is no file, it cannot be written, or it would not be a configuration any more.
    pub async fn edit_config(&self, edit: Edit) -> Result<(), EngineError> {
        Ok(self.reloader.edit(edit).await?)
    }

    /// Folder of the store.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Where secrets come from.
    pub fn secrets(&self) -> &Secrets {
        &self.parts.secrets
    }

    /// Tries out a database that is not watched yet: the rows of its self-test.
    pub async fn try_out(
        &self,
        engine: faultline_model::Engine,
        url: String,
        password: Option<SecretString>,
    ) -> Vec<HealthRow> {
        check::try_out(engine, url, password, &self.parts.clock).await
    }

    /// Shows something in the window.
    pub fn navigate(&self, destination: Destination) {
        self.parts.hub.tell(EngineEvent::Navigate(destination));
    }

    /// The store.
    pub fn history(&self) -> &History {
        &self.parts.history
    }

    /// Now, on the engine's clock.
    pub fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    /// Everything that happens from now on; for the first listener, everything since the start.
    pub fn listen(&self) -> broadcast::Receiver<EngineEvent> {
        self.parts.hub.listen()
    }

    /// The self-test as it stands.
    pub fn health(&self) -> Vec<HealthRow> {
        self.parts.health.rows()
    }

    /// The self-test's rows of one target.
    pub fn health_of(&self, target: &str) -> Vec<HealthRow> {
        self.parts.health.rows_of(target)
    }

    /// The self-test's rows of one node: those of its database and of its metric endpoints.
    pub fn health_of_node(&self, cluster: &ClusterName, node: &NodeName) -> Vec<HealthRow> {
        let target = format!("{cluster}/{node}");
        let is_of_node = |row: &HealthRow| {
            row.target.strip_prefix(&target).is_some_and(|rest| rest.is_empty() || rest.starts_with(" ("))
        };
        self.parts.health.rows().into_iter().filter(is_of_node).collect()
    }

    /// Adds a row to the self-test, for what its caller found.
    pub fn report(&self, row: HealthRow) {
        if self.parts.health.update([row]) {
            self.parts.hub.tell(EngineEvent::Health);
        }
    }

    /// How the clusters stand, in the configuration's order.
    pub fn statuses(&self) -> Vec<ClusterStatus> {
        self.standing.now().statuses()
    }

    /// Addresses on which webhooks listen.
    pub fn webhook_addresses(&self) -> Vec<std::net::SocketAddr> {
        self.standing.now().webhooks.iter().map(|webhook| webhook.address).collect()
    }

    /// A window shows the cluster: counters are read more often for a while. Said again with every look.
    pub fn looked_at(&self, cluster: &ClusterName) {
        if let Some(handle) = self.standing.now().clusters.get(cluster) {
            // A task that is too busy to listen is not slowed down further; the next look says it again.
            handle.requests.try_send(ClusterRequest::LookedAt).ok();
        }
    }

    /// Stores a deploy, as a feed would.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn mark(&self, deploy: &Deploy) -> Result<(), EngineError> {
        self.parts.history.put_deploy(deploy, self.now()).await?;
        self.parts.deploy_arrived.notify_one();
        Ok(())
    }

    /// Whether there is a way back for the deploy.
    pub fn can_roll_back(&self, deploy: &Deploy) -> bool {
        self.standing.now().ways_back.leads_from(deploy)
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
        let provider = self.standing.now().ways_back.of(&deploy.service)?;
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
        let provider = self.standing.now().ways_back.of(&deploy.service)?;
        self.rollbacks.run(provider, &deploy, incident, confirm_token, actor).await
    }

    async fn deploy(&self, id: &DeployId) -> Result<Deploy, EngineError> {
        self.parts.history.deploy(id).await?.ok_or_else(|| EngineError::UnknownDeploy { id: id.clone() })
    }

    /// Does what the user asked for in a notification.
    pub async fn on_notice_action(&self, action: NoticeAction) {
        match action {
            NoticeAction::Show { incident } => {
                self.parts.hub.tell(EngineEvent::Navigate(Destination::Incident(incident)));
            }
            NoticeAction::Dismissed { incident } => self.parts.incidents.dismissed(&incident).await,
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
                    self.parts.hub.tell(EngineEvent::Navigate(Destination::Rollback { incident, deploy }));
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
        if self.standing.now().ways_back.is_one_click(&service) {
            let prepared = self.prepare_rollback(deploy, Some(incident)).await?;
            self.run_rollback(deploy, Some(incident), &prepared.confirm_token, "the notification's button")
                .await?;
        } else {
            let (incident, deploy) = (incident.clone(), deploy.clone());
            self.parts.hub.tell(EngineEvent::Navigate(Destination::Rollback { incident, deploy }));
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
fn rollbacks(parts: &Parts, standing: &Standing) -> Rollbacks {
    let recoveries = ClusterRecoveries {
        standing: standing.clone(),
        history: parts.history.clone(),
        clock: Arc::clone(&parts.clock),
    };
    Rollbacks {
        history: parts.history.clone(),
        hub: parts.hub.clone(),
        clock: Arc::clone(&parts.clock),
        incidents: Arc::clone(&parts.incidents),
        recoveries: Arc::new(recoveries),
        limits: VerificationLimits::default(),
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
            config_file: None,
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

    #[tokio::test]
    async fn a_cluster_whose_task_ended_is_watched_again() {
        let folder = tempfile::tempdir().unwrap();
        let engine = start(folder.path()).await;
        let handle = engine.standing.now().clusters["shop"].clone();
        handle.end().await;
        assert!(handle.requests.is_closed());
        engine.reloader.revive().await;
        assert!(!engine.standing.now().clusters["shop"].requests.is_closed());
        engine.shutdown().await;
    }
}
