//! Starts what the configuration names: the watch over each node, the task of each cluster, the deploy feeds.

use std::sync::{Arc, Mutex};

use faultline_analysis::{Analysis, AnalysisConfig};
use faultline_deploys::webhook::{self, WebhookOptions};
use faultline_history::History;
use faultline_model::{
    Clock, ClusterName, Engine, EventKind, Facts, Header, HealthLevel, HealthRow, IncidentEvent, NodeId,
    RollbackOutcome, TimeRange, Timestamp,
};
use faultline_sources::QueryBook;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::cadence::{Attention, Intervals, Schedule};
use crate::cluster::{ClusterRequest, ClusterTask, MAX_WAITING_REPORTS};
use crate::config::{ClusterConfig, Config, DeployFeedConfig};
use crate::convert;
use crate::deploy_inbox::StoringSink;
use crate::error::EngineError;
use crate::health::HealthBoard;
use crate::hub::Hub;
use crate::incidents::Incidents;
use crate::node::NodeWatch;
use crate::secrets::Secrets;
use crate::standing::{ClusterHandle, RunningWebhook};
use crate::status::ClusterStatus;
use crate::warm_up::warm_up;

/// Counters are read this often while a window shows the cluster, seconds.
const COUNTERS_FOCUSED_S: f64 = 5.0;

/// Counters are read this often on suspicion, seconds.
const COUNTERS_SUSPICION_S: f64 = 2.0;

/// Deploys this old may still matter when the program starts, seconds.
const EARLIER_DEPLOYS_S: f64 = 86_400.0;

/// What everything that is started shares, whatever the configuration.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) secrets: Secrets,
    pub(crate) history: History,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) hub: Hub,
    pub(crate) health: HealthBoard,
    pub(crate) incidents: Arc<Incidents>,
    /// What analysis says, to be written down and told.
    pub(crate) events: mpsc::Sender<(ClusterName, IncidentEvent)>,
    /// Rings when a deploy was stored.
    pub(crate) deploy_arrived: Arc<Notify>,
    /// Whether webhooks listen.
    pub(crate) feeds: bool,
    pub(crate) stop: CancellationToken,
}

/// Starts what one configuration names.
pub(crate) struct Starter<'a> {
    pub(crate) parts: &'a Parts,
    pub(crate) config: &'a Config,
}

