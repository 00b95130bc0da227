//! The baseline of one series: where it usually is, how far it usually strays, and which excursions it has shown
//! before. It learns only from points that it is given; who decides which ones is `track.rs`.

use std::collections::VecDeque;

use faultline_model::Timestamp;

use crate::config::AnalysisConfig;
use crate::onset::LONG_SPAN_S;
use crate::series::Point;
use crate::stats::{MAD_TO_SIGMA, Q90_SIGMA, mad, quantile, sorted};
use crate::watch::{Noise, Watch};

/// Share of past blocks whose excursion counts as usual.
const USUAL_SHARE: f64 = 0.98;

/// Points after which the level is computed anew.
const REFRESH_POINTS: usize = 5;

/// Values above this quantile are taken down to it before the spread of counts is computed: quantiles of small whole
/// numbers are too coarse, and a plain deviation is ruled by the worst second.
const WINSOR_SHARE: f64 = 0.975;

fn winsorised_deviation(sorted: &[f64]) -> f64 {
    let top = quantile(sorted, WINSOR_SHARE).unwrap_or(0.0);
    let count = sorted.len().max(1) as f64;
    let mean = sorted.iter().map(|value| value.min(top)).sum::<f64>() / count;
    (sorted.iter().map(|value| (value.min(top) - mean).powi(2)).sum::<f64>() / count).sqrt()
}

/// Where a series usually is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Level {
    /// Its centre.
    pub(crate) center: f64,
    /// Its standard deviation, with floors.
    pub(crate) scale: f64,
    /// How far a block's mean has strayed upwards before without being an incident; 0 while not known.
    pub(crate) excursion: f64,
    /// The same downwards.
    pub(crate) excursion_down: f64,
    /// Usual span of a point, seconds.
    pub(crate) span_s: f64,
}

impl Level {
    /// Deviation of a value in standard deviations. A point that covers less than usual is noisier by the root.
    pub(crate) fn sigmas(&self, point: Point) -> f64 {
        let noisier = if point.span_s > 0.0 && self.span_s > point.span_s {
            (self.span_s / point.span_s).sqrt()
        } else {
            1.0
        };
        (point.value - self.center) / (self.scale * noisier)
    }
}

/// What was learnt of one series.
#[derive(Clone, Debug, Default)]
pub(crate) struct Baseline {
    recent: VecDeque<Point>,
    blocks: VecDeque<f64>,
    block: (f64, usize),
    first: Option<Timestamp>,
    level: Option<Level>,
    since_refresh: usize,
}

impl Baseline {
    /// Learns a point.
    pub(crate) fn learn(&mut self, point: Point, watch: &Watch, config: &AnalysisConfig) {
        if self
            .recent
            .back()
            .is_some_and(|last| point.at.secs_since(last.at) > config.stale_s.max(20.0 * point.span_s))
        {
            *self = Self::default();
        }
        if self.recent.len() == config.baseline_points {
            self.recent.pop_front();
        }
        self.recent.push_back(point);
        self.first.get_or_insert(point.at);
        self.remember(point, config);
        self.since_refresh += 1;
        if self.level.is_none() || self.since_refresh >= REFRESH_POINTS {
            self.since_refresh = 0;
            self.level = self.compute(watch, config);
        }
    }

    /// Remembers a point as an excursion that happens, without moving the level.
    pub(crate) fn remember(&mut self, point: Point, config: &AnalysisConfig) {
        self.block.0 += point.value;
        self.block.1 += 1;
        if self.block.1 == config.block_points {
            if self.blocks.len() == config.blocks {
                self.blocks.pop_front();
            }
            self.blocks.push_back(self.block.0 / self.block.1 as f64);
            self.block = (0.0, 0);
        }
    }

    /// Where the series usually is; `None` while too little was learnt.
    pub(crate) fn level(&self) -> Option<Level> {
        self.level
    }

    fn compute(&self, watch: &Watch, config: &AnalysisConfig) -> Option<Level> {
        let lived_s = self.recent.back()?.at.secs_since(self.first?);
        let points = self.recent.len();
        let span_s = crate::stats::median(self.recent.iter().map(|point| point.span_s)).unwrap_or(0.0);
        let enough = if span_s >= LONG_SPAN_S { config.learn_points_long } else { config.learn_points };
        if points < enough || lived_s < config.learn_s {
            return None;
        }
        let values = sorted(self.recent.iter().map(|point| point.value));
        let median = quantile(&values, 0.5)?;
        let upper = quantile(&values, 0.9)?;
        let center = match watch.noise {
            // The median of small counts jumps between whole numbers; a mean without its top tenth does not.
            Noise::Count => values.iter().map(|value| value.min(upper)).sum::<f64>() / values.len() as f64,
            Noise::Gauge => median,
        };
        let spread = match watch.noise {
            Noise::Count => winsorised_deviation(&values).max(center.max(0.25).sqrt()),
            Noise::Gauge => (MAD_TO_SIGMA * mad(&values, median)).max((upper - median) / Q90_SIGMA),
        };
        let scale = spread.max(config.scale_share * center.abs()).max(watch.scale_floor)
            * (1.0 + config.early_widening / points as f64);
        let (excursion, excursion_down) = self.excursions(center, config);
        Some(Level { center, scale: scale.max(f64::MIN_POSITIVE), excursion, excursion_down, span_s })
    }

    /// How far the means of past blocks strayed from the centre of now, up and down.
    fn excursions(&self, center: f64, config: &AnalysisConfig) -> (f64, f64) {
        if self.blocks.len() < config.blocks_min {
            return (0.0, 0.0);
        }
        let blocks = sorted(self.blocks.iter().copied());
        let up = quantile(&blocks, USUAL_SHARE).unwrap_or(center) - center;
        let down = center - quantile(&blocks, 1.0 - USUAL_SHARE).unwrap_or(center);
        (up.max(0.0), down.max(0.0))
    }
}
