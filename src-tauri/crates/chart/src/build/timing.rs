//! When, within a span of the counters, their time was spent. Counters are read every 15 seconds while all is quiet and
//! history spreads what they say evenly over that time; the session samples know better, to the second. Without this a
//! query's load would begin before the deploy that brought it.

use std::collections::{BTreeMap, BTreeSet};

use faultline_model::{Fingerprint, NodeName};

use super::grid::Cells;
use super::load::{CERTAIN_ERRORS, Sum};

/// Longer cells hold whole spans of the counters; there is nothing to place in them, seconds.
pub(super) const MAX_CELL_S: f64 = 10.0;

/// Cells whose counters say the same rate to this precision, relative, come from one span.
const SAME_RATE: f64 = 1e-6;

/// The samples decide from so much seen work on, session seconds.
const ENOUGH_SEEN_S: f64 = 5.0;

/// And when they account for at least this share of what was counted.
const ENOUGH_SHARE: f64 = 0.5;

/// Moves what was counted evenly over several cells to those where sessions were seen at it. Sums stay.
pub(super) fn place(cells: &mut Cells<Sum>) {
    let keys: BTreeSet<(NodeName, Fingerprint)> = cells
        .values()
        .flatten()
        .flat_map(|(node, sum)| sum.counted_ms.keys().map(|fp| (node.clone(), fp.clone())))
        .collect();
    for (node, fp) in &keys {
        let mut run: Vec<i64> = Vec::new();
        let mut rate = None;
        let indices: Vec<i64> = cells.keys().copied().collect();
        for index in indices {
            let now = cells[&index].get(node).and_then(|sum| counted_rate(sum, fp));
            let goes_on = run.last().is_none_or(|last| last + 1 == index)
                && matches!((rate, now), (Some(before), Some(now)) if same(before, now));
            if !goes_on {
                place_run(cells, node, fp, &run);
                run.clear();
            }
            if now.is_some() {
                run.push(index);
            }
            rate = now;
        }
        place_run(cells, node, fp, &run);
    }
}

/// What the counters say of the fingerprint, ms/s; `None` where it was not called or nobody sampled the sessions.
fn counted_rate(sum: &Sum, fp: &Fingerprint) -> Option<f64> {
    let time_ms = sum.counted_ms.get(fp)?;
    (sum.counted_span_s > 0.0 && sum.sampled_span_s > 0.0 && *time_ms > 0.0)
        .then(|| time_ms / sum.counted_span_s)
}

fn same(a: f64, b: f64) -> bool {
    (a - b).abs() <= SAME_RATE * a.max(b)
}

fn place_run(cells: &mut Cells<Sum>, node: &NodeName, fp: &Fingerprint, run: &[i64]) {
    if run.len() < 2 {
        return;
    }
    let weights: BTreeMap<i64, f64> = run
        .iter()
        .map(|index| {
            let seen_s = cells[index].get(node).and_then(|sum| sum.sampled_s.get(&Some(fp.clone())));
            (*index, seen_s.copied().unwrap_or(0.0))
        })
        .collect();
    let seen_s: f64 = weights.values().sum();
    let total_ms: f64 = run.iter().filter_map(|index| cells[index].get(node)?.counted_ms.get(fp)).sum();
    if seen_s < ENOUGH_SEEN_S || seen_s < ENOUGH_SHARE * total_ms / 1_000.0 || is_even(&weights, seen_s) {
        return;
    }
    for (index, weight) in weights {
        let sum = cells.get_mut(&index).and_then(|nodes| nodes.get_mut(node));
        if let Some(time_ms) = sum.and_then(|sum| sum.counted_ms.get_mut(fp)) {
            *time_ms = total_ms * weight / seen_s;
        }
    }
}

/// Whether the samples scatter no more than chance makes them when the work is spread evenly (chi-squared: its mean are
/// the degrees of freedom, its variance twice as many).
fn is_even(weights: &BTreeMap<i64, f64>, seen_s: f64) -> bool {
    let mean_s = seen_s / weights.len() as f64;
    let chi_squared: f64 = weights.values().map(|seen_s| (seen_s - mean_s).powi(2) / mean_s).sum();
    let freedom = weights.len() as f64 - 1.0;
    chi_squared <= freedom + CERTAIN_ERRORS * (2.0 * freedom).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counted evenly, `counted_ms` a cell of a second; sessions as given. What is counted in each cell afterwards.
    fn check(counted_ms: f64, sessions: &[f64], expected: &[f64]) {
        let (node, fp) = (NodeName::from("replica"), Fingerprint::from("new"));
        let mut cells: Cells<Sum> = Cells::new();
        for (index, seen) in sessions.iter().enumerate() {
            let sum = Sum {
                counted_ms: [(fp.clone(), counted_ms)].into(),
                counted_span_s: 1.0,
                sampled_s: [(Some(fp.clone()), *seen)].into(),
                sampled_span_s: 1.0,
            };
            cells.entry(index as i64).or_default().insert(node.clone(), sum);
        }
        place(&mut cells);
        let found: Vec<f64> = cells.values().map(|nodes| nodes[&node].counted_ms[&fp]).collect();
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
        }
    }

    #[test]
    fn what_sessions_saw_late_was_not_spent_early() {
        check(2_000.0, &[0.0, 0.0, 0.0, 4.0, 4.0], &[0.0, 0.0, 0.0, 5_000.0, 5_000.0]);
    }

    #[test]
    fn too_few_samples_decide_nothing() {
        check(100.0, &[0.0, 0.0, 0.0, 1.0, 0.0], &[100.0; 5]);
        check(5_000.0, &[0.0, 0.0, 0.0, 6.0, 0.0], &[5_000.0; 5]);
        check(1_000.0, &[1.0, 0.0, 2.0, 1.0, 2.0], &[1_000.0; 5]);
    }
}
