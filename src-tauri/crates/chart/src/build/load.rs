//! Load by query: average active sessions of the cluster, split over fingerprints, with what has not finished as a
//! part of its own. The words are those of `faultline_model::load`.

use std::collections::BTreeMap;

use faultline_model::{Fingerprint, NodeName, Timestamp};

use super::Tick;
use super::grid::{Cells, Grid, over_nodes};
use super::timing;
use crate::palette;
use crate::panel::{Color, Panel, PanelId, PanelKind, Series, Theme};

/// Key of the series that holds everything below the top.
pub const OTHER_KEY: &str = "other";
/// Key of the series of statements that run but have not finished, so that no counter shows them.
pub const UNFINISHED_KEY: &str = "unfinished";

/// Most queries with a series of their own.
const MAX_TOP: usize = palette::SLOTS;

/// The sessions of a sample scatter by the square root of their number; what they show beyond the counters counts as
/// unfinished when it is more than so many standard errors.
pub(super) const CERTAIN_ERRORS: f64 = 2.0;

/// What is summed up in a cell for one node.
#[derive(Default)]
pub(super) struct Sum {
    pub(super) counted_ms: BTreeMap<Fingerprint, f64>,
    pub(super) counted_span_s: f64,
    pub(super) sampled_s: BTreeMap<Option<Fingerprint>, f64>,
    pub(super) sampled_span_s: f64,
}

/// The load of a cell, all nodes together.
#[derive(Default)]
struct Split {
    queries: BTreeMap<Fingerprint, f64>,
    unknown: f64,
    unfinished: f64,
}

/// The load chart: the `top_n` (at most 12) heaviest fingerprints of the range as areas, heaviest lowest, the rest as
/// "other" beneath them, and what has not finished on top. `texts` names the fingerprints.
pub fn load_by_query(
    ticks: &[Tick],
    top_n: usize,
    texts: &BTreeMap<Fingerprint, String>,
    theme: Theme,
) -> Panel {
    let splits = splits(ticks);
    let mut totals: BTreeMap<&Fingerprint, f64> = BTreeMap::new();
    for (fp, aas) in splits.iter().filter_map(|(_, split)| split.as_ref()).flat_map(|split| &split.queries) {
        *totals.entry(fp).or_default() += aas;
    }
    let mut top: Vec<(&Fingerprint, f64)> = totals.into_iter().filter(|(_, total)| *total > 0.0).collect();
    top.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    top.truncate(top_n.min(MAX_TOP));
    let top: Vec<&Fingerprint> = top.into_iter().map(|(fp, _)| fp).collect();
    let slots = palette::assign(top.iter().map(|fp| fp.as_str()));

    let mut series = Vec::new();
    let rest = |split: &Split| {
        let named: f64 = top.iter().filter_map(|fp| split.queries.get(*fp)).sum();
        (split.queries.values().sum::<f64>() - named).max(0.0) + split.unknown
    };
    push(&mut series, OTHER_KEY, "other", palette::other(theme), &splits, rest);
    for fp in &top {
        let label = texts.get(*fp).map_or(fp.as_str(), String::as_str);
        let color = palette::slot_color(slots.get(fp.as_str()).copied().unwrap_or(0), theme);
        push(&mut series, fp.as_str(), label, color, &splits, |split| {
            split.queries.get(*fp).copied().unwrap_or(0.0)
        });
    }
    push(&mut series, UNFINISHED_KEY, "not finished yet", palette::unfinished(theme), &splits, |split| {
        split.unfinished
    });
    Panel {
        id: PanelId::Load,
        title: "Load by query".to_owned(),
        unit: "AAS",
        kind: PanelKind::StackedArea,
        series,
        y_max_hint: None,
        flag_labels: false,
    }
}

/// Adds a series, unless it is nothing all the time.
fn push(
    series: &mut Vec<Series>,
    key: &str,
    label: &str,
    color: Color,
    splits: &[(Timestamp, Option<Split>)],
    value: impl Fn(&Split) -> f64,
) {
    let points: Vec<(Timestamp, Option<f64>)> =
        splits.iter().map(|(at, split)| (*at, split.as_ref().map(&value))).collect();
    // Rounding leaves crumbs in the rest.
    if points.iter().any(|(_, value)| value.is_some_and(|value| value > 1e-9)) {
        series.push(Series { key: key.to_owned(), label: label.to_owned(), color, points });
    }
}

/// The load of every cell of time.
fn splits(ticks: &[Tick]) -> Vec<(Timestamp, Option<Split>)> {
    let seen = |tick: &&Tick| tick.span_s > 0.0 && (tick.queries_observed || tick.sessions_observed);
    let Some(grid) = Grid::over(ticks.iter().filter(seen)) else {
        return Vec::new();
    };
    let mut cells: Cells<Sum> = Cells::new();
    for tick in ticks.iter().filter(seen) {
        let sum = cells.entry(grid.cell(tick)).or_default().entry(tick.node.clone()).or_default();
        if tick.queries_observed {
            sum.counted_span_s += tick.span_s;
            for query in tick.queries.iter().filter(|query| query.time_ms.is_finite()) {
                *sum.counted_ms.entry(query.fp.clone()).or_default() += query.time_ms;
            }
        }
        if tick.sessions_observed {
            sum.sampled_span_s += tick.span_s;
            for (fp, sessions) in tick.sessions.iter().filter(|(_, sessions)| sessions.is_finite()) {
                *sum.sampled_s.entry(fp.clone()).or_default() += sessions * tick.span_s;
            }
        }
    }
    if grid.width_s() <= timing::MAX_CELL_S {
        timing::place(&mut cells);
    }
    over_nodes(&cells, split).into_iter().map(|(cell, split)| (grid.end(cell), split)).collect()
}

fn split(nodes: &BTreeMap<NodeName, Sum>) -> Split {
    let mut out = Split::default();
    for sum in nodes.values() {
        let sampled: f64 = sum.sampled_s.values().sum::<f64>() / sum.sampled_span_s.max(f64::MIN_POSITIVE);
        if sum.counted_span_s > 0.0 {
            let mut counted = 0.0;
            for (fp, time_ms) in &sum.counted_ms {
                let aas = time_ms / 1_000.0 / sum.counted_span_s;
                counted += aas;
                *out.queries.entry(fp.clone()).or_default() += aas;
            }
            let scatter = (sampled / sum.sampled_span_s.max(1.0)).sqrt();
            if sum.sampled_span_s > 0.0 && sampled - counted > CERTAIN_ERRORS * scatter {
                out.unfinished += sampled - counted;
            }
        } else {
            for (fp, session_s) in &sum.sampled_s {
                let aas = session_s / sum.sampled_span_s;
                match fp {
                    Some(fp) => *out.queries.entry(fp.clone()).or_default() += aas,
                    None => out.unknown += aas,
                }
            }
        }
    }
    out
}
