//! From the store to a recording: what analysis was fed over a range, with what it knew before it.

use faultline_history::History;
use faultline_model::{Observation, TimeRange};

use crate::config::{ClusterConfig, Config};
use crate::error::EngineError;
use crate::start;

/// Everything of a recording of `cluster` over `range`: its header and its observations, in the order in which analysis
/// was fed. No observations when nothing was seen in the range.
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
    let header = start::header(cluster, config);
    let seen = history.observations(&name, range).await?;
    if seen.is_empty() {
        return Ok((header, seen));
    }
    let mut observations = history.standing(&name, range.from).await?;
    observations.extend(seen);
    Ok((header, observations))
}
