//! Metric endpoints without real servers: pages and cases of others, expressions, presets, and an endpoint on this machine
//! that answers as the test wants.

#![allow(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

mod exposition;
mod expression;
mod presets;
mod requests;
mod server;
mod source;
