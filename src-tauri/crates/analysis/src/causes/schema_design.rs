//! The schema makes writes or reads dearer for everyone: too many indexes, a dropped index, a lock-taking change.

use faultline_model::{Cause, CauseVerdict, DeployKind, signal};

use super::clues::{Way, agreement, outside_queries};
use super::words::fixed;
use super::{missing, scored};
use crate::evidence::Evidence;
use crate::stats::rise;

/// Judges it: a change of the schema just before, or dearer writes for the same rows.
pub(crate) fn judge(evidence: &Evidence<'_>) -> CauseVerdict {
    if let Some((what, ago_s)) = schema_change(evidence) {
        let dearer = evidence.attribution.parts.cost + evidence.attribution.parts.unfinished;
        let of_extra =
            if evidence.attribution.positive > 0.0 { dearer / evidence.attribution.positive } else { 0.5 };
        let score = 0.9 * rise(of_extra, 0.4, 0.5) * rise(60.0 - ago_s, 0.0, 120.0);
        return scored(
            Cause::SchemaDesign,
            score,
            format!("{what}, {} s before the onset", fixed(ago_s.max(0.0), 0)),
        );
    }
    if evidence.attribution.positive > 0.0 {
        return scored(Cause::SchemaDesign, 0.1, "no change of the schema was seen before the onset");
    }
    let clues = [
        (signal::LOG_BYTES_PER_S, Way::Up, 1.5),
        (signal::PAGES_FLUSHED_PER_S, Way::Up, 1.5),
        (signal::DISK_WRITES_PER_S, Way::Up, 1.0),
        (signal::INDEX_READS_PER_S, Way::Up, 1.0),
        (signal::THROUGHPUT, Way::NotUp, 1.0),
        (signal::ROWS_CHANGED_PER_S, Way::NotUp, 1.0),
    ];
    match agreement(evidence, &clues) {
        Some((agreement, sentence)) => scored(
            Cause::SchemaDesign,
            0.8 * rise(agreement, 0.55, 0.5) * outside_queries(evidence),
            format!("more written for the same rows? {sentence}"),
        ),
        None => {
            missing(Cause::SchemaDesign, "not observed: schema changes, log_bytes_per_s, pages_flushed_per_s")
        }
    }
}

/// The latest change of the schema before the onset, and how long before.
fn schema_change(evidence: &Evidence<'_>) -> Option<(String, f64)> {
    let slack_s = evidence.config.clock_slack_s;
    let deploys = evidence.world.deploys.values().filter(|deploy| deploy.kind == DeployKind::Schema);
    let deploys =
        deploys.filter_map(|deploy| Some((format!("schema change {}", deploy.title()), deploy.earliest()?)));
    let facts = evidence.world.fact_changes.iter().filter(|change| {
        change.key.starts_with("table:") && (change.key.contains("index") || change.key.ends_with(":columns"))
            || change.key.starts_with("index:")
            || change.key.starts_with("ddl")
    });
    let facts =
        facts.map(|change| (format!("fact {} {} on {}", change.key, change.change, change.node), change.at));
    deploys
        .chain(facts)
        .map(|(what, at)| (what, evidence.onset.secs_since(at)))
        .filter(|(_, ago_s)| (-slack_s..600.0).contains(ago_s))
        .min_by(|a, b| a.1.total_cmp(&b.1))
}
