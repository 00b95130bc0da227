//! From the configuration's words to what the parts ask for: secrets looked up, providers opened.

use std::collections::BTreeMap;
use std::time::Duration;

use faultline_deploys::rollback;
use faultline_deploys::{DeployError, Follow, HttpClient, HttpOptions, HttpRollbackSpec, RollbackSpec};
use faultline_model::{About, NodeId, NodeSpec, Rollback};
use url::Url;

use crate::config::{
    Config, HeaderText, HttpRollbackConfig, NodeConfig, ProgressConfig, RollbackConfig, RollbackProvider,
};
use crate::error::EngineError;
use crate::secrets::Secrets;

/// The node with its password looked up.
pub(crate) async fn node(id: &NodeId, node: &NodeConfig, secrets: &Secrets) -> Result<NodeSpec, EngineError> {
    let password = match &node.password {
        Some(reference) => Some(secrets.resolve(reference).await?),
        None => None,
    };
    Ok(NodeSpec { id: id.clone(), engine: node.engine, url: node.url.clone(), password, role: node.role })
}

/// What the configuration knows of a node before it was seen.
pub(crate) fn about(node: &NodeConfig) -> About {
    About { role: node.role, engine: node.engine, ..About::default() }
}

/// The way back that is configured, opened.
pub(crate) async fn rollback(
    config: &RollbackConfig,
    secrets: &Secrets,
) -> Result<Box<dyn Rollback>, EngineError> {
    let spec = match &config.provider {
        RollbackProvider::Link { url } => RollbackSpec::Link { url: url.clone() },
        RollbackProvider::Http(http) => RollbackSpec::Http(Box::new(http_spec(http, secrets).await?)),
    };
    let http = HttpClient::new(HttpOptions::default()).map_err(DeployError::from)?;
    Ok(rollback::open(spec, http)?)
}

async fn http_spec(config: &HttpRollbackConfig, secrets: &Secrets) -> Result<HttpRollbackSpec, EngineError> {
    let mut spec = HttpRollbackSpec::new(config.method.as_str(), config.url.as_str());
    let mut headers = BTreeMap::new();
    for (name, value) in &config.headers {
        match value {
            HeaderText::Plain(text) => {
                headers.insert(name.clone(), text.clone());
            }
            HeaderText::Secret(_) if config.token.is_some() || spec.token.is_some() => {
                return Err(EngineError::Rollback {
                    message: format!(
                        "the header {name} is a second secret; a request carries one: token, or a header"
                    ),
                });
            }
            HeaderText::Secret(reference) => {
                spec.token = Some(secrets.resolve(reference).await?);
                spec.token_name = Some(reference.to_string());
                spec.token_header = Some(name.clone());
            }
        }
    }
    spec.headers = headers;
    spec.body.clone_from(&config.body);
    if let Some(token) = &config.token {
        spec.token = Some(secrets.resolve(token).await?);
        spec.token_name = Some(token.to_string());
    }
    spec.follow = config.progress.as_ref().map(follow);
    Ok(spec)
}

fn follow(config: &ProgressConfig) -> Follow {
    let usual = Follow::default();
    Follow {
        status_url: config.status_url.clone(),
        interval: config.interval_s.map_or(usual.interval, Duration::from_secs_f64),
        deadline: config.deadline_s.map_or(usual.deadline, Duration::from_secs_f64),
        success: config.success.clone(),
        failure: config.failure.clone(),
    }
}

/// Hosts whose pages may be opened without asking: those of the configured deploy systems.
pub fn link_hosts(config: &Config) -> Vec<String> {
    config
        .rollbacks
        .iter()
        .map(|rollback| match &rollback.provider {
            RollbackProvider::Link { url } => url,
            RollbackProvider::Http(http) => &http.url,
        })
        .filter_map(|url| Url::parse(url).ok()?.host_str().map(str::to_owned))
        .collect()
}
