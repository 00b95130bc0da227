//! A small deploy system: it knows the services, their versions and their history, deploys, rolls back when asked over
//! HTTP, and posts a marker for every change to Faultline's webhook. Switching the version for real is the shop's job.

mod books;
mod markers;
mod server;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use crate::error::{Result, io};
use crate::workload::Load;

pub use books::{Change, Kind, Release, Run, RunStatus, Status};
pub use markers::{SIGNATURE_HEADER, Webhook, signature};

use books::Books;

/// What a deploy takes to go out.
const ROLL_OUT: Duration = Duration::from_secs(2);

/// Where versions run; the load implements it.
pub trait Production: Send + Sync + 'static {
    /// Lets a service run a version from now on.
    fn switch(&self, service: &str, version: &str);
}

impl Production for Load {
    fn switch(&self, service: &str, version: &str) {
        Self::switch(self, service, version, 1.0);
    }
}

/// The running deploy system; ends when dropped.
pub struct DeploySystem {
    address: SocketAddr,
    inner: Arc<Inner>,
    server: JoinHandle<()>,
}

/// What the HTTP side and the roll-outs share.
struct Inner {
    token: String,
    books: Books,
    production: Arc<dyn Production>,
    webhook: Option<Webhook>,
    /// Roll-outs under way; they end with the deploy system.
    roll_outs: std::sync::Mutex<JoinSet<()>>,
}

impl DeploySystem {
    /// Starts it on a free port of 127.0.0.1. `token` is what callers must bear, `running` are the services with what they
    /// run; without a webhook no marker is sent.
    ///
    /// # Errors
    /// When no port can be opened.
    pub async fn start(
        token: String,
        running: &[(&str, &str)],
        production: Arc<dyn Production>,
        webhook: Option<Webhook>,
    ) -> Result<Self> {
        let listener =
            TcpListener::bind(("127.0.0.1", 0)).await.map_err(io("open a port for the deploy system"))?;
        let address = listener.local_addr().map_err(io("open a port for the deploy system"))?;
        let books = Books::new(running, crate::clock::unix_now());
        let roll_outs = std::sync::Mutex::new(JoinSet::new());
        let inner = Arc::new(Inner { token, books, production, webhook, roll_outs });
        let routes = server::routes(Arc::clone(&inner), address);
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, routes).await {
                tracing::error!(%error, "the deploy system ended");
            }
        });
        Ok(Self { address, inner, server })
    }

    /// `http://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Deploys a version and returns the deploy's id once it is out.
    pub async fn deploy(&self, service: &str, version: &str) -> String {
        self.deploy_by(service, version, books::ROBOT).await
    }

    /// The same in somebody's name, which goes into the marker as it is.
    pub async fn deploy_by(&self, service: &str, version: &str, actor: &str) -> String {
        let change = self.inner.books.begin(service, version, actor, crate::clock::unix_now());
        self.inner.roll_out(&change).await;
        change.id
    }

    /// What a service runs now; `None` when there is no such service.
    pub fn current(&self, service: &str) -> Option<String> {
        self.inner.books.current(service)
    }

    /// Everything that was changed, oldest first.
    pub fn history(&self, service: &str) -> Vec<Release> {
        self.inner.books.history(service)
    }
}

impl Drop for DeploySystem {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Inner {
    /// Rolls a change out: marker, some time, the switch, marker.
    async fn roll_out(&self, change: &Change) {
        self.mark(change).await;
        tokio::time::sleep(ROLL_OUT).await;
        self.production.switch(&change.service, &change.version);
        self.books.finish(change, crate::clock::unix_now());
        self.mark(change).await;
    }

    async fn mark(&self, change: &Change) {
        let Some(webhook) = &self.webhook else { return };
        let Some(release) = self.books.release(change) else { return };
        if let Err(error) = webhook.post(&release).await {
            tracing::warn!(%error, deploy = release.id, "the deploy marker was not taken");
        }
    }
}
