//! From the store to a recording: what analysis was fed over a range, with what it knew before it.

use faultline_history::History;
use faultline_model::{Observation, TimeRange};

use crate::config::{ClusterConfig, Config};
use crate::error::EngineError;
use crate::start;

/// Everything of a recording of `cluster` over `range`: its header and its observations, in the order in which analysis
/// was fed.
///
/// # Errors
/// The store cannot be read.
pub async fn record(
    config: &Config,
    cluster: &ClusterConfig,
    history: &History,
    range: TimeRange,
) -> Result<(faultline_model::Header, Vec<Observation>), EngineError> {
    let name = cluster.name.as_str().into();
    let mut observations = history.standing(&name, range.from).await?;
    observations.extend(history.observations(&name, range).await?);
    Ok((start::header(cluster, config), observations))
}
