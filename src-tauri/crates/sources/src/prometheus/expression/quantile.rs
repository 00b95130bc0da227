//! Quantiles of histograms: `histogram_quantile`, with the meaning that Prometheus gives it (`bucketQuantile` in
//! `promql/quantile.go`): linear within a bucket, the highest finite bound beyond the last one.

use std::collections::BTreeMap;

use super::super::labels::{Labels, METRIC_NAME};

/// The label with a bucket's upper bound.
const UPPER_BOUND: &str = "le";

/// The quantile of each histogram among the buckets.
pub(super) fn of_buckets(rank: f64, buckets: Vec<(Labels, f64)>) -> Vec<(Labels, f64)> {
    let mut histograms: BTreeMap<Labels, Vec<(f64, f64)>> = BTreeMap::new();
    for (labels, count) in buckets {
        let Ok(bound) = labels.get(UPPER_BOUND).parse::<f64>() else { continue };
        let of = labels.without(|name| name == UPPER_BOUND || name == METRIC_NAME);
        histograms.entry(of).or_default().push((bound, count));
    }
    histograms.into_iter().map(|(labels, buckets)| (labels, quantile(rank, buckets))).collect()
}

/// The quantile of one histogram, whose buckets are upper bounds and counts up to them.
fn quantile(rank: f64, mut buckets: Vec<(f64, f64)>) -> f64 {
    if rank.is_nan() {
        return f64::NAN;
    }
    if rank < 0.0 {
        return f64::NEG_INFINITY;
    }
    if rank > 1.0 {
        return f64::INFINITY;
    }
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut merged: Vec<(f64, f64)> = Vec::with_capacity(buckets.len());
    for (bound, count) in buckets {
        match merged.last_mut() {
            Some(last) if last.0 == bound => last.1 += count,
            // A bucket that holds less than a smaller one was read at another moment.
            Some(last) => {
                let count = count.max(last.1);
                merged.push((bound, count));
            }
            None => merged.push((bound, count)),
        }
    }
    let Some(&(highest, all)) = merged.last() else { return f64::NAN };
    if highest != f64::INFINITY || merged.len() < 2 || all == 0.0 || all.is_nan() {
        return f64::NAN;
    }
    let wanted = rank * all;
    let last = merged.len() - 1;
    let index = merged[..last].iter().position(|(_, count)| *count >= wanted).unwrap_or(last);
    if index == last {
        return merged[last - 1].0;
    }
    let (end, count) = merged[index];
    if index == 0 && end <= 0.0 {
        return end;
    }
    let (start, before) = if index == 0 { (0.0, 0.0) } else { merged[index - 1] };
    start + (end - start) * ((wanted - before) / (count - before))
}

#[cfg(test)]
mod tests {
    use super::quantile;

    #[test]
    fn quantiles_are_linear_within_their_bucket() {
        const INF: f64 = f64::INFINITY;
        for (rank, buckets, expected) in [
            (0.5, vec![(1.0, 10.0), (2.0, 20.0), (INF, 20.0)], 1.0),
            (0.75, vec![(1.0, 10.0), (2.0, 20.0), (INF, 20.0)], 1.5),
            (0.25, vec![(INF, 20.0), (2.0, 20.0), (1.0, 10.0)], 0.5),
            (0.99, vec![(1.0, 10.0), (INF, 20.0)], 1.0),
            (0.5, vec![(-1.0, 20.0), (INF, 20.0)], -1.0),
            (0.9, vec![(1.0, 10.0), (1.0, 10.0), (2.0, 10.0), (INF, 40.0)], 2.0),
            (-1.0, vec![(1.0, 1.0), (INF, 1.0)], f64::NEG_INFINITY),
            (2.0, vec![(1.0, 1.0), (INF, 1.0)], INF),
        ] {
            assert_eq!(quantile(rank, buckets.clone()), expected, "{rank} of {buckets:?}");
        }
        for buckets in [vec![], vec![(1.0, 1.0)], vec![(INF, 1.0)], vec![(1.0, 0.0), (INF, 0.0)]] {
            assert!(quantile(0.5, buckets.clone()).is_nan(), "{buckets:?}");
        }
    }
}
