//! A verdict: causes, suspects and queries put together, and whether it differs from the last one by enough to say so.

use faultline_model::{CauseVerdict, IncidentId, Verdict};

use crate::causes;
use crate::evidence::Evidence;
use crate::queries;
use crate::suspects;

/// Causes and queries beyond these are not compared.
const COMPARED: usize = 3;

/// Judges the incident from what was seen.
pub(crate) fn judge(incident: &IncidentId, evidence: &Evidence<'_>) -> Verdict {
    let causes = causes::judge_all(evidence);
    let deploys = suspects::rank(evidence, &causes);
    let queries = queries::rank(&evidence.attribution, &evidence.world.texts);
    Verdict { incident: incident.clone(), causes, deploys, queries }
}

/// Whether `new` says something else than `old`: another first, another finding, or a number that moved by `step`.
pub(crate) fn differs(old: &Verdict, new: &Verdict, step: f64) -> bool {
    let finding = |verdict: &CauseVerdict| (verdict.cause, verdict.verdict);
    let causes = old.causes.first().map(finding) != new.causes.first().map(finding)
        || new.causes.iter().take(COMPARED).any(|is| {
            old.causes
                .iter()
                .find(|was| was.cause == is.cause)
                .is_none_or(|was| (was.score - is.score).abs() >= step)
        });
    let deploys = old.deploys.first().map(|suspect| &suspect.id)
        != new.deploys.first().map(|suspect| &suspect.id)
        || new.deploys.iter().any(|is| {
            let was = old.deploys.iter().find(|was| was.id == is.id).map_or(0.0, |was| was.probability);
            (was - is.probability).abs() >= step
        });
    let queries = old.queries.first().map(|query| &query.fp) != new.queries.first().map(|query| &query.fp)
        || new.queries.iter().take(COMPARED).any(|is| {
            let was = old.queries.iter().find(|was| was.fp == is.fp).map_or(0.0, |was| was.share);
            (was - is.share).abs() >= step
        });
    causes || deploys || queries
}
