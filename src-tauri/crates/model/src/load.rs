//! The word *load* as arithmetic, shared by analysis and charts so that both mean the same.
//!
//! Load is time spent executing per second (average active sessions): from the statement counters, plus the running
//! time of what has not finished, from the session samples; from sessions alone where there are no counters.

use crate::frame::{QueryDelta, QueryDeltas, SessionGroup};
use crate::ids::LoadAas;

/// Load that finished calls of one fingerprint made over `span_s` seconds.
pub fn counted(delta: &QueryDelta, span_s: f64) -> LoadAas {
    LoadAas(if span_s > 0.0 { delta.time_ms / 1_000.0 / span_s } else { 0.0 })
}

/// Load that all finished calls made.
pub fn counted_total(deltas: &QueryDeltas) -> LoadAas {
    LoadAas(deltas.rows.iter().map(|row| counted(row, deltas.span_s).0).sum())
}

/// Sessions executing a statement in one sample: an unbiased estimate of the load at that moment, with a standard
/// error of about its square root.
pub fn sampled(sessions: &[SessionGroup]) -> LoadAas {
    LoadAas(sessions.iter().filter(|group| group.is_active()).map(|group| f64::from(group.count)).sum())
}
