//! The head of the SVG: plotters draws in fine units, the picture's size is in logical pixels.

use crate::panel::Canvas;

/// Units of the SVG's coordinates in a logical pixel: lines move by tenths of a pixel although plotters counts in
/// whole numbers.
pub(crate) const UNITS_BY_PX: u32 = 10;

/// Puts a head before what plotters wrote: size in logical pixels, coordinates in units, round joins, and a name for
/// those who hear instead of see.
pub(crate) fn with_head(body: &str, canvas: &Canvas, name: &str) -> String {
    let rest = body.split_once('>').map_or("</svg>", |(_, rest)| rest);
    let (width, height) = (canvas.width_px, canvas.height_px);
    let (units_x, units_y) = (width * UNITS_BY_PX, height * UNITS_BY_PX);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {units_x} {units_y}\" role=\"img\" aria-label=\"{}\" stroke-linejoin=\"round\" \
         stroke-linecap=\"round\">",
        escape(name)
    );
    out.reserve(rest.len());
    out.push_str(rest);
    out
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
