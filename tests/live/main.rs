//! The sources against real servers, which each test starts for itself.

#![allow(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

mod isolation;
mod mariadb;
mod metrics;
mod pgbouncer;
mod postgres;
mod primary;
mod watch;
