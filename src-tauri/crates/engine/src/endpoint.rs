//! From `[[metrics]]` to what the sources ask for: secrets looked up. Not in here: when an endpoint is polled.

use std::collections::BTreeMap;

use faultline_model::{EndpointAuth, EndpointKind, EndpointSpec, NodeId, SignalName};
use secrecy::SecretString;

use crate::config::{HeaderText, MetricsAuth, MetricsConfig, MetricsKind, SecretRef};
use crate::error::EngineError;
use crate::secrets::Secrets;

/// The node that an endpoint's signals belong to.
pub(crate) fn node(config: &MetricsConfig) -> NodeId {
    NodeId { cluster: config.cluster.as_str().into(), node: config.node.as_str().into() }
}

/// The secrets that an endpoint is asked with; a change of one means to open it anew.
pub(crate) fn secrets(config: &MetricsConfig) -> impl Iterator<Item = &SecretRef> {
    let auth = match &config.auth {
        MetricsAuth::None => None,
        MetricsAuth::Bearer(secret) | MetricsAuth::Basic { password: secret, .. } => Some(secret),
    };
    let headers = config.headers.values().filter_map(|value| match value {
        HeaderText::Plain(_) => None,
        HeaderText::Secret(secret) => Some(secret),
    });
    auth.into_iter().chain(headers)
}

/// The endpoint with its secrets looked up, to be polled every `interval_s` seconds.
///
/// # Errors
/// [`EngineError::Secret`] when a secret cannot be had.
pub(crate) async fn endpoint(
    config: &MetricsConfig,
    secrets: &Secrets,
    interval_s: f64,
) -> Result<EndpointSpec, EngineError> {
    let auth = match &config.auth {
        MetricsAuth::None => None,
        MetricsAuth::Bearer(token) => Some(EndpointAuth::Bearer(secrets.resolve(token).await?)),
        MetricsAuth::Basic { user, password } => {
            Some(EndpointAuth::Basic { user: user.clone(), password: secrets.resolve(password).await? })
        }
    };
    let mut headers = BTreeMap::new();
    for (name, value) in &config.headers {
        let value = match value {
            HeaderText::Plain(text) => SecretString::from(text.clone()),
            HeaderText::Secret(reference) => secrets.resolve(reference).await?,
        };
        headers.insert(name.clone(), value);
    }
    let signals = config.signals.iter();
    Ok(EndpointSpec {
        id: node(config),
        kind: match config.kind {
            MetricsKind::Scrape => EndpointKind::Scrape,
            MetricsKind::Promql => EndpointKind::Promql,
        },
        url: config.url.clone(),
        auth,
        headers,
        ca: config.ca.clone(),
        client: config.client.clone(),
        signals: signals.map(|(name, text)| (SignalName::from(name.as_str()), text.clone())).collect(),
        presets: config.presets.clone(),
        selector: config.selector.clone(),
        role: config.role,
        statements: config.statements,
        interval_s,
    })
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::config::parse;
    use crate::secrets::Keep;

    #[tokio::test]
    async fn what_the_file_says_and_the_keyring_holds_come_together() {
        let text = r#"
            [[cluster]]
            name = "shop"
            [[metrics]]
            cluster = "shop"
            node = "edge"
            role = "edge"
            kind = "promql"
            url = "https://prometheus.internal"
            user = "faultline"
            password = "keyring:prometheus"
            preset = ["haproxy", "node_exporter"]
            selector = '{instance="edge-1"}'
            certificate = "/etc/faultline/client.pem"
            key = "/etc/faultline/client.key"
            headers = { X-Scope-OrgID = "shop", X-Token = "keyring:tenant" }
        "#;
        let config = parse(text, "config.toml").unwrap();
        let secrets = Secrets::in_memory();
        let missing = endpoint(&config.metrics[0], &secrets, 5.0).await.unwrap_err();
        assert!(matches!(missing, EngineError::Secret(_)), "{missing}");
        for name in ["prometheus", "tenant"] {
            secrets.set(name, format!("{name}-secret").into(), Keep::Keyring).await.unwrap();
        }
        let spec = endpoint(&config.metrics[0], &secrets, 5.0).await.unwrap();
        assert_eq!((spec.id.to_string().as_str(), spec.interval_s), ("shop/edge", 5.0));
        assert_eq!((spec.kind, spec.role), (EndpointKind::Promql, Some(faultline_model::Role::Edge)));
        assert!(matches!(&spec.auth, Some(EndpointAuth::Basic { user, password })
            if user == "faultline" && password.expose_secret() == "prometheus-secret"));
        assert_eq!(spec.headers["X-Scope-OrgID"].expose_secret(), "shop");
        assert_eq!(spec.headers["X-Token"].expose_secret(), "tenant-secret");
        assert_eq!(spec.presets, ["haproxy", "node_exporter"]);
        assert!(spec.client.is_some() && spec.signals.is_empty());
        let named: Vec<String> = super::secrets(&config.metrics[0]).map(ToString::to_string).collect();
        assert_eq!(named, ["keyring:prometheus", "keyring:tenant"]);
    }
}
