//! Latency by node: one line for each node that tells its latency, one for each edge.

use std::collections::BTreeMap;

use faultline_model::{Timestamp, signal};

use super::Tick;
use super::grid::GAP_SPANS;
use crate::palette;
use crate::panel::{Panel, PanelId, PanelKind, Series, Theme};

/// The points of a line.
type Points = Vec<(Timestamp, Option<f64>)>;

/// The latency chart: mean latency of each node, milliseconds, and of requests where an edge is observed. Ticks of a
/// node are in the order of time.
pub fn latency(ticks: &[Tick], theme: Theme) -> Panel {
    let mut lines: BTreeMap<(String, String), Points> = BTreeMap::new();
    for tick in ticks.iter().filter(|tick| tick.span_s > 0.0) {
        let node = tick.node.as_str();
        for (name, key, label) in [
            (signal::LATENCY_MS, node.to_owned(), node.to_owned()),
            (signal::REQUEST_LATENCY_MS, format!("{node}:requests"), format!("{node} (requests)")),
        ] {
            if let Some(value) = tick.signals.get(name) {
                append(lines.entry((key, label)).or_default(), tick, *value);
            }
        }
    }
    let slots = palette::assign(lines.keys().map(|(key, _)| key.as_str()));
    let colors: Vec<_> = lines
        .keys()
        .map(|(key, _)| palette::slot_color(slots.get(key.as_str()).copied().unwrap_or(0), theme))
        .collect();
    let series = lines
        .into_iter()
        .zip(colors)
        .map(|(((key, label), points), color)| Series { key, label, color, points })
        .collect();
    Panel {
        id: PanelId::Latency,
        title: "Latency".to_owned(),
        unit: "ms",
        kind: PanelKind::Lines,
        series,
        y_max_hint: None,
        flag_labels: true,
    }
}

/// Adds a value to a line, with a gap before it when it comes late.
fn append(line: &mut Points, tick: &Tick, value: f64) {
    if let Some((before, _)) = line.last()
        && tick.at.secs_since(*before) > GAP_SPANS * tick.span_s
    {
        let gap = *before + (tick.at.secs_since(*before) / 2.0);
        line.push((gap, None));
    }
    line.push((tick.at, Some(value).filter(|value| value.is_finite())));
}
