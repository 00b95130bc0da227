//! What is drawn: panels with their series, the flags and bands over them, and the canvas. Plain data.

use faultline_model::{DeployId, DeployKind, DeployStatus, Severity, Timestamp};

/// Most series in a panel; the rest belongs into "other" ([`crate::build`] does that).
pub const MAX_SERIES: usize = 64;

/// Most points in a series; more are to be fetched in a coarser resolution.
pub const MAX_POINTS_PER_SERIES: usize = 200_000;

/// Least width or height of a panel, logical pixels.
pub(crate) const MIN_SIDE_PX: u32 = 60;

/// Greatest width or height of a picture, logical pixels.
pub const MAX_SIDE_PX: u32 = 8_192;

/// Light or dark, as the system says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Theme {
    /// Dark ink on white.
    #[default]
    Light,
    /// Light ink on near-black.
    Dark,
}

/// An opaque colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Color {
    /// Red, 0–255.
    pub r: u8,
    /// Green, 0–255.
    pub g: u8,
    /// Blue, 0–255.
    pub b: u8,
}

impl Color {
    /// The colour `0xRRGGBB`.
    pub const fn hex(rgb: u32) -> Self {
        Self { r: (rgb >> 16) as u8, g: (rgb >> 8) as u8, b: rgb as u8 }
    }

    /// `#rrggbb`, as CSS takes it.
    pub fn css(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.r, self.g, self.b)
    }
}

/// Which chart a panel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PanelId {
    /// Latency by node.
    Latency,
    /// Load by query.
    Load,
    /// Calls and requests per second.
    Calls,
    /// Any other signal.
    Signal,
}

impl PanelId {
    /// The name in file names and element ids.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Latency => "latency",
            Self::Load => "load",
            Self::Calls => "calls",
            Self::Signal => "signal",
        }
    }
}

/// How the series of a panel are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PanelKind {
    /// A line each.
    Lines,
    /// Areas on top of each other; the first series lies at the bottom.
    StackedArea,
}

/// One line or area.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// What it is, stable from one drawing to the next: fingerprint, node, signal, `other`, `unfinished`.
    pub key: String,
    /// What the legend says. Any text; it is cut and escaped when drawn.
    pub label: String,
    /// Its colour.
    pub color: Color,
    /// Values in the order of time. `None` (and what is not a finite number) is a gap: the line breaks.
    pub points: Vec<(Timestamp, Option<f64>)>,
}

/// One chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// Which chart.
    pub id: PanelId,
    /// What stands above it.
    pub title: String,
    /// Unit of the values: `ms`, `AAS`, `/s`, or nothing.
    pub unit: &'static str,
    /// Lines or areas.
    pub kind: PanelKind,
    /// The series; of areas the first lies at the bottom.
    pub series: Vec<Series>,
    /// The y axis reaches at least this value, so that a chart does not jump while it is dragged.
    pub y_max_hint: Option<f64>,
    /// Whether the flags carry their labels here. Flags are drawn on every panel, labels usually on the topmost.
    pub flag_labels: bool,
}

/// A deploy on the axis of time: a line where it stands, a tint from start to finish, a label on top.
#[derive(Clone, Debug, PartialEq)]
pub struct Flag {
    /// The deploy.
    pub deploy: DeployId,
    /// Where the flag stands: the finish, or what is known.
    pub at: Timestamp,
    /// When the deploy began, where known.
    pub started: Option<Timestamp>,
    /// `service version`. Any text; it is cut and escaped when drawn.
    pub label: String,
    /// What kind of change.
    pub kind: DeployKind,
    /// How it stands.
    pub status: DeployStatus,
}

/// An incident on the axis of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// Its onset.
    pub from: Timestamp,
    /// Its end; `None` while it is open.
    pub to: Option<Timestamp>,
    /// How much it matters.
    pub severity: Severity,
}

/// What is drawn on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Canvas {
    /// Width, logical pixels; 60 to [`MAX_SIDE_PX`].
    pub width_px: u32,
    /// Height, logical pixels; 60 to [`MAX_SIDE_PX`]. Of a picture with several panels it is the height of the whole.
    pub height_px: u32,
    /// Light or dark.
    pub theme: Theme,
    /// Device pixels in a logical pixel, 0.5 to 4. An SVG has none; there it changes nothing.
    pub scale: f64,
}

/// A rectangle in logical pixels from the top left corner of the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rect {
    /// Left edge.
    pub left_px: f64,
    /// Top edge.
    pub top_px: f64,
    /// Width.
    pub width_px: f64,
    /// Height.
    pub height_px: f64,
}

/// Where the values are: the left edge is the range's start, the right edge its end, the bottom `y_min`, the top
/// `y_max`, and both axes are linear.
pub type PlotArea = Rect;

/// Where a flag was drawn, so that a window can make it clickable.
#[derive(Clone, Debug, PartialEq)]
pub struct DrawnFlag {
    /// The deploy.
    pub deploy: DeployId,
    /// Where its line stands, logical pixels from the left edge of the picture.
    pub x_px: f64,
    /// Its label, where there was room for one.
    pub chip: Option<Rect>,
}

/// A chart that was drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    /// The picture: one `<svg>` element.
    pub svg: String,
    /// Where the values are.
    pub plot: PlotArea,
    /// Value at the bottom of the plot.
    pub y_min: f64,
    /// Value at the top of the plot.
    pub y_max: f64,
    /// The flags that lie in the range.
    pub flags: Vec<DrawnFlag>,
}
