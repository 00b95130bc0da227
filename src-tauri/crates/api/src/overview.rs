//! `overview|get`: everything that is watched, at one glance.

use faultline_engine::{ClusterStatus, Coverage, NodeStatus, SeenBy};
use faultline_model::{HealthLevel, NodeName, Timestamp};

use crate::Api;
use crate::types::{ClusterState, ClusterView, NodeState, NodeView, Overview, PrimaryObserved};

pub(crate) fn get(api: &Api) -> Overview {
    let now = api.engine.now();
    let clusters: Vec<_> = api.engine.statuses().iter().map(|status| cluster(api, status, now)).collect();
    // Rows of nodes stand beside the nodes; what is left is about the program itself.
    let notices = api
        .engine
        .health()
        .into_iter()
        .filter(|row| row.level >= HealthLevel::Warning && !row.target.contains('/'))
        .map(Into::into)
        .collect();
    Overview { version: env!("CARGO_PKG_VERSION").to_owned(), clusters, notices, now: now.as_secs() }
}

fn cluster(api: &Api, status: &ClusterStatus, now: Timestamp) -> ClusterView {
    let alive = status.nodes.values().any(|node| node.is_alive(now));
    let state = match (&status.incident, alive, status.suspicious) {
        (Some(_), _, _) => ClusterState::Incident,
        (None, false, _) => ClusterState::NoData,
        (None, true, true) => ClusterState::Suspicious,
        (None, true, false) => ClusterState::Ok,
    };
    ClusterView {
        name: status.name.to_string(),
        environment: status.environment.clone(),
        state,
        load_aas: status.load.map(|load| load.0),
        load_ratio: status.load_ratio,
        primary_observed: match status.primary_seen_by(now) {
            Some(SeenBy::Session) => PrimaryObserved::Direct,
            Some(SeenBy::Table) => PrimaryObserved::Table,
            Some(SeenBy::Metrics) => PrimaryObserved::Metrics,
            None if status.has_databases() => PrimaryObserved::None,
            None => PrimaryObserved::NotApplicable,
        },
        explained: status.coverage().as_ref().map(Coverage::explained),
        nodes: status.nodes.iter().map(|(name, node)| self::node(api, status, name, node, now)).collect(),
        open_incident: status.incident.as_ref().map(ToString::to_string),
    }
}

fn node(api: &Api, status: &ClusterStatus, name: &NodeName, node: &NodeStatus, now: Timestamp) -> NodeView {
    let rows = api.engine.health_of_node(&status.name, name);
    let worst = rows.iter().max_by_key(|row| row.level).filter(|row| row.level >= HealthLevel::Warning);
    let state = match worst.map(|row| row.level) {
        // One of several ways to see it may be gone.
        Some(HealthLevel::Error) if node.is_alive(now) => NodeState::Warning,
        Some(HealthLevel::Error) => NodeState::Error,
        Some(_) => NodeState::Warning,
        None if node.is_alive(now) => NodeState::Ok,
        None => NodeState::Warning,
    };
    let message = worst.map(|row| match &row.hint {
        Some(hint) => format!("{} {hint}", row.message),
        None => row.message.clone(),
    });
    NodeView {
        name: name.to_string(),
        role: node.about.role.map(Into::into),
        engine: node.about.engine.into(),
        state,
        message: message
            .or_else(|| (!node.is_alive(now)).then(|| "Nothing was seen of it lately.".to_owned())),
        replay_lag_s: node.replay_lag_s,
        seen_by: node.seen_by(now).map(Into::into),
        explained: node.coverage().as_ref().map(Coverage::explained),
        cost_ms_per_s: node.cost_ms_per_s(),
        slowed_down: node.is_slowed_down,
    }
}
