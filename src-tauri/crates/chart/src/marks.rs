//! What lies over the values: flags of deploys and bands of incidents.

use faultline_model::{DeployKind, DeployStatus, Severity};
use plotters::prelude::DrawingBackend;

use crate::error::ChartError;
use crate::font;
use crate::layout::{CHIP_ROW_PX, Layout};
use crate::panel::{Band, Color, DrawnFlag, Flag, Rect};
use crate::scale::Scale;
use crate::surface::{Align, Label, Surface};
use crate::text::{self, MAX_FLAG_CHARS};
use crate::theme::Inks;

/// Size of a flag's label.
const CHIP_TEXT_PX: f64 = 10.5;
/// Height of a flag's label.
const CHIP_PX: f64 = 16.0;
/// Between the edge of a label and its text.
const CHIP_PAD_PX: f64 = 6.0;
/// Between two labels in a row.
const CHIP_GAP_PX: f64 = 3.0;
/// A label may reach so far beyond the right edge of the plot.
const CHIP_OVERHANG_PX: f64 = 8.0;
/// Dash and gap of the line of a deploy under way.
const DASH_PX: f64 = 4.0;
/// Tint from a deploy's start to its finish, 0–1.
const DEPLOY_TINT: f64 = 0.10;
/// Most flags with a line on a panel; beyond it they would cover the values.
const MAX_FLAGS: usize = 400;

/// Tints the incidents.
pub(crate) fn bands<DB: DrawingBackend>(
    surface: &Surface<DB>,
    scale: &Scale,
    bands: &[Band],
    inks: &Inks,
) -> Result<(), ChartError> {
    for band in bands {
        let Some((left, right)) = scale.span(band.from, band.to.unwrap_or(scale.range.to)) else { continue };
        let color = match band.severity {
            Severity::Critical => inks.critical,
            Severity::Warning => inks.warning,
        };
        let plot = scale.plot;
        let tint = Rect { left_px: left, width_px: right - left, ..plot };
        surface.rect(tint, color, inks.tint)?;
        surface.rect(Rect { top_px: plot.top_px - 2.0, height_px: 2.0, ..tint }, color, 0.9)?;
        if band.from >= scale.range.from {
            surface.rect(Rect { width_px: 1.0, left_px: left.floor(), ..plot }, color, 0.45)?;
        }
    }
    Ok(())
}

/// Draws the lines of the flags and the tints behind them.
pub(crate) fn flags<DB: DrawingBackend>(
    surface: &Surface<DB>,
    layout: &Layout,
    scale: &Scale,
    flags: &[Flag],
    inks: &Inks,
) -> Result<Vec<DrawnFlag>, ChartError> {
    let mut visible: Vec<&Flag> = flags.iter().filter(|flag| is_visible(flag, scale)).collect();
    visible.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.deploy.cmp(&b.deploy)));
    visible.truncate(MAX_FLAGS);
    let mut rows = vec![Vec::new(); layout.chip_rows];
    let mut out = Vec::with_capacity(visible.len());
    for flag in visible {
        let color = color_of(flag, inks);
        if let Some(started) = flag.started
            && let Some((left, right)) = scale.span(started, flag.at)
        {
            surface.rect(Rect { left_px: left, width_px: right - left, ..scale.plot }, color, DEPLOY_TINT)?;
        }
        if !(scale.range.from <= flag.at && flag.at <= scale.range.to) {
            continue;
        }
        let x = scale.x(flag.at).floor() + 0.5;
        let chip = chip(surface, layout, x, &mut rows, flag, color, inks)?;
        let top = chip.map_or(scale.plot.top_px - 3.0, |chip| chip.top_px + chip.height_px);
        line(surface, x, top, scale.plot.top_px + scale.plot.height_px, flag.status, color)?;
        if chip.is_none() {
            let y = scale.plot.top_px - 3.0;
            surface.polygon(&[(x - 3.5, y - 3.0), (x + 3.5, y - 3.0), (x, y + 3.0)], color, 1.0)?;
        }
        out.push(DrawnFlag { deploy: flag.deploy.clone(), x_px: x, chip });
    }
    out.reverse();
    Ok(out)
}

fn is_visible(flag: &Flag, scale: &Scale) -> bool {
    flag.started.unwrap_or(flag.at) <= scale.range.to && scale.range.from <= flag.at
}

fn color_of(flag: &Flag, inks: &Inks) -> Color {
    match (flag.status, flag.kind) {
        (DeployStatus::Failed | DeployStatus::RolledBack, _) => inks.failed,
        (_, DeployKind::Rollback) => inks.rollback,
        (_, DeployKind::Deploy) => inks.deploy,
        (_, DeployKind::Config | DeployKind::Schema | DeployKind::Flag | DeployKind::Restart) => inks.change,
    }
}

