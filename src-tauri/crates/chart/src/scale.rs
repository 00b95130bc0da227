//! The two linear axes: time to the right, values upwards; and the top of the value axis.

use faultline_model::{TimeRange, Timestamp};

use crate::panel::{Panel, PlotArea};
use crate::ticks;

/// Where a time and a value lie on the picture.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    /// Where the values are.
    pub(crate) plot: PlotArea,
    /// The axis of time.
    pub(crate) range: TimeRange,
    /// Value at the bottom.
    pub(crate) y_min: f64,
    /// Value at the top; more than `y_min`.
    pub(crate) y_max: f64,
}

impl Scale {
    /// Logical pixels from the left edge of the picture.
    pub(crate) fn x(&self, at: Timestamp) -> f64 {
        self.plot.left_px + at.secs_since(self.range.from) / self.range.secs() * self.plot.width_px
    }

    /// Logical pixels from the top edge of the picture.
    pub(crate) fn y(&self, value: f64) -> f64 {
        let share = (value - self.y_min) / (self.y_max - self.y_min);
        self.plot.top_px + (1.0 - share.clamp(0.0, 1.0)) * self.plot.height_px
    }

    /// Left and right edge of a span, cut to the plot; `None` when it lies outside.
    pub(crate) fn span(&self, from: Timestamp, to: Timestamp) -> Option<(f64, f64)> {
        let (from, to) = (from.max(self.range.from), to.min(self.range.to));
        (from <= to).then(|| (self.x(from), self.x(to)))
    }
}

/// Values beyond it are drawn at the edge: sums and differences stay finite.
const MAX_VALUE: f64 = 1e300;
/// Free space above the greatest value, by the extent of the axis.
const HEADROOM: f64 = 0.04;
/// The ends of the axis lie on so many parts of the step between two labels.
const PARTS_OF_STEP: f64 = 4.0;

/// Bottom and top of the value axis for values between `least` and `most`: zero is always on it, and there is a little
/// room above the greatest value.
pub(crate) fn value_axis(panel: &Panel, least: f64, most: f64, wanted_ticks: usize) -> (f64, f64) {
    let hint = panel.y_max_hint.filter(|hint| hint.is_finite()).unwrap_or(0.0);
    let most = most.max(hint).clamp(0.0, MAX_VALUE);
    let least = least.clamp(-MAX_VALUE, 0.0);
    let extent = most - least;
    if extent <= f64::MIN_POSITIVE {
        return (0.0, 1.0);
    }
    let part = ticks::round_step(extent, wanted_ticks) / PARTS_OF_STEP;
    let up = ((most + HEADROOM * extent) / part).ceil() * part;
    let down = if least < 0.0 { ((least - HEADROOM * extent) / part).floor() * part } else { 0.0 };
    (down, up)
}
