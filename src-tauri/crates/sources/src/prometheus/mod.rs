//! Metric endpoints: exporters' pages, read and evaluated here, and Prometheus-compatible servers, asked by PromQL.
//!
//! [`Endpoint`] is the way to one and back; the source around it turns what comes into frames.

mod address;
mod answer;
mod client;
mod exposition;
mod expression;
mod labels;
mod memory;
mod presets;
mod promql;
mod rows;
mod sample;
mod scrape;
mod signal;
mod source;
mod trouble;

pub use answer::{Answer, MAX_ANSWER_POINTS, MAX_ANSWER_SERIES, Notes, RangeAnswer, Series};
pub use client::{Endpoint, MAX_BODY_BYTES, MAX_RANGE_PARTS, MAX_RANGE_POINTS, Scraped};
pub use exposition::{
    Exposition, Fault, Format, MAX_LABELS, MAX_NAME_BYTES, MAX_SAMPLES, MAX_VALUE_BYTES, read,
};
pub use expression::{
    Expression, ExpressionError, MAX_DEPTH, MAX_EXPRESSION_BYTES, MAX_RANGE_S, Selector, Unevaluated, Value,
};
pub use labels::{Labels, METRIC_NAME};
pub use memory::{MAX_KEPT_POINTS, MAX_KEPT_SERIES, Memory, TooMany};
pub use presets::names as preset_names;
pub use sample::Sample;
pub use trouble::Trouble;

pub(crate) use source::open;

/// Checks a selector that expressions are to be narrowed by: `{instance="db-1:9187"}`.
///
/// # Errors
/// What cannot be read, and where.
pub fn check_selector(text: &str) -> Result<(), ExpressionError> {
    expression::narrow("up", text).map(|_| ())
}
