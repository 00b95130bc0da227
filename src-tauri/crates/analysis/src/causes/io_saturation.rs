//! The disk is the bottleneck, for a reason outside the queries.

use faultline_model::{Cause, CauseVerdict, signal};

use super::clues::{Way, judge as by_clues, outside_queries};
use super::scored;
use super::words::{fixed, share};
use crate::evidence::Evidence;
use crate::stats::rise;
use crate::wait::Wait;

/// Judges it: by what sessions wait for where they are sampled, else by signals.
pub(crate) fn judge(evidence: &Evidence<'_>) -> CauseVerdict {
    let clues = [
        (signal::CPU_IOWAIT, Way::Up, 2.0),
        (signal::DISK_UTIL, Way::Up, 2.0),
        (signal::PROCS_BLOCKED, Way::Up, 1.0),
        (signal::ROWS_READ_PER_S, Way::NotUp, 1.0),
        (signal::ROWS_CHANGED_PER_S, Way::NotUp, 1.0),
        (signal::SCAN_READS_PER_S, Way::NotUp, 1.0),
    ];
    if !evidence.has_sessions() {
        return by_clues(evidence, Cause::IoSaturation, &clues, outside_queries(evidence));
    }
    let (before, after) = evidence.waiting(Wait::Io);
    let (all_before, all_after) = evidence.at_work();
    let extra = (all_after - all_before).max(0.0);
    let of_extra = if extra > 0.0 { ((after - before) / extra).clamp(0.0, 1.0) } else { 0.0 };
    let score = 0.9 * rise(of_extra, 0.5, 0.4) * rise(after - before, 1.0, 1.5) * outside_queries(evidence);
    let why = format!(
        "{} → {} sessions wait for the disk, {} of the extra",
        fixed(before, 1),
        fixed(after, 1),
        share(of_extra)
    );
    scored(Cause::IoSaturation, score, why)
}
