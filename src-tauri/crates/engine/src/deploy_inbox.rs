//! Deploys on their way in: the webhook stores them, `faultctl mark` stores them from another process, and this looks
//! into the store and hands what is new to every cluster with the deploy's environment.

use std::sync::Arc;
use std::time::Duration;

use faultline_history::History;
use faultline_model::{Clock, Deploy, DeploySink};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::cluster::ClusterRequest;
use crate::hub::{EngineEvent, Hub};
use crate::standing::Standing;

/// Time between two looks; `faultctl mark` is seen within a second.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Stores what a feed delivers, and has it looked at at once.
pub(crate) struct StoringSink {
    pub(crate) history: History,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) arrived: Arc<Notify>,
}

#[async_trait::async_trait]
impl DeploySink for StoringSink {
    async fn accept(&self, deploy: Deploy) -> Result<(), String> {
        self.history.put_deploy(&deploy, self.clock.now()).await.map_err(|error| error.to_string())?;
        self.arrived.notify_one();
        Ok(())
    }
}

/// Hands on what was stored after `sequence`, until `stop`.
pub(crate) async fn hand_on(
    history: History,
    mut sequence: i64,
    standing: Standing,
    hub: Hub,
    arrived: Arc<Notify>,
    stop: CancellationToken,
) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = arrived.notified() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        let (newest, deploys) = match history.deploys_since(sequence).await {
            Ok(found) => found,
            Err(error) => {
                tracing::error!(%error, "Could not look for new deploys.");
                continue;
            }
        };
        sequence = newest;
        if deploys.is_empty() {
            continue;
        }
        let watched = standing.now();
        for deploy in deploys {
            for cluster in watched.clusters_of(&deploy) {
                // A cluster whose task has ended needs no deploys.
                cluster.requests.send(ClusterRequest::Deploy(Box::new(deploy.clone()))).await.ok();
            }
        }
        hub.tell(EngineEvent::Deploys);
    }
}