impl Starter<'_> {
    /// Starts a cluster with its nodes.
    pub(crate) async fn cluster(&self, cluster: &ClusterConfig) -> Result<ClusterHandle, EngineError> {
        let parts = self.parts;
        let name = ClusterName::from(cluster.name.as_str());
        let now = parts.clock.now();
        let header = header(cluster, self.config);
        let mut analysis = Analysis::new(AnalysisConfig::default(), &header);
        let warmed = warm_up(&mut analysis, &parts.history, &name, now).await?;
        if let Some((opened, verdict)) = &warmed.open {
            parts.incidents.take_up(opened.clone(), verdict.clone()).await;
        }
        for key in &warmed.cut_off {
            parts.history.finish_rollback(key, &cut_off(), now).await?;
        }
        if let Some(incident) = warmed.ended {
            let event = IncidentEvent { t: now, kind: EventKind::Resolved { incident } };
            parts.incidents.on_event(&name, event).await;
        }

        let nodes = cluster.nodes.iter().map(|node| (node.name.as_str().into(), convert::about(node)));
        let mut status = ClusterStatus::new(name.clone(), cluster.environment.clone(), nodes);
        status.incident = warmed.open.map(|(opened, _)| opened.incident);
        let status = Arc::new(Mutex::new(status));
        let (attention, watched) = watch::channel(Attention::Quiet);
        let (report_sender, reports) = mpsc::channel(MAX_WAITING_REPORTS);
        let (requests, request_queue) = mpsc::channel(MAX_WAITING_REPORTS);
        let (tasks, stop) = (TaskTracker::new(), parts.stop.child_token());
        let book = QueryBook::default();
        for node in &cluster.nodes {
            let id = NodeId { cluster: name.clone(), node: node.name.as_str().into() };
            let watch = NodeWatch {
                schedule: Schedule::new(&id, intervals(self.config)),
                id,
                config: node.clone(),
                secrets: parts.secrets.clone(),
                attention: watched.clone(),
                clock: Arc::clone(&parts.clock),
                book: book.clone(),
                reports: report_sender.clone(),
                health: parts.health.clone(),
                hub: parts.hub.clone(),
                stop: stop.clone(),
            };
            tasks.spawn(watch.run());
        }
        let task = ClusterTask {
            name: name.clone(),
            analysis,
            history: parts.history.clone(),
            clock: Arc::clone(&parts.clock),
            hub: parts.hub.clone(),
            health: parts.health.clone(),
            status: Arc::clone(&status),
            attention,
            service_facts: service_facts(self.config),
            ids: warmed.ids,
            untold: warmed.untold,
            events: parts.events.clone(),
        };
        tasks.spawn(task.run(reports, request_queue, stop.clone()));
        self.hand_in_earlier_deploys(cluster, &warmed.deploys, &requests, now).await?;
        Ok(ClusterHandle { requests, status, tasks, stop })
    }

    /// Deploys that were marked while nothing was watched, and so are in no frame.
    async fn hand_in_earlier_deploys(
        &self,
        cluster: &ClusterConfig,
        seen: &[faultline_model::Deploy],
        requests: &mpsc::Sender<ClusterRequest>,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let range = TimeRange::last(EARLIER_DEPLOYS_S, now + 1.0);
        let deploys = self.parts.history.deploys(range, Some(&cluster.environment)).await?;
        let unseen = deploys.into_iter().filter(|deploy| !seen.contains(deploy));
        for deploy in unseen.take(MAX_WAITING_REPORTS / 2) {
            // The task has just been started; it takes what it is sent.
            requests.send(ClusterRequest::Deploy(Box::new(deploy))).await.ok();
        }
        Ok(())
    }

    /// Starts a webhook; one that cannot listen is a health row.
    pub(crate) async fn webhook(&self, config: &DeployFeedConfig) -> Option<RunningWebhook> {
        let DeployFeedConfig::Webhook { listen, secret } = config;
        let parts = self.parts;
        let stop = parts.stop.child_token();
        let started = match parts.secrets.resolve(secret).await {
            Ok(secret) => {
                let sink = StoringSink {
                    history: parts.history.clone(),
                    clock: Arc::clone(&parts.clock),
                    arrived: Arc::clone(&parts.deploy_arrived),
                };
                let options = WebhookOptions { listen: *listen, secret };
                webhook::serve(options, Arc::new(sink), Arc::clone(&parts.clock), stop.clone())
                    .await
                    .map_err(EngineError::from)
            }
            Err(error) => Err(error.into()),
        };
        let (row, running) = match started {
            Ok(server) => {
                let address = server.addr;
                let message = format!("Listens on http://{address}/v1/deploys.");
                let row = HealthRow::new(webhook_target(config), "listening", HealthLevel::Ok, message);
                let server = Mutex::new(Some(server));
                (row, Some(RunningWebhook { config: config.clone(), address, server, stop }))
            }
            Err(error) => {
                let message = error.to_string();
                (HealthRow::new(webhook_target(config), "listening", HealthLevel::Error, message), None)
            }
        };
        if parts.health.update([row.clone()]) && running.is_none() {
            tracing::error!(%listen, message = row.message, "The webhook does not listen.");
        }
        running
    }
}

/// What the self-test calls a webhook.
pub(crate) fn webhook_target(config: &DeployFeedConfig) -> String {
    let DeployFeedConfig::Webhook { listen, .. } = config;
    format!("webhook {listen}")
}

/// How a rollback ended that was under way when the program did.
fn cut_off() -> RollbackOutcome {
    RollbackOutcome::Unknown {
        message:
            "Faultline ended before the answer came. Look at the deploy system before you do anything else."
                .to_owned(),
    }
}

/// What a recording of the cluster says about itself; analysis is told the same live.
pub(crate) fn header(cluster: &ClusterConfig, config: &Config) -> Header {
    Header {
        cluster: cluster.name.as_str().into(),
        interval_s: config.intervals.counters_s,
        sessions_s: Some(config.intervals.sessions_s),
        fp_version: Some(faultline_fingerprint::ALGORITHM_VERSION),
        title: None,
        engine: cluster.nodes.first().map_or_else(|| Engine::Unknown, |node| node.engine),
    }
}

fn intervals(config: &Config) -> Intervals {
    Intervals {
        sessions_s: config.intervals.sessions_s,
        counters_s: config.intervals.counters_s,
        counters_focused_s: COUNTERS_FOCUSED_S,
        counters_suspicion_s: COUNTERS_SUSPICION_S,
        facts_s: config.intervals.facts_s,
    }
}

/// Which roles and applications belong to a service, as facts, so that a recording knows it too.
fn service_facts(config: &Config) -> Facts {
    let mut facts = Facts::new();
    for service in &config.services {
        for (what, names) in [("roles", &service.roles), ("applications", &service.applications)] {
            if !names.is_empty() {
                facts.insert(format!("service:{}:{what}", service.name), names.join(",").into());
            }
        }
    }
    facts
}
