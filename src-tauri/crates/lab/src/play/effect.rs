//! When a change was felt, as the lab itself measured it on the users' side. Nothing of Faultline's is in here.

/// What the users felt in one second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Felt {
    /// Its beginning, Unix seconds.
    pub(super) t: f64,
    /// Mean time that the requests took which ended in it, queueing included, milliseconds; none ended, none.
    pub(super) latency_ms: Option<f64>,
    /// Connections at work, on average.
    pub(super) busy: f64,
}

/// So many seconds in a row must be above the healthy ones.
const IN_A_ROW: usize = 3;
/// What is above this share of the healthy seconds is not healthy.
const HEALTHY_QUANTILE: f64 = 0.99;

/// The beginning of the first of three seconds in a row, from `onset` on, in which load or latency was above the 99th
/// percentile of the seconds between `healthy_from` and `onset`; none where that never was. `statements` are the times
/// at which somebody was at work who is no service; they are load too.
pub(super) fn find(felt: &[Felt], statements: &[(f64, f64)], healthy_from: f64, onset: f64) -> Option<f64> {
    let load =
        |second: &Felt| second.busy + statements.iter().map(|span| overlap_s(*span, second.t)).sum::<f64>();
    let healthy: Vec<&Felt> =
        felt.iter().filter(|second| second.t >= healthy_from && second.t + 1.0 <= onset).collect();
    let load_limit = quantile(healthy.iter().map(|second| load(second)).collect())?;
    let latency_limit = quantile(healthy.iter().filter_map(|second| second.latency_ms).collect())?;
    let hurts = |second: &Felt| {
        load(second) > load_limit || second.latency_ms.is_some_and(|latency_ms| latency_ms > latency_limit)
    };
    let after: Vec<&Felt> = felt.iter().filter(|second| second.t + 1.0 > onset).collect();
    let first = after.windows(IN_A_ROW).find(|seconds| seconds.iter().all(|second| hurts(second)))?[0];
    Some(first.t.max(onset))
}

/// How much of the second that begins at `second` lies within a span, seconds.
fn overlap_s((from, to): (f64, f64), second: f64) -> f64 {
    (to.min(second + 1.0) - from.max(second)).max(0.0)
}

/// The healthy quantile, between the two values next to it; `None` of nothing.
fn quantile(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let at = HEALTHY_QUANTILE * (values.len().checked_sub(1)? as f64);
    let (low, high) = (values[at.floor() as usize], values[at.ceil() as usize]);
    Some(low + (high - low) * at.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, busy: &[f64], statements: &[(f64, f64)], onset: f64, expected: Option<f64>) {
        let second = |(t, busy): (usize, &f64)| Felt { t: t as f64, latency_ms: Some(5.0), busy: *busy };
        let felt: Vec<Felt> = busy.iter().enumerate().map(second).collect();
        assert_eq!(find(&felt, statements, 0.0, onset), expected, "{name}");
    }

    #[test]
    fn the_effect_is_the_first_of_three_seconds_above_the_healthy_ones() {
        let healthy = [1.0, 1.2, 0.9, 1.1, 1.0];
        let then = |after: &[f64]| [healthy.as_slice(), after].concat();
        check("at once", &then(&[3.0, 3.0, 3.0]), &[], 5.0, Some(5.0));
        check("within a second", &then(&[3.0, 3.0, 3.0]), &[], 5.4, Some(5.4));
        check("later", &then(&[1.0, 1.0, 3.0, 3.0, 3.0]), &[], 5.0, Some(7.0));
        check("two are not enough", &then(&[3.0, 3.0, 1.0, 3.0]), &[], 5.0, None);
        check("never", &then(&[1.0, 1.0, 1.0]), &[], 5.0, None);
        check("no healthy time", &[3.0, 3.0, 3.0], &[], 0.0, None);
        check("somebody else's statement", &then(&[1.0; 5]), &[(6.5, 9.9)], 5.0, Some(6.0));
    }
}
