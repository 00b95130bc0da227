//! `queries|top`: the dearest queries of a range and their change. The load is split as in the chart, so that table and
//! chart agree.

use std::collections::BTreeMap;

use faultline_chart::build::{self, OTHER_KEY, Tick, UNFINISHED_KEY};
use faultline_chart::{Series, Theme};
use faultline_model::{ClusterName, Fingerprint, TimeRange, Timestamp};

use crate::Api;
use crate::charts;
use crate::cluster;
use crate::error::ApiError;
use crate::range;
use crate::types::{QueriesRequest, QueryRow};

/// Most rows in an answer.
const MAX_ROWS: usize = 60;

/// Resolution, points over the whole range.
const POINTS: f64 = 300.0;

/// Of a live range, the last part of so many seconds is "now", and the change is against what came before it.
const NOW_S: f64 = 60.0;

pub(crate) async fn top(api: &Api, args: QueriesRequest) -> Result<Vec<QueryRow>, ApiError> {
    let range = range::range(args.from, args.to, args.last_s, api.engine.now())?;
    let windows = Windows::of(range, args.last_s.is_some());
    cluster::named(api, &args.cluster)?;
    let cluster = ClusterName::from(args.cluster.as_str());
    let ticks = charts::ticks(api, &cluster, windows.whole(), POINTS).await?;
    let limit = MAX_ROWS.min(args.limit as usize);
    let panel =
        build::load_by_query(&ticks, limit, &charts::texts(api, &cluster, &ticks).await?, Theme::Light);
    let stored = api.engine.history().texts(&cluster, &charts::fingerprints(&ticks)).await?;
    let totals = totals(&ticks, windows.now);
    let queries =
        panel.series.iter().filter(|series| series.key != OTHER_KEY && series.key != UNFINISHED_KEY);
    let mut rows: Vec<QueryRow> = queries
        .map(|series| {
            let fp = Fingerprint::from(series.key.as_str());
            let total = totals.get(&fp).copied().unwrap_or_default();
            let text = stored.get(&fp);
            let (now, before) = (mean(series, windows.now), mean(series, windows.before));
            let first_seen = text.map_or(range.from, |text| text.first_seen);
            QueryRow {
                text: text.map(|text| text.text.clone()).unwrap_or_default(),
                load_aas: now,
                delta_aas: now - before,
                calls_per_s: total.calls / windows.now.secs(),
                mean_ms: if total.calls > 0.0 { total.time_ms / total.calls } else { 0.0 },
                rows_per_call: (total.calls > 0.0)
                    .then(|| total.rows.map(|rows| rows / total.calls))
                    .flatten(),
                is_new: windows.knows_before(&ticks, first_seen),
                first_seen: first_seen.as_secs(),
                user: text.and_then(|text| text.user.clone()),
                database: text.and_then(|text| text.database.clone()),
                fp: fp.into(),
            }
        })
        .collect();
    rows.sort_by(|a, b| b.load_aas.total_cmp(&a.load_aas));
    Ok(rows)
}

/// What is compared with what.
struct Windows {
    now: TimeRange,
    before: TimeRange,
    range: TimeRange,
}

impl Windows {
    /// Of a live range: its last minute against the rest. Of a fixed one: all of it against as much before it.
    fn of(range: TimeRange, live: bool) -> Self {
        if live && range.secs() > 2.0 * NOW_S {
            let begin = range.to - NOW_S;
            return Self {
                now: TimeRange::new(begin, range.to),
                before: TimeRange::new(range.from, begin),
                range,
            };
        }
        Self { now: range, before: TimeRange::new(range.from - range.secs(), range.from), range }
    }

    fn whole(&self) -> TimeRange {
        TimeRange::new(self.before.from, self.now.to)
    }

    /// Whether the query is new in the range: it came well after the first thing that was seen at all.
    fn knows_before(&self, ticks: &[Tick], first_seen: Timestamp) -> bool {
        let watched_since = ticks.iter().map(|tick| tick.at).min();
        self.range.contains(first_seen)
            && watched_since.is_some_and(|since| first_seen.secs_since(since) > NEW_AFTER_S)
    }
}

/// In the first seconds of watching every query is seen for the first time.
const NEW_AFTER_S: f64 = 40.0;

fn mean(series: &Series, window: TimeRange) -> f64 {
    let values: Vec<f64> =
        series.points.iter().filter(|(at, _)| window.contains(*at)).filter_map(|(_, value)| *value).collect();
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}

#[derive(Clone, Copy, Default)]
struct Total {
    calls: f64,
    time_ms: f64,
    rows: Option<f64>,
}

fn totals(ticks: &[Tick], window: TimeRange) -> BTreeMap<Fingerprint, Total> {
    let mut totals = BTreeMap::<Fingerprint, Total>::new();
    for query in ticks.iter().filter(|tick| window.contains(tick.at)).flat_map(|tick| &tick.queries) {
        let total = totals.entry(query.fp.clone()).or_default();
        total.calls += query.calls;
        total.time_ms += query.time_ms;
        if let Some(rows) = query.rows {
            *total.rows.get_or_insert(0.0) += rows;
        }
    }
    totals
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(range: TimeRange) -> (f64, f64) {
        (range.from.as_secs(), range.to.as_secs())
    }

    #[test]
    fn a_live_range_compares_its_last_minute_with_the_rest() {
        let range = TimeRange::new(Timestamp::from_secs(100.0), Timestamp::from_secs(1_000.0));
        let live = Windows::of(range, true);
        assert_eq!((secs(live.now), secs(live.before)), ((940.0, 1_000.0), (100.0, 940.0)));
        let fixed = Windows::of(range, false);
        assert_eq!((secs(fixed.now), secs(fixed.before)), ((100.0, 1_000.0), (-800.0, 100.0)));
    }

    #[test]
    fn what_is_first_seen_with_everything_else_is_not_new() {
        let range = TimeRange::new(Timestamp::from_secs(0.0), Timestamp::from_secs(1_000.0));
        let windows = Windows::of(range, true);
        let ticks = [Tick::new(Timestamp::from_secs(100.0), 1.0, "a".into())];
        assert!(!windows.knows_before(&ticks, Timestamp::from_secs(110.0)));
        assert!(windows.knows_before(&ticks, Timestamp::from_secs(400.0)));
    }
}
