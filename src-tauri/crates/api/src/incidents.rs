//! `incidents|list` and `incidents|get`.

use faultline_engine::{IncidentRecord, named_suspect};
use faultline_model::{
    Cause, Deploy, DeployId, EventKind, Finding, IncidentId, TimeRange, Timestamp, Verdict,
};

use crate::Api;
use crate::error::ApiError;
use crate::rollback;
use crate::types::{
    CauseView, IncidentQueryView, IncidentRequest, IncidentState, IncidentSummary, IncidentView,
    IncidentsRequest, SuspectView, TimelineEntry,
};

/// Incidents are kept for years; this is all of them, seconds.
const ALL_TIME_S: f64 = 20.0 * 366.0 * 86_400.0;

/// Most incidents in one answer.
const MAX_LISTED: usize = 500;

/// Deploys this long before the onset are part of the timeline, seconds.
const TIMELINE_BEFORE_S: f64 = 900.0;

pub(crate) async fn list(api: &Api, args: IncidentsRequest) -> Result<Vec<IncidentSummary>, ApiError> {
    let range = TimeRange::last(ALL_TIME_S, api.engine.now() + 1.0);
    let cluster = args.cluster.map(Into::into);
    let records = api.engine.history().incidents(range, cluster.as_ref()).await?;
    let mut summaries = Vec::new();
    for record in records.iter().take(MAX_LISTED.min(args.limit as usize)) {
        let named = named_deploy(api, record.verdict.as_ref()).await?;
        summaries.push(summary(record, named.as_ref()));
    }
    Ok(summaries)
}

pub(crate) async fn get(api: &Api, args: IncidentRequest) -> Result<IncidentView, ApiError> {
    let id = IncidentId::from(args.id);
    let record = api
        .engine
        .history()
        .incident(&id)
        .await?
        .ok_or_else(|| ApiError::NotFound { what: "incident", id: id.to_string() })?;
    let named = named_deploy(api, record.verdict.as_ref()).await?;
    let verdict = record.verdict.as_ref();
    let mut suspects = Vec::new();
    for suspect in verdict.map(|verdict| verdict.deploys.as_slice()).unwrap_or_default() {
        let deploy = match &suspect.id {
            Some(id) => api.engine.history().deploy(id).await?,
            None => None,
        };
        suspects.push(suspect_view(api, suspect.id.as_ref(), suspect.probability, deploy));
    }
    let causes: Vec<CauseView> = verdict
        .map(|verdict| verdict.causes.iter().cloned().map(CauseView::from).collect())
        .unwrap_or_default();
    let traffic = verdict
        .and_then(|verdict| verdict.causes.iter().find(|cause| cause.cause == Cause::TrafficSurge))
        .map(|cause| cause.why.clone());
    let queries =
        verdict.map(|verdict| verdict.queries.iter().cloned().map(IncidentQueryView::from).collect());
    Ok(IncidentView {
        summary: summary(&record, named.as_ref()),
        nodes: record.nodes.iter().map(ToString::to_string).collect(),
        causes,
        deploys: suspects,
        queries: queries.unwrap_or_default(),
        traffic,
        timeline: timeline(api, &record).await?,
        rollback: record.rollbacks.last().map(rollback::view),
    })
}

async fn named_deploy(api: &Api, verdict: Option<&Verdict>) -> Result<Option<Deploy>, ApiError> {
    match verdict.and_then(named_suspect).and_then(|suspect| suspect.id.as_ref()) {
        Some(id) => Ok(api.engine.history().deploy(id).await?),
        None => Ok(None),
    }
}

