//! What the sources of several engines share: the budget of our own statements, the pauses between attempts to connect, the
//! board of how each aspect stands, and what was told already. Nothing in here knows an engine.

mod board;
mod budget;
mod memory;
mod pauses;

pub(crate) use board::{Board, Found};
pub(crate) use budget::{Budget, SHARE as BUDGET_SHARE};
pub(crate) use memory::{Memory, skew_moved, skew_s};
pub(crate) use pauses::Pauses;
