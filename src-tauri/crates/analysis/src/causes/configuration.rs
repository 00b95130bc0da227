//! A setting or resource limit changed.

use faultline_model::{Cause, CauseVerdict, DeployKind};

use super::words::fixed;
use super::{missing, scored};
use crate::evidence::Evidence;
use crate::stats::rise;

/// Longest time before the onset at which a changed setting is of interest, seconds.
const WINDOW_S: f64 = 600.0;

/// Judges it: a setting that changed, or a configuration deploy, shortly before the onset.
pub(crate) fn judge(evidence: &Evidence<'_>) -> CauseVerdict {
    let world = evidence.world;
    let settings = world.fact_changes.iter().filter(|change| change.key.starts_with("setting:"));
    let settings =
        settings.map(|change| (format!("{} {}", change.key.replacen(':', " ", 1), change.change), change.at));
    let deploys = world.deploys.values().filter(|deploy| deploy.kind == DeployKind::Config);
    let deploys =
        deploys.filter_map(|deploy| Some((format!("configuration {}", deploy.title()), deploy.earliest()?)));
    // Settings are looked at once a minute, so that a change may be seen after its effect.
    let changed = settings
        .chain(deploys)
        .map(|(what, at)| (what, evidence.onset.secs_since(at)))
        .filter(|(_, ago_s)| (-90.0..WINDOW_S).contains(ago_s))
        .min_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
    match changed {
        Some((what, ago_s)) => {
            let calls = evidence.attribution.parts.calls + evidence.attribution.parts.new_query;
            let by_queries =
                if evidence.attribution.positive > 0.0 { calls / evidence.attribution.positive } else { 0.0 };
            let score = 0.85 * rise(120.0 - ago_s.abs(), 0.0, 240.0) * (1.0 - by_queries.clamp(0.0, 1.0));
            scored(Cause::Configuration, score, when(&what, ago_s))
        }
        None if world.nodes.values().any(|node| !node.counters.is_empty() || !node.samples.is_empty()) => {
            scored(Cause::Configuration, 0.03, "no setting was seen to change within 10 min of the onset")
        }
        None => missing(Cause::Configuration, "not observed: settings"),
    }
}

fn when(what: &str, ago_s: f64) -> String {
    let side = if ago_s < 0.0 { "seen after" } else { "before" };
    format!("{what} changed {} s {side} the onset", fixed(ago_s.abs(), 0))
}
