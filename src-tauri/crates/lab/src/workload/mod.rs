//! A workload of any shape, read from a file, on a primary and its standby: open-loop arrivals with drift, noise and
//! bursts over several services, versions that change what a service does, and a meter of what the users feel.

mod plan;

pub use plan::{Addition, Param, Place, Replacement, Route, Service, Step, Version, Workload};
