//! What every way back must do, whatever its provider; each provider's tests hand theirs in here.

use faultline_deploys::rollback::PROVIDERS;
use faultline_model::{Rollback, RollbackOutcome};
use serde_json::{Value, json};

use super::target;

/// Must occur in nothing that a rollback says.
pub(crate) const CANARY: &str = "canary-9f3a71";

/// Checks a rollback whose templates use `{previous}`. `sent` counts the requests that have reached the deploy system.
pub(crate) async fn check(rollback: &dyn Rollback, sent: impl Fn() -> usize) {
    assert!(PROVIDERS.contains(&rollback.provider()));
    let known = target(json!({}));

    // A preview says the same thing every time, in full, without a secret, and sends nothing.
    let preview = rollback.preview(&known).await.unwrap();
    assert_eq!(preview, rollback.preview(&known).await.unwrap());
    assert_eq!(preview.provider, rollback.provider());
    assert!(!preview.summary.is_empty() && !preview.requests.is_empty());
    assert!(preview.requests.iter().all(|line| !line.contains('\n')), "{preview:?}");
    assert!(preview.requests.iter().any(|line| line.contains("v141")), "{preview:?}");
    assert!(!format!("{preview:?}").contains(CANARY), "{preview:?}");
    assert_eq!(preview.warnings, Vec::<String>::new());

    // Without the version to go back to there is neither preview nor request.
    for missing in [Value::Null, json!(""), json!("  ")] {
        let unknown = target(json!({ "previous": missing }));
        let error = rollback.preview(&unknown).await.unwrap_err();
        assert!(error.contains("`previous`"), "{error}");
        let RollbackOutcome::Failed { message } = rollback.run(&unknown).await else { panic!("it ran") };
        assert!(message.starts_with("Nothing was sent"), "{message}");
    }

    // Reasons to think twice are the same for every provider.
    for (changes, part) in [
        (json!({"status": "started"}), "still being deployed"),
        (json!({"status": "failed"}), "marked as failed"),
        (json!({"status": "rolled_back"}), "rolled back already"),
        (json!({"kind": "schema"}), "schema change"),
        (json!({"kind": "rollback"}), "itself a rollback"),
        (json!({"previous": "v142"}), "runs now"),
    ] {
        let warnings = rollback.preview(&target(changes)).await.unwrap().warnings;
        assert!(warnings.len() == 1 && warnings[0].contains(part), "{part}: {warnings:?}");
    }

    // Names are data: they stay in their place, or nothing is sent at all.
    for name in ["../../admin", "a/b?c=d#e", "x\"},\"to\":\"v1", "{service}", "évil \u{202e}", "%2e%2e"] {
        let hostile = target(json!({"service": name, "previous": name, "version": name, "id": name}));
        if let Ok(preview) = rollback.preview(&hostile).await
            && let Some(url) = preview.open_url
        {
            assert!(!url.contains("../") && !url.contains('"') && !url.contains('#'), "{url}");
        }
    }
    assert_eq!(sent(), 0, "a preview sent something");
}
