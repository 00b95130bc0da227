//! The state of everything, as the top bar, the left rail and the banners show it.

use faultline_model::{Engine, Role};

use super::settings::HealthRowView;

wire! {
    /// Everything that is watched, at one glance.
    pub struct Overview {
        /// Version of the program.
        pub version: String,
        /// The clusters of the configuration, in its order.
        pub clusters: Vec<ClusterView>,
        /// What the user must know about the program itself: a missing notification server, a locked keyring, …
        pub notices: Vec<HealthRowView>,
        /// When this was true, Unix seconds.
        pub now: f64,
    }

    /// One cluster.
    pub struct ClusterView {
        /// Its name.
        pub name: String,
        /// Its environment, `production` unless told otherwise.
        pub environment: String,
        /// How it does.
        pub state: ClusterState,
        /// Load over the last 10 s, average active sessions; null where it is not observed.
        pub load_aas: Option<f64>,
        /// That load by its baseline; null without a baseline.
        pub load_ratio: Option<f64>,
        /// Whether the primary is seen, and how.
        pub primary_observed: PrimaryObserved,
        /// How much of the load of the last minutes statements explain, 0–1; null where that cannot be told.
        pub explained: Option<f64>,
        /// Its servers.
        pub nodes: Vec<NodeView>,
        /// The open incident, if there is one.
        pub open_incident: Option<String>,
    }

    /// One server.
    pub struct NodeView {
        /// Its name within the cluster.
        pub name: String,
        /// Its role, once known.
        pub role: Option<RoleView>,
        /// Family of the server.
        pub engine: EngineView,
        /// Whether it can be watched.
        pub state: NodeState,
        /// What stands in the way, or what is worth knowing; one sentence.
        pub message: Option<String>,
        /// Age of the last replayed transaction, seconds; null on a primary.
        pub replay_lag_s: Option<f64>,
        /// How it is seen; null when nothing was seen of it lately.
        pub seen_by: Option<SeenByView>,
        /// How much of its load of the last minutes statements explain, 0–1; null where that cannot be told.
        pub explained: Option<f64>,
        /// What our own statements cost it at the most, milliseconds a second; null before it is known.
        pub cost_ms_per_s: Option<f64>,
        /// Whether they cost too much, so that it is looked at less often.
        pub slowed_down: bool,
    }
}

/// How a cluster does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
pub enum ClusterState {
    /// As always.
    Ok,
    /// Something left its baseline, not certain yet.
    Suspicious,
    /// An incident is open.
    Incident,
    /// Nothing was observed lately.
    NoData,
}

/// How a cluster's primary is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
pub enum PrimaryObserved {
    /// By a login of our own.
    Direct,
    /// By the table that it fills about itself.
    Table,
    /// By an exporter's metrics.
    Metrics,
    /// Not at all: its own statements are invisible.
    None,
    /// There is no database in the cluster that could have one.
    NotApplicable,
}

wire_enum! {
    /// How a server is seen.
    SeenByView from faultline_engine::SeenBy {
        /// By a session on it.
        Session,
        /// By the table that it fills about itself.
        Table,
        /// By an exporter's metrics.
        Metrics,
    }
}

/// Whether a server can be watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
pub enum NodeState {
    /// Fully.
    Ok,
    /// With something missing.
    Warning,
    /// Not at all.
    Error,
}

wire_enum! {
    /// Role of a server.
    RoleView from Role {
        /// Takes the writes.
        Primary,
        /// Follows a primary.
        Replica,
        /// Stands before the databases.
        Edge,
    }
}

wire_enum! {
    /// Family of a server.
    EngineView from Engine {
        /// PostgreSQL.
        Postgres,
        /// MySQL.
        Mysql,
        /// MariaDB.
        Mariadb,
        /// Not known.
        Unknown,
    }
}

impl From<EngineView> for Engine {
    fn from(view: EngineView) -> Self {
        match view {
            EngineView::Postgres => Self::Postgres,
            EngineView::Mysql => Self::Mysql,
            EngineView::Mariadb => Self::Mariadb,
            EngineView::Unknown => Self::Unknown,
        }
    }
}
