//! One panel painted from back to front: grid, incidents, values, flags, words.

use plotters::prelude::DrawingBackend;

use crate::downsample;
use crate::error::ChartError;
use crate::font;
use crate::layout::Layout;
use crate::marks;
use crate::panel::{Band, DrawnFlag, Flag, Panel, PanelKind, Rect, Series};
use crate::scale::{self, Scale};
use crate::stack::{self, Stretch};
use crate::surface::{Align, Label, Surface};
use crate::text::{self, MAX_LEGEND_CHARS, MAX_TITLE_CHARS};
use crate::theme::Inks;
use crate::ticks;

/// Width of a line, logical pixels.
const LINE_PX: f64 = 1.6;
/// Radius of a value that stands alone.
const DOT_PX: f64 = 2.2;
/// Width of a stacked column that stands alone.
const LONE_PX: f64 = 3.0;
/// How opaque areas are, 0–1.
const AREA_ALPHA: f64 = 0.88;
/// Size of the labels of the axes.
const AXIS_TEXT_PX: f64 = 10.5;
/// Size of a title.
const TITLE_TEXT_PX: f64 = 12.5;
/// About one label of the value axis in so many pixels.
const Y_TICK_EVERY_PX: f64 = 38.0;
/// About one label of the time axis in so many pixels.
const X_TICK_EVERY_PX: f64 = 92.0;
/// Columns to each logical pixel that lines are thinned to.
const COLUMNS_BY_PX: f64 = 1.0;

/// What a panel is painted with.
pub(crate) struct Scene<'a> {
    /// The panel.
    pub(crate) panel: &'a Panel,
    /// The axis of time.
    pub(crate) range: faultline_model::TimeRange,
    /// The flags.
    pub(crate) flags: &'a [Flag],
    /// The incidents.
    pub(crate) bands: &'a [Band],
    /// The colours.
    pub(crate) inks: Inks,
    /// Local time minus UTC, seconds.
    pub(crate) utc_offset_s: i32,
}

/// What a painted panel tells about itself.
pub(crate) struct Painted {
    /// Its axes.
    pub(crate) scale: Scale,
    /// The flags in it.
    pub(crate) flags: Vec<DrawnFlag>,
}

/// The values of a panel as they are drawn.
enum Shapes<'a> {
    Lines(Vec<(&'a Series, Vec<downsample::Run>)>),
    Areas(Vec<Stretch>),
}

impl Shapes<'_> {
    /// Least and greatest value; `None` when there is none.
    fn extent(&self) -> Option<(f64, f64)> {
        let fold = |extent: Option<(f64, f64)>, value: f64| {
            Some(
                extent
                    .map_or((value, value), |(least, most): (f64, f64)| (least.min(value), most.max(value))),
            )
        };
        match self {
            Self::Lines(lines) => {
                lines.iter().flat_map(|(_, runs)| runs.iter().flatten()).map(|point| point.1).fold(None, fold)
            }
            Self::Areas(stretches) => {
                stretches.iter().filter_map(|one| one.edges.last()).flatten().copied().fold(None, fold)
            }
        }
    }
}

/// Paints a panel.
pub(crate) fn panel<DB: DrawingBackend>(
    surface: &Surface<DB>,
    scene: &Scene<'_>,
    layout: &Layout,
) -> Result<Painted, ChartError> {
    let columns = (layout.plot.width_px * COLUMNS_BY_PX).ceil() as usize;
    let shapes = match scene.panel.kind {
        PanelKind::Lines => Shapes::Lines(
            scene.panel.series.iter().map(|one| (one, downsample::runs(one, scene.range, columns))).collect(),
        ),
        PanelKind::StackedArea => Shapes::Areas(stack::stack(&scene.panel.series, scene.range, columns)),
    };
    let wanted = (layout.plot.height_px / Y_TICK_EVERY_PX).round().max(2.0) as usize;
    let extent = shapes.extent();
    let (least, most) = extent.unwrap_or((0.0, 0.0));
    let (y_min, y_max) = scale::value_axis(scene.panel, least, most, wanted);
    let scale = Scale { plot: layout.plot, range: scene.range, y_min, y_max };

    grid(surface, scene, &scale, wanted)?;
    marks::bands(surface, &scale, scene.bands, &scene.inks)?;
    match &shapes {
        Shapes::Lines(lines) => paint_lines(surface, &scale, lines)?,
        Shapes::Areas(stretches) => paint_areas(surface, &scale, scene.panel, stretches)?,
    }
    surface.rect(
        Rect { top_px: layout.plot.top_px + layout.plot.height_px - 0.5, height_px: 1.0, ..layout.plot },
        scene.inks.axis,
        1.0,
    )?;
    let flags = marks::flags(surface, layout, &scale, scene.flags, &scene.inks)?;
    words(surface, scene, layout, extent.is_none())?;
    Ok(Painted { scale, flags })
}

