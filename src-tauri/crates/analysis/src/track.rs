//! One watched series: its points, its baseline and its tests, and which points the baseline may learn.

use std::collections::VecDeque;

use faultline_model::Timestamp;

use crate::baseline::{Baseline, Level};
use crate::config::AnalysisConfig;
use crate::onset::{Arm, Side};
use crate::series::{Point, Series};
use crate::watch::{Meaning, Watch};

/// Time that points wait before the baseline learns them, seconds; within the limits in points.
const GUARD_S: f64 = 15.0;

/// Fewest points that wait.
const GUARD_POINTS_MIN: usize = 2;

/// Points after which a lean that never became an incident is accepted as normal.
const HOLD_POINTS: usize = 120;

/// A watched series.
#[derive(Clone, Debug)]
pub(crate) struct Track {
    /// How it is tested.
    pub(crate) watch: Watch,
    /// Its latest points.
    pub(crate) series: Series,
    baseline: Baseline,
    up: Arm,
    down: Arm,
    waiting: VecDeque<Point>,
}

impl Track {
    /// A series that was never seen.
    pub(crate) fn new(watch: Watch) -> Self {
        Self {
            watch,
            series: Series::default(),
            baseline: Baseline::default(),
            up: Arm::new(Side::Up),
            down: Arm::new(Side::Down),
            waiting: VecDeque::new(),
        }
    }

    /// Takes the next point. While an incident is open (`frozen`) nothing is learnt.
    pub(crate) fn push(&mut self, point: Point, frozen: bool, config: &AnalysisConfig) {
        let before = self.series.last();
        let spacing_s = self.series.spacing_s().unwrap_or(point.span_s).max(point.span_s);
        if !self.series.push(point) {
            return;
        }
        // A gap is not a change: what leaned before it proves nothing about now.
        if before.is_some_and(|before| point.at.secs_since(before.at) > config.gap_spans * spacing_s + 1.0) {
            self.up.reset();
            self.down.reset();
        }
        if let Some(level) = self.baseline.level() {
            let sigmas = level.sigmas(point);
            self.up.step(point.at, sigmas, spacing_s, config);
            self.down.step(point.at, sigmas, spacing_s, config);
        }
        if frozen {
            // What hurts must hurt again the next time; for the others, what has happened before is no news.
            if !self.is_harm() {
                self.baseline.remember(point, config);
            }
            return;
        }
        self.waiting.push_back(point);
        self.learn_waiting(spacing_s, config);
    }

    fn learn_waiting(&mut self, spacing_s: f64, config: &AnalysisConfig) {
        let leans = [&self.up, &self.down]
            .into_iter()
            .any(|arm| arm.strength(config) >= config.suspicion_share && arm.points() < HOLD_POINTS);
        if leans {
            return;
        }
        let guard =
            ((GUARD_S / spacing_s.max(0.1)).ceil() as usize).clamp(GUARD_POINTS_MIN, config.guard_points);
        while self.waiting.len() > guard {
            if let Some(point) = self.waiting.pop_front() {
                self.baseline.learn(point, &self.watch, config);
            }
        }
    }

    /// Drops what waits and was seen from `onset` on: it belongs to an incident.
    pub(crate) fn forget_since(&mut self, onset: Timestamp) {
        self.waiting.retain(|point| point.at < onset);
    }

    /// Starts over at the level of now: it is the new normal, or an incident is over.
    pub(crate) fn settle_down(&mut self, relearn: bool) {
        self.up.reset();
        self.down.reset();
        self.waiting.clear();
        if relearn {
            self.baseline = Baseline::default();
        }
    }

    /// Where the series usually is.
    pub(crate) fn level(&self) -> Option<Level> {
        self.baseline.level()
    }

    /// Whether it hurts when it rises.
    pub(crate) fn is_harm(&self) -> bool {
        self.watch.meaning != Meaning::Witness
    }

    /// How far it leans to the harmful side; 1 is significant.
    pub(crate) fn harm_strength(&self, config: &AnalysisConfig) -> f64 {
        if self.is_harm() { self.up.strength(config) } else { 0.0 }
    }

    /// Whether it has changed for the worse.
    pub(crate) fn is_harmed(&self, config: &AnalysisConfig) -> bool {
        let Some(level) = self.level() else { return false };
        self.is_harm() && self.up.is_change(&self.series, &level, &self.watch, config)
    }

    /// Whether it has changed at all, to either side, and since when it leans.
    pub(crate) fn changed(&self, config: &AnalysisConfig) -> Option<Timestamp> {
        let level = self.level()?;
        [&self.up, &self.down]
            .into_iter()
            .filter(|arm| arm.is_change(&self.series, &level, &self.watch, config))
            .filter_map(Arm::started)
            .min()
    }

    /// When the change began.
    pub(crate) fn dated(&self, config: &AnalysisConfig) -> Option<Timestamp> {
        let level = self.level()?;
        let arm = if self.is_harm() || self.up.strength(config) >= self.down.strength(config) {
            &self.up
        } else {
            &self.down
        };
        arm.date(&self.series, &level, config)
    }

    /// How far it leans to the side that matters; 1 is significant.
    pub(crate) fn strength(&self, config: &AnalysisConfig) -> f64 {
        let up = self.up.strength(config);
        if self.is_harm() { up } else { up.max(self.down.strength(config)) }
    }

    /// Whether it has changed, by this factor more than is significant.
    pub(crate) fn is_strongly_changed(&self, factor: f64, config: &AnalysisConfig) -> bool {
        self.changed(config).is_some() && self.strength(config) >= factor
    }

    /// Whether its last points lie below the baseline.
    pub(crate) fn has_fallen(&self) -> bool {
        let (Some(level), Some(last)) = (self.level(), self.series.last()) else { return false };
        last.value < level.center
    }

    /// Effect from which on the series is off its baseline, in its unit; `None` without a baseline.
    pub(crate) fn effect_needed(&self, config: &AnalysisConfig) -> Option<f64> {
        let level = self.level()?;
        let needed = ((self.watch.min_ratio - 1.0) * level.center.abs())
            .max(self.watch.min_difference)
            .max(config.excursion_factor * level.excursion)
            .max(config.band_sigma * level.scale / 2.0);
        Some(needed)
    }

    /// Deviations of at most `count` last points from the centre, after `from` where given; none without a baseline.
    pub(crate) fn deviations(&self, count: usize, from: Option<Timestamp>) -> Vec<f64> {
        let Some(level) = self.level() else { return Vec::new() };
        self.series
            .latest(count)
            .filter(|point| from.is_none_or(|from| point.at > from))
            .map(|point| point.value - level.center)
            .collect()
    }
}