fn suspect_view(api: &Api, id: Option<&DeployId>, probability: f64, deploy: Option<Deploy>) -> SuspectView {
    let title = match (&deploy, id) {
        (Some(deploy), _) => deploy.title(),
        (None, Some(id)) => id.to_string(),
        (None, None) => "None of them".to_owned(),
    };
    SuspectView {
        deploy_id: id.map(ToString::to_string),
        title,
        probability,
        can_roll_back: deploy.as_ref().is_some_and(|deploy| api.engine.can_roll_back(deploy)),
        service: deploy.as_ref().map(|deploy| deploy.service.to_string()),
        version: deploy.as_ref().and_then(|deploy| deploy.version.clone()),
        previous: deploy.as_ref().and_then(|deploy| deploy.previous.clone()),
        url: deploy.and_then(|deploy| deploy.url),
    }
}

fn summary(record: &IncidentRecord, named: Option<&Deploy>) -> IncidentSummary {
    IncidentSummary {
        id: record.id.to_string(),
        cluster: record.cluster.to_string(),
        onset: record.onset.as_secs(),
        opened: record.opened.as_secs(),
        resolved: record.resolved.map(Timestamp::as_secs),
        severity: record.severity.into(),
        load_ratio: record.load_ratio,
        headline: headline(record, named),
        state: state(record),
    }
}

fn headline(record: &IncidentRecord, named: Option<&Deploy>) -> String {
    if let Some(deploy) = named {
        return deploy.title();
    }
    let first = record.verdict.as_ref().and_then(|verdict| verdict.causes.first());
    match first.filter(|cause| cause.verdict == Finding::Supported) {
        Some(cause) => cause.cause.name().replace('_', " "),
        None => "cause not known".to_owned(),
    }
}

fn state(record: &IncidentRecord) -> IncidentState {
    if record.resolved.is_some() {
        return IncidentState::Resolved;
    }
    match record.events.last().map(|event| &event.kind) {
        Some(EventKind::Recovering { .. }) => IncidentState::Recovering,
        _ => IncidentState::Open,
    }
}

async fn timeline(api: &Api, record: &IncidentRecord) -> Result<Vec<TimelineEntry>, ApiError> {
    let until = record.resolved.unwrap_or_else(|| api.engine.now() + 1.0);
    let range = TimeRange::new(record.onset - TIMELINE_BEFORE_S, until);
    let mut entries = vec![entry(record.onset, "onset", "The trouble began.".to_owned())];
    for deploy in api.engine.history().deploys(range, None).await? {
        let is_elsewhere = deploy.cluster.as_ref().is_some_and(|only| *only != record.cluster);
        if let Some(at) = deploy.earliest().filter(|_| !is_elsewhere) {
            entries.push(entry(at, "deploy", format!("{} went out.", deploy.title())));
        }
    }
    entries.extend(record.events.iter().map(|event| match &event.kind {
        EventKind::Opened(opened) => {
            let load = opened.load_ratio.map_or_else(String::new, |ratio| format!(" Load ×{ratio:.1}."));
            entry(event.t, "opened", format!("Incident opened.{load}"))
        }
        EventKind::Verdict(verdict) => entry(event.t, "verdict", verdict_sentence(verdict)),
        EventKind::Recovering { .. } => entry(event.t, "recovering", "The load is back.".to_owned()),
        EventKind::Resolved { .. } => entry(event.t, "resolved", "Resolved.".to_owned()),
    }));
    for rollback in record.rollbacks.iter().map(rollback::view) {
        let at = Timestamp::from_secs(rollback.finished.unwrap_or(rollback.started));
        entries.push(entry(
            Timestamp::from_secs(rollback.started),
            "rollback",
            "Rollback asked for.".to_owned(),
        ));
        entries.push(entry(at, "rollback", rollback.message));
    }
    entries.sort_by(|a, b| a.t.total_cmp(&b.t));
    Ok(entries)
}

fn verdict_sentence(verdict: &Verdict) -> String {
    match verdict.causes.first() {
        Some(cause) => cause.why.clone(),
        None => "No cause stands out.".to_owned(),
    }
}

fn entry(at: Timestamp, kind: &str, text: String) -> TimelineEntry {
    TimelineEntry { t: at.as_secs(), kind: kind.to_owned(), text }
}
