//! What the queries of one node did over a stretch of time: rates from counters, what has not finished and who was at
//! work from session samples. The two halves of attribution, before and after, are made here; splitting is not.

use std::collections::{BTreeMap, HashMap};

use faultline_model::{Fingerprint, SessionGroup, Timestamp};

use crate::config::AnalysisConfig;
use crate::node::Node;
use crate::services::Identity;
use crate::stats::median;
use crate::wait::Wait;

/// Shortest stretch that counters must cover to speak, seconds.
const COUNTED_MIN_S: f64 = 0.5;

/// Window of the running time of unfinished statements where there are no counters to say, seconds.
const UNFINISHED_SPAN_S: f64 = 15.0;

/// What one fingerprint did. Loads are in average active sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Use {
    /// Finished calls per second.
    pub(crate) calls_per_s: f64,
    /// Load of the finished calls.
    pub(crate) counted: f64,
    /// Load of what has not finished.
    pub(crate) unfinished: f64,
    /// Load as sampled.
    pub(crate) sampled: f64,
    /// Rows per second.
    pub(crate) rows_per_s: f64,
    /// Pages read from below the buffer pool per second.
    pub(crate) blocks_read_per_s: f64,
    /// Failed calls per second.
    pub(crate) errors_per_s: f64,
}

/// What the queries of one node did.
#[derive(Clone, Debug, Default)]
pub(crate) struct Window {
    /// Seconds that counters cover; 0 without counters.
    pub(crate) counted_s: f64,
    /// Session samples.
    pub(crate) samples: usize,
    /// By fingerprint.
    pub(crate) uses: BTreeMap<Fingerprint, Use>,
    /// Sampled load by what it waits for.
    pub(crate) waits: BTreeMap<Wait, f64>,
    /// Sampled load by fingerprint and who ran it.
    pub(crate) people: BTreeMap<(Option<Fingerprint>, Identity), f64>,
    /// Sampled load by client.
    pub(crate) clients: BTreeMap<String, f64>,
    /// Sampled load of sessions without a fingerprint.
    pub(crate) anonymous: f64,
}

impl Window {
    /// Whether counters speak.
    pub(crate) fn is_counted(&self) -> bool {
        self.counted_s >= COUNTED_MIN_S
    }

    fn entry(&mut self, fp: &Fingerprint) -> &mut Use {
        self.uses.entry(fp.clone()).or_default()
    }
}

/// Sums while rows are read: hundreds of spans of hundreds of rows, so that neither a copy nor an order is afforded.
type Rates<'a> = HashMap<&'a Fingerprint, Use>;

fn owned(rates: Rates<'_>) -> BTreeMap<Fingerprint, Use> {
    rates.into_iter().map(|(fp, used)| (fp.clone(), used)).collect()
}

/// The stretch before the trouble: whole counter spans and samples in `(from, to]`.
pub(crate) fn before(node: &Node, from: Timestamp, to: Timestamp) -> Window {
    let mut window = Window::default();
    let spans: Vec<_> = node
        .counters
        .iter()
        .filter(|counted| counted.at <= to && counted.at - counted.span_s >= from - 1.0)
        .collect();
    window.counted_s = spans.iter().map(|counted| counted.span_s).sum();
    let total_s = window.counted_s.max(f64::MIN_POSITIVE);
    let mut rates = Rates::new();
    for row in spans.iter().flat_map(|counted| &counted.rows) {
        add_rates(rates.entry(&row.fp).or_default(), row, 1.0 / total_s);
    }
    window.uses = owned(rates);
    sample_into(&mut window, node, from, to);
    let span_s = median(spans.iter().map(|counted| counted.span_s)).unwrap_or(UNFINISHED_SPAN_S);
    let weight = 1.0 / window.samples.max(1) as f64;
    for sample in node.samples.iter().filter(|sample| from < sample.at && sample.at <= to) {
        add_unfinished(&mut window, &sample.groups, span_s, weight);
    }
    window
}

