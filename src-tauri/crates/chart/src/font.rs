//! The embedded font. Pictures are the same on every machine because no font of the machine is used for them.

use std::sync::OnceLock;

use plotters::style::{FontDesc, FontFamily, FontStyle, register_font};

use crate::error::ChartError;

/// What an SVG names: the embedded font's name, then what a browser without it falls back to. The bitmap backend
/// finds the embedded font under the whole list.
pub(crate) const FAMILY: &str = "Inter, system-ui, sans-serif";

/// Inter Regular: Latin, Greek and Cyrillic (fonts/LICENSE-Inter.txt).
static REGULAR: &[u8] = include_bytes!("../fonts/Inter-Regular.ttf");

/// What plotters calls a font's size, by the size in the sense of CSS.
pub(crate) const SIZE_BY_CSS: f64 = 1.24;

/// Size at which text is measured, so that rounding to whole pixels does not matter.
const MEASURED_AT: f64 = 200.0;

/// Makes the font known to plotters, once a process.
pub(crate) fn ready() -> Result<(), ChartError> {
    static DONE: OnceLock<bool> = OnceLock::new();
    let done = *DONE.get_or_init(|| register_font(FAMILY, FontStyle::Normal, REGULAR).is_ok());
    if done {
        Ok(())
    } else {
        Err(ChartError::backend("the embedded font is damaged; install Faultline again"))
    }
}

/// The font at a size in the sense of CSS.
pub(crate) fn at(css_px: f64) -> FontDesc<'static> {
    FontDesc::new(FontFamily::Name(FAMILY), css_px * SIZE_BY_CSS, FontStyle::Normal)
}

/// Width of a line of text at a size in the sense of CSS.
pub(crate) fn width_px(text: &str, css_px: f64) -> f64 {
    let measured = at(MEASURED_AT).layout_box(text).map_or(0, |(_, (width, _))| width);
    f64::from(measured) * css_px / MEASURED_AT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_text_is_wider() {
        ready().unwrap();
        assert!(width_px("checkout v142", 11.0) > width_px("checkout", 11.0));
        assert!(
            (40.0..80.0).contains(&width_px("checkout v142", 10.0)),
            "{}",
            width_px("checkout v142", 10.0)
        );
    }
}
