//! What the store answers with, where the model has no word for it yet.

use faultline_model::{
    ClusterName, Fingerprint, IncidentEvent, IncidentId, NodeName, QueryDeltas, RollbackOutcome,
    RollbackTarget, Severity, Signals, Timestamp, Verdict,
};

/// All that was seen of one node over one step of a chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Bucket {
    /// End of the step, a multiple of it; the bucket covers what lies after the previous multiple up to and with this one.
    pub at: Timestamp,
    /// The node.
    pub node: NodeName,
    /// Means, weighted by the spans they were observed over; `span_s` is the longest time that one of them was
    /// observed. `None`: no signal was observed.
    pub signals: Option<Signals>,
    /// Sums; `span_s` is the time that was observed, so that a sum by it is a rate even in a bucket with a gap. A span
    /// that reaches over several buckets counts in each by the share that lies in it. `None`: nobody looked.
    pub queries: Option<QueryDeltas>,
    /// Mean sessions by what they were at; empty: nobody was at work; `None`: nobody looked.
    pub sessions: Option<Vec<SessionLoad>>,
    /// How many samples of the sessions the means are over.
    pub samples: u32,
}

/// How many sessions alike there were on average over a bucket.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionLoad {
    /// Fingerprint of the running statement; `None` where the server does not tell.
    pub fp: Option<Fingerprint>,
    /// `Type:event` waited for; `None` is on the CPU.
    pub wait: Option<String>,
    /// Role or account.
    pub user: Option<String>,
    /// Application name.
    pub app: Option<String>,
    /// Whether they execute a statement; `false` is idle in a transaction and the like, which is no load.
    pub active: bool,
    /// Mean number of sessions over all samples of the bucket.
    pub mean_sessions: f64,
}

/// The fingerprint under which a bucket adds up what is beyond [`crate::MAX_BUCKET_QUERIES`] or
/// [`crate::MAX_BUCKET_SESSION_GROUPS`].
pub const OTHER_FINGERPRINT: &str = "other";

/// The text behind a fingerprint and when it was at work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredText {
    /// Normalised text, cut to [`crate::MAX_TEXT_BYTES`].
    pub text: String,
    /// Database that it ran in, where known.
    pub database: Option<String>,
    /// Role or account that ran it, where known.
    pub user: Option<String>,
    /// When its text or a call of it was first seen, to a minute.
    pub first_seen: Timestamp,
    /// When its text or a call of it was last seen, to a minute, at most two minutes behind.
    pub last_seen: Timestamp,
}

/// An incident as it stands, with all that was said of it.
#[derive(Clone, Debug, PartialEq)]
pub struct IncidentRecord {
    /// Its id.
    pub id: IncidentId,
    /// Where.
    pub cluster: ClusterName,
    /// When the trouble began.
    pub onset: Timestamp,
    /// When it was said.
    pub opened: Timestamp,
    /// When it was over; `None` while it is not.
    pub resolved: Option<Timestamp>,
    /// How much it matters.
    pub severity: Severity,
    /// Load by its baseline median when it opened, where load is observed.
    pub load_ratio: Option<f64>,
    /// Nodes where it shows.
    pub nodes: Vec<NodeName>,
    /// The last verdict.
    pub verdict: Option<Verdict>,
    /// Everything that was said, in order; the last [`crate::MAX_INCIDENT_EVENTS`].
    pub events: Vec<IncidentEvent>,
    /// What was undone for it, in order.
    pub rollbacks: Vec<RollbackRecord>,
}

/// A rollback: begun once, and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct RollbackRecord {
    /// What was to be undone.
    pub target: RollbackTarget,
    /// When it was begun.
    pub started: Timestamp,
    /// When it ended; `None` while it runs, or when the program ended before it did.
    pub finished: Option<Timestamp>,
    /// How it ended.
    pub outcome: Option<RollbackOutcome>,
    /// Whether the database recovered; `None` while that is not known.
    pub verified: Option<bool>,
    /// What the verification found, one sentence.
    pub verification: Option<String>,
}

/// A line of the audit log.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who: a user or a part of the program.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// The particulars.
    pub detail: serde_json::Value,
}

/// What retention took away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Observations.
    pub observations: u64,
    /// Rolled-up buckets.
    pub buckets: u64,
}
