//! Recovery conflicts, lag or load on one replica alone.

use faultline_model::{Cause, CauseVerdict, Role, signal};

use super::words::signed;
use super::{missing, scored};
use crate::evidence::Evidence;
use crate::stats::rise;

/// Judges it: only replicas are hurt while the primary is watched and well.
pub(crate) fn judge(evidence: &Evidence<'_>) -> CauseVerdict {
    let nodes = &evidence.world.nodes;
    let of_role = |role| nodes.keys().filter(move |node| evidence.role(node) == Some(role));
    if of_role(Role::Primary).next().is_none() || of_role(Role::Replica).next().is_none() {
        return missing(Cause::ReplicaOnly, "not observed: a primary and a replica side by side");
    }
    let hurt = |role| evidence.hurt.iter().filter(|node| evidence.role(node) == Some(role)).count();
    let (primaries, replicas) = (hurt(Role::Primary), hurt(Role::Replica));
    let lag = evidence.shift(signal::REPLAY_LAG_S).map_or(0.0, |shift| shift.after - shift.before);
    let all = of_role(Role::Replica).count();
    let score = if replicas == 0 || primaries > 0 {
        0.02
    } else {
        // A query that was not there before explains itself, wherever it runs.
        0.75 * super::clues::outside_queries(evidence).max(rise(lag, 10.0, 10.0))
    };
    scored(
        Cause::ReplicaOnly,
        score,
        format!(
            "{replicas} of {all} replicas and {primaries} primaries are hurt, replay lag {} s",
            signed(lag, 1)
        ),
    )
}
