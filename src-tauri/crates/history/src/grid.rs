//! The grid of time: buckets that end at multiples of a step, and the share of an observation that lies in each.
//! A bucket covers what lies after the previous multiple, up to and with its own.

use faultline_model::{TimeRange, Timestamp};

use crate::limits::MAX_SPREAD_S;

/// Times are kept within this, microseconds, so that arithmetic on them cannot overflow (36,000 years).
const EXTREME_MICROS: i64 = 1 << 60;

/// Microseconds in a second.
pub(crate) const MICROS_PER_S: f64 = 1e6;

/// A time of the grid, microseconds.
pub(crate) fn micros(at: Timestamp) -> i64 {
    at.as_micros().clamp(-EXTREME_MICROS, EXTREME_MICROS)
}

/// End of the bucket that holds `at`.
pub(crate) fn ends(at: i64, step: i64) -> i64 {
    at.div_euclid(step) * step + if at.rem_euclid(step) == 0 { 0 } else { step }
}

/// A stretch of time, microseconds: after `after`, up to and with `until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) after: i64,
    pub(crate) until: i64,
}

impl Window {
    /// All buckets that a range touches.
    pub(crate) fn of_range(range: TimeRange, step: i64) -> Option<Self> {
        let (from, to) = (micros(range.from), micros(range.to));
        (from < to).then(|| Self { after: ends(from, step) - step, until: ends(to - 1, step) })
    }

    /// Where frames lie that may reach into this window: their spans end later.
    pub(crate) fn with_spread(self) -> Self {
        Self { until: self.until + (MAX_SPREAD_S * MICROS_PER_S) as i64, ..self }
    }
}

/// The buckets into which `span_s` seconds that ended at `at` fall, with the seconds in each. Of a span beyond
/// [`MAX_SPREAD_S`] only the end counts; one that is no positive number counts as a moment, with no seconds.
pub(crate) fn spread(at: i64, span_s: f64, step: i64) -> impl Iterator<Item = (i64, f64)> {
    let span = if span_s > 0.0 { (span_s.min(MAX_SPREAD_S) * MICROS_PER_S).round() as i64 } else { 0 };
    let start = at - span;
    let last = ends(at, step);
    let first = ends(start + 1, step).min(last);
    (0..=(last - first) / step).map(move |index| {
        let bucket = first + index * step;
        (bucket, (at.min(bucket) - start.max(bucket - step)) as f64 / MICROS_PER_S)
    })
}

/// The seconds of a span that count.
pub(crate) fn counted_s(span_s: f64) -> f64 {
    if span_s > 0.0 { span_s.min(MAX_SPREAD_S) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_its_end_and_not_its_start() {
        for (at, step, expected) in
            [(0, 10, 0), (1, 10, 10), (10, 10, 10), (11, 10, 20), (-1, 10, 0), (-10, 10, -10)]
        {
            assert_eq!(ends(at, step), expected, "{at}");
        }
    }

    #[test]
    fn a_span_is_spread_by_what_lies_in_each_bucket() {
        let s = 1_000_000;
        let check = |at: i64, span_s: f64, step: i64, expected: &[(i64, f64)]| {
            let found: Vec<_> =
                spread(at * s, span_s, step * s).map(|(end, share)| (end / s, share)).collect();
            assert_eq!(found, expected, "{span_s} s to {at} by {step}");
        };
        check(15, 15.0, 10, &[(10, 10.0), (20, 5.0)]);
        check(10, 10.0, 10, &[(10, 10.0)]);
        check(12, 1.0, 10, &[(20, 1.0)]);
        check(11, 2.0, 10, &[(10, 1.0), (20, 1.0)]);
        check(10, 0.0, 10, &[(10, 0.0)]);
        check(10, f64::NAN, 10, &[(10, 0.0)]);
        check(1_000, 1e9, 60, &[(900, 20.0), (960, 60.0), (1_020, 40.0)]);
    }

    #[test]
    fn extreme_times_do_not_overflow() {
        for at in [i64::MIN, i64::MAX] {
            let at = micros(Timestamp::from_micros(at));
            assert!(spread(at, 15.0, 600_000_000).count() >= 1);
            assert!(
                Window::of_range(TimeRange::new(Timestamp::from_micros(at), Timestamp::EPOCH), 7).is_some()
                    == (at < 0)
            );
        }
    }
}
