//! Restart or failover with a cold cache, or a cache in front of the database is gone.

use faultline_model::{Cause, CauseVerdict, signal};

use super::words::{percent, signed};
use super::{missing, scored};
use crate::evidence::Evidence;
use crate::stats::rise;

/// Judges it: pages come from the disk that used to be in memory, for the same calls.
pub(crate) fn judge(evidence: &Evidence<'_>) -> CauseVerdict {
    let attribution = &evidence.attribution;
    let known =
        || attribution.queries.values().filter(|split| !split.is_new && split.before.calls_per_s > 0.0);
    let sum = |pick: fn(&crate::attribution::Split) -> f64| known().map(pick).sum::<f64>();
    let calls =
        sum(|split| split.after.calls_per_s) / sum(|split| split.before.calls_per_s).max(f64::MIN_POSITIVE);
    let reads = (sum(|split| split.before.blocks_read_per_s), sum(|split| split.after.blocks_read_per_s));
    let (ratio, more) = if attribution.is_counted && reads.1 > 0.0 {
        (reads.1 / reads.0.max(1.0) / calls.max(0.1), reads.1 - reads.0)
    } else {
        let Some(physical) = evidence.shift(signal::PHYSICAL_READS_PER_S) else {
            return missing(Cause::CacheLoss, "not observed: physical_reads_per_s, blocks read by queries");
        };
        let logical = evidence.shift(signal::LOGICAL_READS_PER_S).map_or(1.0, |shift| shift.ratio());
        (physical.ratio() / logical.max(0.1), physical.after - physical.before)
    };
    let dearer = if attribution.positive > 0.0 {
        (attribution.parts.cost / attribution.positive).clamp(0.0, 1.0)
    } else {
        1.0
    };
    let score = 0.85 * rise(ratio, 3.0, 2.0) * rise(more, 200.0, 300.0) * rise(dearer, 0.4, 0.5);
    scored(
        Cause::CacheLoss,
        score,
        format!("pages read from the disk for the same work {} ({}/s)", percent(ratio), signed(more, 0)),
    )
}
