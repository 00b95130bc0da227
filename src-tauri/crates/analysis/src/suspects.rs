//! The suspect deploys: how well each explains what was seen, against "none of them", as probabilities.

use faultline_model::{
    Cause, CauseVerdict, Deploy, DeployKind, DeployStatus, Fingerprint, SuspectDeploy, Timestamp,
};

use crate::evidence::Evidence;
use crate::services::{carries_version, mentions};

/// Log odds of any recent deploy before it is looked at: most incidents after a deploy come from it.
const PRIOR: f64 = 0.5;

/// How fast the claim of a finished change fades with the logarithm of the delay.
const FADING: f64 = 1.2;

/// Log odds between all and none of the guilty queries belonging to the deploy's service.
const OWNED: f64 = 7.0;

/// Owned share at which ownership says nothing.
const OWNED_NEUTRAL: f64 = 0.5;

/// Least share of the extra load whose owner must be known.
const KNOWN_MIN: f64 = 0.3;

/// Log odds that the guilty sessions carry the deployed version in their application name.
const VERSION: f64 = 1.5;

/// Log odds that the hurt nodes bear the service's name.
const NODES: f64 = 2.5;

/// Log odds that new queries came after the deploy, and against it when they were there before.
const NEW_AFTER: f64 = 1.0;
const NEW_BEFORE: f64 = -4.0;

/// Log odds of a deploy that began after the onset.
const TOO_LATE: f64 = -6.0;

/// Log odds for "none of them" by another cause, and against it by a query that changed.
const OTHER_CAUSE: f64 = 3.5;
const CHANGED_QUERY: f64 = 2.0;

/// Longest time that a deploy without an end counts as still going on, seconds.
const ROLLOUT_S: f64 = 1_800.0;

/// Ranks the deploys and "none of them"; probabilities add up to 1.
pub(crate) fn rank(evidence: &Evidence<'_>, causes: &[CauseVerdict]) -> Vec<SuspectDeploy> {
    let mut odds: Vec<(Option<&Deploy>, f64)> = vec![(None, none(evidence, causes))];
    for deploy in evidence.world.deploys.values() {
        let Some(start) = deploy.earliest() else { continue };
        if evidence.onset.secs_since(start) > evidence.config.suspect_window_s || start > evidence.now {
            continue;
        }
        odds.push((Some(deploy), score(evidence, deploy, start, causes)));
    }
    let highest = odds.iter().map(|(_, odds)| *odds).fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = odds.iter().map(|(_, odds)| (odds - highest).exp()).sum();
    let mut suspects: Vec<SuspectDeploy> = odds
        .into_iter()
        .map(|(deploy, odds)| SuspectDeploy {
            id: deploy.map(|deploy| deploy.id.clone()),
            probability: (odds - highest).exp() / total,
        })
        .collect();
    suspects.sort_by(|a, b| b.probability.total_cmp(&a.probability).then_with(|| a.id.cmp(&b.id)));
    suspects
}

fn score_of(causes: &[CauseVerdict], cause: Cause) -> f64 {
    causes.iter().find(|verdict| verdict.cause == cause).map_or(0.0, |verdict| verdict.score)
}

fn none(evidence: &Evidence<'_>, causes: &[CauseVerdict]) -> f64 {
    let others = [
        Cause::TrafficSurge,
        Cause::Abuse,
        Cause::IoSaturation,
        Cause::CpuSaturation,
        Cause::Network,
        Cause::MaintenanceBackup,
        Cause::MaintenanceRestore,
        Cause::MaintenanceFlush,
        Cause::MaintenanceVacuum,
        Cause::BatchJob,
        Cause::ReplicaOnly,
    ];
    let other = others.iter().map(|cause| score_of(causes, *cause)).fold(0.0, f64::max);
    let queries =
        if evidence.attribution.positive > 0.0 { score_of(causes, Cause::QueryRegression) } else { 0.0 };
    OTHER_CAUSE * other - CHANGED_QUERY * queries
}

