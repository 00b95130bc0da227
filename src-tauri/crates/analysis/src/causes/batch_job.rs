//! A scheduled job, seen at this time before.

use faultline_model::{Cause, CauseVerdict};

use super::words::share;
use super::{missing, scored};
use crate::evidence::Evidence;
use crate::stats::rise;

/// Shortest history in which a job can have run before, seconds: an hour, for hourly jobs.
const HISTORY_S: f64 = 3_600.0;

/// Judges it: the extra load comes from queries that ran before, pausing for long in between.
pub(crate) fn judge(evidence: &Evidence<'_>) -> CauseVerdict {
    let seen_s = evidence.world.began.map_or(0.0, |began| evidence.onset.secs_since(began));
    if seen_s < HISTORY_S {
        return missing(
            Cause::BatchJob,
            format!("{:.0} min of history, but 60 are needed to know what runs now and then", seen_s / 60.0),
        );
    }
    let attribution = &evidence.attribution;
    if attribution.positive <= 0.0 {
        return missing(Cause::BatchJob, "not observed: which queries make the extra load");
    }
    // Known from before, but absent from the stretch just before the onset.
    let returned: f64 = attribution
        .queries
        .values()
        .filter(|split| !split.is_new && split.before.calls_per_s <= 0.0 && split.before.sampled <= 0.0)
        .map(|split| split.parts.total().max(0.0))
        .sum();
    let of_extra = returned / attribution.positive;
    let why = format!("queries that ran before and then paused make {} of the extra load", share(of_extra));
    scored(Cause::BatchJob, 0.85 * rise(of_extra, 0.4, 0.4), why)
}
