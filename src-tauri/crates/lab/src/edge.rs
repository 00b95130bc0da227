//! The edge in front of the services, as far as a monitoring program sees it: an endpoint that tells what was requested,
//! in the text that Prometheus scrapes. Not in here: what is counted; the load does that.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::error::{Result, io};
use crate::workload::{EdgeCounts, Load};

/// What the text is.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The running endpoint; it ends when dropped.
#[derive(Debug)]
pub struct Edge {
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl Edge {
    /// Opens it on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port can be opened.
    pub async fn start(load: Arc<Load>) -> Result<Self> {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(io("open a port for the edge"))?;
        let address = listener.local_addr().map_err(io("open a port for the edge"))?;
        let metrics = move || {
            let text = exposition(&load.edge());
            async move { ([(CONTENT_TYPE, TEXT_FORMAT)], text) }
        };
        let routes = Router::new().route("/metrics", get(metrics));
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, routes).await {
                tracing::error!(%error, "the edge ended");
            }
        });
        Ok(Self { address, server })
    }

    /// `http://127.0.0.1:<port>/metrics`.
    pub fn url(&self) -> String {
        format!("http://{}/metrics", self.address)
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The counts in the text exposition format, version 0.0.4. A service without room answers 503.
fn exposition(counts: &EdgeCounts) -> String {
    let mut text = String::new();
    let mut metric = |name: &str, kind: &str, help: &str, samples: &[(&str, f64)]| {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels_or_suffix, value) in samples {
            let _ = writeln!(text, "{name}{labels_or_suffix} {value}");
        }
    };
    let ended = counts.served + counts.failed;
    metric(
        "http_requests_total",
        "counter",
        "Requests by the status of their answers.",
        &[
            ("{code=\"200\"}", counts.served as f64),
            ("{code=\"500\"}", counts.failed as f64),
            ("{code=\"503\"}", counts.turned_away as f64),
        ],
    );
    metric(
        "http_request_duration_seconds",
        "summary",
        "Time from arrival to answer.",
        &[("_sum", counts.seconds), ("_count", ended as f64)],
    );
    metric(
        "http_clients",
        "gauge",
        "Different clients within the last ten seconds.",
        &[("", counts.clients as f64)],
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_what_prometheus_scrapes() {
        insta::assert_snapshot!(exposition(&EdgeCounts {
            served: 120,
            failed: 3,
            turned_away: 1,
            seconds: 2.5,
            clients: 17,
        }));
    }
}
