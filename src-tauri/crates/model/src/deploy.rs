//! Deploys: anything that changed production at a known time. The field names are those of `recording.md`, which are
//! also the webhook's.

use serde::{Deserialize, Serialize};

use crate::ids::{ClusterName, DeployId, ServiceName};
use crate::time::Timestamp;

/// A change to production. Repeated with the same id as it progresses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deploy {
    /// The same id is the same deploy.
    pub id: DeployId,
    /// The service that changed.
    pub service: ServiceName,
    /// What runs afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What ran before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// Concerns every cluster with this environment.
    #[serde(default = "production")]
    pub environment: String,
    /// When it began, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// When it ended, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished: Option<Timestamp>,
    /// How it stands.
    #[serde(default)]
    pub status: DeployStatus,
    /// What kind of change.
    #[serde(default)]
    pub kind: DeployKind,
    /// Who or what did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The deploy system's page for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The one cluster that it concerns, for a change that was seen on the databases themselves (a setting, an index)
    /// and that no service made; every cluster of the environment where it is not stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterName>,
}

fn production() -> String {
    "production".to_owned()
}

impl Deploy {
    /// The earliest known time of the change; candidates are ranked by it. `None` when no time is known.
    pub fn earliest(&self) -> Option<Timestamp> {
        match (self.started, self.finished) {
            (Some(started), Some(finished)) => Some(started.min(finished)),
            (started, finished) => started.or(finished),
        }
    }

    /// Whether it concerns a cluster of the environment `environment`.
    pub fn concerns(&self, cluster: &ClusterName, environment: &str) -> bool {
        self.environment == environment && self.cluster.as_ref().is_none_or(|only| only == cluster)
    }

    /// `service version`, or the service alone.
    pub fn title(&self) -> String {
        match &self.version {
            Some(version) => format!("{} {version}", self.service),
            None => self.service.to_string(),
        }
    }

    /// Takes over what a later word of the same deploy says; times and texts that it leaves out stay.
    pub fn merge(&mut self, later: Self) {
        let earlier = std::mem::replace(self, later);
        self.version = self.version.take().or(earlier.version);
        self.previous = self.previous.take().or(earlier.previous);
        self.started = self.started.or(earlier.started);
        self.finished = self.finished.or(earlier.finished);
        self.actor = self.actor.take().or(earlier.actor);
        self.url = self.url.take().or(earlier.url);
        self.cluster = self.cluster.take().or(earlier.cluster);
    }
}

/// How a deploy stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeployStatus {
    /// Under way.
    Started,
    /// Running.
    #[default]
    Succeeded,
    /// Did not go out.
    Failed,
    /// Taken back.
    RolledBack,
}

/// What kind of change a deploy is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeployKind {
    /// A new version.
    #[default]
    Deploy,
    /// An old version again.
    Rollback,
    /// A setting.
    Config,
    /// A change of the schema.
    Schema,
    /// A feature flag.
    Flag,
    /// The same version anew.
    Restart,
}
