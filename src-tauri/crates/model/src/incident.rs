//! What analysis says: the events in the life of an incident, with causes, suspects and queries. The JSON form is what
//! `faultctl replay` and `faultctl watch --json` print.

use serde::{Deserialize, Serialize};

use crate::ids::{ClusterName, DeployId, Fingerprint, IncidentId, NodeName};
use crate::time::Timestamp;

/// A line of `faultctl replay`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IncidentEvent {
    /// When it was said; it depends on observations up to here only.
    pub t: Timestamp,
    /// What was said.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened to an incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventKind {
    /// Trouble is certain enough to say so.
    Opened(Opened),
    /// Causes, suspects and queries as they stand.
    Verdict(Verdict),
    /// The load is back, but not for long enough yet.
    Recovering {
        /// The incident.
        incident: IncidentId,
    },
    /// It is over.
    Resolved {
        /// The incident.
        incident: IncidentId,
    },
}

impl EventKind {
    /// The incident that it is about.
    pub fn incident(&self) -> &IncidentId {
        match self {
            Self::Opened(opened) => &opened.incident,
            Self::Verdict(verdict) => &verdict.incident,
            Self::Recovering { incident } | Self::Resolved { incident } => incident,
        }
    }
}

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth a look.
    Warning,
    /// Users must notice: load over 3× and latency over 2× their baselines, or sessions queueing, or errors.
    Critical,
}

/// An incident begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    /// Its id.
    pub incident: IncidentId,
    /// Where.
    pub cluster: ClusterName,
    /// When the trouble began.
    pub onset: Timestamp,
    /// How much it matters.
    pub severity: Severity,
    /// The cluster's load over the last 10 s by its baseline median; `None` where load is not observed.
    pub load_ratio: Option<f64>,
    /// Nodes where it shows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<NodeName>,
}

/// Causes, suspects and queries as they stand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The incident.
    pub incident: IncidentId,
    /// Every cause, best first.
    pub causes: Vec<CauseVerdict>,
    /// Candidates with probabilities that add up to 1, best first; `id: None` is "none of them".
    pub deploys: Vec<SuspectDeploy>,
    /// At most 10, by share of the positive part of the extra load.
    pub queries: Vec<SuspectQuery>,
}

/// What a cause's evidence says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// The evidence is there.
    Supported,
    /// The evidence speaks against it.
    RuledOut,
    /// Cannot be told from what is observed; the sentence says what is missing.
    Inconclusive,
}

/// One hypothesis and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CauseVerdict {
    /// The hypothesis.
    pub cause: Cause,
    /// What the evidence says.
    pub verdict: Finding,
    /// How likely the cause is at work, 0–1, by itself: two can be at work at once.
    pub score: f64,
    /// One sentence with the numbers in it.
    pub why: String,
}

/// A deploy as a suspect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SuspectDeploy {
    /// The deploy; `None` is "none of them".
    pub id: Option<DeployId>,
    /// 0–1.
    pub probability: f64,
}

/// A query as a suspect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SuspectQuery {
    /// Its fingerprint.
    pub fp: Fingerprint,
    /// Its normalised text, at most 1,000 characters, whenever known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Its share of the positive part of the extra load, 0–1.
    pub share: f64,
}

/// Longest query text in a verdict, characters.
pub const MAX_VERDICT_TEXT_CHARS: usize = 1_000;

/// Most queries in a verdict.
pub const MAX_VERDICT_QUERIES: usize = 10;

macro_rules! causes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)*) => {
        /// A hypothesis: why the database is in trouble (`recording.md`, "Causes").
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Cause {
            $($(#[$doc])* $variant,)*
        }

        impl Cause {
            /// Every cause, in the order of the vocabulary.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name in recordings.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

causes! {
    /// New or changed queries cost more: a new query, more calls a request, a worse plan, a missing index.
    QueryRegression = "query_regression";
    /// The schema makes writes or reads dearer for everyone.
    SchemaDesign = "schema_design";
    /// More of the same work from many clients.
    TrafficSurge = "traffic_surge";
    /// More work from few clients or on few routes.
    Abuse = "abuse";
    /// Sessions wait on each other.
    LockContention = "lock_contention";
    /// The disk is the bottleneck, for a reason outside the queries.
    IoSaturation = "io_saturation";
    /// The CPU is taken by something outside the queries.
    CpuSaturation = "cpu_saturation";
    /// The network between clients and database is slow or lossy.
    Network = "network";
    /// A backup or dump.
    MaintenanceBackup = "maintenance_backup";
    /// A bulk load or restore.
    MaintenanceRestore = "maintenance_restore";
    /// A flush or checkpoint.
    MaintenanceFlush = "maintenance_flush";
    /// Vacuum or analyze.
    MaintenanceVacuum = "maintenance_vacuum";
    /// A setting or resource limit changed.
    Configuration = "configuration";
    /// Connections pile up while the work does not.
    ConnectionStorm = "connection_storm";
    /// Restart or failover with a cold cache, or a cache in front of the database is gone.
    CacheLoss = "cache_loss";
    /// A slow trend, no step.
    DataGrowth = "data_growth";
    /// A scheduled job, seen at this time before.
    BatchJob = "batch_job";
    /// Recovery conflicts, lag or load on one replica alone.
    ReplicaOnly = "replica_only";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_written_by_its_name() {
        for cause in Cause::ALL {
            assert_eq!(serde_json::to_value(cause).unwrap(), cause.name());
        }
    }

    #[test]
    fn events_have_the_documented_shape() {
        let event = IncidentEvent {
            t: Timestamp::from_secs(94.0),
            kind: EventKind::Opened(Opened {
                incident: "1".into(),
                cluster: "shop".into(),
                onset: Timestamp::from_secs(90.0),
                severity: Severity::Critical,
                load_ratio: Some(6.2),
                nodes: vec![],
            }),
        };
        assert_eq!(
            serde_json::to_string(&event).unwrap(),
            r#"{"t":94.0,"event":"opened","incident":"1","cluster":"shop","onset":90.0,"severity":"critical","load_ratio":6.2}"#
        );
    }
}
