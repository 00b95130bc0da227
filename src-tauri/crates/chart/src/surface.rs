//! A thin layer over plotters' drawing area: logical pixels with fractions in, the backend's whole units out.

use plotters::coord::Shift;
use plotters::element::{Circle, PathElement, Polygon, Rectangle};
use plotters::prelude::{DrawingArea, DrawingBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{RGBAColor, ShapeStyle, TextStyle};

use crate::error::ChartError;
use crate::font;
use crate::panel::{Color, Rect};

/// How far a text reaches from the point that it is put at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    /// To the right of it.
    Left,
    /// To both sides.
    Center,
    /// To the left of it.
    Right,
}

/// How a backend counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grain {
    /// Backend units in a logical pixel.
    pub(crate) units: f64,
    /// From the point that text is put at down to its baseline, by plotters' font size.
    pub(crate) baseline: f64,
}

/// A text to draw.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Label<'a> {
    /// One line.
    pub(crate) text: &'a str,
    /// Logical pixels from the left.
    pub(crate) x: f64,
    /// Baseline, logical pixels from the top.
    pub(crate) y: f64,
    /// Size in the sense of CSS.
    pub(crate) size_px: f64,
    /// Ink.
    pub(crate) color: Color,
    /// Which way it reaches.
    pub(crate) align: Align,
}

/// What is drawn on.
pub(crate) struct Surface<DB: DrawingBackend> {
    area: DrawingArea<DB, Shift>,
    grain: Grain,
}

fn ink(color: Color, alpha: f64) -> RGBAColor {
    RGBAColor(color.r, color.g, color.b, alpha)
}

impl<DB: DrawingBackend> Surface<DB> {
    /// A surface over a whole backend.
    pub(crate) fn new(area: DrawingArea<DB, Shift>, grain: Grain) -> Self {
        Self { area, grain }
    }

    fn unit(&self, px: f64) -> i32 {
        (px * self.grain.units).round() as i32
    }

    fn point(&self, (x, y): (f64, f64)) -> (i32, i32) {
        (self.unit(x), self.unit(y))
    }

    fn stroke(&self, color: Color, alpha: f64, width_px: f64) -> ShapeStyle {
        ShapeStyle::from(ink(color, alpha)).stroke_width(self.unit(width_px).max(1).unsigned_abs())
    }

    /// Covers everything.
    pub(crate) fn fill(&self, color: Color) -> Result<(), ChartError> {
        self.area.fill(&ink(color, 1.0)).map_err(ChartError::backend)
    }

    /// A filled rectangle; nothing when it has no width or height.
    pub(crate) fn rect(&self, rect: Rect, color: Color, alpha: f64) -> Result<(), ChartError> {
        let from = self.point((rect.left_px, rect.top_px));
        let to = self.point((rect.left_px + rect.width_px, rect.top_px + rect.height_px));
        if from.0 >= to.0 || from.1 >= to.1 {
            return Ok(());
        }
        let style = ShapeStyle::from(ink(color, alpha)).filled();
        self.area.draw(&Rectangle::new([from, to], style)).map_err(ChartError::backend)
    }

    /// A line through points.
    pub(crate) fn path(
        &self,
        points: &[(f64, f64)],
        color: Color,
        alpha: f64,
        width_px: f64,
    ) -> Result<(), ChartError> {
        let mut units: Vec<(i32, i32)> = points.iter().map(|point| self.point(*point)).collect();
        units.dedup();
        let style = self.stroke(color, alpha, width_px);
        self.area.draw(&PathElement::new(units, style)).map_err(ChartError::backend)
    }

    /// A filled polygon.
    pub(crate) fn polygon(&self, points: &[(f64, f64)], color: Color, alpha: f64) -> Result<(), ChartError> {
        let mut units: Vec<(i32, i32)> = points.iter().map(|point| self.point(*point)).collect();
        units.dedup();
        let style = ShapeStyle::from(ink(color, alpha)).filled();
        self.area.draw(&Polygon::new(units, style)).map_err(ChartError::backend)
    }

    /// A filled dot.
    pub(crate) fn dot(&self, center: (f64, f64), radius_px: f64, color: Color) -> Result<(), ChartError> {
        let style = ShapeStyle::from(ink(color, 1.0)).filled();
        self.area
            .draw(&Circle::new(self.point(center), self.unit(radius_px), style))
            .map_err(ChartError::backend)
    }

    /// A line of text.
    pub(crate) fn text(&self, label: Label<'_>) -> Result<(), ChartError> {
        let font = font::at(label.size_px * self.grain.units);
        let horizontal = match label.align {
            Align::Left => HPos::Left,
            Align::Center => HPos::Center,
            Align::Right => HPos::Right,
        };
        let up_px = label.size_px * font::SIZE_BY_CSS * self.grain.baseline;
        let ink = ink(label.color, 1.0);
        let style: TextStyle<'_> = TextStyle::from(font).color(&ink).pos(Pos::new(horizontal, VPos::Top));
        self.area
            .draw_text(label.text, &style, self.point((label.x, label.y - up_px)))
            .map_err(ChartError::backend)
    }

    /// Ends the picture.
    pub(crate) fn finish(self) -> Result<(), ChartError> {
        self.area.present().map_err(ChartError::backend)
    }
}
