//! Judging by signals alone: a cause as a list of signals with the way each should have moved. The lists say how the
//! thing works, not how some recording looked.

use faultline_model::{Cause, CauseVerdict};

use super::words::{percent, rounded, signal_in_words};
use super::{missing, scored};
use crate::evidence::{Evidence, Shift};
use crate::stats::rise;

/// The way a signal should have moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Up.
    Up,
    /// Down.
    Down,
    /// Not up.
    NotUp,
}

/// A signal, its way, and its weight.
pub(super) type Clue = (&'static str, Way, f64);

/// Standard deviations at which a move is as likely real as not.
const MOVED_SIGMA: f64 = 4.0;

/// Share of the clues' weight that must be observed.
const OBSERVED_MIN: f64 = 0.5;

/// Agreement at which a cause is as likely as not.
const AGREEMENT: f64 = 0.55;

/// Clues that are named in the sentence.
const NAMED: usize = 3;

/// How well the observed clues agree, 0–1, and the sentence; `None` when too few are observed.
pub(super) fn agreement(evidence: &Evidence<'_>, clues: &[Clue]) -> Option<(f64, String)> {
    let total: f64 = clues.iter().map(|(_, _, weight)| weight).sum();
    let seen: Vec<(&Clue, Shift)> =
        clues.iter().filter_map(|clue| evidence.shift(clue.0).map(|shift| (clue, shift))).collect();
    let observed: f64 = seen.iter().map(|((_, _, weight), _)| weight).sum();
    let moves = seen.iter().any(|((_, way, _), _)| *way != Way::NotUp);
    if !moves || observed < OBSERVED_MIN * total {
        return None;
    }
    let mean = |of: &dyn Fn(Way) -> bool| {
        let (sum, weights) = seen
            .iter()
            .filter(|((_, way, _), _)| of(*way))
            .fold((0.0, 0.0), |sum, (clue, shift)| (sum.0 + clue.2 * agrees(clue.1, *shift), sum.1 + clue.2));
        if weights > 0.0 { sum / weights } else { 1.0 }
    };
    // What stood still supports nothing by itself; it only lets what moved count.
    let agreement = mean(&|way| way != Way::NotUp) * (0.5 + 0.5 * mean(&|way| way == Way::NotUp));
    let mut named = seen;
    named.sort_by(|a, b| b.0.2.total_cmp(&a.0.2));
    let sentence = named
        .iter()
        .take(NAMED)
        .map(|((name, _, _), shift)| {
            format!(
                "{} {} → {} ({})",
                signal_in_words(name),
                rounded(shift.before),
                rounded(shift.after),
                percent(shift.ratio())
            )
        })
        .collect::<Vec<_>>()
        .join(", ");
    Some((agreement, sentence))
}

fn agrees(way: Way, shift: Shift) -> f64 {
    // Statistically sure and not tiny.
    let moved = |sigmas: f64, ratio: f64| rise(sigmas, MOVED_SIGMA, MOVED_SIGMA) * rise(ratio, 1.2, 0.4);
    match way {
        Way::Up => moved(shift.sigmas, shift.ratio()),
        Way::Down => moved(-shift.sigmas, 1.0 / shift.ratio().max(1e-3)),
        Way::NotUp => 1.0 - moved(shift.sigmas, shift.ratio()),
    }
}

/// Judges a cause by its clues; `outside` is the share of the trouble that the queries themselves do not explain.
pub(super) fn judge(evidence: &Evidence<'_>, cause: Cause, clues: &[Clue], outside: f64) -> CauseVerdict {
    match agreement(evidence, clues) {
        Some((agreement, sentence)) => {
            scored(cause, 0.95 * rise(agreement, AGREEMENT, 0.5) * outside, sentence)
        }
        None => missing(cause, format!("not observed: {}", names(evidence, clues))),
    }
}

fn names(evidence: &Evidence<'_>, clues: &[Clue]) -> String {
    let unseen = clues.iter().filter(|clue| evidence.shift(clue.0).is_none());
    unseen.map(|clue| clue.0).take(NAMED).collect::<Vec<_>>().join(", ")
}

/// Share of the extra load that new or changed queries do not explain; 1 where queries are not observed.
pub(super) fn outside_queries(evidence: &Evidence<'_>) -> f64 {
    let attribution = &evidence.attribution;
    if attribution.positive <= 0.0 {
        return 1.0;
    }
    let changed: f64 = attribution
        .queries
        .values()
        .map(|split| (split.parts.new_query + split.parts.calls).max(0.0).min(split.parts.total().max(0.0)))
        .sum();
    (1.0 - changed / attribution.positive).clamp(0.0, 1.0)
}
