//! Clusters as the window names them.

use faultline_engine::config::ClusterConfig;

use crate::Api;
use crate::error::ApiError;

/// The cluster's configuration.
pub(crate) fn named<'a>(api: &'a Api, name: &str) -> Result<&'a ClusterConfig, ApiError> {
    let clusters = &api.engine.config().clusters;
    clusters
        .iter()
        .find(|cluster| cluster.name == name)
        .ok_or_else(|| ApiError::NotFound { what: "cluster", id: name.to_owned() })
}
