//! A restart is never blind: what the store holds of the last hours is fed to analysis before anything new, and an
//! incident that was open then goes on under its id.

use faultline_analysis::{Analysis, AnalysisConfig};
use faultline_history::{History, IncidentRecord};
use faultline_model::{
    ClusterName, Deploy, EventKind, Header, IncidentEvent, IncidentId, Observation, Opened, RollbackOutcome,
    TimeRange, Timestamp, Verdict,
};

use crate::changes::Changes;
use crate::cluster::IncidentIds;
use crate::error::EngineError;
use crate::start::Parts;

/// Seconds of history that make a baseline.
const BASELINE_S: f64 = 1_800.0;

/// Most seconds of history that are fed, however long an incident has been open.
const MAX_RANGE_S: f64 = 6.0 * 3_600.0;

/// An analysis that knows what the store holds.
pub(crate) struct Begun {
    pub(crate) analysis: Analysis,
    /// What is known of the nodes' facts.
    pub(crate) changes: Changes,
    pub(crate) ids: IncidentIds,
    /// The incident that is still open.
    pub(crate) open: Option<IncidentId>,
    /// Said of an incident that began while nobody watched, and not yet told.
    pub(crate) untold: Vec<IncidentEvent>,
    /// Deploys that analysis has seen on the way.
    pub(crate) deploys: Vec<Deploy>,
}

/// Begins an analysis at `now` from what the store holds, and brings the open incident in line with it. `header` names the
/// cluster; `facts_s` is the usual time between two looks at the slow facts, seconds.
///
/// # Errors
/// The store cannot be read.
pub(crate) async fn begin(
    parts: &Parts,
    header: &Header,
    environment: &str,
    facts_s: f64,
    now: Timestamp,
) -> Result<Begun, EngineError> {
    let name = &header.cluster;
    let mut analysis = Analysis::new(AnalysisConfig::default(), header);
    let mut changes = Changes::new(name.clone(), environment.to_owned());
    let warmed = warm_up(&mut analysis, &mut changes, &parts.history, name, now).await?;
    changes.begin(facts_s);
    if let Some((opened, verdict)) = &warmed.open {
        parts.incidents.take_up(opened.clone(), verdict.clone()).await;
    }
    for key in &warmed.cut_off {
        parts.history.finish_rollback(key, &cut_off(), now).await?;
    }
    if let Some(incident) = warmed.ended {
        let event = IncidentEvent { t: now, kind: EventKind::Resolved { incident } };
        parts.incidents.on_event(name, event).await;
    }
    let open = warmed.open.map(|(opened, _)| opened.incident);
    Ok(Begun { analysis, changes, ids: warmed.ids, open, untold: warmed.untold, deploys: warmed.deploys })
}

/// How a rollback ended that was under way when the program did.
fn cut_off() -> RollbackOutcome {
    RollbackOutcome::Unknown {
        message:
            "Faultline ended before the answer came. Look at the deploy system before you do anything else."
                .to_owned(),
    }
}

/// What the warm-up leaves behind.
struct WarmedUp {
    ids: IncidentIds,
    /// The incident that is still open.
    open: Option<(Opened, Option<Verdict>)>,
    /// An incident that the store has as open and that is over.
    ended: Option<IncidentId>,
    /// Keys of rollbacks that were under way for it when the program ended.
    cut_off: Vec<String>,
    /// Said of an incident that began while nobody watched, and not yet told.
    untold: Vec<IncidentEvent>,
    /// Deploys that analysis has seen on the way.
    deploys: Vec<Deploy>,
}

/// Feeds the stored observations of `cluster` to `analysis` and `changes`.
async fn warm_up(
    analysis: &mut Analysis,
    changes: &mut Changes,
    history: &History,
    cluster: &ClusterName,
    now: Timestamp,
) -> Result<WarmedUp, EngineError> {
    let stored = history.open_incident(cluster).await?;
    let from = stored.as_ref().map_or(now, |incident| incident.onset).min(now) - BASELINE_S;
    let range = TimeRange::new(from.max(now - MAX_RANGE_S), now);
    let mut deploys = Vec::new();
    let mut said: Vec<IncidentEvent> = Vec::new();
    for observation in history
        .standing(cluster, range.from)
        .await?
        .into_iter()
        .chain(history.observations(cluster, range).await?)
    {
        analysis.observe(&observation);
        said.extend(analysis.settle());
        match observation {
            Observation::Deploy { deploy, .. } => deploys.push(deploy),
            Observation::Frame(frame) => changes.remember(&frame),
        }
    }
    Ok(WarmedUp { deploys, ..still_open(&said, stored) })
}

/// Matches what analysis thinks is open now with what the store has as open.
fn still_open(said: &[IncidentEvent], stored: Option<IncidentRecord>) -> WarmedUp {
    let mut opening = Vec::new();
    for event in said {
        match &event.kind {
            EventKind::Opened(_) => opening = vec![event.clone()],
            EventKind::Verdict(_) => {
                opening.truncate(1);
                opening.push(event.clone());
            }
            EventKind::Recovering { .. } => {}
            EventKind::Resolved { .. } => opening.clear(),
        }
    }
    let mut warmed = WarmedUp {
        ids: IncidentIds::default(),
        open: None,
        ended: None,
        cut_off: vec![],
        untold: vec![],
        deploys: vec![],
    };
    let Some(record) = stored else {
        warmed.untold = opening;
        return warmed;
    };
    let unfinished = record.rollbacks.iter().filter(|rollback| rollback.finished.is_none());
    warmed.cut_off = unfinished.map(|rollback| rollback.target.idempotency_key.clone()).collect();
    let Some(IncidentEvent { kind: EventKind::Opened(opened), .. }) = opening.first() else {
        warmed.ended = Some(record.id);
        return warmed;
    };
    warmed.ids.bind(opened.incident.clone(), record.id.clone());
    warmed.open = Some((Opened { incident: record.id, ..opened.clone() }, record.verdict));
    warmed
}
