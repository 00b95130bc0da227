//! The frame: all that was seen of one node over one interval, and its parts. The field names are those of
//! `recording.md`, so that the same types serve the recording, the store and the wire.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::deploy::Deploy;
use crate::ids::{Fingerprint, NodeName, SignalName};
use crate::time::Timestamp;

/// All that was seen of one node over one interval. Parts that were not looked at are empty or `None`.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// End of the interval, on the observer's clock.
    pub at: Timestamp,
    /// The node.
    pub node: NodeName,
    /// What the node is; present when first seen and when it changed.
    pub about: Option<About>,
    /// Slow facts that are new or changed (`setting:work_mem`, `table:item:rows`, `plan:3f2a90`, `service:checkout:roles`).
    pub facts: Facts,
    /// Gauges and rates.
    pub signals: Option<Signals>,
    /// Texts of fingerprints that had none yet.
    pub texts: Vec<QueryText>,
    /// Statement counters.
    pub queries: Option<QueryDeltas>,
    /// One sample of the sessions at work; empty means that nobody was, `None` that nobody looked.
    pub sessions: Option<Vec<SessionGroup>>,
}

impl Frame {
    /// A frame in which nothing was seen yet.
    pub fn new(at: Timestamp, node: NodeName) -> Self {
        Self {
            at,
            node,
            about: None,
            facts: Facts::new(),
            signals: None,
            texts: Vec::new(),
            queries: None,
            sessions: None,
        }
    }

    /// Whether nothing at all was seen.
    pub fn is_empty(&self) -> bool {
        self.about.is_none()
            && self.facts.is_empty()
            && self.signals.is_none()
            && self.texts.is_empty()
            && self.queries.is_none()
            && self.sessions.is_none()
    }
}

/// Slow facts by key; values are JSON scalars.
pub type Facts = BTreeMap<String, serde_json::Value>;

/// What a server is to its cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Takes the writes.
    Primary,
    /// Follows the primary.
    Replica,
    /// A proxy or load balancer in front of the service.
    Edge,
}

/// The family of a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Engine {
    /// PostgreSQL.
    Postgres,
    /// MySQL.
    Mysql,
    /// MariaDB.
    Mariadb,
    /// Not known.
    #[default]
    #[serde(other)]
    Unknown,
}

/// How a node is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Observed {
    /// By a session on the server itself.
    Direct,
    /// By an exporter or endpoint.
    Metrics,
}

/// What a node is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// Its role, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Its engine.
    #[serde(default)]
    pub engine: Engine,
    /// Server version as the server prints it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Number of cores, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cores: Option<u32>,
    /// How it is watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<Observed>,
    /// Server's clock minus observer's clock, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skew_s: Option<f64>,
}

/// Gauges and rates over an interval.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Signals {
    /// Length of the interval that ended at the frame's time, seconds; more than 0.
    pub span_s: f64,
    /// Observed values. A name that is missing was not observed: a gap, never zero.
    pub values: BTreeMap<SignalName, f64>,
}

/// The text behind a fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryText {
    /// The fingerprint.
    pub fp: Fingerprint,
    /// Normalised text; literals taken out.
    pub text: String,
    /// Database that it ran in, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// Role or account that ran it, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// Statement counters over an interval, one entry a fingerprint that was called.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueryDeltas {
    /// Length of the interval that ended at the frame's time, seconds; more than 0.
    pub span_s: f64,
    /// Whether a fingerprint that is absent was certainly not called. `false` for sources that list only their top.
    pub complete: bool,
    /// The entries, one a fingerprint.
    pub rows: Vec<QueryDelta>,
}

/// What one fingerprint cost over an interval. `None` was not observed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueryDelta {
    /// The fingerprint.
    pub fp: Fingerprint,
    /// Finished calls.
    #[serde(default)]
    pub calls: f64,
    /// Total execution time of the finished calls, milliseconds.
    #[serde(default)]
    pub time_ms: f64,
    /// Rows returned or changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<f64>,
    /// Pages found in the buffer pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocks_hit: Option<f64>,
    /// Pages read from below the buffer pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocks_read: Option<f64>,
    /// Failed calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errors: Option<f64>,
}

/// Sessions that were alike at the moment of a sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionGroup {
    /// Fingerprint of the running statement; `None` where the server does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fp: Option<Fingerprint>,
    /// `Type:event` waited for; `None` is on the CPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<String>,
    /// Session state, `active` or `idle in transaction`, as the server names it.
    #[serde(default = "active")]
    pub state: String,
    /// How long the oldest of them has been running its statement, milliseconds.
    #[serde(default)]
    pub running_ms: f64,
    /// Role or account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Application name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// Client address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// How many sessions; at least 1.
    #[serde(default = "one")]
    pub count: u32,
}

fn active() -> String {
    "active".to_owned()
}

const fn one() -> u32 {
    1
}

impl SessionGroup {
    /// Whether these sessions execute a statement (idle ones, in a transaction or not, do not).
    pub fn is_active(&self) -> bool {
        self.state == "active"
    }
}

/// One thing that was observed, in the order in which analysis sees it; what a recording is made of.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    /// Something was seen of a node.
    Frame(Frame),
    /// Word of a deploy came in.
    Deploy {
        /// When it came in, on the observer's clock.
        at: Timestamp,
        /// The deploy as it stands now.
        deploy: Deploy,
    },
}

impl Observation {
    /// When it was observed.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Frame(frame) => frame.at,
            Self::Deploy { at, .. } => *at,
        }
    }
}

/// What a recording says about itself, and analysis must know before the first observation.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// The cluster.
    pub cluster: crate::ids::ClusterName,
    /// Usual interval of signals and counters, seconds.
    pub interval_s: f64,
    /// Usual interval of session samples, seconds; `None` where there are none.
    pub sessions_s: Option<f64>,
    /// Version of the fingerprint algorithm, where Faultline made the fingerprints.
    pub fp_version: Option<u32>,
    /// Free text.
    pub title: Option<String>,
    /// Family of the servers.
    pub engine: Engine,
}
