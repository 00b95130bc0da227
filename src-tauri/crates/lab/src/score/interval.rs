//! Shares and rates with what is known of them: Wilson's interval, the exact Poisson bound, percentiles.

use serde::Serialize;

/// The normal distribution's quantile of a two-sided interval of 95 %.
const Z_95: f64 = 1.959_963_984_540_054;
/// Probability that a bound of 95 % may be wrong.
const ALPHA: f64 = 0.05;
/// Halvings of the interval in which a bound is searched: more than a 64-bit float has bits.
const HALVINGS: u32 = 80;

/// `k` of `n`, with Wilson's interval of 95 %.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Share {
    /// How many.
    pub k: usize,
    /// Of how many.
    pub n: usize,
    /// `k / n`; none of none is no share.
    pub share: Option<f64>,
    /// Lower end, 0–1.
    pub low: f64,
    /// Upper end, 0–1.
    pub high: f64,
}

impl Share {
    /// `k` of `n`; `k` must not be more than `n`.
    pub fn of(k: usize, n: usize) -> Self {
        if n == 0 {
            return Self { k, n, share: None, low: 0.0, high: 1.0 };
        }
        let (count, p, z2) = (n as f64, k as f64 / n as f64, Z_95 * Z_95);
        let divisor = 1.0 + z2 / count;
        let middle = (p + z2 / (2.0 * count)) / divisor;
        let half = Z_95 * (p * (1.0 - p) / count + z2 / (4.0 * count * count)).sqrt() / divisor;
        // Rounding must not push an end beyond the share itself, which it touches at 0 and at 1.
        let (low, high) = ((middle - half).clamp(0.0, p), (middle + half).clamp(p, 1.0));
        Self { k, n, share: Some(p), low, high }
    }

    /// Of the answers that there are, the share of those that are `true`.
    pub fn of_answers(answers: impl IntoIterator<Item = Option<bool>>) -> Self {
        let (mut k, mut n) = (0, 0);
        for answer in answers.into_iter().flatten() {
            n += 1;
            k += usize::from(answer);
        }
        Self::of(k, n)
    }
}

/// Seconds, or something else, of several cases.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Of how many.
    pub n: usize,
    /// The one in the middle; none of none.
    pub median: Option<f64>,
    /// 95 of 100 are not more; interpolated.
    pub p95: Option<f64>,
}

impl Spread {
    /// Of those that there are.
    pub fn of(values: impl IntoIterator<Item = Option<f64>>) -> Self {
        let mut values: Vec<f64> = values.into_iter().flatten().collect();
        values.sort_by(f64::total_cmp);
        Self { n: values.len(), median: percentile(&values, 0.5), p95: percentile(&values, 0.95) }
    }
}

/// A percentile of sorted values, 0–1, interpolated between the two that are next to it.
fn percentile(sorted: &[f64], q: f64) -> Option<f64> {
    let place = (sorted.len().checked_sub(1)?) as f64 * q;
    let (below, above) = (sorted.get(place.floor() as usize)?, sorted.get(place.ceil() as usize)?);
    Some(below + (above - below) * place.fract())
}

/// The exact upper bound of 95 % (one-sided) on the mean of a Poisson count of which `k` were seen.
pub fn poisson_upper(k: usize) -> f64 {
    // It is less than k + 2 √k ⋅ 1.65 + 3 for every k; twice that leaves room.
    let (mut low, mut high) = (k as f64, 2.0 * (k as f64) + 2.0 * (k as f64).sqrt() + 6.0);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if poisson_at_most(k, middle) > ALPHA {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// Probability of at most `k` events where `mean` are expected.
fn poisson_at_most(k: usize, mean: f64) -> f64 {
    // Logarithms, so that large means do not underflow in the first term.
    let mut log_term = -mean;
    let mut sum = log_term.exp();
    for event in 1..=k {
        log_term += (mean / event as f64).ln();
        sum += log_term.exp();
    }
    sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wilson_is_as_published() {
        // Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
        for (k, n, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let share = Share::of(k, n);
            assert!((share.low - low).abs() < 5e-5 && (share.high - high).abs() < 5e-5, "{share:?}");
        }
        assert_eq!(Share::of(0, 0).share, None);
    }

    #[test]
    fn poisson_is_as_published() {
        // Half the 0.95 quantile of chi-squared with 2 (k + 1) degrees of freedom, as in Garwood's table.
        for (k, bound) in
            [(0, 2.996), (1, 4.744), (2, 6.296), (3, 7.754), (5, 10.513), (10, 16.962), (20, 29.062)]
        {
            assert!((poisson_upper(k) - bound).abs() < 1e-3, "{k}: {}", poisson_upper(k));
        }
        assert!(poisson_upper(2_000) > 2_000.0 && poisson_upper(2_000) < 2_100.0);
    }

    #[test]
    fn percentiles_are_interpolated() {
        for (values, median, p95) in [
            (vec![], None, None),
            (vec![4.0], Some(4.0), Some(4.0)),
            (vec![3.0, 1.0], Some(2.0), Some(2.9)),
            (vec![5.0, 1.0, 2.0, 4.0, 3.0], Some(3.0), Some(4.8)),
        ] {
            let spread = Spread::of(values.iter().copied().map(Some).chain([None]));
            let near = |a: Option<f64>, b: Option<f64>| match (a, b) {
                (Some(a), Some(b)) => (a - b).abs() < 1e-9,
                (a, b) => a == b,
            };
            assert!(near(spread.median, median) && near(spread.p95, p95), "{values:?}: {spread:?}");
        }
    }

    proptest! {
        #[test]
        fn the_interval_holds_the_share(n in 1_usize..100_000, part in 0.0..=1.0_f64) {
            let k = ((n as f64) * part) as usize;
            let share = Share::of(k, n);
            let p = share.share.unwrap();
            prop_assert!(0.0 <= share.low && share.low <= p && p <= share.high && share.high <= 1.0);
            // More of the same says more.
            let more = Share::of(k * 4, n * 4);
            prop_assert!(more.high - more.low <= share.high - share.low + 1e-12);
        }

        #[test]
        fn the_bound_is_above_the_count(k in 0_usize..3_000) {
            prop_assert!(poisson_upper(k) > k as f64);
            prop_assert!(poisson_upper(k + 1) > poisson_upper(k));
        }
    }
}
