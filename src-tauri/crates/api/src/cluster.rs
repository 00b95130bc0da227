//! Clusters as the window names them.

use faultline_engine::config::ClusterConfig;

use crate::Api;
use crate::error::ApiError;

/// The cluster's configuration.
pub(crate) fn named(api: &Api, name: &str) -> Result<ClusterConfig, ApiError> {
    let config = api.engine.config();
    let cluster = config.clusters.iter().find(|cluster| cluster.name == name);
    cluster.cloned().ok_or_else(|| ApiError::NotFound { what: "cluster", id: name.to_owned() })
}
