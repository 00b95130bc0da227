//! The life of an incident: when one opens and what belongs to it. One at a time. What caused it, and whether it
//! still hurts, is not decided here.

use std::collections::BTreeMap;

use faultline_model::{IncidentId, NodeName, Timestamp, Verdict, signal};

use crate::calm::Hurt;
use crate::config::AnalysisConfig;
use crate::node::Key;
use crate::track::Track;
use crate::watch::Meaning;
use crate::window::Window;
use crate::world::World;

/// How much stronger the evidence must be where nothing that hurts is observed at all.
const WITNESS_FACTOR: f64 = 1.5;

/// An incident that is open.
#[derive(Clone, Debug)]
pub(crate) struct Incident {
    /// Its id.
    pub(crate) id: IncidentId,
    /// When the trouble began.
    pub(crate) onset: Timestamp,
    /// When it was opened.
    pub(crate) opened: Timestamp,
    /// The queries before the onset, by node.
    pub(crate) before: BTreeMap<NodeName, Window>,
    /// Series that are, or were, hurt.
    pub(crate) hurt: Vec<Hurt>,
    /// What was last said, and when.
    pub(crate) said: Option<Verdict>,
    /// When it was last judged.
    pub(crate) judged: Option<Timestamp>,
    /// Since when it is calm.
    pub(crate) calm_since: Option<Timestamp>,
    /// Whether it was called recovering.
    pub(crate) recovering: bool,
}

/// Why an incident opens.
#[derive(Clone, Debug)]
pub(crate) struct Opening {
    /// When the trouble began.
    pub(crate) onset: Timestamp,
    /// Series that changed.
    pub(crate) hurt: Vec<Hurt>,
}

fn tracks(world: &World) -> impl Iterator<Item = (&NodeName, &Key, &Track)> {
    world.nodes.iter().flat_map(|(name, node)| node.tracks.iter().map(move |(key, track)| (name, key, track)))
}

/// Whether anything that hurts leans to the bad side far enough to look closer.
pub(crate) fn is_suspicious(world: &World, config: &AnalysisConfig) -> bool {
    tracks(world).any(|(_, _, track)| track.harm_strength(config) >= config.suspicion_share)
}

/// Whether any series has a baseline.
pub(crate) fn has_baseline(world: &World) -> bool {
    tracks(world).any(|(_, _, track)| track.level().is_some())
}

/// Whether trouble is certain enough to open an incident.
pub(crate) fn opening(world: &World, config: &AnalysisConfig) -> Option<Opening> {
    let harmed: Vec<_> = tracks(world).filter(|(_, _, track)| track.is_harmed(config)).collect();
    if !harmed.is_empty() {
        return open_by(&harmed, config);
    }
    let known = tracks(world).filter(|(_, _, track)| track.level().is_some()).count();
    let changed: Vec<_> = tracks(world).filter(|(_, _, track)| track.changed(config).is_some()).collect();
    let newest = changed.iter().filter_map(|(_, _, track)| track.changed(config)).max()?;
    let together: Vec<_> = changed
        .into_iter()
        .filter(|(_, _, track)| {
            track
                .changed(config)
                .is_some_and(|since| newest.secs_since(since) <= vector_window_s(track, config))
        })
        .collect();
    let watches_harm = tracks(world).any(|(_, _, track)| track.is_harm() && track.level().is_some());
    let enough = together.len() >= config.vector_min
        && together.len() as f64 >= config.vector_share * known as f64
        && (is_suspicious(world, config) || work_fell(world, config));
    let alone = !watches_harm
        && together.iter().any(|(_, _, track)| track.is_strongly_changed(WITNESS_FACTOR, config));
    if enough || alone { open_by(&together, config) } else { None }
}

fn vector_window_s(track: &Track, config: &AnalysisConfig) -> f64 {
    config.vector_window_s.max(5.0 * track.series.spacing_s().unwrap_or(0.0))
}

/// Whether the work finished has dropped.
fn work_fell(world: &World, config: &AnalysisConfig) -> bool {
    world
        .nodes
        .values()
        .filter_map(|node| node.signal(signal::THROUGHPUT))
        .any(|track| track.changed(config).is_some() && track.has_fallen())
}

fn open_by(changed: &[(&NodeName, &Key, &Track)], config: &AnalysisConfig) -> Option<Opening> {
    // Load is closest to its cause; latency and the rest follow it.
    let rank = |track: &Track| match track.watch.meaning {
        Meaning::Load => 2,
        Meaning::Latency => 1,
        Meaning::Harm | Meaning::Witness => 0,
    };
    let best = changed.iter().max_by(|a, b| {
        rank(a.2).cmp(&rank(b.2)).then_with(|| a.2.strength(config).total_cmp(&b.2.strength(config)))
    })?;
    let onset = best.2.dated(config)?;
    let hurt = changed.iter().map(|(name, key, _)| hurt(name, key)).collect();
    Some(Opening { onset, hurt })
}

fn hurt(node: &NodeName, key: &Key) -> Hurt {
    Hurt { node: node.clone(), key: key.clone(), peak: 0.0 }
}

/// Adds the series that have been hurt since, and follows how bad all of them are.
pub(crate) fn widen(incident: &mut Incident, world: &World, config: &AnalysisConfig) {
    // Once the load is back, calls may be dear for a while without a user noticing: caches are cold.
    let load_is_back = incident.calm_since.is_some()
        && incident.hurt.iter().any(|hurt| hurt.meaning(world) == Some(Meaning::Load));
    for (name, key, track) in tracks(world) {
        if load_is_back && matches!(track.watch.meaning, Meaning::Latency | Meaning::Witness) {
            continue;
        }
        let is_known = |hurt: &Hurt| hurt.node == *name && hurt.key == *key;
        if track.is_harmed(config) && !incident.hurt.iter().any(is_known) {
            incident.hurt.push(hurt(name, key));
        }
    }
    incident.hurt.iter_mut().for_each(|hurt| hurt.follow(world, config));
}

/// Usual load of the cluster.
pub(crate) fn load_baseline(world: &World) -> Option<f64> {
    let usual = |node: &crate::node::Node| {
        [Key::SampledLoad, Key::CountedLoad, Key::Signal(signal::ACTIVE_SESSIONS.into())]
            .iter()
            .filter_map(|key| node.tracks.get(key))
            .find_map(Track::level)
            .map(|level| level.center)
    };
    let loads: Vec<f64> = world.nodes.values().filter_map(usual).collect();
    (!loads.is_empty()).then(|| loads.iter().sum())
}

/// Load now by usual load.
pub(crate) fn load_ratio(world: &World, config: &AnalysisConfig) -> Option<f64> {
    Some(world.load_now(config)? / load_baseline(world)?.max(config.load_floor))
}
