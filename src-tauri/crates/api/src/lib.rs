//! What the window can ask: plain functions over engine and chart, their types and the command table.

pub mod bindings;
pub mod types;