fn grid<DB: DrawingBackend>(
    surface: &Surface<DB>,
    scene: &Scene<'_>,
    scale: &Scale,
    wanted: usize,
) -> Result<(), ChartError> {
    let (plot, inks) = (scale.plot, &scene.inks);
    for value in ticks::value_ticks(scale.y_min, scale.y_max, wanted) {
        let y = scale.y(value).round();
        surface.rect(Rect { top_px: y - 0.5, height_px: 1.0, ..plot }, inks.grid, 1.0)?;
        surface.text(Label {
            text: &ticks::value_label(value, scale.y_max.max(-scale.y_min), scene.panel.unit),
            x: plot.left_px - 8.0,
            y: y + 3.7,
            size_px: AXIS_TEXT_PX,
            color: inks.soft,
            align: Align::Right,
        })?;
    }
    let wanted = (plot.width_px / X_TICK_EVERY_PX).floor().max(1.0) as usize;
    for tick in ticks::time_ticks(scene.range, scene.utc_offset_s, wanted) {
        let x = scale.x(tick.at);
        surface.rect(
            Rect { left_px: x.floor(), width_px: 1.0, ..plot },
            inks.grid,
            if tick.new_day { 1.0 } else { 0.7 },
        )?;
        let half = font::width_px(&tick.label, AXIS_TEXT_PX) / 2.0;
        let room = (plot.left_px + half - 4.0, plot.left_px + plot.width_px - half + 12.0);
        surface.text(Label {
            text: &tick.label,
            x: if room.0 < room.1 { x.clamp(room.0, room.1) } else { x },
            y: plot.top_px + plot.height_px + 15.5,
            size_px: AXIS_TEXT_PX,
            color: if tick.new_day { inks.strong } else { inks.soft },
            align: Align::Center,
        })?;
    }
    Ok(())
}

fn paint_lines<DB: DrawingBackend>(
    surface: &Surface<DB>,
    scale: &Scale,
    lines: &[(&Series, Vec<downsample::Run>)],
) -> Result<(), ChartError> {
    for (series, runs) in lines.iter().rev() {
        for run in runs {
            let points: Vec<(f64, f64)> =
                run.iter().map(|(at, value)| (scale.x(*at), scale.y(*value))).collect();
            match points[..] {
                [alone] => surface.dot(alone, DOT_PX, series.color)?,
                _ => surface.path(&points, series.color, 1.0, LINE_PX)?,
            }
        }
    }
    Ok(())
}

fn paint_areas<DB: DrawingBackend>(
    surface: &Surface<DB>,
    scale: &Scale,
    panel: &Panel,
    stretches: &[Stretch],
) -> Result<(), ChartError> {
    for stretch in stretches {
        let xs: Vec<f64> = stretch.times.iter().map(|at| scale.x(*at)).collect();
        let mut below = vec![0.0; xs.len()];
        for (series, edge) in panel.series.iter().zip(&stretch.edges) {
            for piece in pieces(&below, edge) {
                let outline = outline(scale, &xs[piece.clone()], &below[piece.clone()], &edge[piece]);
                surface.polygon(&outline, series.color, AREA_ALPHA)?;
            }
            below.clone_from(edge);
        }
    }
    Ok(())
}

