//! The configured rollbacks: which service has a way back, and which runs at one click.

use std::collections::BTreeMap;
use std::sync::Arc;

use faultline_model::{Deploy, DeployKind, DeployStatus, HealthLevel, HealthRow, Rollback, ServiceName};

use crate::config::Config;
use crate::convert;
use crate::error::EngineError;
use crate::health::HealthBoard;
use crate::secrets::Secrets;

/// What the self-test calls a way back, before the service's name.
const TARGET_PREFIX: &str = "rollback/";

/// Whether a row of the self-test is about a configured way back.
pub(crate) fn is_row(row: &HealthRow) -> bool {
    row.target.starts_with(TARGET_PREFIX)
}

struct WayBack {
    provider: Arc<dyn Rollback>,
    one_click: bool,
}

/// The way back of each service that has one.
#[derive(Default)]
pub(crate) struct WaysBack(BTreeMap<ServiceName, WayBack>);

impl WaysBack {
    /// Opens every configured rollback; one that cannot be opened is a health row.
    pub(crate) async fn open(config: &Config, secrets: &Secrets, health: &HealthBoard) -> Self {
        let mut ways = BTreeMap::new();
        for rollback in &config.rollbacks {
            let target = format!("{TARGET_PREFIX}{}", rollback.service);
            let row = match convert::rollback(rollback, secrets).await {
                Ok(provider) => {
                    let message = format!("Rolls back by {}.", provider.provider());
                    let way = WayBack { provider: Arc::from(provider), one_click: rollback.one_click };
                    ways.insert(ServiceName::from(rollback.service.as_str()), way);
                    HealthRow::new(target, "configuration", HealthLevel::Ok, message)
                }
                Err(error) => HealthRow::new(target, "configuration", HealthLevel::Error, error.to_string()),
            };
            health.update([row]);
        }
        Self(ways)
    }

    /// How many could be opened.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The provider of the service.
    pub(crate) fn of(&self, service: &ServiceName) -> Result<Arc<dyn Rollback>, EngineError> {
        self.0
            .get(service)
            .map(|way| Arc::clone(&way.provider))
            .ok_or_else(|| EngineError::NoRollback { service: service.clone() })
    }

    /// Whether the user lets the notification's button run it at once.
    pub(crate) fn is_one_click(&self, service: &ServiceName) -> bool {
        self.0.get(service).is_some_and(|way| way.one_click)
    }

    /// Whether the deploy can be taken back: it changed something, is not taken back yet, and its service has a way.
    pub(crate) fn leads_from(&self, deploy: &Deploy) -> bool {
        // What was seen on a cluster was made by no service, even if one is called like the cluster.
        deploy.cluster.is_none()
            && self.0.contains_key(&deploy.service)
            && deploy.previous.is_some()
            && deploy.status != DeployStatus::RolledBack
            && !matches!(deploy.kind, DeployKind::Rollback | DeployKind::Restart)
    }
}
