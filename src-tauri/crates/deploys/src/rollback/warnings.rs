//! Reasons to think twice that are in the deploy itself, the same for every provider.

use faultline_model::{DeployKind, DeployStatus, RollbackTarget};

/// The warnings for a deploy that is to be undone.
pub(crate) fn of(target: &RollbackTarget) -> Vec<String> {
    let deploy = &target.deploy;
    let mut warnings = Vec::new();
    let mut warn = |text: String| warnings.push(text);
    match deploy.status {
        DeployStatus::Started => {
            warn(format!("{} is still being deployed; stop that first.", deploy.title()))
        }
        DeployStatus::Failed => {
            warn(format!("{} is marked as failed; it may never have gone out.", deploy.title()))
        }
        DeployStatus::RolledBack => warn(format!("{} is marked as rolled back already.", deploy.title())),
        DeployStatus::Succeeded => {}
    }
    match deploy.kind {
        DeployKind::Schema => warn(
            "A schema change is not undone by running older code; check that it can read the \
                                    new schema."
                .to_owned(),
        ),
        DeployKind::Rollback => {
            warn("This deploy is itself a rollback; undoing it brings back what was undone.".to_owned())
        }
        DeployKind::Deploy | DeployKind::Config | DeployKind::Flag | DeployKind::Restart => {}
    }
    if deploy.previous.is_some() && deploy.previous == deploy.version {
        warn("The version to go back to is the version that runs now.".to_owned());
    }
    warnings
}
