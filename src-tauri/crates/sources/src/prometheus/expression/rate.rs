//! How fast counters grow: `rate`, `increase` and `irate`, with the meaning that Prometheus gives them.
//!
//! A value that is smaller than the one before is a reset: the counter began anew at zero. What grew between the first
//! and last sample is stretched to the whole range, up to its edges where a sample is near them and else by half the
//! distance between samples, and never to before the counter can have been zero (`extrapolatedRate` in Prometheus'
//! `promql/functions.go`, in the order of steps of version 3).

use faultline_model::Timestamp;

use super::node::Growth;

/// A sample that is no further from an edge of the range than this many distances between samples counts as near.
const NEAR_EDGE: f64 = 1.1;

/// How fast a series grew over the `range_s` seconds up to `at`; `None` with fewer than two samples. The points are those
/// of the range, in the order of time.
pub(super) fn growth(how: Growth, points: &[(Timestamp, f64)], at: Timestamp, range_s: f64) -> Option<f64> {
    match how {
        Growth::InstantRate => instant(points),
        Growth::Increase => increase(points, at, range_s),
        Growth::Rate => Some(increase(points, at, range_s)? / range_s),
    }
}

fn instant(points: &[(Timestamp, f64)]) -> Option<f64> {
    let [.., (before_at, before), (last_at, last)] = points else { return None };
    let grew = if last < before { *last } else { last - before };
    let seconds = last_at.secs_since(*before_at);
    (seconds > 0.0).then(|| grew / seconds)
}

fn increase(points: &[(Timestamp, f64)], at: Timestamp, range_s: f64) -> Option<f64> {
    let [(first_at, first), .., (last_at, last)] = points else { return None };
    let lost_to_resets: f64 =
        points.windows(2).filter(|pair| pair[1].1 < pair[0].1).map(|pair| pair[0].1).sum();
    let grew = last - first + lost_to_resets;
    let sampled_s = last_at.secs_since(*first_at);
    if sampled_s <= 0.0 {
        return None;
    }
    let distance_s = sampled_s / (points.len() - 1) as f64;
    let to_edge = |seconds: f64| if seconds < distance_s * NEAR_EDGE { seconds } else { distance_s / 2.0 };
    let mut before_s = to_edge(first_at.secs_since(at - range_s));
    if grew > 0.0 && *first >= 0.0 {
        before_s = before_s.min(sampled_s * (first / grew));
    }
    let after_s = to_edge(at.secs_since(*last_at));
    Some(grew * ((sampled_s + before_s + after_s) / sampled_s))
}
