//! The extra load, split exactly over queries, and for each into why it is more. The parts add up to the whole by
//! construction. Which part means which cause is decided elsewhere.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use faultline_model::{Fingerprint, NodeName};

use crate::config::AnalysisConfig;
use crate::stats::{Estimate, median_estimate};
use crate::window::{Use, Window};

/// Why a query's load changed, in average active sessions; signs as they come.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Parts {
    /// More calls because there is more traffic, at the old cost.
    pub(crate) traffic: f64,
    /// More calls for the same traffic, at the old cost.
    pub(crate) calls: f64,
    /// Dearer calls.
    pub(crate) cost: f64,
    /// A query that was not there before.
    pub(crate) new_query: f64,
    /// Running, but not finished, so that no counter tells calls from cost.
    pub(crate) unfinished: f64,
}

impl Parts {
    /// The whole.
    pub(crate) fn total(&self) -> f64 {
        self.traffic + self.calls + self.cost + self.new_query + self.unfinished
    }
}

impl AddAssign for Parts {
    fn add_assign(&mut self, other: Self) {
        self.traffic += other.traffic;
        self.calls += other.calls;
        self.cost += other.cost;
        self.new_query += other.new_query;
        self.unfinished += other.unfinished;
    }
}

/// What the extra load of one query consists of.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Split {
    /// The parts.
    pub(crate) parts: Parts,
    /// Whether the query is new.
    pub(crate) is_new: bool,
    /// Before, over all nodes.
    pub(crate) before: Use,
    /// Now, over all nodes.
    pub(crate) after: Use,
}

/// The extra load of the cluster, split.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attribution {
    /// By query.
    pub(crate) queries: BTreeMap<Fingerprint, Split>,
    /// Sampled load of sessions whose query is not told, now less before.
    pub(crate) anonymous: f64,
    /// All parts together.
    pub(crate) parts: Parts,
    /// Sum of the positive totals.
    pub(crate) positive: f64,
    /// Calls now by calls before: the median over the queries that were there before.
    pub(crate) call_ratio: Option<Estimate>,
    /// Cost of a call now by before: the median over the same queries.
    pub(crate) cost_ratio: Option<Estimate>,
    /// Whether counters speak about the trouble on at least one node.
    pub(crate) is_counted: bool,
}

/// Splits one query's change on one node. `counted`: whether counters speak before and after; `traffic`: ratio of the
/// work asked for.
pub(crate) fn split(before: &Use, after: &Use, is_new: bool, counted: (bool, bool), traffic: f64) -> Parts {
    let load_before = if counted.0 { before.counted + before.unfinished } else { before.sampled };
    if !counted.1 {
        // Samples alone: how much, but not why.
        let extra = after.sampled - load_before;
        return match is_new {
            true => Parts { new_query: extra, ..Parts::default() },
            false => Parts { unfinished: extra, ..Parts::default() },
        };
    }
    if !counted.0 {
        let extra = after.counted + after.unfinished - load_before;
        return match is_new {
            true => Parts { new_query: extra, ..Parts::default() },
            false => Parts { unfinished: extra, ..Parts::default() },
        };
    }
    let unfinished = after.unfinished - before.unfinished;
    if is_new || before.calls_per_s <= 0.0 {
        return Parts { new_query: after.counted - before.counted, unfinished, ..Parts::default() };
    }
    let usual_cost = before.counted / before.calls_per_s;
    let expected = before.calls_per_s * traffic;
    Parts {
        traffic: (expected - before.calls_per_s) * usual_cost,
        calls: (after.calls_per_s - expected) * usual_cost,
        cost: after.counted - after.calls_per_s * usual_cost,
        new_query: 0.0,
        unfinished,
    }
}

/// Splits the change of all queries on all nodes.
pub(crate) fn attribute(
    before: &BTreeMap<NodeName, Window>,
    after: &BTreeMap<NodeName, Window>,
    is_new: impl Fn(&Fingerprint) -> bool,
    request_ratio: Option<f64>,
    config: &AnalysisConfig,
) -> Attribution {
    let empty = Window::default();
    let mut whole = Attribution::default();
    for (node, now) in after {
        let usual = before.get(node).unwrap_or(&empty);
        whole.anonymous += now.anonymous - usual.anonymous;
        whole.is_counted |= now.is_counted();
        for (fp, used) in &usual.uses {
            add(&mut entry(&mut whole.queries, fp, &is_new).before, used);
        }
        for (fp, used) in &now.uses {
            add(&mut entry(&mut whole.queries, fp, &is_new).after, used);
        }
    }
    (whole.call_ratio, whole.cost_ratio) = ratios(before, after, &whole, config);
    let traffic = request_ratio.or(whole.call_ratio.map(|ratio| ratio.value)).unwrap_or(1.0);
    for (node, now) in after {
        let usual = before.get(node).unwrap_or(&empty);
        let counted = (usual.is_counted(), now.is_counted());
        let nothing = Use::default();
        for (fp, entry) in &mut whole.queries {
            let (was, is) = (usual.uses.get(fp), now.uses.get(fp));
            if was.is_some() || is.is_some() {
                entry.parts +=
                    split(was.unwrap_or(&nothing), is.unwrap_or(&nothing), entry.is_new, counted, traffic);
            }
        }
    }
    for entry in whole.queries.values() {
        whole.parts += entry.parts;
        whole.positive += entry.parts.total().max(0.0);
    }
    whole
}

