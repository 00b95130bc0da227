//! Rings of points: what one series did lately. No judgement.

use std::collections::VecDeque;

use faultline_model::Timestamp;

/// Points that a ring holds: ten minutes at one point a second.
const CAPACITY: usize = 600;

/// Distances between points that the usual distance is taken from.
const SPACING_POINTS: usize = 9;

/// One point of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    /// End of what it covers.
    pub(crate) at: Timestamp,
    /// The value.
    pub(crate) value: f64,
    /// Seconds that it covers; 0 is an instant.
    pub(crate) span_s: f64,
}

/// The latest points of one series, in the order of time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Series {
    points: VecDeque<Point>,
}

impl Series {
    /// Appends a point; one that is not later than the last is left out.
    pub(crate) fn push(&mut self, point: Point) -> bool {
        if !point.value.is_finite() || self.last().is_some_and(|last| point.at <= last.at) {
            return false;
        }
        if self.points.len() == CAPACITY {
            self.points.pop_front();
        }
        self.points.push_back(point);
        true
    }

    /// The last point.
    pub(crate) fn last(&self) -> Option<Point> {
        self.points.back().copied()
    }

    /// The points after `from`, oldest first.
    pub(crate) fn after(&self, from: Timestamp) -> impl Iterator<Item = Point> + '_ {
        let first = self.points.partition_point(|point| point.at <= from);
        self.points.range(first..).copied()
    }

    /// Mean of the points after `from`.
    pub(crate) fn mean_after(&self, from: Timestamp) -> Option<f64> {
        let (sum, count) =
            self.after(from).fold((0.0, 0_u32), |(sum, count), point| (sum + point.value, count + 1));
        (count > 0).then(|| sum / f64::from(count))
    }

    /// The last `count` points, oldest first.
    pub(crate) fn latest(&self, count: usize) -> impl Iterator<Item = Point> + '_ {
        self.points.range(self.points.len().saturating_sub(count)..).copied()
    }

    /// Usual distance between points, seconds, from the last few; `None` before there are two.
    pub(crate) fn spacing_s(&self) -> Option<f64> {
        let times: Vec<Timestamp> = self.latest(SPACING_POINTS + 1).map(|point| point.at).collect();
        crate::stats::median(times.windows(2).map(|pair| pair[1].secs_since(pair[0])))
    }
}