fn score(evidence: &Evidence<'_>, deploy: &Deploy, start: Timestamp, causes: &[CauseVerdict]) -> f64 {
    let kind = match deploy.kind {
        DeployKind::Rollback => -1.5,
        DeployKind::Restart => -1.0 + 2.5 * score_of(causes, Cause::CacheLoss),
        DeployKind::Schema => {
            1.5 * score_of(causes, Cause::SchemaDesign).max(score_of(causes, Cause::LockContention))
        }
        DeployKind::Config => score_of(causes, Cause::Configuration),
        DeployKind::Deploy | DeployKind::Flag => 0.0,
    };
    let status = if deploy.status == DeployStatus::Failed { -1.0 } else { 0.0 };
    PRIOR
        + kind
        + status
        + alignment(evidence, deploy, start)
        + ownership(evidence, deploy)
        + nodes(evidence, deploy)
        + novelty(evidence, start)
}

/// How well the onset follows the change. During a rollout, and shortly after, it cannot be better.
fn alignment(evidence: &Evidence<'_>, deploy: &Deploy, start: Timestamp) -> f64 {
    let config = evidence.config;
    let slack_s = config.clock_slack_s.max(evidence.resolution_s());
    if start.secs_since(evidence.onset) > slack_s {
        return TOO_LATE;
    }
    let end = match (deploy.finished, deploy.status) {
        (Some(finished), _) => finished.max(start),
        (None, DeployStatus::Started) if evidence.onset.secs_since(start) < ROLLOUT_S => evidence.onset,
        (None, _) => start,
    };
    let late_s = (evidence.onset.secs_since(end) - slack_s).max(0.0);
    -FADING * (1.0 + late_s / config.suspect_tau_s).ln()
}

/// Whether the queries whose load is unexplained are run by the deploy's service, and by its new version.
fn ownership(evidence: &Evidence<'_>, deploy: &Deploy) -> f64 {
    if deploy.cluster.is_some() {
        // A change of the databases themselves hurts whoever uses them: no service owns it.
        return 0.0;
    }
    let (mut all, mut known, mut owned, mut versioned) = (0.0, 0.0, 0.0, 0.0);
    for &(ref fp, extra) in evidence.unexplained() {
        all += extra;
        if is_route_of(fp, deploy.service.as_str()) {
            known += extra;
            owned += extra;
            continue;
        }
        let people = evidence.people(fp);
        let total: f64 = people.iter().map(|(_, load)| load).sum();
        for (who, load) in people {
            let part = extra * load / total.max(f64::MIN_POSITIVE);
            let Some(is_owner) = evidence.world.services.owns(deploy.service.as_str(), &who) else {
                continue;
            };
            known += part;
            if !is_owner {
                continue;
            }
            owned += part;
            let version = deploy.version.as_deref().unwrap_or_default();
            if who.app.as_deref().is_some_and(|app| carries_version(app, version)) {
                versioned += part;
            }
        }
    }
    if known <= 0.0 || known < KNOWN_MIN * all {
        return 0.0;
    }
    OWNED * (owned / known - OWNED_NEUTRAL) + VERSION * versioned / known
}

/// Whether a fingerprint is a route that names the service (`rpc:frontend>cart`).
fn is_route_of(fp: &Fingerprint, service: &str) -> bool {
    let Some((kind, path)) = fp.as_str().split_once(':') else { return false };
    matches!(kind, "rpc" | "route") && path.split(['>', '/', ' ']).any(|word| word == service)
}

/// Whether the hurt nodes are the service's own, where nodes are named after services.
fn nodes(evidence: &Evidence<'_>, deploy: &Deploy) -> f64 {
    let service = deploy.service.as_str();
    let nobodys = deploy.cluster.is_some() || evidence.hurt.is_empty();
    if nobodys || !evidence.world.nodes.keys().any(|node| mentions(node.as_str(), service)) {
        return 0.0;
    }
    let own = evidence.hurt.iter().filter(|node| mentions(node.as_str(), service)).count();
    NODES * (own as f64 / evidence.hurt.len() as f64 - 0.25)
}

/// Whether the new queries came after the change: a query that ran before it is not of its making.
fn novelty(evidence: &Evidence<'_>, start: Timestamp) -> f64 {
    let positive = evidence.attribution.positive;
    if positive <= 0.0 {
        return 0.0;
    }
    let slack_s = evidence.config.clock_slack_s;
    let mut sum = 0.0;
    for (fp, split) in evidence.attribution.queries.iter().filter(|(_, split)| split.is_new) {
        let part = split.parts.total().max(0.0) / positive;
        let after = evidence.world.known.get(fp).is_none_or(|sighting| sighting.first >= start - slack_s);
        sum += part * if after { NEW_AFTER } else { NEW_BEFORE };
    }
    sum
}
