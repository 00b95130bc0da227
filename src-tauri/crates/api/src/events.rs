//! What the engine tells, as the window hears it.

use faultline_engine::{Destination, EngineEvent};

use crate::types::{Changed, Topic};

/// The window's word for an event of the engine.
pub fn changed(event: &EngineEvent) -> Changed {
    let (topic, cluster, id) = match event {
        EngineEvent::Frames { cluster } => (Topic::Frames, Some(cluster.to_string()), None),
        EngineEvent::Incident { cluster, event } => {
            (Topic::Incident, Some(cluster.to_string()), Some(event.kind.incident().to_string()))
        }
        EngineEvent::Rollback(progress) => (Topic::Rollback, None, Some(progress.deploy.to_string())),
        EngineEvent::Deploys => (Topic::Deploys, None, None),
        EngineEvent::Health => (Topic::Health, None, None),
        EngineEvent::Configuration => (Topic::Configuration, None, None),
        EngineEvent::Navigate(Destination::Deploy(_)) => (Topic::Navigate, None, None),
        EngineEvent::Navigate(Destination::Incident(incident) | Destination::Rollback { incident, .. }) => {
            (Topic::Navigate, None, Some(incident.to_string()))
        }
    };
    let (rollback, deploy) = match event {
        EngineEvent::Navigate(Destination::Rollback { deploy, .. }) => (Some(deploy.to_string()), None),
        EngineEvent::Navigate(Destination::Deploy(deploy)) => (None, Some(deploy.to_string())),
        _ => (None, None),
    };
    Changed { topic, cluster, id, rollback, deploy }
}
