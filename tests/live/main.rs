//! The sources against real servers, which each test starts for itself.

mod postgres;
mod watch;
