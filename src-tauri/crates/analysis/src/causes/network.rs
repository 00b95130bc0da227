//! The network between clients and database is slow or lossy.

use faultline_model::{Cause, CauseVerdict, signal};

use super::clues::{Way, judge as by_clues, outside_queries};
use crate::evidence::Evidence;

/// Judges it: users wait longer, less goes over the wire, and the database has less to do.
pub(crate) fn judge(evidence: &Evidence<'_>) -> CauseVerdict {
    let clues = [
        (signal::NET_IN_BYTES_PER_S, Way::Down, 2.0),
        (signal::NET_OUT_BYTES_PER_S, Way::Down, 2.0),
        (signal::THROUGHPUT, Way::Down, 1.5),
        (signal::CPU_USER, Way::Down, 1.0),
        (signal::LOCK_WAITING, Way::NotUp, 0.5),
        (signal::DISK_UTIL, Way::NotUp, 0.5),
    ];
    by_clues(evidence, Cause::Network, &clues, outside_queries(evidence))
}
