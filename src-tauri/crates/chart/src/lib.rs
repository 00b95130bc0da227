//! Charts: frames in, SVG or PNG out, the same picture for the window, the notification, the report and the command
//! line.
//!
//! In here: panels and what lies over them ([`Panel`], [`Flag`], [`Band`]), the arithmetic that turns frames into
//! panels ([`build`]), colours ([`palette`]) and the drawing itself. Not in here: input or output, a clock, a decision
//! about what is wrong.

pub mod build;
mod downsample;
mod error;
mod font;
mod layout;
mod marks;
mod paint;
pub mod palette;
mod panel;
mod png_file;
mod render;
mod scale;
mod stack;
mod surface;
mod svg_text;
mod text;
mod theme;
mod ticks;

pub use error::ChartError;
pub use panel::{
    Band, Canvas, Color, Drawn, DrawnFlag, Flag, MAX_POINTS_PER_SERIES, MAX_SERIES, MAX_SIDE_PX, Panel,
    PanelId, PanelKind, PlotArea, Rect, Series, Theme,
};
pub use render::{draw_png, draw_svg};
