//! What was: the embedded store.
//!
//! In here: frames, deploys, incidents, rollbacks and the audit log in one SQLite file, behind [`History`], which
//! speaks frames and ranges. SQL does not leave this crate. Not in here: a clock, the choice of what to keep for how
//! long, and what any of it means.

mod audit;
mod body;
mod codec;
mod deploys;
mod error;
#[cfg(test)]
mod faults;
mod frames;
mod grid;
mod incidents;
mod limits;
mod observations;
mod retention;
mod rollbacks;
mod rollup;
mod schema;
mod spread;
mod standing;
mod store;
mod sums;
mod texts;
mod types;
mod words;

pub use error::HistoryError;
pub use frames::quick_step_s;
pub use limits::{
    MAX_AUDIT_ENTRIES, MAX_BUCKET_QUERIES, MAX_BUCKET_SESSION_GROUPS, MAX_BUCKETS, MAX_DEPLOYS,
    MAX_DOCUMENT_BYTES, MAX_INCIDENT_EVENTS, MAX_INCIDENTS, MAX_OBSERVATIONS, MAX_SPREAD_S, MAX_TEXT_BYTES,
    MAX_TEXTS,
};
pub use store::{FILE_NAME, History};
pub use types::{
    AuditEntry, Bucket, IncidentRecord, OTHER_FINGERPRINT, Removed, RollbackRecord, SessionLoad, StoredText,
};
