//! What changed production, and how to undo it: feeds that bring deploys in, and rollbacks that take them back.
//!
//! In here: one file or folder a provider. Not in here: when a rollback may run, that it runs once, and whether it
//! helped (the engine), or where deploys are kept (the history).

mod error;
pub mod rollback;
pub mod webhook;

pub use error::DeployError;
pub use faultline_http::{HttpClient, HttpOptions, install_tls_provider};
pub use rollback::{Follow, HttpRollbackSpec, RollbackSpec};
pub use webhook::{WebhookOptions, WebhookServer};
