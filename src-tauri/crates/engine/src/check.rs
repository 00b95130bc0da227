//! `faultctl check`: tests every target of the configuration once, each by itself and all at the same time.

use std::sync::Arc;
use std::time::Duration;

use faultline_model::{Clock, ClusterName, Engine, HealthLevel, HealthRow, NodeId, NodeSpec};
use faultline_sources::QueryBook;
use futures::StreamExt as _;
use futures::stream;
use secrecy::SecretString;

use crate::config::{ClusterConfig, Config, DeployFeedConfig, NodeConfig};
use crate::convert;
use crate::health::HealthBoard;
use crate::secrets::Secrets;
use crate::ways_back::WaysBack;

/// Most targets that are tested at the same time.
const MAX_AT_ONCE: usize = 32;

/// Longest test of one target; each of its round trips has a shorter deadline of its own.
const TARGET_DEADLINE: Duration = Duration::from_secs(30);

/// The aspect of metric endpoints that are not watched.
const NOT_WATCHED_ASPECT: &str = "metrics";

/// Tests every node, feed and rollback that the configuration names.
pub async fn check(config: &Config, secrets: &Secrets, clock: &Arc<dyn Clock>) -> Vec<HealthRow> {
    let nodes =
        config.clusters.iter().flat_map(|cluster| cluster.nodes.iter().map(move |node| (cluster, node)));
    let mut rows: Vec<HealthRow> = stream::iter(nodes)
        .map(|(cluster, node)| check_node(cluster, node, secrets, clock))
        .buffered(MAX_AT_ONCE)
        .concat()
        .await;
    let board = HealthBoard::default();
    WaysBack::open(config, secrets, &board).await;
    rows.extend(board.rows());
    for DeployFeedConfig::Webhook { listen, secret } in &config.deploys {
        let target = format!("webhook {listen}");
        rows.push(match secrets.resolve(secret).await {
            Ok(_) => HealthRow::new(target, "secret", HealthLevel::Ok, "The secret is there."),
            Err(error) => HealthRow::new(target, "secret", HealthLevel::Error, error.to_string()),
        });
    }
    rows.extend(not_yet_watched(config));
    if rows.is_empty() {
        rows.push(
            HealthRow::new(
                "configuration",
                "clusters",
                HealthLevel::Warning,
                "The configuration names nothing to watch.",
            )
            .with_hint("Add a [[cluster]] with a [[cluster.node]]; config.example.toml shows how."),
        );
    }
    rows
}

/// A row for each metric endpoint: they are read from the configuration, and not watched by this version.
pub(crate) fn not_yet_watched(config: &Config) -> impl Iterator<Item = HealthRow> + '_ {
    config.metrics.iter().map(|metrics| {
        let target = format!("{}/{}", metrics.cluster, metrics.node);
        HealthRow::new(
            target,
            NOT_WATCHED_ASPECT,
            HealthLevel::Warning,
            "This version does not watch metric endpoints.",
        )
        .with_hint("Watch the database itself by a [[cluster.node]] meanwhile.")
    })
}

/// Whether the row says that a metric endpoint is not watched.
pub(crate) fn is_not_yet_watched(row: &HealthRow) -> bool {
    row.aspect == NOT_WATCHED_ASPECT
}

/// Tries out a database that is not in the configuration, or not yet.
pub(crate) async fn try_out(
    engine: Engine,
    url: String,
    password: Option<SecretString>,
    clock: &Arc<dyn Clock>,
) -> Vec<HealthRow> {
    let id = NodeId { cluster: "new".into(), node: "database".into() };
    self_test(NodeSpec { id, engine, url, password, role: None }, clock).await
}

async fn check_node(
    cluster: &ClusterConfig,
    node: &NodeConfig,
    secrets: &Secrets,
    clock: &Arc<dyn Clock>,
) -> Vec<HealthRow> {
    let id = NodeId { cluster: ClusterName::from(cluster.name.as_str()), node: node.name.as_str().into() };
    match convert::node(&id, node, secrets).await {
        Ok(spec) => self_test(spec, clock).await,
        Err(error) => {
            vec![HealthRow::new(id.to_string(), "configuration", HealthLevel::Error, error.to_string())]
        }
    }
}

/// The self-test of one node, within its deadline.
async fn self_test(spec: NodeSpec, clock: &Arc<dyn Clock>) -> Vec<HealthRow> {
    let target = spec.id.to_string();
    let row =
        |message: String| vec![HealthRow::new(target.clone(), "configuration", HealthLevel::Error, message)];
    let mut source = match faultline_sources::open(spec, Arc::clone(clock), QueryBook::default()) {
        Ok(source) => source,
        Err(error) => return row(error.to_string()),
    };
    let tested = tokio::time::timeout(TARGET_DEADLINE, source.self_test()).await;
    source.close().await;
    tested.unwrap_or_else(|_| {
        row(format!(
            "the self-test did not end within {} s; is the server overloaded?",
            TARGET_DEADLINE.as_secs()
        ))
    })
}
