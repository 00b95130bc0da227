//! How a cluster stands at this moment, for the window and the tray. Pure bookkeeping over frames.

use std::collections::BTreeMap;

use faultline_model::{
    About, ClusterName, Engine, Frame, HealthLevel, HealthRow, IncidentId, LoadAas, NodeName, Role,
    Timestamp, signal,
};

use crate::cost::CostWindow;
use crate::coverage::{Coverage, CoverageWindow};
use crate::voices::Voice;

/// A node that has not been heard of for this long is down, seconds.
const SILENT_AFTER_S: f64 = 15.0;

/// The same in intervals of the source, where those are longer.
const SILENT_INTERVALS: f64 = 3.0;

/// The aspect under which a source says that it slows down because it costs too much.
const BUDGET_ASPECT: &str = "budget";

/// How a node is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SeenBy {
    /// By a session on the server itself.
    Session,
    /// By what it writes about itself into a table that its replicas carry.
    Table,
    /// By an exporter's metrics.
    Metrics,
}

impl From<Voice> for SeenBy {
    fn from(voice: Voice) -> Self {
        match voice {
            Voice::Direct => Self::Session,
            Voice::Relayed => Self::Table,
            Voice::Endpoint(_) => Self::Metrics,
        }
    }
}

/// How one node stands.
#[derive(Clone, Debug, Default)]
pub struct NodeStatus {
    /// What it is.
    pub about: About,
    /// When something was last seen of it.
    pub last_seen: Option<Timestamp>,
    /// When each way of seeing it last saw something.
    pub seen_by: BTreeMap<SeenBy, Timestamp>,
    /// Age of the last replayed transaction, seconds.
    pub replay_lag_s: Option<f64>,
    /// Whether its source slows down because its statements cost too much.
    pub is_slowed_down: bool,
    /// Usual time between two looks where that is longer than a second, seconds.
    interval_s: f64,
    coverage: CoverageWindow,
    cost: CostWindow,
}

impl NodeStatus {
    /// Whether something was seen of it lately.
    pub fn is_alive(&self, now: Timestamp) -> bool {
        self.last_seen.is_some_and(|seen| self.is_recent(seen, now))
    }

    fn is_recent(&self, seen: Timestamp, now: Timestamp) -> bool {
        now.secs_since(seen) < SILENT_AFTER_S.max(SILENT_INTERVALS * self.interval_s)
    }

    /// How it is seen at `now`, the best way first; `None` when it is not.
    pub fn seen_by(&self, now: Timestamp) -> Option<SeenBy> {
        self.seen_by.iter().find(|(_, seen)| self.is_recent(**seen, now)).map(|(by, _)| *by)
    }

    /// How much of its load statements explain; `None` where that cannot be told.
    pub fn coverage(&self) -> Option<Coverage> {
        self.coverage.coverage()
    }

    /// What our own statements cost it at the most, milliseconds a second; `None` before it is known.
    pub fn cost_ms_per_s(&self) -> Option<f64> {
        self.cost.ms_per_s()
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
    /// A cluster of which nothing was seen yet: its nodes, what is known of them, and how often they are looked at,
    /// seconds.
    pub fn new(
        name: ClusterName,
        environment: String,
        nodes: impl IntoIterator<Item = (NodeName, About, f64)>,
    ) -> Self {
        let mut known: BTreeMap<NodeName, NodeStatus> = BTreeMap::new();
        for (node, about, interval_s) in nodes {
            // A node may have several sources: the first names it, the most frequent says when it is silent.
            let status =
                known.entry(node).or_insert(NodeStatus { about, interval_s, ..NodeStatus::default() });
            status.interval_s = status.interval_s.min(interval_s);
        }
        Self {
            name,
            environment,
            load: None,
            load_ratio: None,
            suspicious: false,
            incident: None,
            recovering: false,
            nodes: known,
        }
    }

    /// Takes in what a frame says about its node, and who said it.
    pub(crate) fn see(&mut self, frame: &Frame, voice: Voice) {
        let node = self.nodes.entry(frame.node.clone()).or_default();
        node.last_seen = Some(frame.at);
        node.seen_by.insert(voice.into(), frame.at);
        node.coverage.see(frame);
        if let Some(about) = &frame.about {
            let (role, engine) = (node.about.role, node.about.engine);
            node.about = about.clone();
            node.about.role = about.role.or(role);
            if about.engine == Engine::Unknown {
                node.about.engine = engine;
            }
        }
        let lag = |frame: &Frame| frame.signals.as_ref()?.values.get(signal::REPLAY_LAG_S).copied();
        if voice == Voice::Direct && frame.signals.is_some() || lag(frame).is_some() {
            node.replay_lag_s = lag(frame);
        }
    }

    /// Takes in what a look of the node's own source cost, and whether it says that it slows down.
    pub(crate) fn spend(&mut self, node: &NodeName, at: Timestamp, cost_ms: f64, rows: &[HealthRow]) {
        let node = self.nodes.entry(node.clone()).or_default();
        node.cost.add(at, cost_ms);
        if let Some(row) = rows.iter().rfind(|row| row.aspect == BUDGET_ASPECT) {
            node.is_slowed_down = row.level >= HealthLevel::Warning;
        }
    }

    /// How the primary is seen at `now`: `None` when it is not, and its own statements go unseen.
    pub fn primary_seen_by(&self, now: Timestamp) -> Option<SeenBy> {
        let primaries = self.nodes.values().filter(|node| node.about.role == Some(Role::Primary));
        primaries.filter_map(|node| node.seen_by(now)).min()
    }

    /// Whether there is a database that has a primary: a cluster of an edge alone has none to miss.
    pub fn has_databases(&self) -> bool {
        self.nodes.values().any(|node| node.about.role != Some(Role::Edge))
    }

    /// How much of the load of all nodes statements explain; `None` where that cannot be told of any.
    pub fn coverage(&self) -> Option<Coverage> {
        Coverage::sum(self.nodes.values().filter_map(NodeStatus::coverage))
    }
}

#[cfg(test)]
mod tests {
    use faultline_model::Signals;

