//! How much an incident matters, by what users must notice (`recording.md`, "severity"): slow and loaded, queueing, or
//! failing. It looks at the trouble alone, from the onset on, so that a fresh incident is not diluted by the calm before.

use faultline_model::{SessionGroup, Severity, Timestamp, signal};

use crate::config::AnalysisConfig;
use crate::lifecycle::load_baseline;
use crate::node::{Key, Node};
use crate::world::World;

/// Fewest sessions seen before the onset whose running times tell what is usual.
const USUAL_SESSIONS_MIN: f64 = 5.0;

/// Fewest samples that show a queue.
const QUEUE_SAMPLES_MIN: usize = 2;

/// Severity at `now` of trouble that began at `onset`.
pub(crate) fn severity(world: &World, onset: Timestamp, now: Timestamp, config: &AnalysisConfig) -> Severity {
    let from = onset.max(now - config.load_window_s);
    let nodes = || world.nodes.values();
    let load: f64 = nodes().filter_map(|node| node.load_after(from, now, config)).sum();
    let usual = load_baseline(world);
    let loaded = usual.is_some_and(|usual| load > config.critical_load * usual.max(config.load_floor));
    let slow = nodes().any(|node| is_slow(node, onset, from, now, config));
    let failing = [Key::CallErrors, Key::Signal(signal::REQUEST_ERROR_RATIO.into())]
        .iter()
        .any(|key| nodes().any(|node| excess(node, key, from) >= config.critical_error_ratio));
    let locked = [Key::LockWaiters, Key::Signal(signal::LOCK_WAITING.into())]
        .iter()
        .any(|key| nodes().any(|node| excess(node, key, from) >= config.critical_queue));
    let queueing = nodes().any(|node| is_queueing(node, onset, now, config));
    if (loaded && slow) || failing || locked || queueing { Severity::Critical } else { Severity::Warning }
}

/// Mean since `from` less the baseline.
fn excess(node: &Node, key: &Key, from: Timestamp) -> f64 {
    let Some(track) = node.tracks.get(key) else { return 0.0 };
    track.series.mean_after(from).map_or(0.0, |mean| mean - track.level().map_or(0.0, |level| level.center))
}

/// Whether latency is over its limit: by what is measured, or, as counters may not have been read since the onset, by
/// how long the sessions at work have been running.
fn is_slow(node: &Node, onset: Timestamp, from: Timestamp, now: Timestamp, config: &AnalysisConfig) -> bool {
    let keys = [
        Key::Signal(signal::LATENCY_MS.into()),
        Key::Signal(signal::REQUEST_LATENCY_MS.into()),
        Key::CallCost,
    ];
    let measured = keys.iter().filter_map(|key| node.tracks.get(key)).any(|track| {
        let (Some(mean), Some(level)) = (track.series.mean_after(from), track.level()) else { return false };
        mean > config.critical_latency * level.center && mean > level.center + level.scale
    });
    measured || is_slow_by_sessions(node, onset, from, now, config)
}

fn is_slow_by_sessions(
    node: &Node,
    onset: Timestamp,
    from: Timestamp,
    now: Timestamp,
    config: &AnalysisConfig,
) -> bool {
    let (begin, end) = (onset - config.before_s, onset - config.before_margin_s);
    let mut usual = Running::default();
    let mut is = Running::default();
    let mut samples = 0_u32;
    for sample in &node.samples {
        if begin < sample.at && sample.at <= end {
            sample.groups.iter().for_each(|group| usual.add(group));
        } else if from < sample.at && sample.at <= now {
            sample.groups.iter().for_each(|group| is.add(group));
            samples += 1;
        }
    }
    // One long report is slow itself, but makes nobody else wait.
    if usual.sessions < USUAL_SESSIONS_MIN || is.sessions < config.critical_sessions * f64::from(samples) {
        return false;
    }
    let (usual_ms, is_ms) = (usual.mean_ms(), is.mean_ms());
    samples > 0 && is_ms > config.critical_latency * usual_ms && is_ms - usual_ms > config.critical_running_ms
}

/// Running times of sessions.
#[derive(Clone, Copy, Debug, Default)]
struct Running {
    sessions: f64,
    sum_ms: f64,
}

impl Running {
    fn add(&mut self, group: &SessionGroup) {
        self.sessions += f64::from(group.count);
        self.sum_ms += f64::from(group.count) * group.running_ms.max(0.0);
    }

    fn mean_ms(self) -> f64 {
        self.sum_ms / self.sessions.max(1.0)
    }
}

/// Whether more sessions are at work throughout the last samples than the node can serve: more than its cores,
/// or, where these are not known, than it has ever needed.
fn is_queueing(node: &Node, onset: Timestamp, now: Timestamp, config: &AnalysisConfig) -> bool {
    let Some(track) = node.tracks.get(&Key::SampledLoad) else { return false };
    let Some(level) = track.level() else { return false };
    let spacing_s = track.series.spacing_s().unwrap_or(0.0);
    let from = onset.max(now - config.huge_persistence_s.max(QUEUE_SAMPLES_MIN as f64 * spacing_s));
    let (least, sum, samples) =
        track.series.after(from).fold((f64::INFINITY, 0.0, 0), |(least, sum, samples), point| {
            (point.value.min(least), sum + point.value, samples + 1)
        });
    let capacity = match node.about.cores {
        Some(cores) => f64::from(cores).max(level.center + config.critical_sessions),
        None => level.center + 2.0 * config.critical_sessions,
    };
    // The mean tells, but one bad second must not make it.
    samples >= QUEUE_SAMPLES_MIN
        && sum > capacity * samples as f64
        && least > (capacity / 2.0).max(config.critical_load * level.center)
}
