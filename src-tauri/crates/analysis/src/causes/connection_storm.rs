//! Connections pile up while the work does not.

use faultline_model::{Cause, CauseVerdict, signal};

use super::words::{fixed, percent};
use super::{missing, scored};
use crate::evidence::Evidence;
use crate::stats::rise;

/// Judges it: connections against traffic.
pub(crate) fn judge(evidence: &Evidence<'_>) -> CauseVerdict {
    let Some(connections) = evidence.shift(signal::CONNECTIONS) else {
        return missing(Cause::ConnectionStorm, "not observed: connections");
    };
    let work = evidence.traffic.map_or(1.0, |traffic| traffic.ratio.value);
    let beyond = connections.ratio() / work.max(0.2);
    let more = connections.after - connections.before;
    // Sessions at work are connections too: only the idle ones are a storm.
    let (at_work_before, at_work) = evidence.at_work();
    let idle = more - (at_work - at_work_before).max(0.0);
    let score = 0.9 * rise(beyond, 1.6, 0.6) * rise(idle, 15.0, 15.0) * rise(connections.sigmas, 4.0, 4.0);
    let (before, after) = (fixed(connections.before, 0), fixed(connections.after, 0));
    let grown = match more {
        more if more >= 1.0 => {
            format!(", {} of the {} more are idle", fixed(idle.max(0.0), 0), fixed(more, 0))
        }
        _ => String::new(),
    };
    let (ratio, work) = (percent(connections.ratio()), percent(work));
    let why = format!("connections {before} → {after} ({ratio}){grown}, work {work}");
    scored(Cause::ConnectionStorm, score, why)
}
