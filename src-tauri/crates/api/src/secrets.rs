//! `secrets|…`: what the configuration names, and how it stands. Secrets come in here and never go out.

use std::collections::BTreeMap;

use faultline_engine::config::{
    self, Config, DeployFeedConfig, HeaderText, MetricsAuth, RollbackProvider, SecretRef,
};
use faultline_engine::secrets::{Found, Keep as Kept, SecretError};
use futures::future::join_all;

use crate::Api;
use crate::error::ApiError;
use crate::types::{Keep, SecretDeleteRequest, SecretRequest, SecretSetRequest, SecretState, SecretView};

pub(crate) async fn list(api: &Api) -> Vec<SecretView> {
    let users = users(&api.engine.config());
    join_all(users.into_iter().map(|(reference, used_by)| view(api, reference, used_by))).await
}

pub(crate) async fn set(api: &Api, args: SecretSetRequest) -> Result<SecretView, ApiError> {
    let reference = entry(&args.name)?;
    let keep = match args.keep {
        Keep::Keyring => Kept::Keyring,
        Keep::ThisRun => Kept::ThisRun,
    };
    api.engine.secrets().set(&args.name, args.secret.0, keep).await?;
    Ok(one(api, reference).await)
}

pub(crate) async fn test(api: &Api, args: &SecretRequest) -> Result<SecretView, ApiError> {
    let reference =
        config::secret_ref(&args.reference).map_err(|message| ApiError::BadRequest { message })?;
    Ok(one(api, reference).await)
}

pub(crate) async fn delete(api: &Api, args: &SecretDeleteRequest) -> Result<SecretView, ApiError> {
    let reference = entry(&args.name)?;
    api.engine.secrets().delete(&args.name).await?;
    Ok(one(api, reference).await)
}

fn entry(name: &str) -> Result<SecretRef, ApiError> {
    config::secret_ref(&format!("keyring:{name}")).map_err(|message| ApiError::BadRequest { message })
}

async fn one(api: &Api, reference: SecretRef) -> SecretView {
    let used_by = users(&api.engine.config()).remove(&reference).unwrap_or_default();
    view(api, reference, used_by).await
}

async fn view(api: &Api, reference: SecretRef, used_by: Vec<String>) -> SecretView {
    let (state, message) = match api.engine.secrets().find(&reference).await {
        Ok(found) => (state(found), None),
        Err(error) => (trouble(&error), Some(error.to_string())),
    };
    SecretView { reference: reference.to_string(), used_by, state, message }
}

fn state(found: Found) -> SecretState {
    match found {
        Found::Keyring => SecretState::Stored,
        Found::ThisRun => SecretState::ThisRun,
        Found::Variable => SecretState::Variable,
    }
}

fn trouble(error: &SecretError) -> SecretState {
    match error {
        SecretError::Missing { .. } | SecretError::VariableMissing { .. } => SecretState::Missing,
        SecretError::Locked { .. } => SecretState::Locked,
        SecretError::NoService { .. } => SecretState::NoService,
        SecretError::TimedOut { .. } => SecretState::TimedOut,
        SecretError::NotText { .. } | SecretError::BadLength | SecretError::Failed { .. } => {
            SecretState::Failed
        }
    }
}

/// Every secret that the configuration names, with what needs it.
fn users(config: &Config) -> BTreeMap<SecretRef, Vec<String>> {
    let mut users: BTreeMap<SecretRef, Vec<String>> = BTreeMap::new();
    let mut uses = |reference: Option<&SecretRef>, user: String| {
        if let Some(reference) = reference {
            users.entry(reference.clone()).or_default().push(user);
        }
    };
    for cluster in &config.clusters {
        for node in &cluster.nodes {
            uses(node.password.as_ref(), format!("{}/{}", cluster.name, node.name));
        }
    }
    for metrics in &config.metrics {
        let user = format!("metrics of {}/{}", metrics.cluster, metrics.node);
        match &metrics.auth {
            MetricsAuth::None => {}
            MetricsAuth::Bearer(secret) | MetricsAuth::Basic { password: secret, .. } => {
                uses(Some(secret), user.clone());
            }
        }
        metrics.headers.values().for_each(|header| uses(header_secret(header), user.clone()));
    }
    for DeployFeedConfig::Webhook { listen, secret } in &config.deploys {
        uses(Some(secret), format!("webhook {listen}"));
    }
    for rollback in &config.rollbacks {
        if let RollbackProvider::Http(http) = &rollback.provider {
            let user = format!("rollback of {}", rollback.service);
            uses(http.token.as_ref(), user.clone());
            http.headers.values().for_each(|header| uses(header_secret(header), user.clone()));
        }
    }
    users
}

fn header_secret(header: &HeaderText) -> Option<&SecretRef> {
    match header {
        HeaderText::Plain(_) => None,
        HeaderText::Secret(reference) => Some(reference),
    }
}
