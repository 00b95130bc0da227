//! The life of an incident: when one opens, whether it still hurts, when it is over. One at a time, with hysteresis.
//! What caused it is not decided here.

use std::collections::BTreeMap;

use faultline_model::{IncidentId, NodeName, Timestamp, Verdict, signal};

use crate::config::AnalysisConfig;
use crate::node::Key;
use crate::track::Track;
use crate::watch::Meaning;
use crate::window::Window;
use crate::world::World;

/// Becoming calm takes a mean below this share of the effect that opening took.
const CALM_SHARE: f64 = 0.7;

/// A relapse takes the whole effect again, so that noise between the two does not flap.
const RELAPSE_SHARE: f64 = 1.0;

/// Windows whose mean must be off for a relapse.
const RELAPSE_WINDOWS: f64 = 3.0;

/// Points whose mean tells whether a slow series is back.
const CALM_POINTS: f64 = 3.0;

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
    pub(crate) hurt: Vec<(NodeName, Key)>,
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
    pub(crate) hurt: Vec<(NodeName, Key)>,
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
    let hurt = changed.iter().map(|(name, key, _)| ((*name).clone(), (*key).clone())).collect();
    Some(Opening { onset, hurt })
}

/// Adds the series that have been hurt since.
pub(crate) fn widen(incident: &mut Incident, world: &World, config: &AnalysisConfig) {
    for (name, key, track) in tracks(world) {
        let entry = (name.clone(), key.clone());
        if track.is_harmed(config) && !incident.hurt.contains(&entry) {
            incident.hurt.push(entry);
        }
    }
}

/// Whether every series that was hurt is back; `None` while none of them is observed.
pub(crate) fn is_calm(
    incident: &Incident,
    world: &World,
    now: Timestamp,
    config: &AnalysisConfig,
) -> Option<bool> {
    let mut seen = false;
    let share = if incident.calm_since.is_some() { RELAPSE_SHARE } else { CALM_SHARE };
    for (name, key) in &incident.hurt {
        let Some(track) = world.nodes.get(name).and_then(|node| node.tracks.get(key)) else { continue };
        let spacing_s = track.series.spacing_s().unwrap_or(0.0);
        let window_s = config.load_window_s.max(CALM_POINTS * spacing_s);
        // Once calm, a longer stretch decides, as far as the calm reaches.
        let from = match incident.calm_since {
            Some(since) => (now - RELAPSE_WINDOWS * window_s).max(since - window_s),
            None => now - window_s,
        };
        match track.is_off(from, share, config) {
            Some(true) => return Some(false),
            Some(false) => seen = true,
            None => {}
        }
    }
    seen.then_some(true)
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
