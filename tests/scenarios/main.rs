//! The committed recordings of the lab's scenarios: that they are whole, small, known and silent about their truth, and
//! that replaying them is sound. How good the answers are is measured by `cargo xtask lab score`, not asserted here:
//! only what would mean that something is broken.

#![allow(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

mod files;
mod own;
mod replays;

use std::path::PathBuf;

use faultline_lab::rerecord::{MANIFEST, Manifest};
use faultline_lab::score::files::{Pair, committed, find};

/// The folder of the recordings.
fn folder() -> PathBuf {
    committed()
}

/// Every recording with its truth. There are some, or the test fails.
fn pairs() -> Vec<Pair> {
    find(&[folder()]).unwrap_or_else(|error| panic!("{error}"))
}

/// The list of what there is to be.
fn manifest() -> Manifest {
    Manifest::read(&folder().join(MANIFEST)).unwrap_or_else(|error| panic!("{error}"))
}

/// One of so many, so that what is slow is tried on a few of all kinds.
fn a_few(pairs: Vec<Pair>) -> impl Iterator<Item = Pair> {
    /// How many.
    const FEW: usize = 6;
    let step = pairs.len().div_ceil(FEW).max(1);
    pairs.into_iter().step_by(step)
}
