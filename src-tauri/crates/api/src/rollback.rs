//! `rollback|preview` and `rollback|run`.

use faultline_engine::{RollbackProgress, RollbackRecord, RollbackState as Progress};
use faultline_model::{DeployId, IncidentId, RollbackOutcome};

use crate::Api;
use crate::error::ApiError;
use crate::types::{PreviewView, RollbackPreviewRequest, RollbackRunRequest, RollbackState, RollbackView};

pub(crate) async fn preview(api: &Api, args: RollbackPreviewRequest) -> Result<PreviewView, ApiError> {
    let incident = args.incident_id.map(IncidentId::from);
    let prepared = api.engine.prepare_rollback(&DeployId::from(args.deploy_id), incident.as_ref()).await?;
    Ok(PreviewView::new(prepared.preview, prepared.confirm_token))
}

pub(crate) async fn run(api: &Api, args: RollbackRunRequest) -> Result<RollbackView, ApiError> {
    let (deploy, incident) = (DeployId::from(args.deploy_id), args.incident_id.map(IncidentId::from));
    let run = api.engine.run_rollback(&deploy, incident.as_ref(), &args.confirm_token, "the window").await?;
    Ok(requested(run))
}

fn requested(run: RollbackProgress) -> RollbackView {
    RollbackView {
        key: run.key,
        deploy_id: run.deploy.into(),
        state: state(run.state),
        message: run.message,
        started: run.t.as_secs(),
        finished: None,
    }
}

fn state(progress: Progress) -> RollbackState {
    match progress {
        Progress::Requested => RollbackState::Requested,
        Progress::Running => RollbackState::Running,
        Progress::Succeeded => RollbackState::Succeeded,
        Progress::Failed => RollbackState::Failed,
        Progress::Unknown => RollbackState::Unknown,
        Progress::Verified => RollbackState::Verified,
        Progress::NotVerified => RollbackState::NotVerified,
    }
}

/// A rollback as it was written down.
pub(crate) fn view(record: &RollbackRecord) -> RollbackView {
    let (state, message) = match (&record.verified, &record.outcome) {
        (Some(true), _) => (RollbackState::Verified, record.verification.clone()),
        (Some(false), _) => (RollbackState::NotVerified, record.verification.clone()),
        (None, Some(RollbackOutcome::Succeeded { message })) => {
            (RollbackState::Succeeded, Some(message.clone()))
        }
        (None, Some(RollbackOutcome::Failed { message })) => (RollbackState::Failed, Some(message.clone())),
        (None, Some(RollbackOutcome::Unknown { message })) => (RollbackState::Unknown, Some(message.clone())),
        (None, None) => (RollbackState::Running, None),
    };
    RollbackView {
        key: record.target.idempotency_key.clone(),
        deploy_id: record.target.deploy.id.to_string(),
        state,
        message: message.unwrap_or_else(|| "Sent to the deploy system.".to_owned()),
        started: record.started.as_secs(),
        finished: record.finished.map(faultline_model::Timestamp::as_secs),
    }
}
