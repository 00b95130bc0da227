//! Deploys as lists and flags show them.

use faultline_model::{Deploy, DeployKind, DeployStatus};

wire! {
    /// Deploys of a range.
    pub struct DeploysRequest {
        /// Begin of the range, Unix seconds.
        pub from: f64,
        /// End of the range, Unix seconds.
        pub to: f64,
    }

    /// A change to production.
    pub struct DeployView {
        /// The same id is the same deploy.
        pub id: String,
        /// `service version`.
        pub title: String,
        /// The service that changed.
        pub service: String,
        /// What runs afterwards.
        pub version: Option<String>,
        /// What ran before.
        pub previous: Option<String>,
        /// Concerns every cluster with this environment.
        pub environment: String,
        /// The one cluster that it concerns, for a change that was seen on its servers; null for all.
        pub cluster: Option<String>,
        /// When it began, where known, Unix seconds.
        pub started: Option<f64>,
        /// When it ended, where known, Unix seconds.
        pub finished: Option<f64>,
        /// How it stands.
        pub status: DeployStatusView,
        /// What kind of change.
        pub kind: DeployKindView,
        /// Who or what did it.
        pub actor: Option<String>,
        /// The deploy system's page.
        pub url: Option<String>,
    }
}

wire_enum! {
    /// How a deploy stands.
    DeployStatusView from DeployStatus {
        /// Under way.
        Started,
        /// Running.
        Succeeded,
        /// Did not go out.
        Failed,
        /// Taken back.
        RolledBack,
    }
}

wire_enum! {
    /// What kind of change a deploy is.
    DeployKindView from DeployKind {
        /// A new version.
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
}

impl From<Deploy> for DeployView {
    fn from(deploy: Deploy) -> Self {
        Self {
            title: deploy.title(),
            id: deploy.id.into(),
            service: deploy.service.into(),
            version: deploy.version,
            previous: deploy.previous,
            environment: deploy.environment,
            cluster: deploy.cluster.map(Into::into),
            started: deploy.started.map(faultline_model::Timestamp::as_secs),
            finished: deploy.finished.map(faultline_model::Timestamp::as_secs),
            status: deploy.status.into(),
            kind: deploy.kind.into(),
            actor: deploy.actor,
            url: deploy.url,
        }
    }
}
