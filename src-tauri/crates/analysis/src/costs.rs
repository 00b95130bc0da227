//! What a call of each query usually costs on a node, and how dear the calls of one span are against that: a latency
//! that does not move because the mix of queries moved. Also the failed share of calls.

use std::collections::BTreeMap;

use faultline_model::{Fingerprint, QueryDeltas};

/// Most queries whose cost is kept.
const QUERIES: usize = 50_000;

/// Time over which a usual cost follows, seconds.
const FOLLOW_S: f64 = 300.0;

/// Most that a usual cost follows in one span, a share of the difference.
const FOLLOW_MAX: f64 = 0.1;

/// Largest step, in natural logarithms, that one span may pull a usual cost by.
const STEP_MAX: f64 = 0.5;

/// Spans in which a query must have been called before its cost has a say.
const SPANS_MIN: u32 = 2;

/// Spans whose plain mean starts a usual cost.
const SPANS_START: u32 = 5;

/// Fewest calls in a span whose failed share means something.
const CALLS_MIN: f64 = 20.0;

#[derive(Clone, Copy, Debug)]
struct Cost {
    ms: f64,
    spans: u32,
}

/// Usual costs by query.
#[derive(Clone, Debug, Default)]
pub(crate) struct Costs {
    usual: BTreeMap<Fingerprint, Cost>,
}

impl Costs {
    /// Time of the span's calls by the time that the same calls usually take; `None` when no query in it is known.
    /// Unless `frozen`, the usual costs then follow.
    pub(crate) fn index(&mut self, deltas: &QueryDeltas, frozen: bool) -> Option<f64> {
        let (mut is, mut usual) = (0.0, 0.0);
        for row in deltas.rows.iter().filter(|row| row.calls > 0.0 && row.time_ms > 0.0) {
            if let Some(cost) = self.usual.get(&row.fp).filter(|cost| cost.spans >= SPANS_MIN) {
                is += row.time_ms;
                usual += row.calls * cost.ms;
            }
            if !frozen {
                self.follow(&row.fp, row.time_ms / row.calls, deltas.span_s);
            }
        }
        (usual > 0.0).then(|| is / usual)
    }

    fn follow(&mut self, fp: &Fingerprint, ms: f64, span_s: f64) {
        if let Some(cost) = self.usual.get_mut(fp) {
            let share = (span_s / FOLLOW_S).min(FOLLOW_MAX);
            let share =
                if cost.spans < SPANS_START { share.max(1.0 / f64::from(cost.spans + 1)) } else { share };
            cost.ms *= (share * (ms / cost.ms).ln().clamp(-STEP_MAX, STEP_MAX)).exp();
            cost.spans = cost.spans.saturating_add(1);
        } else if self.usual.len() < QUERIES {
            self.usual.insert(fp.clone(), Cost { ms, spans: 1 });
        }
    }
}

/// Failed share of calls, where failures are counted and there are enough calls.
pub(crate) fn error_share(deltas: &QueryDeltas) -> Option<f64> {
    let counted = deltas.rows.iter().filter_map(|row| Some((row.calls, row.errors?)));
    let (calls, errors) = counted.fold((0.0, 0.0), |sum, row| (sum.0 + row.0, sum.1 + row.1));
    (calls.max(errors) >= CALLS_MIN).then(|| errors / calls.max(errors))
}
