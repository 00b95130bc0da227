//! Calls per second of the cluster, and requests per second at the edge.

use std::collections::BTreeSet;

use faultline_model::{NodeName, Timestamp, signal};

use super::Tick;
use super::grid::{Cells, Grid, over_nodes};
use crate::palette;
use crate::panel::{Panel, PanelId, PanelKind, Series, Theme};

/// What is summed up in a cell for one node.
#[derive(Clone, Copy, Default)]
struct Sum {
    total: f64,
    span_s: f64,
}

/// The throughput chart: calls per second over all nodes from the counters (`throughput` of the nodes that have no
/// counters), and requests per second over all edges.
pub fn calls_per_s(ticks: &[Tick], theme: Theme) -> Panel {
    let with_counters: BTreeSet<&NodeName> =
        ticks.iter().filter(|tick| tick.queries_observed).map(|tick| &tick.node).collect();
    let calls = line(ticks, |tick| {
        if tick.queries_observed {
            return Some(tick.queries.iter().map(|query| query.calls).sum::<f64>());
        }
        let has_counters = with_counters.contains(&tick.node);
        tick.signals.get(signal::THROUGHPUT).filter(|_| !has_counters).map(|rate| rate * tick.span_s)
    });
    let requests =
        line(ticks, |tick| tick.signals.get(signal::REQUESTS_PER_S).map(|rate| rate * tick.span_s));
    let series = [("calls", "calls", 0, calls), ("requests", "requests", 1, requests)]
        .into_iter()
        .filter(|(.., points)| !points.is_empty())
        .map(|(key, label, slot, points)| Series {
            key: key.to_owned(),
            label: label.to_owned(),
            color: palette::slot_color(slot, theme),
            points,
        })
        .collect();
    Panel {
        id: PanelId::Calls,
        title: "Throughput".to_owned(),
        unit: "/s",
        kind: PanelKind::Lines,
        series,
        y_max_hint: None,
        flag_labels: false,
    }
}

/// The rate over all nodes of what `count` says a tick holds.
fn line(ticks: &[Tick], count: impl Fn(&Tick) -> Option<f64>) -> Vec<(Timestamp, Option<f64>)> {
    let counted: Vec<Option<f64>> =
        ticks.iter().map(|tick| count(tick).filter(|value| value.is_finite() && tick.span_s > 0.0)).collect();
    let seen = ticks.iter().zip(&counted).filter(|(_, value)| value.is_some()).map(|(tick, _)| tick);
    let Some(grid) = Grid::over(seen) else {
        return Vec::new();
    };
    let mut cells: Cells<Sum> = Cells::new();
    for (tick, value) in ticks.iter().zip(counted) {
        let Some(value) = value else { continue };
        let sum = cells.entry(grid.cell(tick)).or_default().entry(tick.node.clone()).or_default();
        sum.total += value;
        sum.span_s += tick.span_s;
    }
    over_nodes(&cells, |nodes| nodes.values().map(|sum| sum.total / sum.span_s).sum::<f64>())
        .into_iter()
        .map(|(cell, value)| (grid.end(cell), value))
        .collect()
}
