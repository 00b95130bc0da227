//! Starts what the configuration names: the watch over each node, the task of each cluster, the deploy feeds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use faultline_deploys::webhook::{self, WebhookOptions};
use faultline_history::History;
use faultline_model::{
    About, Clock, ClusterName, Engine, Facts, Header, HealthLevel, HealthRow, IncidentEvent, NodeId,
    NodeName, TimeRange, Timestamp,
};
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::cadence::{Attention, Intervals, Schedule};
use crate::cluster::{ClusterRequest, ClusterTask, MAX_WAITING_REPORTS};
use crate::config::{ClusterConfig, Config, DeployFeedConfig, MetricsConfig};
use crate::convert;
use crate::deploy_inbox::StoringSink;
use crate::error::EngineError;
use crate::health::HealthBoard;
use crate::hub::Hub;
use crate::incidents::Incidents;
use crate::secrets::Secrets;
use crate::standing::{ClusterHandle, RunningWebhook};
use crate::status::ClusterStatus;
use crate::suspicion::Suspicion;
use crate::target::{self, Database, Endpoint, Means, Target};
use crate::voices::{Voice, Voices};
use crate::warm_up;
use crate::watcher::{Ask, Report, Watcher};

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

/// One source that is about to be watched.
struct Planned {
    id: NodeId,
    name: String,
    voice: Voice,
    target: Box<dyn Target>,
    schedule: Schedule,
}

/// What all watches of one cluster share.
struct Shared {
    attention: watch::Receiver<Attention>,
    reports: mpsc::Sender<Report>,
    stop: CancellationToken,
}

