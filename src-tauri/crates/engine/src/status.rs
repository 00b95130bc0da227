//! How a cluster stands at this moment, for the window and the tray. Pure bookkeeping over frames.

use std::collections::BTreeMap;

use faultline_model::{
    About, ClusterName, Engine, Frame, IncidentId, LoadAas, NodeName, Observed, Role, Timestamp, signal,
};

/// A node that has not been heard of for this long is down, seconds.
const SILENT_AFTER_S: f64 = 15.0;

/// How one node stands.
#[derive(Clone, Debug, Default)]
pub struct NodeStatus {
    /// What it is.
    pub about: About,
    /// When something was last seen of it.
    pub last_seen: Option<Timestamp>,
    /// Age of the last replayed transaction, seconds.
    pub replay_lag_s: Option<f64>,
}

impl NodeStatus {
    /// Whether something was seen of it lately.
    pub fn is_alive(&self, now: Timestamp) -> bool {
        self.last_seen.is_some_and(|seen| now.secs_since(seen) < SILENT_AFTER_S)
    }
}

/// How a cluster stands.
#[derive(Clone, Debug)]
pub struct ClusterStatus {
    /// The cluster.
    pub name: ClusterName,
    /// Its environment.
    pub environment: String,
    /// Load over the last seconds.
    pub load: Option<LoadAas>,
    /// Load by its baseline.
    pub load_ratio: Option<f64>,
    /// Something is wrong, or may be.
    pub suspicious: bool,
    /// The open incident.
    pub incident: Option<IncidentId>,
    /// The load is back, but not for long enough yet.
    pub recovering: bool,
    /// Its nodes.
    pub nodes: BTreeMap<NodeName, NodeStatus>,
}

impl ClusterStatus {
    /// A cluster of which nothing was seen yet.
    pub fn new(
        name: ClusterName,
        environment: String,
        nodes: impl IntoIterator<Item = (NodeName, About)>,
    ) -> Self {
        let nodes = nodes
            .into_iter()
            .map(|(node, about)| (node, NodeStatus { about, ..NodeStatus::default() }))
            .collect();
        Self {
            name,
            environment,
            load: None,
            load_ratio: None,
            suspicious: false,
            incident: None,
            recovering: false,
            nodes,
        }
    }

    /// Takes in what a frame says about its node.
    pub fn see(&mut self, frame: &Frame) {
        let node = self.nodes.entry(frame.node.clone()).or_default();
        node.last_seen = Some(frame.at);
        if let Some(about) = &frame.about {
            let (role, engine) = (node.about.role, node.about.engine);
            node.about = about.clone();
            node.about.role = about.role.or(role);
            if about.engine == Engine::Unknown {
                node.about.engine = engine;
            }
        }
        if let Some(signals) = &frame.signals {
            node.replay_lag_s = signals.values.get(signal::REPLAY_LAG_S).copied();
        }
    }

    /// How the primary is watched: `None` when it is not, and writes go unseen.
    pub fn primary_observed(&self) -> Option<Observed> {
        self.nodes
            .values()
            .filter(|node| node.about.role == Some(Role::Primary) && node.last_seen.is_some())
            .map(|node| node.about.observed.unwrap_or(Observed::Direct))
            .next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(roles: &[(&str, Option<Role>)]) -> ClusterStatus {
        let mut status = ClusterStatus::new("shop".into(), "production".into(), []);
        for (name, role) in roles {
            let mut frame = Frame::new(Timestamp::from_secs(5.0), (*name).into());
            frame.about = Some(About { role: *role, observed: Some(Observed::Direct), ..About::default() });
            status.see(&frame);
        }
        status
    }

    #[test]
    fn a_primary_is_observed_only_when_something_was_seen_of_it() {
        assert_eq!(status(&[("a", Some(Role::Replica)), ("b", None)]).primary_observed(), None);
        assert_eq!(
            status(&[("a", Some(Role::Replica)), ("b", Some(Role::Primary))]).primary_observed(),
            Some(Observed::Direct)
        );
        let about = About { role: Some(Role::Primary), ..About::default() };
        let silent = ClusterStatus::new("shop".into(), "production".into(), [("p".into(), about)]);
        assert_eq!(silent.primary_observed(), None);
    }

    #[test]
    fn a_silent_node_is_not_alive() {
        let status = status(&[("a", None)]);
        let node = &status.nodes["a"];
        assert!(node.is_alive(Timestamp::from_secs(6.0)));
        assert!(!node.is_alive(Timestamp::from_secs(60.0)));
    }
}