fn entry<'a>(
    queries: &'a mut BTreeMap<Fingerprint, Split>,
    fp: &Fingerprint,
    is_new: &impl Fn(&Fingerprint) -> bool,
) -> &'a mut Split {
    queries.entry(fp.clone()).or_insert_with(|| Split { is_new: is_new(fp), ..Split::default() })
}

fn add(sum: &mut Use, more: &Use) {
    sum.calls_per_s += more.calls_per_s;
    sum.counted += more.counted;
    sum.unfinished += more.unfinished;
    sum.sampled += more.sampled;
    sum.rows_per_s += more.rows_per_s;
    sum.blocks_read_per_s += more.blocks_read_per_s;
    sum.errors_per_s += more.errors_per_s;
}

/// Median ratios of calls and of cost over the queries that were there before, on nodes where counters speak twice.
fn ratios(
    before: &BTreeMap<NodeName, Window>,
    after: &BTreeMap<NodeName, Window>,
    whole: &Attribution,
    config: &AnalysisConfig,
) -> (Option<Estimate>, Option<Estimate>) {
    let (mut calls, mut costs) = (Vec::new(), Vec::new());
    for (node, now) in after.iter().filter(|(_, now)| now.is_counted()) {
        let Some(usual) = before.get(node).filter(|usual| usual.is_counted()) else { continue };
        for (fp, was) in &usual.uses {
            let expected = was.calls_per_s * now.counted_s;
            if expected < config.traffic_min_calls || whole.queries.get(fp).is_some_and(|entry| entry.is_new)
            {
                continue;
            }
            let is = now.uses.get(fp).copied().unwrap_or_default();
            calls.push(is.calls_per_s / was.calls_per_s);
            if is.calls_per_s > 0.0 && was.counted > 0.0 {
                costs.push((is.counted / is.calls_per_s) / (was.counted / was.calls_per_s));
            }
        }
    }
    (median_estimate(&calls), median_estimate(&costs))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn uses() -> impl Strategy<Value = Use> {
        (0.0..500.0, 0.0..20.0, 0.0..5.0, 0.0..25.0).prop_map(
            |(calls_per_s, counted, unfinished, sampled)| Use {
                calls_per_s,
                counted,
                unfinished,
                sampled,
                ..Use::default()
            },
        )
    }

    proptest! {
        #[test]
        fn the_parts_add_up_to_the_whole(
            before in uses(), after in uses(), is_new: bool, was_counted: bool, counted: bool, traffic in 0.1..10.0,
        ) {
            let parts = split(&before, &after, is_new, (was_counted, counted), traffic);
            let load = |used: &Use, counted| if counted { used.counted + used.unfinished } else { used.sampled };
            let whole = load(&after, counted) - load(&before, was_counted);
            prop_assert!((parts.total() - whole).abs() < 1e-9, "{parts:?} {whole}");
        }

        #[test]
        fn queries_add_up_to_the_cluster(pairs in proptest::collection::vec((uses(), uses()), 1..8), traffic in 0.2..5.0) {
            let window = |pick: fn(&(Use, Use)) -> Use| Window {
                counted_s: 30.0,
                uses: pairs.iter().enumerate().map(|(i, pair)| (Fingerprint::new(format!("q{i}")), pick(pair))).collect(),
                ..Window::default()
            };
            let before = BTreeMap::from([(NodeName::new("a"), window(|pair| pair.0))]);
            let after = BTreeMap::from([(NodeName::new("a"), window(|pair| pair.1))]);
            let whole = attribute(&before, &after, |_| false, Some(traffic), &AnalysisConfig::default());
            let expected: f64 =
                pairs.iter().map(|(a, b)| b.counted + b.unfinished - a.counted - a.unfinished).sum();
            prop_assert!((whole.parts.total() - expected).abs() < 1e-9);
        }
    }
}
