//! The webhook: deploy systems on this machine, or a tunnel that ends here, tell of their deploys.
//!
//! In here: listening, who may speak, how much and how fast, and the answers. Not in here: what is done with a deploy
//! (the sink) and how the forms of a deploy are read (`body`, `cdevents`).

mod answer;
mod auth;
mod body;
mod cdevents;
mod fields;
mod handler;
mod limit;
mod server;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use faultline_model::{Clock, DeploySink};
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::error::DeployError;

pub use auth::{SIGNATURE_HEADER, sign};
pub use fields::{MAX_FUTURE_S, MAX_NAME_CHARS, MAX_TEXT_CHARS, MAX_URL_CHARS};
pub use limit::{BURST_REQUESTS, REQUESTS_PER_S};

/// The path that deploys are posted to.
pub const PATH: &str = "/v1/deploys";

/// Longest body, bytes.
pub const MAX_BODY_BYTES: usize = 64 << 10;

/// A request must have arrived in full after this long.
pub const READ_DEADLINE: Duration = Duration::from_secs(10);

/// The deploy must be stored after this long.
pub const STORE_DEADLINE: Duration = Duration::from_secs(5);

/// As many senders may be connected at once; further ones wait.
pub const MAX_CONNECTIONS: usize = 32;

/// After a shut-down was asked for, requests under way have this long to end.
pub const DRAIN_DEADLINE: Duration = Duration::from_secs(2);

/// A secret that is shorter than this many bytes can be guessed; it is taken with a warning.
const SHORT_SECRET_BYTES: usize = 16;

/// How the webhook is set up.
#[derive(Clone, Debug)]
pub struct WebhookOptions {
    /// The loopback address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Shared with the senders: key of the signature, or bearer token.
    pub secret: SecretString,
}

/// A webhook that listens until it is told to stop.
#[derive(Debug)]
pub struct WebhookServer {
    /// Where it listens.
    pub addr: SocketAddr,
    task: JoinHandle<()>,
}

impl WebhookServer {
    /// Waits until the webhook has stopped; to be called after its shut-down was asked for.
    pub async fn stopped(self) {
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the webhook ended abnormally");
        }
    }
}

/// Listens for deploys until `shutdown` is cancelled. A deploy is answered with 202 only after `sink` has stored it.
///
/// # Errors
/// [`DeployError::NotLoopback`], [`DeployError::NoSecret`], and [`DeployError::Listen`] when the address cannot be had.
pub async fn serve(
    options: WebhookOptions,
    sink: Arc<dyn DeploySink>,
    clock: Arc<dyn Clock>,
    shutdown: CancellationToken,
) -> Result<WebhookServer, DeployError> {
    let WebhookOptions { listen, secret } = options;
    if !listen.ip().is_loopback() {
        return Err(DeployError::NotLoopback { listen });
    }
    match secret.expose_secret().len() {
        0 => return Err(DeployError::NoSecret),
        1..SHORT_SECRET_BYTES => {
            tracing::warn!(
                "the webhook's secret is shorter than {SHORT_SECRET_BYTES} characters; choose a longer one"
            );
        }
        _ => {}
    }
    let failed = |source| DeployError::Listen { listen, source };
    let listener = TcpListener::bind(listen).await.map_err(failed)?;
    let addr = listener.local_addr().map_err(failed)?;
    let router = handler::router(secret, sink, clock);
    let task = tokio::spawn(server::accept(listener, router, shutdown));
    tracing::info!(%addr, "the webhook listens for deploys");
    Ok(WebhookServer { addr, task })
}