/// The stretches where a layer has any height, with one point of no height on each side.
fn pieces(below: &[f64], edge: &[f64]) -> Vec<std::ops::Range<usize>> {
    let mut out: Vec<std::ops::Range<usize>> = Vec::new();
    for index in (0..edge.len()).filter(|index| edge[*index] > below[*index]) {
        let from = index.saturating_sub(1);
        let to = (index + 2).min(edge.len());
        match out.last_mut() {
            Some(last) if last.end >= from => last.end = to,
            _ => out.push(from..to),
        }
    }
    out
}

fn outline(scale: &Scale, xs: &[f64], below: &[f64], edge: &[f64]) -> Vec<(f64, f64)> {
    if let ([x], [low], [high]) = (xs, below, edge) {
        let (left, right) = (x - LONE_PX / 2.0, x + LONE_PX / 2.0);
        let (top, bottom) = (scale.y(*high), scale.y(*low));
        return vec![(left, top), (right, top), (right, bottom), (left, bottom)];
    }
    let upper = xs.iter().zip(edge).map(|(x, value)| (*x, scale.y(*value)));
    let lower = xs.iter().zip(below).rev().map(|(x, value)| (*x, scale.y(*value)));
    upper.chain(lower).collect()
}

fn words<DB: DrawingBackend>(
    surface: &Surface<DB>,
    scene: &Scene<'_>,
    layout: &Layout,
    is_empty: bool,
) -> Result<(), ChartError> {
    let inks = &scene.inks;
    let title = text::one_line(&scene.panel.title, MAX_TITLE_CHARS);
    let left = layout.panel.left_px + 14.0;
    surface.text(Label {
        text: &title,
        x: left,
        y: layout.title_y,
        size_px: TITLE_TEXT_PX,
        color: inks.strong,
        align: Align::Left,
    })?;
    if !scene.panel.unit.is_empty() {
        surface.text(Label {
            text: scene.panel.unit,
            x: left + font::width_px(&title, TITLE_TEXT_PX) + 7.0,
            y: layout.title_y,
            size_px: AXIS_TEXT_PX,
            color: inks.soft,
            align: Align::Left,
        })?;
    }
    if is_empty {
        surface.text(Label {
            text: "No data in this range",
            x: layout.plot.left_px + layout.plot.width_px / 2.0,
            y: layout.plot.top_px + layout.plot.height_px / 2.0 + 4.0,
            size_px: 12.0,
            color: inks.soft,
            align: Align::Center,
        })?;
    }
    layout.legend_y.map_or(Ok(()), |y| legend(surface, scene, layout, left, y))
}

/// The legend: one line, the most important series (the last in a stack, the first of lines) first; what has no room
/// is counted.
fn legend<DB: DrawingBackend>(
    surface: &Surface<DB>,
    scene: &Scene<'_>,
    layout: &Layout,
    left: f64,
    y: f64,
) -> Result<(), ChartError> {
    let right = layout.panel.left_px + layout.panel.width_px - 14.0;
    let put = |text: &str, x: f64| {
        let (size_px, color) = (AXIS_TEXT_PX, scene.inks.soft);
        surface.text(Label { text, x, y: y + 3.7, size_px, color, align: Align::Left })
    };
    let mut x = left;
    let mut order: Vec<&Series> = scene.panel.series.iter().collect();
    if scene.panel.kind == PanelKind::StackedArea {
        order.reverse();
    }
    for (index, series) in order.iter().enumerate() {
        let label = text::one_line(&series.label, MAX_LEGEND_CHARS);
        let width = 13.0 + font::width_px(&label, AXIS_TEXT_PX) + 14.0;
        let rest = order.len() - index;
        let room = if rest > 1 { 44.0 } else { 0.0 };
        if x + width + room > right {
            return put(&format!("+{rest} more"), x);
        }
        let swatch = Rect { left_px: x, top_px: y - 4.0, width_px: 8.0, height_px: 8.0 };
        surface.polygon(&marks::rounded(swatch, 2.0), series.color, 1.0)?;
        put(&label, x + 13.0)?;
        x += width;
    }
    Ok(())
}
