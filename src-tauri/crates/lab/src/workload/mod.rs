//! A workload of any shape, read from files, on a primary and its standby: open-loop arrivals with drift, noise and
//! bursts over several services, versions that change what a service does, and a meter of what the users feel.

mod arrivals;
mod check;
mod clients;
mod connection;
mod file;
mod load;
mod meter;
mod plan;
mod program;
mod queue;
mod service;
mod set_up;
mod traffic;
mod values;

#[cfg(test)]
mod tests;

pub use check::{MAX_CONNECTIONS, MAX_REQUESTS_PER_S, OWN_ROLES};
pub use load::{Load, LoadOptions};
pub use meter::{EdgeCounts, GeneratorLag, Second};
pub use plan::{Addition, Param, Place, Replacement, Route, Service, Step, Version, Workload};
pub use set_up::set_up;
pub use traffic::{ChangeId, TrafficChange};
