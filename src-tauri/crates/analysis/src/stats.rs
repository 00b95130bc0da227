//! Robust statistics over small slices: medians, spreads, and squashing into 0–1. No state.

use statrs::distribution::{ContinuousCDF, Normal};

/// What a median absolute deviation is multiplied by to estimate a normal standard deviation.
pub(crate) const MAD_TO_SIGMA: f64 = 1.4826;

/// What a normal 90th percentile lies above the median, in standard deviations.
pub(crate) const Q90_SIGMA: f64 = 1.2816;

/// Standard error of a median by that of a mean.
const MEDIAN_INEFFICIENCY: f64 = 1.2533;

/// Sorts a copy; values that are not finite are left out.
pub(crate) fn sorted(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut all: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
    all.sort_by(f64::total_cmp);
    all
}

/// The `share` quantile of sorted values, interpolated; `None` when there are none.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let position = share.clamp(0.0, 1.0) * last as f64;
    let below = sorted[position.floor() as usize];
    let above = sorted[position.ceil() as usize];
    Some(below + (above - below) * position.fract())
}

/// Median of unsorted values.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    quantile(&sorted(values), 0.5)
}

/// Median absolute deviation around `center`.
pub(crate) fn mad(values: &[f64], center: f64) -> f64 {
    median(values.iter().map(|value| (value - center).abs())).unwrap_or(0.0)
}

/// A median with its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Estimate {
    /// The value.
    pub(crate) value: f64,
    /// Its standard error.
    pub(crate) error: f64,
    /// How many values it comes from.
    pub(crate) count: usize,
}

/// Median of ratios with its standard error; `None` when there are none.
pub(crate) fn median_estimate(values: &[f64]) -> Option<Estimate> {
    let value = median(values.iter().copied())?;
    let error = MEDIAN_INEFFICIENCY * MAD_TO_SIGMA * mad(values, value) / (values.len() as f64).sqrt();
    Some(Estimate { value, error, count: values.len() })
}

/// Probability that a normal estimate lies above `limit`.
pub(crate) fn probability_above(estimate: Estimate, limit: f64, least_error: f64) -> f64 {
    let sigma = estimate.error.max(least_error);
    Normal::standard().cdf((estimate.value - limit) / sigma)
}

/// 0–1, one half at `middle`, rising over about `width` to either side.
pub(crate) fn rise(value: f64, middle: f64, width: f64) -> f64 {
    if value.is_nan() {
        return 0.0;
    }
    1.0 / (1.0 + (-4.0 * (value - middle) / width).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_interpolated() {
        let values = sorted([4.0, 1.0, f64::NAN, 3.0, 2.0]);
        for (share, expected) in [(0.0, 1.0), (0.5, 2.5), (1.0, 4.0)] {
            assert_eq!(quantile(&values, share), Some(expected), "{share}");
        }
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn rising_is_a_half_in_the_middle() {
        assert_eq!(rise(0.5, 0.5, 0.2), 0.5);
        assert!(rise(0.9, 0.5, 0.2) > 0.99 && rise(0.1, 0.5, 0.2) < 0.01);
    }
}
