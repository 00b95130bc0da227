//! Whether what an incident hurt has come back: quickly where the trouble was large, patiently where it was not, and
//! deaf to a noisy second. When that counts as recovering or resolved is decided in `lib.rs`.

use faultline_model::{NodeName, Timestamp};

use crate::config::AnalysisConfig;
use crate::lifecycle::Incident;
use crate::node::Key;
use crate::onset::MIDDLE_SPAN_S;
use crate::track::Track;
use crate::watch::{Meaning, Noise};
use crate::world::World;

/// Becoming calm takes a mean below this share of the effect that opening took.
const CALM_SHARE: f64 = 0.7;

/// A relapse takes the whole effect again, so that noise between the two does not flap.
const RELAPSE_SHARE: f64 = 1.0;

/// Share of the trouble's height that may remain where the rest is small by itself: nine tenths are gone.
const REST_SHARE: f64 = 0.1;

/// How many times the least difference that matters a rest may be and still be small by itself.
const REST_DIFFERENCES: f64 = 2.0;

/// Windows whose mean must be off for a relapse.
const RELAPSE_WINDOWS: f64 = 3.0;

/// Standard errors by which the calm must be told from the trouble.
const TELL_SIGMA: f64 = 2.5;

/// Fewest points that tell the calm; of a series with long spans, each a mean over many events, fewer.
const POINTS_MIN: usize = 3;

/// The same for such a series.
const POINTS_MIN_LONG: usize = 2;

/// Highest points that do not count for a relapse: the seconds that noise may spoil.
const NOISY_POINTS: usize = 2;

/// A series that is, or was, hurt.
#[derive(Clone, Debug)]
pub(crate) struct Hurt {
    /// On which node.
    pub(crate) node: NodeName,
    /// Which series.
    pub(crate) key: Key,
    /// Largest deviation of its mean so far, in its own unit.
    pub(crate) peak: f64,
}

impl Hurt {
    /// What it means.
    pub(crate) fn meaning(&self, world: &World) -> Option<Meaning> {
        track(self, world).map(|track| track.watch.meaning)
    }

    /// Follows how bad it is.
    pub(crate) fn follow(&mut self, world: &World, config: &AnalysisConfig) {
        let Some(track) = track(self, world) else { return };
        let deviations = track.deviations(POINTS_MIN.max(window_points(track, config)), None);
        self.peak = effect(track, &deviations).unwrap_or(0.0).max(self.peak);
    }
}

fn track<'a>(hurt: &Hurt, world: &'a World) -> Option<&'a Track> {
    world.nodes.get(&hurt.node)?.tracks.get(&hurt.key)
}

/// Whether nothing that was hurt is off its baseline; `None` where nothing recent tells.
pub(crate) fn is_calm(
    incident: &Incident,
    world: &World,
    now: Timestamp,
    config: &AnalysisConfig,
) -> Option<bool> {
    let mut seen = false;
    for hurt in &incident.hurt {
        let Some(track) = track(hurt, world) else { continue };
        match is_off(hurt, track, incident, now, config) {
            Some(true) => return Some(false),
            Some(false) => seen = true,
            None => {}
        }
    }
    seen.then_some(true)
}

fn is_off(
    hurt: &Hurt,
    track: &Track,
    incident: &Incident,
    now: Timestamp,
    config: &AnalysisConfig,
) -> Option<bool> {
    let (last, spacing_s) = (track.series.last()?, track.series.spacing_s().unwrap_or(0.0));
    let reach_s = config.load_window_s.max(POINTS_MIN as f64 * spacing_s);
    if now.secs_since(last.at) > reach_s {
        return None;
    }
    let needed = track.effect_needed(config)?;
    let rest = (REST_DIFFERENCES * track.watch.min_difference).min(REST_SHARE * hurt.peak);
    let calm = (CALM_SHARE * needed).max(rest);
    let Some(since) = incident.calm_since else {
        let points = points_to_tell(track, hurt.peak, calm, config)?;
        return Some(effect(track, &track.deviations(points, None))? >= calm);
    };
    // Once calm, the whole calm decides, as far back as a relapse is looked for.
    let from = since.max(now - RELAPSE_WINDOWS * reach_s);
    let limit = if incident.recovering { calm * RELAPSE_SHARE / CALM_SHARE } else { calm };
    let mut deviations = track.deviations(usize::MAX, Some(from));
    let noisy = if spacing_s >= MIDDLE_SPAN_S || !track.is_harm() { 0 } else { NOISY_POINTS };
    deviations.sort_by(f64::total_cmp);
    deviations.truncate(deviations.len().saturating_sub(noisy));
    Some(effect(track, &deviations).is_some_and(|effect| effect >= limit))
}

/// Points in the window of "now".
fn window_points(track: &Track, config: &AnalysisConfig) -> usize {
    let spacing_s = track.series.spacing_s().unwrap_or(0.0).max(0.1);
    (config.load_window_s / spacing_s).ceil() as usize
}

/// Points whose mean tells the calm from the trouble: the further apart the two are, the fewer.
fn points_to_tell(track: &Track, peak: f64, calm: f64, config: &AnalysisConfig) -> Option<usize> {
    let level = track.level()?;
    let noise = match track.watch.noise {
        Noise::Count => level.scale.max((level.center + peak).max(0.0).sqrt()),
        Noise::Gauge => level.scale,
    };
    let spacing_s = track.series.spacing_s().unwrap_or(0.0);
    let least = if spacing_s >= MIDDLE_SPAN_S { POINTS_MIN_LONG } else { POINTS_MIN };
    let most = window_points(track, config).max(POINTS_MIN);
    let apart = peak - calm;
    if apart <= 0.0 {
        return Some(most);
    }
    Some(((TELL_SIGMA * noise / apart).powi(2).ceil() as usize).clamp(least, most))
}

/// Mean deviation to the side that matters: up for what hurts, either for a witness.
fn effect(track: &Track, deviations: &[f64]) -> Option<f64> {
    if deviations.is_empty() {
        return None;
    }
    let mean = deviations.iter().sum::<f64>() / deviations.len() as f64;
    Some(if track.is_harm() { mean } else { mean.abs() })
}
