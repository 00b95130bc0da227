//! Where the parts of a panel lie. The margins are the same for every panel, so that panels above each other share
//! their axis of time to the pixel.

use crate::panel::{Panel, PlotArea, Rect};

/// Left margin: the labels of the value axis, logical pixels.
const LEFT_PX: f64 = 54.0;
/// Right margin.
const RIGHT_PX: f64 = 14.0;
/// Above the plot: the title.
const TITLE_PX: f64 = 26.0;
/// Between what is above the plot and the plot: room for the uppermost label and the tips of the flags.
const TITLE_GAP_PX: f64 = 4.0;
/// Above the plot: one row of flag labels.
pub(crate) const CHIP_ROW_PX: f64 = 19.0;
/// Rows of flag labels.
pub(crate) const CHIP_ROWS: usize = 2;
/// Above the plot: the legend.
const LEGEND_PX: f64 = 20.0;
/// Below the plot: the labels of the time axis.
const BOTTOM_PX: f64 = 24.0;
/// The plot is never less high, whatever has to give way.
const MIN_PLOT_PX: f64 = 16.0;
/// Least height of a panel with two rows of flag labels.
const TWO_ROWS_FROM_PX: f64 = 170.0;

/// Where the parts of a panel lie, logical pixels from the top left corner of the picture.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// The whole panel.
    pub(crate) panel: Rect,
    /// Where the values are.
    pub(crate) plot: PlotArea,
    /// Baseline of the title.
    pub(crate) title_y: f64,
    /// Middle of the legend, where there is one.
    pub(crate) legend_y: Option<f64>,
    /// Rows for flag labels above the plot.
    pub(crate) chip_rows: usize,
}

/// Lays a panel out.
pub(crate) fn lay_out(panel: &Panel, outer: Rect, with_legend: bool) -> Layout {
    let chip_rows = match panel.flag_labels {
        true if outer.height_px >= TWO_ROWS_FROM_PX => CHIP_ROWS,
        true => 1,
        false => 0,
    };
    let legend = with_legend && panel.series.len() > 1;
    let mut above =
        TITLE_PX + TITLE_GAP_PX + chip_rows as f64 * CHIP_ROW_PX + if legend { LEGEND_PX } else { 0.0 };
    above = above.min(outer.height_px - BOTTOM_PX - MIN_PLOT_PX).max(0.0).round();
    let plot = Rect {
        left_px: outer.left_px + LEFT_PX.min(outer.width_px / 3.0),
        top_px: outer.top_px + above,
        width_px: (outer.width_px - LEFT_PX.min(outer.width_px / 3.0) - RIGHT_PX).max(1.0),
        height_px: (outer.height_px - above - BOTTOM_PX).max(1.0),
    };
    let title_y = outer.top_px + 17.0;
    let legend_y = legend.then_some(outer.top_px + TITLE_PX + 8.0);
    Layout { panel: outer, plot, title_y, legend_y, chip_rows }
}
