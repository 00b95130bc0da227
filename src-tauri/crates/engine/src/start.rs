//! Starts what the configuration names: the watch over each node, the task of each cluster, the deploy feeds.

use std::sync::{Arc, Mutex};

use faultline_analysis::{Analysis, AnalysisConfig};
use faultline_deploys::webhook::{self, WebhookOptions, WebhookServer};
use faultline_history::History;
use faultline_model::{
    Clock, ClusterName, Engine, EventKind, Facts, Header, HealthLevel, HealthRow, IncidentEvent, NodeId,
    RollbackOutcome, TimeRange, Timestamp,
};
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::cadence::{Attention, Intervals, Schedule};
use crate::cluster::{ClusterRequest, ClusterTask, MAX_WAITING_REPORTS};
use crate::config::{ClusterConfig, Config, DeployFeedConfig, NodeConfig};
use crate::convert;
use crate::deploy_inbox::{Recipient, StoringSink};
use crate::engine::{ClusterHandle, Clusters};
use crate::error::EngineError;
use crate::health::HealthBoard;
use crate::hub::Hub;
use crate::incidents::Incidents;
use crate::node::{NodeReport, watch_node};
use crate::secrets::Secrets;
use crate::status::ClusterStatus;
use crate::warm_up::warm_up;

/// Counters are read this often while a window shows the cluster, seconds.
const COUNTERS_FOCUSED_S: f64 = 5.0;

/// Counters are read this often on suspicion, seconds.
const COUNTERS_SUSPICION_S: f64 = 2.0;

/// Deploys this old may still matter when the program starts, seconds.
const EARLIER_DEPLOYS_S: f64 = 86_400.0;

/// What everything that is started shares.
pub(crate) struct Starter<'a> {
    pub(crate) config: &'a Config,
    pub(crate) secrets: &'a Secrets,
    pub(crate) history: &'a History,
    pub(crate) clock: &'a Arc<dyn Clock>,
    pub(crate) hub: &'a Hub,
    pub(crate) health: &'a HealthBoard,
    pub(crate) incidents: &'a Arc<Incidents>,
    pub(crate) tasks: &'a TaskTracker,
    pub(crate) stop: &'a CancellationToken,
}

