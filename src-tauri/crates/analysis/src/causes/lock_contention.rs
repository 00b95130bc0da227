//! Sessions wait on each other.

use faultline_model::{Cause, CauseVerdict, signal};

use super::clues::{self, Way};
use super::scored;
use super::words::{fixed, share};
use crate::evidence::Evidence;
use crate::stats::rise;
use crate::wait::Wait;

/// Judges it: by what sessions wait for where they are sampled, else by signals.
pub(crate) fn judge(evidence: &Evidence<'_>) -> CauseVerdict {
    if !evidence.has_sessions() {
        return clues::judge(
            evidence,
            Cause::LockContention,
            &[
                (signal::LOCK_WAITING, Way::Up, 2.0),
                (signal::LOCK_WAIT_MS_PER_S, Way::Up, 2.0),
                (signal::LOCK_WAITS_PER_S, Way::Up, 1.0),
                (signal::THROUGHPUT, Way::NotUp, 0.5),
                (signal::CPU_USER, Way::NotUp, 0.5),
            ],
            1.0,
        );
    }
    let (before, after) = evidence.waiting(Wait::Lock);
    let (all_before, all_after) = evidence.at_work();
    let extra = (all_after - all_before).max(0.0);
    let of_extra = if extra > 0.0 { ((after - before) / extra).clamp(0.0, 1.0) } else { 0.0 };
    let score = rise(of_extra, 0.35, 0.35) * rise(after - before, 1.0, 1.5);
    let why = format!(
        "{} → {} sessions wait for locks, {} of the {} more at work",
        fixed(before, 1),
        fixed(after, 1),
        share(of_extra),
        fixed(extra, 1)
    );
    scored(Cause::LockContention, score, why)
}
