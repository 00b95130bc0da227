//! What the window can ask: plain functions over engine and chart, their types and the command table.
//!
//! Not in here: Tauri, HTTP, or anything that decides; a function looks up, converts and answers.

pub mod bindings;
mod charts;
mod cluster;
mod command;
mod databases;
mod deploys;
mod desktop;
mod diagnostics;
mod error;
mod events;
mod incidents;
mod links;
mod overview;
mod queries;
mod range;
mod rollback;
mod secrets;
mod settings;
mod ticks;
pub mod types;

pub use command::Api;
pub use desktop::{Desktop, NoDesktop};
pub use error::ApiError;
pub use events::changed;
