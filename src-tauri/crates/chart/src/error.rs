//! Why a chart could not be drawn.

/// Why a chart could not be drawn. The messages say what to change.
#[derive(Debug, thiserror::Error)]
pub enum ChartError {
    /// The picture would be too small to hold a plot, or larger than memory should be spent on.
    #[error(
        "a chart of {width_px} × {height_px} pixels at scale {scale} cannot be drawn; \
         each side must be {min_px} to {max_px} pixels and the scale 0.5 to 4"
    )]
    Size {
        /// Width asked for.
        width_px: u32,
        /// Height asked for.
        height_px: u32,
        /// Scale asked for.
        scale: f64,
        /// Least side.
        min_px: u32,
        /// Greatest side.
        max_px: u32,
    },
    /// The range of time is empty.
    #[error("the range of time is empty; its end must be later than its start")]
    EmptyRange,
    /// A picture of no panels.
    #[error("there is no panel to draw; hand in at least one")]
    NoPanel,
    /// More was handed in than a chart can show.
    #[error("panel {panel} has {found} {what}, at most {limit} can be drawn; aggregate them first")]
    TooMuch {
        /// Title of the panel.
        panel: String,
        /// What there is too much of.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// The backend failed.
    #[error("the chart could not be drawn: {message}")]
    Backend {
        /// What the backend said.
        message: String,
    },
}

impl ChartError {
    /// Wraps what a drawing backend says.
    pub(crate) fn backend(error: impl std::fmt::Display) -> Self {
        Self::Backend { message: error.to_string() }
    }
}
