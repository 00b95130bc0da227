//! What watches the databases: one folder an engine, and one for metric endpoints, each turning one node into frames behind
//! [`faultline_model::Source`], and the registry that opens them. Not in here: the schedule, the store, and any
//! judgement of what was seen.

mod common;
mod error;
mod mysql;
mod postgres;
pub mod primary;
pub mod prometheus;
mod query_book;
mod registry;

pub use error::SourceError;
pub use query_book::{BookedQuery, PrimaryWay, QueryBook};
pub use registry::{WATCHED, open, open_endpoint};
