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
        let share = (value / 2.0 - self.y_min / 2.0) / (self.y_max / 2.0 - self.y_min / 2.0);
        self.plot.top_px + (1.0 - share.clamp(0.0, 1.0)) * self.plot.height_px
    }

    /// Left and right edge of a span, cut to the plot; `None` when it lies outside.
    pub(crate) fn span(&self, from: Timestamp, to: Timestamp) -> Option<(f64, f64)> {
        let (from, to) = (from.max(self.range.from), to.min(self.range.to));
        (from <= to).then(|| (self.x(from), self.x(to)))
    }
}

/// Bottom and top of the value axis for values between `least` and `most`: zero is always on it, and both ends are
/// round numbers.
pub(crate) fn value_axis(panel: &Panel, least: f64, most: f64, wanted_ticks: usize) -> (f64, f64) {
    let hint = panel.y_max_hint.filter(|hint| hint.is_finite()).unwrap_or(0.0);
    let most = most.max(hint).max(0.0);
    let least = least.min(0.0);
    if most == 0.0 && least == 0.0 {
        return (0.0, 1.0);
    }
    let step = ticks::round_step(most / 2.0 - least / 2.0, wanted_ticks) * 2.0;
    let up = ((most / step).ceil() * step).min(f64::MAX);
    let down = ((least / step).floor() * step).max(f64::MIN);
    if up > down && step > 0.0 { (down, up) } else { (least, least + 1.0) }
}