/// The trouble so far: what counters say since `onset` (of a span across it, what exceeds the rates before), and what
/// was still running when they were last read.
pub(crate) fn after(
    node: &Node,
    onset: Timestamp,
    from: Timestamp,
    now: Timestamp,
    before: &Window,
) -> Window {
    let mut window = Window::default();
    let mut first = now;
    let mut last = None;
    let mut rates = Rates::new();
    for counted in node.counters.iter().filter(|counted| counted.at > from) {
        let start = counted.at - counted.span_s;
        let early_s = from.max(onset).secs_since(start).clamp(0.0, counted.span_s);
        if early_s > 0.0 && !before.is_counted() {
            // Nothing says how much of this span was usual.
            continue;
        }
        window.counted_s += counted.span_s - early_s;
        first = first.min(start.max(onset));
        last = Some(counted.at);
        for row in &counted.rows {
            let share = if early_s > 0.0 {
                Some(before.uses.get(&row.fp).copied().unwrap_or_default())
            } else {
                None
            };
            let used = rates.entry(&row.fp).or_default();
            add_rates(used, row, 1.0);
            if let Some(usual) = share {
                used.calls_per_s = (used.calls_per_s - usual.calls_per_s * early_s).max(0.0);
                used.counted = (used.counted - usual.counted * early_s).max(0.0);
                used.rows_per_s = (used.rows_per_s - usual.rows_per_s * early_s).max(0.0);
                used.blocks_read_per_s =
                    (used.blocks_read_per_s - usual.blocks_read_per_s * early_s).max(0.0);
            }
        }
    }
    if window.is_counted() {
        let per_s = 1.0 / window.counted_s;
        rates.values_mut().for_each(|used| scale(used, per_s));
        window.uses = owned(rates);
    } else {
        window.counted_s = 0.0;
    }
    sample_into(&mut window, node, from, now);
    if let Some(last) = last.filter(|_| window.is_counted()) {
        let covered_s = last.secs_since(first).max(COUNTED_MIN_S);
        let at_read = node.samples.iter().find(|sample| sample.at >= last).or_else(|| node.samples.back());
        if let Some(sample) = at_read {
            add_unfinished(&mut window, &sample.groups, covered_s, 1.0);
        }
    }
    window
}

/// Load that the given fingerprints make over the last `load_window_s` of a node.
pub(crate) fn load_of(node: &Node, queries: &[Fingerprint], now: Timestamp, config: &AnalysisConfig) -> f64 {
    let from = now - config.load_window_s;
    let samples: Vec<_> = node.samples.iter().filter(|sample| sample.at > from).collect();
    if !samples.is_empty() {
        let groups = samples.iter().flat_map(|sample| &sample.groups);
        let at_work: f64 = groups
            .filter(|group| group.fp.as_ref().is_some_and(|fp| queries.contains(fp)))
            .map(|group| f64::from(group.count))
            .sum();
        return at_work / samples.len() as f64;
    }
    let Some(counted) = node.counters.back() else { return 0.0 };
    let rows = counted.rows.iter().filter(|row| queries.contains(&row.fp));
    rows.map(|row| faultline_model::load::counted(row, counted.span_s).0).sum()
}

fn add_rates(used: &mut Use, row: &faultline_model::QueryDelta, per_s: f64) {
    used.calls_per_s += row.calls * per_s;
    used.counted += row.time_ms / 1_000.0 * per_s;
    used.rows_per_s += row.rows.unwrap_or(0.0) * per_s;
    used.blocks_read_per_s += row.blocks_read.unwrap_or(0.0) * per_s;
    used.errors_per_s += row.errors.unwrap_or(0.0) * per_s;
}

fn scale(used: &mut Use, factor: f64) {
    used.calls_per_s *= factor;
    used.counted *= factor;
    used.rows_per_s *= factor;
    used.blocks_read_per_s *= factor;
    used.errors_per_s *= factor;
}

fn sample_into(window: &mut Window, node: &Node, from: Timestamp, to: Timestamp) {
    let samples: Vec<_> = node.samples.iter().filter(|sample| from < sample.at && sample.at <= to).collect();
    window.samples = samples.len();
    let weight = 1.0 / samples.len().max(1) as f64;
    let (mut people, mut clients, mut sampled) = (HashMap::new(), HashMap::new(), HashMap::new());
    for group in samples.iter().flat_map(|sample| &sample.groups) {
        let load = f64::from(group.count) * weight;
        *window.waits.entry(Wait::of(group.wait.as_deref())).or_default() += load;
        *people.entry((&group.fp, &group.user, &group.app)).or_default() += load;
        if let Some(client) = &group.client {
            *clients.entry(client).or_default() += load;
        }
        match &group.fp {
            Some(fp) => *sampled.entry(fp).or_default() += load,
            None => window.anonymous += load,
        }
    }
    let named = |(fp, user, app): (&Option<Fingerprint>, &Option<String>, &Option<String>)| {
        (fp.clone(), Identity { user: user.clone(), app: app.clone() })
    };
    window.people = people.into_iter().map(|(key, load)| (named(key), load)).collect();
    window.clients =
        clients.into_iter().map(|(client, load): (&String, f64)| (client.clone(), load)).collect();
    sampled.into_iter().for_each(|(fp, load): (&Fingerprint, f64)| window.entry(fp).sampled += load);
}

/// Adds the running time of unfinished statements within the last `span_s`, as load. Only the oldest of a group is
/// known; the others are taken to be spread evenly below it.
fn add_unfinished(window: &mut Window, groups: &[SessionGroup], span_s: f64, weight: f64) {
    for group in groups {
        let Some(fp) = &group.fp else { continue };
        let oldest_s = group.running_ms.max(0.0) / 1_000.0;
        let others = f64::from(group.count.max(1) - 1);
        let running_s = oldest_s.min(span_s) + others * (oldest_s / 2.0).min(span_s);
        window.entry(fp).unfinished += weight * running_s / span_s;
    }
}