impl Starter<'_> {
    /// Starts every cluster with its nodes.
    pub(crate) async fn clusters(
        &self,
        events: mpsc::Sender<(ClusterName, IncidentEvent)>,
    ) -> Result<Clusters, EngineError> {
        let mut clusters = Clusters::new();
        for cluster in &self.config.clusters {
            let handle = self.cluster(cluster, events.clone()).await?;
            clusters.insert(ClusterName::from(cluster.name.as_str()), handle);
        }
        Ok(clusters)
    }

    async fn cluster(
        &self,
        cluster: &ClusterConfig,
        events: mpsc::Sender<(ClusterName, IncidentEvent)>,
    ) -> Result<ClusterHandle, EngineError> {
        let name = ClusterName::from(cluster.name.as_str());
        let now = self.clock.now();
        let header = header(cluster, self.config);
        let mut analysis = Analysis::new(AnalysisConfig::default(), &header);
        let warmed = warm_up(&mut analysis, self.history, &name, now).await?;
        if let Some((opened, verdict)) = &warmed.open {
            self.incidents.take_up(opened.clone(), verdict.clone()).await;
        }
        for key in &warmed.cut_off {
            self.history.finish_rollback(key, &cut_off(), now).await?;
        }
        if let Some(incident) = warmed.ended {
            let event = IncidentEvent { t: now, kind: EventKind::Resolved { incident } };
            self.incidents.on_event(&name, event).await;
        }

        let nodes = cluster.nodes.iter().map(|node| (node.name.as_str().into(), convert::about(node)));
        let mut status = ClusterStatus::new(name.clone(), cluster.environment.clone(), nodes);
        status.incident = warmed.open.map(|(opened, _)| opened.incident);
        let status = Arc::new(Mutex::new(status));
        let (attention, watched) = watch::channel(Attention::Quiet);
        let (report_sender, reports) = mpsc::channel(MAX_WAITING_REPORTS);
        let (requests, request_queue) = mpsc::channel(MAX_WAITING_REPORTS);
        for node in &cluster.nodes {
            self.node(&name, node, watched.clone(), report_sender.clone()).await;
        }
        let task = ClusterTask {
            name: name.clone(),
            analysis,
            history: self.history.clone(),
            clock: Arc::clone(self.clock),
            hub: self.hub.clone(),
            health: self.health.clone(),
            status: Arc::clone(&status),
            attention,
            service_facts: service_facts(self.config),
            ids: warmed.ids,
            untold: warmed.untold,
            events,
        };
        self.tasks.spawn(task.run(reports, request_queue, self.stop.clone()));
        self.hand_in_earlier_deploys(cluster, &warmed.deploys, &requests, now).await?;
        Ok(ClusterHandle { requests, status })
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
        let deploys = self.history.deploys(range, Some(&cluster.environment)).await?;
        let unseen = deploys.into_iter().filter(|deploy| !seen.contains(deploy));
        for deploy in unseen.take(MAX_WAITING_REPORTS / 2) {
            // The task has just been started; it takes what it is sent.
            requests.send(ClusterRequest::Deploy(Box::new(deploy))).await.ok();
        }
        Ok(())
    }

    async fn node(
        &self,
        cluster: &ClusterName,
        node: &NodeConfig,
        attention: watch::Receiver<Attention>,
        reports: mpsc::Sender<NodeReport>,
    ) {
        let id = NodeId { cluster: cluster.clone(), node: node.name.as_str().into() };
        let opened = match convert::node(&id, node, self.secrets).await {
            Ok(spec) => faultline_sources::open(spec, Arc::clone(self.clock))
                .map_err(|source| EngineError::Source { node: id.clone(), source }),
            Err(error) => Err(error),
        };
        match opened {
            Ok(source) => {
                let schedule = Schedule::new(&id, intervals(self.config));
                let (clock, stop) = (Arc::clone(self.clock), self.stop.clone());
                self.tasks.spawn(watch_node(source, schedule, attention, clock, reports, stop));
            }
            Err(error) => {
                tracing::error!(%error, node = %id, "The node is not watched.");
                self.health.update([HealthRow::new(
                    id.to_string(),
                    "configuration",
                    HealthLevel::Error,
                    error.to_string(),
                )]);
            }
        }
    }

    /// Starts the webhooks; one that cannot listen is a health row.
    pub(crate) async fn webhooks(&self, arrived: &Arc<Notify>) -> Vec<WebhookServer> {
        let mut servers = Vec::new();
        for DeployFeedConfig::Webhook { listen, secret } in &self.config.deploys {
            let target = format!("webhook {listen}");
            let started = match self.secrets.resolve(secret).await {
                Ok(secret) => {
                    let sink = StoringSink {
                        history: self.history.clone(),
                        clock: Arc::clone(self.clock),
                        arrived: Arc::clone(arrived),
                    };
                    let options = WebhookOptions { listen: *listen, secret };
                    webhook::serve(options, Arc::new(sink), Arc::clone(self.clock), self.stop.clone())
                        .await
                        .map_err(EngineError::from)
                }
                Err(error) => Err(error.into()),
            };
            let row = match started {
                Ok(server) => {
                    let message = format!("Listens on http://{}/v1/deploys.", server.addr);
                    servers.push(server);
                    HealthRow::new(target, "listening", HealthLevel::Ok, message)
                }
                Err(error) => {
                    tracing::error!(%error, %listen, "The webhook does not listen.");
                    HealthRow::new(target, "listening", HealthLevel::Error, error.to_string())
                }
            };
            self.health.update([row]);
        }
        servers
    }

    /// Every cluster with its environment, for deploys.
    pub(crate) fn recipients(&self, clusters: &Clusters) -> Vec<Recipient> {
        self.config
            .clusters
            .iter()
            .filter_map(|cluster| {
                let handle = clusters.get(cluster.name.as_str())?;
                Some((cluster.environment.clone(), handle.requests.clone()))
            })
            .collect()
    }
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
