//! Faultline's words as types, and the ports between its crates.
//!
//! In here: frames and their parts, deploys, incidents with their verdicts, health rows, and the traits by which the
//! engine speaks to sources, deploy providers and notifiers. Not in here: input or output, a clock, a decision.

mod deploy;
mod frame;
mod health;
mod ids;
mod incident;
pub mod load;
mod ports;
mod precision;
pub mod signal;
mod time;

pub use deploy::{Deploy, DeployKind, DeployStatus};
pub use frame::{
    About, Engine, Facts, Frame, Header, Observation, Observed, QueryDelta, QueryDeltas, QueryText, Role,
    SessionGroup, Signals,
};
pub use health::{HealthLevel, HealthRow};
pub use ids::{
    ClusterName, DeployId, Fingerprint, IncidentId, LoadAas, NodeId, NodeName, ServiceName, SignalName,
};
pub use incident::{
    Cause, CauseVerdict, EventKind, Finding, IncidentEvent, MAX_VERDICT_QUERIES, MAX_VERDICT_TEXT_CHARS,
    Opened, Severity, SuspectDeploy, SuspectQuery, Verdict,
};
pub use ports::{
    ClientCertificate, DeploySink, Due, EndpointAuth, EndpointKind, EndpointSpec, INSPECT_EVERY, NodeSpec,
    Notice, NoticeAction, Notifier, Polled, ROUND_TRIP_DEADLINE, Rollback, RollbackOutcome, RollbackPreview,
    RollbackTarget, Source, StatementSeries,
};
pub use precision::measured;
pub use time::{Clock, TimeRange, Timestamp};
