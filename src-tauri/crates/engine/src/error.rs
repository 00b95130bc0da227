//! What can go wrong in the engine, in words that say what to do.

use std::path::PathBuf;

use faultline_model::{DeployId, NodeId, ServiceName};

use crate::config::ConfigError;
use crate::secrets::SecretError;

/// An error of the engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A secret cannot be had.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The store cannot be used.
    #[error(transparent)]
    History(#[from] faultline_history::HistoryError),
    /// A node cannot be watched as configured.
    #[error("{node} cannot be watched: {source}")]
    Source {
        /// The node.
        node: NodeId,
        /// Why.
        source: Box<faultline_sources::SourceError>,
    },
    /// A deploy feed or a rollback cannot be used as configured.
    #[error(transparent)]
    Deploys(#[from] faultline_deploys::DeployError),
    /// Another Faultline watches with this store.
    #[error("another Faultline is already watching with the store in {}; close it, or name another folder with --data", folder.display())]
    AlreadyRunning {
        /// The data folder.
        folder: PathBuf,
    },
    /// The data folder cannot be used.
    #[error("the data folder {} cannot be used: {source}; name another one with --data", folder.display())]
    DataFolder {
        /// The data folder.
        folder: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// No deploy has this id.
    #[error("no deploy has the id {id}; `faultctl mark` or the webhook make deploys known")]
    UnknownDeploy {
        /// The id that was asked for.
        id: DeployId,
    },
    /// No way back is configured.
    #[error(
        "there is no way back for the service {service}: add a [[rollback]] with service = \"{service}\" to the configuration"
    )]
    NoRollback {
        /// The service.
        service: ServiceName,
    },
    /// The rollback cannot be done.
    #[error("{message}")]
    Rollback {
        /// Why, and what to do.
        message: String,
    },
    /// What would run has changed since it was shown.
    #[error("what would run has changed since it was shown; look at the new preview and confirm again")]
    PreviewChanged,
}
