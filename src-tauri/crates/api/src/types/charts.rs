//! The three charts: drawn as SVG by the program, with the numbers that the window's overlay needs.

use super::deploys::{DeployKindView, DeployStatusView};
use super::incidents::SeverityView;

wire! {
    /// Which charts to draw. Either `from` and `to`, or `last_s` for a range that ends now.
    pub struct ChartRequest {
        /// The cluster.
        pub cluster: String,
        /// Begin of the range, Unix seconds.
        pub from: Option<f64>,
        /// End of the range, Unix seconds.
        pub to: Option<f64>,
        /// Length of a live range that ends now, seconds; wins over `from` and `to`.
        pub last_s: Option<f64>,
        /// Width of every panel, CSS pixels.
        pub width_px: u32,
        /// Height of every panel, CSS pixels.
        pub panel_height_px: u32,
        /// Colours.
        pub theme: Theme,
        /// What the load is split by.
        pub group: ChartGroup,
        /// The reader's offset from UTC, seconds east, for the time axis.
        pub utc_offset_s: i32,
    }

    /// The drawn charts, all over the same range.
    pub struct ChartsView {
        /// Begin of the range, Unix seconds.
        pub from: f64,
        /// End of the range, Unix seconds.
        pub to: f64,
        /// Whether the range ends now and moves on.
        pub live: bool,
        /// The panels, top to bottom.
        pub panels: Vec<PanelView>,
        /// Deploys in the range.
        pub flags: Vec<FlagView>,
        /// Incidents in the range.
        pub bands: Vec<BandView>,
    }

    /// One drawn chart.
    pub struct PanelView {
        /// Which.
        pub id: PanelId,
        /// Its title.
        pub title: String,
        /// Unit of its values, for people.
        pub unit: String,
        /// The drawing: a complete SVG document, every outside text in it escaped.
        pub svg: String,
        /// Where in the drawing the values are.
        pub plot: PlotArea,
        /// Value at the top edge of the plot area; the bottom edge is 0.
        pub y_max: f64,
        /// The values that were drawn; in a stacked panel in stacking order, not added up.
        pub series: Vec<SeriesView>,
        /// Where the flags were drawn, so that they can be pointed at.
        pub marks: Vec<MarkView>,
    }

    /// Where a flag was drawn.
    pub struct MarkView {
        /// The deploy.
        pub deploy_id: String,
        /// Where its line stands, CSS pixels from the drawing's left edge.
        pub x_px: f64,
        /// Its label, where there was room for one.
        pub label: Option<PlotArea>,
    }

    /// A rectangle in a drawing, CSS pixels from its top left corner.
    pub struct PlotArea {
        /// Left edge.
        pub left_px: f64,
        /// Top edge.
        pub top_px: f64,
        /// Width.
        pub width_px: f64,
        /// Height.
        pub height_px: f64,
    }

    /// One line or layer.
    pub struct SeriesView {
        /// What it is: a fingerprint, a signal, `other`, `unfinished`.
        pub key: String,
        /// Its name for people.
        pub label: String,
        /// Its colour, `#rrggbb`.
        pub color: String,
        /// Unix seconds and value; null is a gap.
        pub points: Vec<(f64, Option<f64>)>,
    }

    /// A deploy on the time axis.
    pub struct FlagView {
        /// The deploy.
        pub deploy_id: String,
        /// Its earliest known time, Unix seconds.
        pub at: f64,
        /// When it began, where known, Unix seconds.
        pub started: Option<f64>,
        /// `service version`.
        pub title: String,
        /// What kind of change.
        pub kind: DeployKindView,
        /// How it stands.
        pub status: DeployStatusView,
    }

    /// An incident on the time axis.
    pub struct BandView {
        /// The incident.
        pub incident: String,
        /// Its onset, Unix seconds.
        pub from: f64,
        /// When it was over, Unix seconds; null while it lasts.
        pub to: Option<f64>,
        /// How much it matters.
        pub severity: SeverityView,
    }
}

/// Colours of a drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// What the load is split by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
pub enum ChartGroup {
    /// By fingerprint.
    Query,
}

/// The charts there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
pub enum PanelId {
    /// Mean latency, milliseconds.
    Latency,
    /// Load by query, stacked, average active sessions.
    Load,
    /// Calls per second.
    Calls,
}
