//! The two pictures: one panel as SVG, panels above each other as PNG.

use faultline_model::TimeRange;
use plotters::prelude::{BitMapBackend, IntoDrawingArea, SVGBackend};

use crate::error::ChartError;
use crate::font;
use crate::layout::lay_out;
use crate::paint::{self, Scene};
use crate::panel::{
    Band, Canvas, Drawn, Flag, MAX_POINTS_PER_SERIES, MAX_SERIES, MAX_SIDE_PX, MIN_SIDE_PX, Panel, Rect,
};
use crate::png_file::{self, BYTES_BY_PX};
use crate::surface::{Grain, Surface};
use crate::svg_text::{self, UNITS_BY_PX};
use crate::text::{self, MAX_TITLE_CHARS};
use crate::theme::inks;

/// Where the SVG backend puts the baseline below the point of a text, by plotters' font size (0.76 em).
const SVG_BASELINE: f64 = 0.76 / font::SIZE_BY_CSS;
/// Where the bitmap backend puts it.
const BITMAP_BASELINE: f64 = 0.5;
/// The bitmap is drawn so many times larger in both directions and then averaged.
const SMOOTHING: usize = 2;
/// Most bytes of a bitmap while it is drawn.
const MAX_BITMAP_BYTES: usize = 512 << 20;
/// Scales that make sense.
const SCALES: std::ops::RangeInclusive<f64> = 0.5..=4.0;

/// Draws one panel as SVG. Labels of the time axis are in the local time that is `utc_offset_s` ahead of UTC. There
/// is no legend: the window has its own.
///
/// # Errors
/// When the canvas is too small or too large, the range is empty, or there is more data than [`MAX_SERIES`] and
/// [`MAX_POINTS_PER_SERIES`] allow.
pub fn draw_svg(
    panel: &Panel,
    range: TimeRange,
    flags: &[Flag],
    bands: &[Band],
    canvas: &Canvas,
    utc_offset_s: i32,
) -> Result<Drawn, ChartError> {
    check_canvas(canvas, 1)?;
    check_panel(panel, range)?;
    font::ready()?;
    let mut body = String::new();
    let painted = {
        let size = (canvas.width_px * UNITS_BY_PX, canvas.height_px * UNITS_BY_PX);
        let grain = Grain { units: f64::from(UNITS_BY_PX), baseline: SVG_BASELINE };
        let surface = Surface::new(SVGBackend::with_string(&mut body, size).into_drawing_area(), grain);
        let scene = Scene { panel, range, flags, bands, inks: inks(canvas.theme), utc_offset_s };
        surface.fill(scene.inks.paper)?;
        let painted = paint::panel(&surface, &scene, &lay_out(panel, outer(canvas, 0, 1), false))?;
        surface.finish()?;
        painted
    };
    Ok(Drawn {
        svg: svg_text::with_head(&body, canvas, &text::one_line(&panel.title, MAX_TITLE_CHARS)),
        plot: painted.scale.plot,
        y_min: painted.scale.y_min,
        y_max: painted.scale.y_max,
        flags: painted.flags,
    })
}

/// Draws panels above each other, with legends, as a PNG of `width_px · scale` by `height_px · scale` pixels.
///
/// # Errors
/// As [`draw_svg`]; also when there is no panel.
pub fn draw_png(
    panels: &[Panel],
    range: TimeRange,
    flags: &[Flag],
    bands: &[Band],
    canvas: &Canvas,
    utc_offset_s: i32,
) -> Result<Vec<u8>, ChartError> {
    if panels.is_empty() {
        return Err(ChartError::NoPanel);
    }
    check_canvas(canvas, panels.len())?;
    panels.iter().try_for_each(|panel| check_panel(panel, range))?;
    font::ready()?;
    let pixels = |side: u32| (f64::from(side) * canvas.scale).round() as usize;
    let (width, height) = (pixels(canvas.width_px), pixels(canvas.height_px));
    let mut large = vec![0; width * height * SMOOTHING * SMOOTHING * BYTES_BY_PX];
    {
        let size = ((width * SMOOTHING) as u32, (height * SMOOTHING) as u32);
        let grain = Grain { units: canvas.scale * SMOOTHING as f64, baseline: BITMAP_BASELINE };
        let surface = Surface::new(BitMapBackend::with_buffer(&mut large, size).into_drawing_area(), grain);
        let inks = inks(canvas.theme);
        surface.fill(inks.paper)?;
        for (index, panel) in panels.iter().enumerate() {
            let scene = Scene { panel, range, flags, bands, inks, utc_offset_s };
            paint::panel(&surface, &scene, &lay_out(panel, outer(canvas, index, panels.len()), true))?;
        }
        surface.finish()?;
    }
    png_file::encode(
        &png_file::shrink(&large, width, height, SMOOTHING),
        width as u32,
        height as u32,
        canvas.scale,
    )
}

/// The part of the canvas that belongs to one of several panels.
fn outer(canvas: &Canvas, index: usize, of: usize) -> Rect {
    let edge = |index: usize| (f64::from(canvas.height_px) * index as f64 / of as f64).round();
    Rect {
        left_px: 0.0,
        top_px: edge(index),
        width_px: f64::from(canvas.width_px),
        height_px: edge(index + 1) - edge(index),
    }
}

fn check_canvas(canvas: &Canvas, panels: usize) -> Result<(), ChartError> {
    let sides = MIN_SIDE_PX..=MAX_SIDE_PX;
    let each = canvas.height_px as usize / panels.max(1);
    let bytes =
        f64::from(canvas.width_px) * f64::from(canvas.height_px) * (canvas.scale * SMOOTHING as f64).powi(2);
    let fits = sides.contains(&canvas.width_px)
        && sides.contains(&canvas.height_px)
        && each >= MIN_SIDE_PX as usize
        && SCALES.contains(&canvas.scale)
        && bytes * BYTES_BY_PX as f64 <= MAX_BITMAP_BYTES as f64;
    if fits {
        return Ok(());
    }
    Err(ChartError::Size {
        width_px: canvas.width_px,
        height_px: canvas.height_px,
        scale: canvas.scale,
        min_px: MIN_SIDE_PX,
        max_px: MAX_SIDE_PX,
    })
}

fn check_panel(panel: &Panel, range: TimeRange) -> Result<(), ChartError> {
    if range.secs() <= 0.0 {
        return Err(ChartError::EmptyRange);
    }
    let most_points = panel.series.iter().map(|series| series.points.len()).max().unwrap_or(0);
    for (what, found, limit) in [
        ("series", panel.series.len(), MAX_SERIES),
        ("points in a series", most_points, MAX_POINTS_PER_SERIES),
    ] {
        if found > limit {
            let panel = text::one_line(&panel.title, MAX_TITLE_CHARS);
            return Err(ChartError::TooMuch { panel, what, found, limit });
        }
    }
    Ok(())
}
