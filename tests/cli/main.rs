//! `faultctl` without servers: what it takes, what it refuses and how, and that nothing hostile harms it or the window.

#![allow(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

mod configuration;
mod marks;
mod recordings;
mod run;
mod serve;
mod targets;
mod usage;
mod watching;
mod window;
