//! What a watch looks at, and how that is opened: a database, or a metric endpoint. Not in here: when it is polled.

use std::sync::Arc;

use async_trait::async_trait;
use faultline_model::{Clock, HealthRow, NodeId, Role, Source};
use faultline_sources::QueryBook;

use crate::config::{ClusterConfig, Config, MetricsConfig, NodeConfig, SecretRef};
use crate::convert;
use crate::endpoint;
use crate::error::EngineError;
use crate::secrets::Secrets;

/// Something that can be opened and watched.
#[async_trait]
pub(crate) trait Target: Send + Sync {
    /// Looks its secrets up and opens it; connects nothing.
    async fn open(&self) -> Result<Box<dyn Source>, EngineError>;

    /// Whether an entry of the keyring is one of its secrets; `None` asks whether it has any there.
    fn needs(&self, entry: Option<&str>) -> bool;
}

/// What targets need to be opened.
#[derive(Clone)]
pub(crate) struct Means {
    pub(crate) secrets: Secrets,
    pub(crate) clock: Arc<dyn Clock>,
    /// What the nodes of the cluster know of each other's statements.
    pub(crate) book: QueryBook,
}

/// What the sources of a cluster tell each other, with what the configuration says of the primary.
pub(crate) fn book(cluster: &ClusterConfig, config: &Config) -> QueryBook {
    let book = QueryBook::default();
    let databases = cluster.nodes.iter().map(|node| (&node.name, node.role));
    let endpoints = config.metrics_of(&cluster.name).map(|endpoint| (&endpoint.node, endpoint.role));
    let primary = databases.chain(endpoints).find(|(_, role)| *role == Some(Role::Primary));
    if let Some((name, _)) = primary {
        book.name_primary(name.as_str().into());
    }
    book
}

/// A database.
pub(crate) struct Database {
    pub(crate) id: NodeId,
    pub(crate) config: NodeConfig,
    pub(crate) means: Means,
}

#[async_trait]
impl Target for Database {
    async fn open(&self) -> Result<Box<dyn Source>, EngineError> {
        let Means { secrets, clock, book } = &self.means;
        let spec = convert::node(&self.id, &self.config, secrets).await?;
        faultline_sources::open(spec, Arc::clone(clock), book.clone())
            .map_err(|source| EngineError::Source { node: self.id.clone(), source: Box::new(source) })
    }

    fn needs(&self, entry: Option<&str>) -> bool {
        is_entry(self.config.password.as_ref(), entry)
    }
}

/// A metric endpoint.
pub(crate) struct Endpoint {
    pub(crate) id: NodeId,
    pub(crate) config: MetricsConfig,
    /// Time between two polls, seconds.
    pub(crate) interval_s: f64,
    pub(crate) means: Means,
}

#[async_trait]
impl Target for Endpoint {
    async fn open(&self) -> Result<Box<dyn Source>, EngineError> {
        let Means { secrets, clock, book } = &self.means;
        let spec = endpoint::endpoint(&self.config, secrets, self.interval_s).await?;
        faultline_sources::open_endpoint(spec, Arc::clone(clock), book.clone())
            .map_err(|source| EngineError::Source { node: self.id.clone(), source: Box::new(source) })
    }

    fn needs(&self, entry: Option<&str>) -> bool {
        endpoint::secrets(&self.config).any(|secret| is_entry(Some(secret), entry))
    }
}

fn is_entry(secret: Option<&SecretRef>, entry: Option<&str>) -> bool {
    match (secret, entry) {
        (Some(SecretRef::Keyring(name)), Some(entry)) => name == entry,
        (Some(SecretRef::Keyring(_)), None) => true,
        _ => false,
    }
}

/// Puts the rows of a source under its own name: several sources of one node have rows of their own. What the name says
/// of the place need not be in the aspect as well.
pub(crate) fn name_rows(rows: &mut [HealthRow], id: &NodeId, name: &str) {
    let node = id.to_string();
    let place = name.strip_prefix(&node).unwrap_or_default();
    for row in rows.iter_mut().filter(|row| row.target == node) {
        name.clone_into(&mut row.target);
        if let Some(aspect) = row.aspect.strip_suffix(place).filter(|_| !place.is_empty()) {
            row.aspect = aspect.to_owned();
        }
    }
}

/// What the self-test calls the endpoints of a configuration, in its order: the node, and where the endpoint is.
pub(crate) fn endpoint_names(metrics: &[MetricsConfig]) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(metrics.len());
    for endpoint in metrics {
        let place = url::Url::parse(&endpoint.url).ok();
        let host = place.as_ref().and_then(|url| url.host_str()).unwrap_or("metrics").to_owned();
        let place = match place.and_then(|url| url.port()) {
            Some(port) => format!("{host}:{port}"),
            None => host,
        };
        let name = format!("{}/{} ({place}", endpoint.cluster, endpoint.node);
        let same = names.iter().filter(|other| other.starts_with(&name)).count();
        names.push(if same == 0 { format!("{name})") } else { format!("{name}, {})", same + 1) });
    }
    names
}
