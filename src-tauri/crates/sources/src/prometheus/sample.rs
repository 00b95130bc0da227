//! One value of one series.

use faultline_model::Timestamp;

use super::labels::Labels;

/// One value of one series.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The series.
    pub labels: Labels,
    /// Its value; may be NaN or infinite.
    pub value: f64,
    /// When it was so, on the endpoint's clock; `None` where the page leaves that to whoever reads it.
    pub at: Option<Timestamp>,
}
