//! How far the databases have recovered that a rollback is for: those of its incident, or of its deploy's environment
//! when it was asked for without one.

use std::sync::Arc;
use std::time::Duration;

use faultline_analysis::Recovery;
use faultline_history::History;
use faultline_model::{Clock, Fingerprint, LoadAas, RollbackTarget};
use tokio::sync::oneshot;

use crate::cluster::ClusterRequest;
use crate::rollback::Recoveries;
use crate::standing::{ClusterHandle, Standing};
use crate::verification::Look;

/// Longest wait for a cluster's task to answer.
const ANSWER_DEADLINE: Duration = Duration::from_secs(5);

/// Asks the clusters that are watched.
pub(crate) struct ClusterRecoveries {
    pub(crate) standing: Standing,
    pub(crate) history: History,
    pub(crate) clock: Arc<dyn Clock>,
}

#[async_trait::async_trait]
impl Recoveries for ClusterRecoveries {
    async fn look(&self, target: &RollbackTarget, queries: &[Fingerprint]) -> Option<Look> {
        let record = match &target.incident {
            Some(id) => self.history.incident(id).await.ok().flatten(),
            None => None,
        };
        let watched = self.standing.now();
        let asked: Vec<&ClusterHandle> = match &record {
            Some(record) => watched.clusters.get(&record.cluster).into_iter().collect(),
            None => watched.clusters_of(&target.deploy).collect(),
        };
        let answers = futures::future::join_all(asked.into_iter().map(|cluster| ask(cluster, queries))).await;
        let answers: Vec<Recovery> = answers.into_iter().flatten().collect();
        if answers.is_empty() {
            return None;
        }
        Some(Look {
            at: self.clock.now(),
            // All of them have to be well.
            load_ratio: answers.iter().filter_map(|answer| answer.load_ratio).reduce(f64::max),
            guilty: LoadAas(answers.iter().map(|answer| answer.queries_load.0).sum()),
            calm: answers.iter().all(|answer| answer.calm),
            resolved: record.is_some_and(|record| record.resolved.is_some()),
        })
    }
}

/// What the cluster's task says; `None` when it is busy or gone.
async fn ask(cluster: &ClusterHandle, queries: &[Fingerprint]) -> Option<Recovery> {
    let (reply, answer) = oneshot::channel();
    let asked = async {
        cluster.requests.send(ClusterRequest::Recovery { queries: queries.to_vec(), reply }).await.ok()?;
        answer.await.ok()
    };
    tokio::time::timeout(ANSWER_DEADLINE, asked).await.ok()?
}
