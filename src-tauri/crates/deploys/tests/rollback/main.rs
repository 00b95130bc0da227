//! Rollbacks against real deploy systems on this machine: what is previewed is what is sent, it is sent once and in
//! full, and every way in which it can end is told apart.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod contract;
mod http;
mod link;
mod system;

use faultline_deploys::rollback::open;
use faultline_deploys::{DeployError, RollbackSpec};
use faultline_http::{HttpClient, HttpOptions};
use faultline_model::{Rollback, RollbackTarget};
use serde_json::{Value, json};

/// Opens a rollback with a client of its own.
fn try_open(spec: RollbackSpec) -> Result<Box<dyn Rollback>, DeployError> {
    open(spec, HttpClient::new(HttpOptions::default()).unwrap())
}

/// The undoing of checkout v142, with some fields set to something else.
fn target(changes: Value) -> RollbackTarget {
    let mut deploy = json!({
        "id": "checkout-142", "service": "checkout", "version": "v142", "previous": "v141",
        "environment": "production", "finished": 100.0, "status": "succeeded", "kind": "deploy"
    });
    for (field, value) in changes.as_object().unwrap() {
        deploy[field] = value.clone();
    }
    RollbackTarget {
        deploy: serde_json::from_value(deploy).unwrap(),
        incident: None,
        idempotency_key: "key-checkout-142".to_owned(),
    }
}
