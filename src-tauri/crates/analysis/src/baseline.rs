//! The baseline of one series: where it usually is, how far it usually strays, and which excursions it has shown
//! before. It learns only from points that it is given; who decides which ones is `track.rs`.

use std::collections::VecDeque;

use faultline_model::Timestamp;

use crate::config::AnalysisConfig;
use crate::series::Point;
use crate::stats::{MAD_TO_SIGMA, Q90_SIGMA, mad, quantile, sorted};
use crate::watch::{Noise, Watch};

/// Share of past blocks whose excursion counts as usual.
const USUAL_SHARE: f64 = 0.98;

/// Points after which the level is computed anew.
const REFRESH_POINTS: usize = 5;

/// Where a series usually is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Level {
    /// Its centre.
    pub(crate) center: f64,
    /// Its standard deviation, with floors.
    pub(crate) scale: f64,
    /// How far a block's mean has strayed upwards before without being an incident; 0 while not known.
    pub(crate) excursion: f64,
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
        self.block.0 += point.value;
        self.block.1 += 1;
        if self.block.1 == config.block_points {
            if self.blocks.len() == config.blocks {
                self.blocks.pop_front();
            }
            self.blocks.push_back(self.block.0 / self.block.1 as f64);
            self.block = (0.0, 0);
        }
        self.since_refresh += 1;
        if self.level.is_none() || self.since_refresh >= REFRESH_POINTS {
            self.since_refresh = 0;
            self.level = self.compute(watch, config);
        }
    }

    /// Where the series usually is; `None` while too little was learnt.
    pub(crate) fn level(&self) -> Option<Level> {
        self.level
    }

    fn compute(&self, watch: &Watch, config: &AnalysisConfig) -> Option<Level> {
        let lived_s = self.recent.back()?.at.secs_since(self.first?);
        let points = self.recent.len();
        if points < config.learn_points || lived_s < config.learn_s {
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
        let counting = match watch.noise {
            Noise::Count => center.max(0.25).sqrt(),
            Noise::Gauge => 0.0,
        };
        let scale = (MAD_TO_SIGMA * mad(&values, median))
            .max((upper - median) / Q90_SIGMA)
            .max(config.scale_share * center.abs())
            .max(watch.scale_floor)
            .max(counting)
            * (1.0 + config.early_widening / points as f64);
        let span_s = crate::stats::median(self.recent.iter().map(|point| point.span_s)).unwrap_or(0.0);
        Some(Level {
            center,
            scale: scale.max(f64::MIN_POSITIVE),
            excursion: self.excursion(center, config),
            span_s,
        })
    }

    fn excursion(&self, center: f64, config: &AnalysisConfig) -> f64 {
        if self.blocks.len() < config.blocks_min {
            return 0.0;
        }
        let blocks = sorted(self.blocks.iter().copied());
        let usual = quantile(&blocks, USUAL_SHARE).unwrap_or(center);
        (usual - quantile(&blocks, 0.5).unwrap_or(center)).max(0.0)
    }
}