/// The line of a flag; dashed while the deploy is under way.
fn line<DB: DrawingBackend>(
    surface: &Surface<DB>,
    x: f64,
    top: f64,
    bottom: f64,
    status: DeployStatus,
    color: Color,
) -> Result<(), ChartError> {
    let piece =
        |from: f64, to: f64| Rect { left_px: x - 0.5, top_px: from, width_px: 1.0, height_px: to - from };
    if status != DeployStatus::Started {
        return surface.rect(piece(top, bottom), color, 0.85);
    }
    let mut from = top;
    while from < bottom {
        surface.rect(piece(from, (from + DASH_PX).min(bottom)), color, 0.85)?;
        from += 2.0 * DASH_PX;
    }
    Ok(())
}

/// The label of a flag, where a row has room for it. Flags come latest first, so that the latest has a label.
fn chip<DB: DrawingBackend>(
    surface: &Surface<DB>,
    layout: &Layout,
    x: f64,
    rows: &mut [Vec<(f64, f64)>],
    flag: &Flag,
    color: Color,
    inks: &Inks,
) -> Result<Option<Rect>, ChartError> {
    let label = text::one_line(&flag.label, MAX_FLAG_CHARS);
    if label.is_empty() {
        return Ok(None);
    }
    let width = font::width_px(&label, CHIP_TEXT_PX) + 2.0 * CHIP_PAD_PX + 1.0;
    let Some((row, left)) = place(layout, x, width, rows) else { return Ok(None) };
    rows[row].push((left, left + width));
    let from_plot = (rows.len() - row) as f64;
    let rect = Rect {
        left_px: left,
        top_px: layout.plot.top_px - from_plot * CHIP_ROW_PX - 1.0,
        width_px: width,
        height_px: CHIP_PX,
    };
    surface.polygon(&rounded(rect, 3.0), inks.chip, 1.0)?;
    surface.polygon(&rounded(rect, 3.0), color, 0.14)?;
    let pole_left = if left < x - width / 2.0 { left + width - 2.0 } else { left };
    surface.rect(Rect { left_px: pole_left, width_px: 2.0, ..rect }, color, 1.0)?;
    surface.text(Label {
        text: &label,
        x: left + if left < x - width / 2.0 { CHIP_PAD_PX - 0.5 } else { CHIP_PAD_PX + 1.0 },
        y: rect.top_px + 11.8,
        size_px: CHIP_TEXT_PX,
        color: inks.strong,
        align: Align::Left,
    })?;
    Ok(Some(rect))
}

/// Row and left edge of a label of this width: to the right of its flag or else to the left of it, in the row nearest
/// to the plot that is free there.
fn place(layout: &Layout, x: f64, width: f64, rows: &[Vec<(f64, f64)>]) -> Option<(usize, f64)> {
    let edges = (layout.panel.left_px, layout.plot.left_px + layout.plot.width_px + CHIP_OVERHANG_PX);
    let is_free = |row: &Vec<(f64, f64)>, left: f64| {
        row.iter().all(|taken| left + width + CHIP_GAP_PX <= taken.0 || taken.1 + CHIP_GAP_PX <= left)
    };
    [x - 0.5, x + 1.5 - width]
        .into_iter()
        .filter(|left| edges.0 <= *left && left + width <= edges.1)
        .find_map(|left| (0..rows.len()).rev().find(|row| is_free(&rows[*row], left)).map(|row| (row, left)))
}

/// The outline of a rectangle with round corners.
pub(crate) fn rounded(rect: Rect, radius_px: f64) -> Vec<(f64, f64)> {
    const STEPS: u32 = 4;
    let radius = radius_px.min(rect.width_px / 2.0).min(rect.height_px / 2.0);
    let (left, top) = (rect.left_px + radius, rect.top_px + radius);
    let (right, bottom) = (rect.left_px + rect.width_px - radius, rect.top_px + rect.height_px - radius);
    let corners = [(right, top, -90.0), (right, bottom, 0.0), (left, bottom, 90.0), (left, top, 180.0_f64)];
    corners
        .into_iter()
        .flat_map(|(x, y, from)| {
            (0..=STEPS).map(move |step| {
                let angle = (from + 90.0 * f64::from(step) / f64::from(STEPS)).to_radians();
                (x + radius * angle.cos(), y + radius * angle.sin())
            })
        })
        .collect()
}
