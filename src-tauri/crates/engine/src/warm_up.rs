//! A restart is never blind: what the store holds of the last hours is fed to analysis before anything new, and an
//! incident that was open then goes on under its id.

use faultline_analysis::Analysis;
use faultline_history::{History, IncidentRecord};
use faultline_model::{
    ClusterName, Deploy, EventKind, IncidentEvent, IncidentId, Observation, Opened, TimeRange, Timestamp,
    Verdict,
};

use crate::cluster::IncidentIds;
use crate::error::EngineError;

/// Seconds of history that make a baseline.
const BASELINE_S: f64 = 1_800.0;

/// Most seconds of history that are fed, however long an incident has been open.
const MAX_RANGE_S: f64 = 6.0 * 3_600.0;

/// What the warm-up leaves behind.
pub(crate) struct WarmedUp {
    pub(crate) ids: IncidentIds,
    /// The incident that is still open.
    pub(crate) open: Option<(Opened, Option<Verdict>)>,
    /// An incident that the store has as open and that is over.
    pub(crate) ended: Option<IncidentId>,
    /// Keys of rollbacks that were under way for it when the program ended.
    pub(crate) cut_off: Vec<String>,
    /// Said of an incident that began while nobody watched, and not yet told.
    pub(crate) untold: Vec<IncidentEvent>,
    /// Deploys that analysis has seen on the way.
    pub(crate) deploys: Vec<Deploy>,
}

/// Feeds the stored observations of `cluster` to `analysis`.
pub(crate) async fn warm_up(
    analysis: &mut Analysis,
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
        if let Observation::Deploy { deploy, .. } = observation {
            deploys.push(deploy);
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