    use super::*;

    fn at(secs: f64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    fn status() -> ClusterStatus {
        ClusterStatus::new("shop".into(), "production".into(), [])
    }

    fn seen(name: &str, role: Option<Role>, at_s: f64) -> Frame {
        let mut frame = Frame::new(at(at_s), name.into());
        frame.about = Some(About { role, ..About::default() });
        frame
    }

    #[test]
    fn a_primary_is_seen_by_the_best_that_speaks_of_it_now() {
        let exporter = Voice::Endpoint(0);
        let mut status = status();
        assert_eq!(status.primary_seen_by(at(5.0)), None);
        status.see(&seen("b", Some(Role::Replica), 5.0), Voice::Direct);
        status.see(&seen("c", None, 5.0), Voice::Direct);
        assert_eq!(status.primary_seen_by(at(5.0)), None);
        status.see(&seen("a", Some(Role::Primary), 5.0), exporter);
        assert_eq!(status.primary_seen_by(at(6.0)), Some(SeenBy::Metrics));
        status.see(&seen("a", Some(Role::Primary), 6.0), Voice::Relayed);
        assert_eq!(status.primary_seen_by(at(6.0)), Some(SeenBy::Table));
        status.see(&seen("a", Some(Role::Primary), 7.0), Voice::Direct);
        status.see(&seen("a", Some(Role::Primary), 15.0), exporter);
        assert_eq!(status.primary_seen_by(at(7.0)), Some(SeenBy::Session));
        assert_eq!(status.primary_seen_by(at(25.0)), Some(SeenBy::Metrics));
        assert_eq!(status.primary_seen_by(at(60.0)), None);
    }

    #[test]
    fn a_node_is_silent_after_some_of_its_intervals() {
        let about = || About { role: Some(Role::Edge), ..About::default() };
        let nodes = [("edge".into(), about(), 60.0), ("a".into(), about(), 60.0), ("a".into(), about(), 1.0)];
        let mut status = ClusterStatus::new("shop".into(), "production".into(), nodes);
        assert!(!status.has_databases());
        for node in ["edge", "a"] {
            status.see(&seen(node, None, 5.0), Voice::Direct);
        }
        for (now, edge, a) in [(6.0, true, true), (60.0, true, false), (200.0, false, false)] {
            let alive = |node: &str| status.nodes[node].is_alive(at(now));
            assert_eq!((alive("edge"), alive("a")), (edge, a), "{now}");
        }
    }

    #[test]
    fn an_exporter_without_a_lag_does_not_take_it_away() {
        let mut status = status();
        let mut frame = seen("r", None, 1.0);
        let signals = |name: &str| Signals { span_s: 1.0, values: [(name.into(), 0.5)].into() };
        for (voice, name, expected) in [
            (Voice::Direct, signal::REPLAY_LAG_S, Some(0.5)),
            (Voice::Endpoint(0), signal::CPU_USER, Some(0.5)),
            (Voice::Direct, signal::CONNECTIONS, None),
        ] {
            frame.signals = Some(signals(name));
            status.see(&frame, voice);
            assert_eq!(status.nodes["r"].replay_lag_s, expected, "{name}");
        }
    }

    #[test]
    fn a_source_that_costs_too_much_is_slowed_down_until_it_says_otherwise() {
        let mut status = status();
        let row = |level| HealthRow::new("shop/r", BUDGET_ASPECT, level, "…");
        for (rows, expected) in [
            (vec![row(HealthLevel::Ok)], false),
            (vec![row(HealthLevel::Warning)], true),
            (vec![], true),
            (vec![row(HealthLevel::Ok)], false),
        ] {
            status.spend(&"r".into(), at(1.0), 3.0, &rows);
            assert_eq!(status.nodes["r"].is_slowed_down, expected);
        }
    }
}
