//! A slow trend, no step.

use faultline_model::{Cause, CauseVerdict};

use super::{missing, scored};
use crate::evidence::Evidence;

/// History from which a trend can be told from a step, seconds: a day.
const HISTORY_S: f64 = 86_400.0;

/// Judges it: a step that came within seconds is no growth; a trend needs a day of history.
pub(crate) fn judge(evidence: &Evidence<'_>) -> CauseVerdict {
    if evidence.attribution.positive > 0.0 || !evidence.hurt.is_empty() {
        let why = format!(
            "a step that was significant {:.0} s after it began: not a slow trend",
            evidence.now.secs_since(evidence.onset)
        );
        return scored(Cause::DataGrowth, 0.02, why);
    }
    let seen_s = evidence.world.began.map_or(0.0, |began| evidence.now.secs_since(began));
    missing(
        Cause::DataGrowth,
        format!("{:.1} of the {:.0} h of history that a trend takes", seen_s / 3_600.0, HISTORY_S / 3_600.0),
    )
}
