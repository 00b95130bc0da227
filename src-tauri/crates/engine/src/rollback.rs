//! The way back: preview → confirm → run → verify → record. A rollback is sent at most once; what is known of it is
//! written down before it is sent.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use faultline_history::{History, RollbackRecord};
use faultline_model::{
    Clock, Deploy, DeployId, DeployKind, DeployStatus, Fingerprint, IncidentId, Rollback, RollbackOutcome,
    RollbackPreview, RollbackTarget, TimeRange, Timestamp,
};
use serde_json::json;

use crate::error::EngineError;
use crate::hub::{EngineEvent, Hub, RollbackProgress, RollbackState};
use crate::incidents::Incidents;
use crate::notice;
use crate::verification::{Look, Verification, VerificationLimits, Verifier};

/// Most runs of the same rollback, the failed ones included.
const MAX_ATTEMPTS: u32 = 20;

/// Time between two looks at the database while a rollback is verified.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// After so many looks in a row that saw nothing the databases count as no longer watched.
const MAX_BLIND_LOOKS: u32 = 30;

/// How far back a schema change or a newer deploy is worth a warning, seconds.
const WARN_RANGE_S: f64 = 7.0 * 86_400.0;

/// Looks at the databases that the rollback is for: how far they have recovered from the given queries. `None` while
/// they are not watched.
#[async_trait::async_trait]
pub(crate) trait Recoveries: Send + Sync {
    async fn look(&self, target: &RollbackTarget, queries: &[Fingerprint]) -> Option<Look>;
}

/// A preview, and the token that confirms exactly it.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    /// What would run.
    pub preview: RollbackPreview,
    /// Hand it back to run this and nothing else.
    pub confirm_token: String,
}

/// Runs rollbacks.
pub(crate) struct Rollbacks {
    pub(crate) history: History,
    pub(crate) hub: Hub,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) incidents: Arc<Incidents>,
    pub(crate) recoveries: Arc<dyn Recoveries>,
    pub(crate) limits: VerificationLimits,
}

impl Rollbacks {
    /// What rolling `deploy` back would do.
    pub(crate) async fn prepare(
        &self,
        provider: &dyn Rollback,
        deploy: &Deploy,
        incident: Option<&IncidentId>,
    ) -> Result<Prepared, EngineError> {
        let target = self.next_target(deploy, incident).await?;
        let mut preview =
            provider.preview(&target).await.map_err(|message| EngineError::Rollback { message })?;
        preview.warnings.extend(self.warnings(deploy).await?);
        let confirm_token = token(&target, &preview);
        Ok(Prepared { preview, confirm_token })
    }

    /// Sends it, if it is what was confirmed and was not sent before; follows it and verifies the recovery on its own
    /// task. Returns the run as it was written down.
    pub(crate) async fn run(
        self: &Arc<Self>,
        provider: Arc<dyn Rollback>,
        deploy: &Deploy,
        incident: Option<&IncidentId>,
        confirm_token: &str,
        actor: &str,
    ) -> Result<RollbackProgress, EngineError> {
        let target = self.next_target(deploy, incident).await?;
        let prepared = self.prepare(provider.as_ref(), deploy, incident).await?;
        if prepared.confirm_token != confirm_token {
            return Err(EngineError::PreviewChanged);
        }
        let now = self.clock.now();
        let detail = json!({ "target": target, "preview": prepared.preview });
        self.history.audit(now, actor, "rollback", &detail).await?;
        if !self.history.begin_rollback(&target, now).await? {
            return Err(already_sent(deploy));
        }
        let requested = self.tell(&target, RollbackState::Requested, &format!("{actor} asked for it."));
        let this = Arc::clone(self);
        tokio::spawn(async move { this.follow(provider, target).await });
        Ok(requested)
    }

    async fn follow(&self, provider: Arc<dyn Rollback>, target: RollbackTarget) {
        let guilty = self.guilty(&target).await;
        let before = self.recoveries.look(&target, &guilty).await;
        self.tell(&target, RollbackState::Running, &format!("Sent by {}.", provider.provider()));
        let started = self.clock.now();
        let outcome = provider.run(&target).await;
        let finished = self.clock.now();
        if let Err(error) = self.history.finish_rollback(&target.idempotency_key, &outcome, finished).await {
            tracing::error!(%error, "Could not write the end of a rollback down.");
        }
        self.audit(finished, "rollback ended", json!({ "key": target.idempotency_key, "outcome": outcome }))
            .await;
        match outcome {
            RollbackOutcome::Succeeded { message } => {
                self.mark(&target, started, finished).await;
                self.tell(&target, RollbackState::Succeeded, &message);
                self.verify(&target, &guilty, before).await;
            }
            RollbackOutcome::Failed { message } => {
                self.tell(&target, RollbackState::Failed, &message);
            }
            RollbackOutcome::Unknown { message } => {
                self.tell(&target, RollbackState::Unknown, &message);
                self.verify(&target, &guilty, before).await;
            }
        }
    }

    async fn guilty(&self, target: &RollbackTarget) -> Vec<Fingerprint> {
        let Some(incident) = &target.incident else { return Vec::new() };
        match self.history.incident(incident).await {
            Ok(record) => record
                .and_then(|record| record.verdict)
                .map(|verdict| verdict.queries.iter().take(3).map(|query| query.fp.clone()).collect())
                .unwrap_or_default(),
            Err(error) => {
                tracing::error!(%error, "Could not look the incident up.");
                Vec::new()
            }
        }
    }

