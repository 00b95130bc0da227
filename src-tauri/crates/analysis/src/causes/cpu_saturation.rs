//! The CPU is taken by something outside the queries.

use faultline_model::{Cause, CauseVerdict, signal};

use super::clues::{Way, judge as by_clues, outside_queries};
use crate::evidence::Evidence;

/// Judges it: the CPU is busier while the database does no more.
pub(crate) fn judge(evidence: &Evidence<'_>) -> CauseVerdict {
    let clues = [
        (signal::CPU_USER, Way::Up, 1.5),
        (signal::CPU_SYSTEM, Way::Up, 1.0),
        (signal::PROCS_RUNNING, Way::Up, 1.5),
        (signal::THROUGHPUT, Way::NotUp, 1.0),
        (signal::ROWS_READ_PER_S, Way::NotUp, 1.0),
        (signal::SCAN_READS_PER_S, Way::NotUp, 1.0),
        (signal::LOGICAL_READS_PER_S, Way::NotUp, 1.0),
    ];
    by_clues(evidence, Cause::CpuSaturation, &clues, outside_queries(evidence))
}