impl Starter<'_> {
    /// Starts a cluster with its databases and metric endpoints.
    pub(crate) async fn cluster(&self, cluster: &ClusterConfig) -> Result<ClusterHandle, EngineError> {
        let means = Means {
            secrets: self.parts.secrets.clone(),
            clock: Arc::clone(&self.parts.clock),
            book: target::book(cluster, self.config),
        };
        let planned = self.databases(cluster, &means).chain(self.endpoints(cluster, &means)).collect();
        self.cluster_of(cluster, planned).await
    }

    fn databases<'a>(
        &'a self,
        cluster: &'a ClusterConfig,
        means: &'a Means,
    ) -> impl Iterator<Item = Planned> + 'a {
        cluster.nodes.iter().map(|node| {
            let id = NodeId { cluster: cluster.name.as_str().into(), node: node.name.as_str().into() };
            Planned {
                name: id.to_string(),
                voice: Voice::Direct,
                schedule: Schedule::new(&id, intervals(self.config)),
                target: Box::new(Database { id: id.clone(), config: node.clone(), means: means.clone() }),
                id,
            }
        })
    }

    fn endpoints<'a>(
        &'a self,
        cluster: &'a ClusterConfig,
        means: &'a Means,
    ) -> impl Iterator<Item = Planned> + 'a {
        let interval_s = self.config.intervals.metrics_s;
        let endpoints = self.config.metrics_of(&cluster.name).cloned().collect::<Vec<_>>();
        let names = target::endpoint_names(&endpoints);
        endpoints.into_iter().zip(names).enumerate().map(move |(place, (config, name))| {
            let id = NodeId { cluster: config.cluster.as_str().into(), node: config.node.as_str().into() };
            let means = means.clone();
            Planned {
                voice: Voice::Endpoint(place),
                schedule: Schedule::steady(&name, interval_s),
                target: Box::new(Endpoint { id: id.clone(), config, interval_s, means }),
                id,
                name,
            }
        })
    }

    /// Starts a cluster with these sources.
    async fn cluster_of(
        &self,
        cluster: &ClusterConfig,
        planned: Vec<Planned>,
    ) -> Result<ClusterHandle, EngineError> {
        let parts = self.parts;
        let (name, environment) = (ClusterName::from(cluster.name.as_str()), cluster.environment.clone());
        let now = parts.clock.now();
        let header = header(cluster, self.config);
        let facts_s = self.config.intervals.facts_s;
        let begun = warm_up::begin(parts, &header, &environment, facts_s, now).await?;

        let nodes = known_nodes(cluster, self.config);
        let mut status = ClusterStatus::new(name.clone(), environment.clone(), nodes);
        status.incident = begun.open;
        let status = Arc::new(Mutex::new(status));
        let (attention, watched) = watch::channel(Attention::Quiet);
        let (report_sender, reports) = mpsc::channel(MAX_WAITING_REPORTS);
        let (requests, request_queue) = mpsc::channel(MAX_WAITING_REPORTS);
        let (tasks, stop) = (TaskTracker::new(), parts.stop.child_token());
        let shared = Shared { attention: watched, reports: report_sender, stop: stop.clone() };
        let mut asks = HashMap::new();
        for source in planned {
            let ask = (source.voice == Voice::Direct).then(|| watch::channel(None));
            let (sender, receiver) = ask.unzip();
            asks.extend(sender.map(|sender| (source.id.node.clone(), sender)));
            tasks.spawn(self.watcher(source, receiver, &shared).run());
        }
        let task = ClusterTask {
            name,
            environment,
            header,
            facts_s,
            parts: parts.clone(),
            analysis: begun.analysis,
            changes: begun.changes,
            status: Arc::clone(&status),
            attention,
            asks,
            service_facts: service_facts(self.config),
            ids: begun.ids,
            untold: begun.untold,
            voices: Voices::default(),
            suspicion: Suspicion::default(),
            reported: None,
        };
        tasks.spawn(task.run(reports, request_queue, stop.clone()));
        self.hand_in_earlier_deploys(cluster, &begun.deploys, &requests, now).await?;
        Ok(ClusterHandle { requests, status, tasks, stop })
    }

    fn watcher(&self, source: Planned, asks: Option<watch::Receiver<Ask>>, shared: &Shared) -> Watcher {
        let Planned { id, name, voice, target, schedule } = source;
        Watcher {
            id,
            name,
            voice,
            target,
            schedule,
            asks,
            attention: shared.attention.clone(),
            reports: shared.reports.clone(),
            stop: shared.stop.clone(),
            secrets: self.parts.secrets.clone(),
            clock: Arc::clone(&self.parts.clock),
            health: self.parts.health.clone(),
            hub: self.parts.hub.clone(),
        }
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
        let name = cluster.name.as_str().into();
        let concerned = deploys.into_iter().filter(|deploy| deploy.concerns(&name, &cluster.environment));
        let unseen = concerned.filter(|deploy| !seen.contains(deploy));
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

/// What the configuration knows of a cluster's nodes before they were seen, and how often each is looked at, seconds.
fn known_nodes(cluster: &ClusterConfig, config: &Config) -> Vec<(NodeName, About, f64)> {
    let databases = cluster
        .nodes
        .iter()
        .map(|node| (node.name.as_str().into(), convert::about(node), config.intervals.sessions_s));
    let endpoints = config
        .metrics_of(&cluster.name)
        .map(|endpoint| (endpoint.node.as_str().into(), about(endpoint), config.intervals.metrics_s));
    databases.chain(endpoints).collect()
}

fn about(endpoint: &MetricsConfig) -> About {
    About { role: endpoint.role, ..About::default() }
}

/// What a recording of the cluster says about itself; analysis is told the same live.
pub(crate) fn header(cluster: &ClusterConfig, config: &Config) -> Header {
    // A cluster of metric endpoints alone has no sessions, and comes at their pace.
    let endpoints_alone = cluster.nodes.is_empty() && config.metrics_of(&cluster.name).next().is_some();
    let intervals = &config.intervals;
    Header {
        cluster: cluster.name.as_str().into(),
        interval_s: if endpoints_alone { intervals.metrics_s } else { intervals.counters_s },
        sessions_s: (!endpoints_alone).then_some(intervals.sessions_s),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    #[test]
    fn a_cluster_of_endpoints_alone_has_their_pace() {
        let node = "[[cluster.node]]\nname = \"a\"\nengine = \"postgres\"\nurl = \"postgres://f@h/shop\"\n";
        let endpoint = "[[metrics]]\ncluster = \"shop\"\nnode = \"edge\"\nkind = \"scrape\"\n\
                        url = \"http://h:9100/metrics\"\nsignals = { x_a = \"a\" }\n";
        for (rest, interval_s, sessions_s) in [
            (node.to_owned(), 15.0, Some(1.0)),
            (format!("{node}{endpoint}"), 15.0, Some(1.0)),
            (String::new(), 15.0, Some(1.0)),
            (endpoint.to_owned(), 7.0, None),
        ] {
            let text = format!("[intervals]\nmetrics_s = 7\n[[cluster]]\nname = \"shop\"\n{rest}");
            let config = config::parse(&text, "config.toml").unwrap();
            let header = header(&config.clusters[0], &config);
            assert_eq!((header.interval_s, header.sessions_s), (interval_s, sessions_s), "{text}");
        }
    }

    #[test]
    fn nodes_are_known_by_their_databases_and_their_endpoints() {
        let endpoint = |node: &str| {
            format!(
                "[[metrics]]\ncluster = \"shop\"\nnode = \"{node}\"\nkind = \"scrape\"\nurl = \"http://h:9100/metrics\"\n\
                 [metrics.signals]\nload_1m = 'node_load1'\n"
            )
        };
        let text = format!(
            "[[cluster]]\nname = \"shop\"\n[[cluster.node]]\nname = \"a\"\nengine = \"postgres\"\n\
             url = \"postgres://f@h/shop\"\nrole = \"primary\"\n{}{}{}",
            endpoint("a"),
            endpoint("a"),
            endpoint("edge"),
        );
        let config = config::parse(&text, "config.toml").unwrap();
        let known: Vec<_> = known_nodes(&config.clusters[0], &config)
            .into_iter()
            .map(|(node, _, interval_s)| (node.to_string(), interval_s))
            .collect();
        let expected = [("a", 1.0), ("a", 5.0), ("a", 5.0), ("edge", 5.0)];
        assert_eq!(known, expected.map(|(node, interval_s)| (node.to_owned(), interval_s)));
        let names = target::endpoint_names(&config.metrics);
        assert_eq!(names, ["shop/a (h:9100)", "shop/a (h:9100, 2)", "shop/edge (h:9100)"]);
        assert_eq!(target::book(&config.clusters[0], &config).primary().as_str(), "a");
    }
}