    /// Watches the database until it has recovered or the time is up.
    async fn verify(&self, target: &RollbackTarget, guilty: &[Fingerprint], before: Option<Look>) {
        let before = before.map(|look| look.guilty).unwrap_or_default();
        let mut verifier = Verifier::new(self.limits, self.clock.now(), before);
        let mut blind_looks = 0;
        let verdict = loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let Some(look) = self.recoveries.look(target, guilty).await else {
                // A changed configuration starts the watch over a cluster anew.
                blind_looks += 1;
                if blind_looks < MAX_BLIND_LOOKS {
                    continue;
                }
                return;
            };
            blind_looks = 0;
            match verifier.look(look) {
                Verification::Waiting => {}
                ended => break ended,
            }
        };
        let verified = verdict == Verification::Verified;
        let sentence = if verified {
            "The guilty queries are gone and the load is back."
        } else {
            "The rollback did not help: the database has not recovered."
        };
        let at = self.clock.now();
        let key = &target.idempotency_key;
        if let Err(error) = self.history.set_rollback_verification(key, verified, sentence, at).await {
            tracing::error!(%error, "Could not write a verification down.");
        }
        self.audit(at, "rollback verified", json!({ "key": key, "verified": verified })).await;
        let state = if verified { RollbackState::Verified } else { RollbackState::NotVerified };
        self.tell(target, state, sentence);
        if let (false, Some(incident)) = (verified, &target.incident) {
            self.incidents.show(notice::did_not_help(incident.clone(), &target.deploy)).await;
        }
    }

    /// Puts the rollback on the charts, and the deploy that it undid into its new state.
    async fn mark(&self, target: &RollbackTarget, started: Timestamp, finished: Timestamp) {
        let undone = Deploy { status: DeployStatus::RolledBack, ..target.deploy.clone() };
        let marker = Deploy {
            id: DeployId::from(format!("rollback-{}", target.idempotency_key)),
            version: target.deploy.previous.clone(),
            previous: target.deploy.version.clone(),
            started: Some(started),
            finished: Some(finished),
            status: DeployStatus::Succeeded,
            kind: DeployKind::Rollback,
            actor: Some("faultline".to_owned()),
            url: None,
            ..target.deploy.clone()
        };
        for deploy in [undone, marker] {
            if let Err(error) = self.history.put_deploy(&deploy, finished).await {
                tracing::error!(%error, "Could not put a rollback on the charts.");
            }
        }
        self.hub.tell(EngineEvent::Deploys);
    }

    async fn audit(&self, at: Timestamp, action: &str, detail: serde_json::Value) {
        if let Err(error) = self.history.audit(at, "faultline", action, &detail).await {
            tracing::error!(%error, action, "Could not write an audit line.");
        }
    }

    fn tell(&self, target: &RollbackTarget, state: RollbackState, message: &str) -> RollbackProgress {
        let progress = RollbackProgress {
            t: self.clock.now(),
            event: "rollback",
            incident: target.incident.clone(),
            deploy: target.deploy.id.clone(),
            key: target.idempotency_key.clone(),
            state,
            message: message.to_owned(),
        };
        tracing::info!(deploy = %progress.deploy, ?state, message, "Rollback.");
        self.hub.tell(EngineEvent::Rollback(progress.clone()));
        progress
    }

    /// The target under the first key that was not used, when all before it failed. A run that goes on, or whose end is
    /// unknown, is not followed by another.
    async fn next_target(
        &self,
        deploy: &Deploy,
        incident: Option<&IncidentId>,
    ) -> Result<RollbackTarget, EngineError> {
        for attempt in 1..=MAX_ATTEMPTS {
            let key = format!("{}-{}-{attempt}", deploy.id, incident.map_or("by-hand", IncidentId::as_str));
            let record = self.history.rollback(&key).await?;
            match record {
                None => {
                    let (deploy, incident) = (deploy.clone(), incident.cloned());
                    return Ok(RollbackTarget { deploy, incident, idempotency_key: key });
                }
                Some(RollbackRecord { outcome: Some(RollbackOutcome::Failed { .. }), .. }) => {}
                Some(_) => return Err(already_sent(deploy)),
            }
        }
        Err(EngineError::Rollback {
            message: format!(
                "rolling {} back failed {MAX_ATTEMPTS} times; use the deploy system itself",
                deploy.title()
            ),
        })
    }

    /// Newer deploys of the service and schema changes since, which a rollback does not take back.
    async fn warnings(&self, deploy: &Deploy) -> Result<Vec<String>, EngineError> {
        let Some(at) = deploy.earliest() else { return Ok(Vec::new()) };
        let since = TimeRange::new(at, (at + WARN_RANGE_S).max(self.clock.now()));
        let later = self.history.deploys(since, Some(&deploy.environment)).await?;
        Ok(later
            .iter()
            .filter(|other| other.id != deploy.id && other.earliest() > Some(at))
            .filter_map(|other| match other.kind {
                DeployKind::Schema => Some(format!(
                    "{} changed the schema since; a rollback does not take that back.",
                    other.title()
                )),
                DeployKind::Deploy | DeployKind::Rollback if other.service == deploy.service => {
                    Some(format!("{} went out after {}.", other.title(), deploy.title()))
                }
                _ => None,
            })
            .collect())
    }
}

fn already_sent(deploy: &Deploy) -> EngineError {
    EngineError::Rollback {
        message: format!(
            "rolling {} back was already sent; follow it in the incident's timeline",
            deploy.title()
        ),
    }
}

/// Stands for a target and its preview; changes when either does.
fn token(target: &RollbackTarget, preview: &RollbackPreview) -> String {
    let mut hasher = DefaultHasher::new();
    (&target.idempotency_key, &preview.summary, &preview.requests, &preview.warnings).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests;
