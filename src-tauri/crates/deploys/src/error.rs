//! What can be wrong with the configuration of a feed or a rollback.

use std::net::SocketAddr;

use faultline_http::HttpError;
use thiserror::Error;

/// Why a feed or a rollback could not be set up.
#[derive(Debug, Error)]
pub enum DeployError {
    /// The webhook would be open to the network.
    #[error(
        "the webhook listens on this machine only, and {listen} is not a loopback address; use 127.0.0.1 or [::1]"
    )]
    NotLoopback {
        /// The address asked for.
        listen: SocketAddr,
    },
    /// The webhook has no secret.
    #[error(
        "the webhook's secret is empty; store one, at least 16 random characters, and give it to the senders"
    )]
    NoSecret,
    /// The webhook's address cannot be had.
    #[error(
        "the webhook cannot listen on {listen}: {source}; end the program that does, or choose another port"
    )]
    Listen {
        /// The address asked for.
        listen: SocketAddr,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A key of a rollback's configuration cannot be used.
    #[error("`{key}` of the rollback cannot be used: {detail}")]
    Rollback {
        /// The key.
        key: &'static str,
        /// What is wrong, and what to do.
        detail: String,
    },
    /// The HTTP client refused.
    #[error(transparent)]
    Http(#[from] HttpError),
}
