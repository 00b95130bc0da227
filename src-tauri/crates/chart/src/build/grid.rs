//! One grid of time for all nodes of a cluster, so that their values can be added up; and the rule for gaps.

use std::collections::{BTreeMap, BTreeSet};

use faultline_model::{NodeName, Timestamp};

use super::Tick;

/// A line has a gap when its next value comes more than so many spans late (`recording.md`).
pub(super) const GAP_SPANS: f64 = 1.5;

/// Most cells of a grid; a range that would have more is cut into longer cells.
const MAX_CELLS: i64 = 50_000;

/// Equal cells of time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    width_us: i64,
}

impl Grid {
    /// The grid for these ticks: its cells are as long as the longest span. `None` when there is no tick.
    pub(super) fn over<'a>(ticks: impl Iterator<Item = &'a Tick>) -> Option<Self> {
        let (mut first, mut last, mut longest_s) = (i64::MAX, i64::MIN, 0.0_f64);
        for tick in ticks.filter(|tick| tick.span_s > 0.0) {
            first = first.min(tick.at.as_micros());
            last = last.max(tick.at.as_micros());
            longest_s = longest_s.max(tick.span_s);
        }
        let least_us = last.saturating_sub(first) / MAX_CELLS + 1;
        (first <= last).then(|| Self { width_us: ((longest_s * 1e6).round() as i64).max(least_us) })
    }

    /// Length of a cell, seconds.
    pub(super) fn width_s(&self) -> f64 {
        self.width_us as f64 / 1e6
    }

    /// The cell that a tick belongs to: the one that holds the middle of its span.
    pub(super) fn cell(&self, tick: &Tick) -> i64 {
        (tick.at - tick.span_s / 2.0).as_micros().div_euclid(self.width_us)
    }

    /// The time at which a cell's value is drawn: its end.
    pub(super) fn end(&self, cell: i64) -> Timestamp {
        Timestamp::from_micros(cell.saturating_add(1).saturating_mul(self.width_us))
    }
}

/// Cells by node, each with what was summed up in it.
pub(super) type Cells<T> = BTreeMap<i64, BTreeMap<NodeName, T>>;

/// The sum over the nodes of every cell from the first to the last; `None` where it cannot be told: nobody was seen,
/// or a node is missing that was there a cell before or after (its share would be taken for a drop).
pub(super) fn over_nodes<T, S>(
    cells: &Cells<T>,
    sum: impl Fn(&BTreeMap<NodeName, T>) -> S,
) -> Vec<(i64, Option<S>)> {
    let mut out: Vec<(i64, Option<S>)> = Vec::with_capacity(cells.len());
    let nobody = BTreeSet::new();
    let nodes: BTreeMap<i64, BTreeSet<&NodeName>> =
        cells.iter().map(|(cell, nodes)| (*cell, nodes.keys().collect())).collect();
    let at = |cell: i64| nodes.get(&cell).unwrap_or(&nobody);
    for (cell, here) in cells {
        if let Some((before, _)) = out.last()
            && *before + 1 < *cell
        {
            out.push((before + 1, None));
        }
        let whole = at(cell - 1).union(at(cell + 1)).all(|node| here.contains_key(*node));
        out.push((*cell, whole.then(|| sum(here))));
    }
    out
}
