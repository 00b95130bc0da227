//! Frames in, panels out: the three charts of the window from what history delivers for a range of time.

mod calls;
mod grid;
mod latency;
mod load;
mod timing;

use std::collections::BTreeMap;

use faultline_model::{Fingerprint, NodeName, QueryDelta, SignalName, Timestamp};

pub use calls::calls_per_s;
pub use latency::latency;
pub use load::{OTHER_KEY, UNFINISHED_KEY, load_by_query};

/// What was seen of one node over one span: a frame, or several brought to a coarser resolution.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// End of the span.
    pub at: Timestamp,
    /// Length of the span, seconds; ticks without one (not more than 0) are left out.
    pub span_s: f64,
    /// The node.
    pub node: NodeName,
    /// Means of the signals over the span; a name that is missing was not observed.
    pub signals: BTreeMap<SignalName, f64>,
    /// Counters, summed over the span.
    pub queries: Vec<QueryDelta>,
    /// Whether the counters were looked at; `false` makes an empty list a gap, not a zero.
    pub queries_observed: bool,
    /// Mean number of active sessions over the span by fingerprint, `None` where the server does not tell.
    pub sessions: Vec<(Option<Fingerprint>, f64)>,
    /// Whether the sessions were looked at; `false` makes an empty list a gap, not a zero.
    pub sessions_observed: bool,
}

impl Tick {
    /// A tick in which nothing was seen yet.
    pub fn new(at: Timestamp, span_s: f64, node: NodeName) -> Self {
        Self {
            at,
            span_s,
            node,
            signals: BTreeMap::new(),
            queries: Vec::new(),
            queries_observed: false,
            sessions: Vec::new(),
            sessions_observed: false,
        }
    }
}
