//! Whether and when one series changed: a sequential test with effect size, significance and persistence, and the
//! search for the point of change. No baseline keeping, no incident.

use faultline_model::Timestamp;

use crate::baseline::Level;
use crate::config::AnalysisConfig;
use crate::series::{Point, Series};
use crate::watch::{Meaning, Watch};

/// Points that the search for the change looks back over before the first deviating one.
const DATING_POINTS: usize = 60;

/// Spans from here on are means over many events; fewer points are as sure, seconds.
pub(crate) const LONG_SPAN_S: f64 = 10.0;

/// Spans from here on lie between the two, seconds.
pub(crate) const MIDDLE_SPAN_S: f64 = 3.0;

/// Distances from here on are too long for one disturbance of a second to touch two points, seconds.
const SPARSE_SPAN_S: f64 = 1.5;

/// Share of the distance between points by which they may come early: live points are not exactly on the second.
const JITTER_SHARE: f64 = 0.25;

/// How many points a test takes, and how much each may add: the further apart they are, the less likely one
/// disturbance has touched several of them.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Pace {
    /// Most that a point adds before the drift, in standard deviations.
    clip: f64,
    /// Points beyond the band that an ordinary effect takes.
    points: usize,
    /// The same for a huge one.
    points_huge: usize,
}

impl Pace {
    fn of(spacing_s: f64, config: &AnalysisConfig) -> Self {
        let (clip, points, points_huge) = (config.cusum_clip, config.persistence_points, config.huge_points);
        match spacing_s {
            s if s >= LONG_SPAN_S => {
                let few = (points * 2 / 5).max(1);
                Self { clip: clip * 5.0 / 3.0, points: few, points_huge: few }
            }
            s if s >= MIDDLE_SPAN_S => {
                let some = (points * 3 / 5).max(1);
                Self { clip: clip * 7.0 / 6.0, points: some, points_huge: some }
            }
            s if s >= SPARSE_SPAN_S => Self {
                clip: clip * 7.0 / 6.0,
                points: points.saturating_sub(1).max(1),
                points_huge: points_huge.saturating_sub(1).max(1),
            },
            _ => Self { clip, points, points_huge },
        }
    }
}

/// Latest points whose mean is the size of the effect.
const EFFECT_POINTS: usize = 10;

/// Where a series went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Up.
    Up,
    /// Down.
    Down,
}

impl Side {
    const fn sign(self) -> f64 {
        match self {
            Self::Up => 1.0,
            Self::Down => -1.0,
        }
    }
}

/// A stretch in which a series leans to one side.
#[derive(Clone, Debug)]
pub(crate) struct Arm {
    side: Side,
    sum: f64,
    started: Option<Timestamp>,
    beyond: usize,
    points: usize,
    last_beyond: bool,
}

impl Arm {
    /// An arm that has seen nothing.
    pub(crate) const fn new(side: Side) -> Self {
        Self { side, sum: 0.0, started: None, beyond: 0, points: 0, last_beyond: false }
    }

    /// Forgets the stretch.
    pub(crate) fn reset(&mut self) {
        *self = Self::new(self.side);
    }

    /// Takes the next point, as a deviation in standard deviations.
    pub(crate) fn step(&mut self, at: Timestamp, sigmas: f64, spacing_s: f64, config: &AnalysisConfig) {
        let toward = sigmas * self.side.sign();
        let clip = Pace::of(spacing_s, config).clip;
        self.sum =
            (self.sum + toward.clamp(-clip, clip) - config.cusum_drift).min(3.0 * config.cusum_threshold);
        if self.sum <= 0.0 {
            self.reset();
            return;
        }
        self.started.get_or_insert(at);
        self.points += 1;
        self.last_beyond = toward > config.band_sigma;
        self.beyond += usize::from(self.last_beyond);
    }

    /// How far the sum is on the way to significance; 1 is significant.
    pub(crate) fn strength(&self, config: &AnalysisConfig) -> f64 {
        self.sum / config.cusum_threshold
    }

    /// When the stretch began.
    pub(crate) fn started(&self) -> Option<Timestamp> {
        self.started
    }

    /// Points since the stretch began.
    pub(crate) fn points(&self) -> usize {
        self.points
    }

    /// Whether significance, persistence and effect size are all there at the series' last point.
    pub(crate) fn is_change(
        &self,
        series: &Series,
        level: &Level,
        watch: &Watch,
        config: &AnalysisConfig,
    ) -> bool {
        if self.strength(config) < 1.0 || !self.last_beyond {
            return false;
        }
        let (Some(started), Some(last)) = (self.started, series.last()) else { return false };
        let spacing_s = series.spacing_s().unwrap_or(0.0);
        let pace = Pace::of(spacing_s, config);
        let lasted_s = last.at.secs_since(started) + last.span_s.max(0.0) + JITTER_SHARE * spacing_s;
        let effect_needed = self.effect_needed(level, watch, config);
        if self.beyond >= pace.points && lasted_s >= config.persistence_s {
            let count = self.points.clamp(1, EFFECT_POINTS);
            let sum: f64 = series.latest(count).map(|point| self.effect(level, point)).sum();
            return sum >= effect_needed * count as f64;
        }
        // Nothing but trouble holds such a height for so many points: its weakest point counts, not its mean.
        let huge = config.huge_effect * effect_needed;
        watch.meaning != Meaning::Witness
            && self.beyond >= pace.points_huge
            && lasted_s >= config.huge_persistence_s
            && series.latest(pace.points_huge).all(|point| self.effect(level, point) >= huge)
    }

    fn effect(&self, level: &Level, point: Point) -> f64 {
        (point.value - level.center) * self.side.sign()
    }

    /// Least effect that matters: by ratio, by difference, and beyond what has happened before.
    fn effect_needed(&self, level: &Level, watch: &Watch, config: &AnalysisConfig) -> f64 {
        let (relative, usual) = match self.side {
            Side::Up => ((watch.min_ratio - 1.0) * level.center.abs(), level.excursion),
            Side::Down => ((1.0 - 1.0 / watch.min_ratio) * level.center.abs(), level.excursion_down),
        };
        relative.max(watch.min_difference).max(config.excursion_factor * usual)
    }

    /// Dates the change: the split of the series, from a while before the stretch to now, that a step explains best
    /// (largest log likelihood of a step of the size now seen).
    pub(crate) fn date(&self, series: &Series, level: &Level, config: &AnalysisConfig) -> Option<Timestamp> {
        let points: Vec<Point> = series.latest(self.points + DATING_POINTS).collect();
        let clip = config.cusum_clip;
        let toward: Vec<f64> =
            points.iter().map(|point| (level.sigmas(*point) * self.side.sign()).clamp(-clip, clip)).collect();
        let recent = &toward[toward.len().saturating_sub(EFFECT_POINTS.min(self.points.max(1)))..];
        let step = crate::stats::median(recent.iter().copied())?.max(1.0);
        let mut tail = 0.0;
        let mut best = (f64::NEG_INFINITY, points.len().checked_sub(1)?);
        for index in (0..points.len()).rev() {
            tail += toward[index] - step / 2.0;
            if tail > best.0 {
                best = (tail, index);
            }
        }
        let first = points[best.1];
        let gap_s = match best.1.checked_sub(1) {
            Some(before) => first.at.secs_since(points[before].at),
            None => first.span_s,
        };
        // It began between the two points; the middle is wrong by half a distance at most.
        Some(first.at - gap_s.min(first.span_s.max(series.spacing_s().unwrap_or(gap_s))) / 2.0)
    }
}
