//! What is being watched at this moment. Everything that outlives a change of the configuration asks here.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use faultline_deploys::webhook::WebhookServer;
use faultline_model::{ClusterName, Deploy};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::cluster::ClusterRequest;
use crate::config::{Config, DeployFeedConfig};
use crate::status::ClusterStatus;
use crate::ways_back::WaysBack;

/// Longest wait for the tasks of a cluster, or for a webhook, to end.
const END_DEADLINE: Duration = Duration::from_secs(5);

/// A cluster's tasks, from outside.
#[derive(Clone)]
pub(crate) struct ClusterHandle {
    pub(crate) requests: mpsc::Sender<ClusterRequest>,
    pub(crate) status: Arc<Mutex<ClusterStatus>>,
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
}

impl ClusterHandle {
    /// How the cluster stands.
    pub(crate) fn status(&self) -> ClusterStatus {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends the watch over it and waits until all that it saw is stored.
    pub(crate) async fn end(&self) {
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(END_DEADLINE, self.tasks.wait()).await.is_err() {
            tracing::warn!("A cluster's tasks did not end in time and are left behind.");
        }
    }
}

/// A webhook that listens.
pub(crate) struct RunningWebhook {
    pub(crate) config: DeployFeedConfig,
    pub(crate) address: SocketAddr,
    pub(crate) server: Mutex<Option<WebhookServer>>,
    pub(crate) stop: CancellationToken,
}

impl RunningWebhook {
    /// Ends it and waits until its port is free.
    pub(crate) async fn end(&self) {
        self.stop.cancel();
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(server) = server
            && tokio::time::timeout(END_DEADLINE, server.stopped()).await.is_err()
        {
            tracing::warn!("A webhook did not end in time and is left behind.");
        }
    }
}

/// The clusters by name.
pub(crate) type Clusters = BTreeMap<ClusterName, ClusterHandle>;

/// What is watched under one configuration.
#[derive(Default)]
pub(crate) struct Watched {
    pub(crate) config: Arc<Config>,
    pub(crate) clusters: Clusters,
    pub(crate) ways_back: Arc<WaysBack>,
    pub(crate) webhooks: Vec<Arc<RunningWebhook>>,
    /// A webhook or a way back could not be opened, and is worth another try.
    pub(crate) is_incomplete: bool,
}

impl Watched {
    /// The clusters that a deploy concerns.
    pub(crate) fn clusters_of(&self, deploy: &Deploy) -> impl Iterator<Item = &ClusterHandle> {
        self.config
            .clusters
            .iter()
            .filter(|cluster| deploy.concerns(&cluster.name.as_str().into(), &cluster.environment))
            .filter_map(|cluster| self.clusters.get(cluster.name.as_str()))
    }

    /// How the clusters stand, in the configuration's order.
    pub(crate) fn statuses(&self) -> Vec<ClusterStatus> {
        let clusters = self.config.clusters.iter();
        clusters
            .filter_map(|cluster| self.clusters.get(cluster.name.as_str()))
            .map(ClusterHandle::status)
            .collect()
    }
}

/// What is watched now. Cheap to clone; all clones see the same.
#[derive(Clone, Default)]
pub(crate) struct Standing(Arc<RwLock<Arc<Watched>>>);

impl Standing {
    /// As it is now; it stays as it is for whoever holds it.
    pub(crate) fn now(&self) -> Arc<Watched> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on this is watched.
    pub(crate) fn set(&self, watched: Watched) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(watched);
    }
}
