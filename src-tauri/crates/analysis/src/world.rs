//! What was seen: nodes with their series, samples and counters, texts, deploys, facts. It stores and forgets; it
//! judges nothing.

use std::collections::{BTreeMap, VecDeque};

use faultline_model::{Deploy, DeployId, Fingerprint, Frame, NodeName, Observation, QueryText, Timestamp};

use crate::config::AnalysisConfig;
use crate::node::Node;
use crate::services::Services;

/// Most changes of facts that are remembered.
const FACT_CHANGES: usize = 256;

/// Most deploys that are remembered.
const DEPLOYS: usize = 512;

/// When a fingerprint was seen at work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sighting {
    /// First time.
    pub(crate) first: Timestamp,
    /// Last time.
    pub(crate) last: Timestamp,
}

/// A fact that took another value.
#[derive(Clone, Debug)]
pub(crate) struct FactChange {
    /// When that was seen.
    pub(crate) at: Timestamp,
    /// Where.
    pub(crate) node: NodeName,
    /// Which fact.
    pub(crate) key: String,
    /// `old → new`.
    pub(crate) change: String,
}

/// Everything that was seen of the cluster.
#[derive(Clone, Debug, Default)]
pub(crate) struct World {
    /// The nodes.
    pub(crate) nodes: BTreeMap<NodeName, Node>,
    /// Texts by fingerprint.
    pub(crate) texts: BTreeMap<Fingerprint, QueryText>,
    /// Fingerprints that were seen at work.
    pub(crate) known: BTreeMap<Fingerprint, Sighting>,
    /// Changes to production.
    pub(crate) deploys: BTreeMap<DeployId, Deploy>,
    /// Which roles and applications belong to which service.
    pub(crate) services: Services,
    /// Facts that took another value, oldest first.
    pub(crate) fact_changes: VecDeque<FactChange>,
    facts: BTreeMap<(NodeName, String), String>,
    /// First time that anything was seen.
    pub(crate) began: Option<Timestamp>,
    /// Newest time that was seen.
    pub(crate) now: Option<Timestamp>,
}

impl World {
    /// Takes in an observation; while `frozen`, baselines learn nothing.
    pub(crate) fn observe(&mut self, observation: &Observation, frozen: bool, config: &AnalysisConfig) {
        let at = observation.at();
        self.began.get_or_insert(at);
        self.now = self.now.max(Some(at));
        match observation {
            Observation::Frame(frame) => self.see(frame, frozen, config),
            Observation::Deploy { at, deploy } => self.hear(*at, deploy),
        }
    }

    fn hear(&mut self, at: Timestamp, deploy: &Deploy) {
        let mut deploy = deploy.clone();
        if deploy.earliest().is_none() {
            // Word of it is the only time there is.
            deploy.started = Some(at);
        }
        match self.deploys.get_mut(&deploy.id) {
            Some(known) => known.merge(deploy),
            None => {
                self.deploys.insert(deploy.id.clone(), deploy);
            }
        }
        if self.deploys.len() > DEPLOYS {
            let oldest =
                self.deploys.values().min_by_key(|deploy| deploy.earliest()).map(|deploy| deploy.id.clone());
            if let Some(id) = oldest {
                self.deploys.remove(&id);
            }
        }
    }

    fn see(&mut self, frame: &Frame, frozen: bool, config: &AnalysisConfig) {
        for text in &frame.texts {
            if self.texts.len() < config.known_fingerprints || self.texts.contains_key(&text.fp) {
                self.texts.insert(text.fp.clone(), text.clone());
            }
        }
        self.learn_facts(frame);
        let sessions = frame.sessions.iter().flatten().filter(|group| group.is_active());
        let counted = frame.queries.iter().flat_map(|deltas| deltas.rows.iter().map(|row| &row.fp));
        for fp in sessions.filter_map(|group| group.fp.as_ref()).chain(counted) {
            self.known
                .entry(fp.clone())
                .and_modify(|sighting| sighting.last = sighting.last.max(frame.at))
                .or_insert(Sighting { first: frame.at, last: frame.at });
        }
        if self.known.len() > config.known_fingerprints {
            self.forget_fingerprints();
        }
        self.nodes.entry(frame.node.clone()).or_default().see(frame, frozen, config);
    }

    /// Drops the tenth that was unseen for longest.
    fn forget_fingerprints(&mut self) {
        let mut ages: Vec<Timestamp> = self.known.values().map(|sighting| sighting.last).collect();
        ages.sort_unstable();
        let limit = ages[ages.len() / 10];
        self.known.retain(|_, sighting| sighting.last > limit);
        let known = &self.known;
        self.texts.retain(|fp, _| known.contains_key(fp));
    }

    fn learn_facts(&mut self, frame: &Frame) {
        for (key, value) in &frame.facts {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            self.services.learn(key, &value);
            let old = self.facts.insert((frame.node.clone(), key.clone()), value.clone());
            let Some(old) = old.filter(|old| *old != value) else { continue };
            if self.fact_changes.len() == FACT_CHANGES {
                self.fact_changes.pop_front();
            }
            self.fact_changes.push_back(FactChange {
                at: frame.at,
                node: frame.node.clone(),
                key: key.clone(),
                change: format!("{old} → {value}"),
            });
        }
    }

    /// Whether a fingerprint was first seen at work after `onset`, by an observer who was there well before.
    pub(crate) fn is_new(&self, fp: &Fingerprint, onset: Timestamp, config: &AnalysisConfig) -> bool {
        let watched = self.began.is_some_and(|began| onset.secs_since(began) >= config.learn_s);
        watched && self.known.get(fp).is_none_or(|sighting| sighting.first >= onset - config.before_margin_s)
    }

    /// Load of the cluster over the last `load_window_s`; `None` where no node's load is observed.
    pub(crate) fn load_now(&self, config: &AnalysisConfig) -> Option<f64> {
        let now = self.now?;
        let loads: Vec<f64> = self.nodes.values().filter_map(|node| node.load_now(now, config)).collect();
        (!loads.is_empty()).then(|| loads.iter().sum())
    }
}
