//! Ranges of time as the window asks for them.

use faultline_model::{TimeRange, Timestamp};

use crate::error::ApiError;

/// Longest range that can be asked for, seconds: 32 days.
const MAX_RANGE_S: f64 = 32.0 * 86_400.0;

/// Shortest range that can be asked for, seconds.
const MIN_RANGE_S: f64 = 5.0;

/// `last_s` seconds up to now, or from `from` to `to`.
pub(crate) fn range(
    from: Option<f64>,
    to: Option<f64>,
    last_s: Option<f64>,
    now: Timestamp,
) -> Result<TimeRange, ApiError> {
    let range = match (last_s, from, to) {
        (Some(last_s), _, _) => TimeRange::last(last_s, now),
        (None, Some(from), Some(to)) => TimeRange::new(Timestamp::from_secs(from), Timestamp::from_secs(to)),
        _ => {
            return Err(ApiError::BadRequest {
                message: "a range needs last_s, or both from and to, in Unix seconds".to_owned(),
            });
        }
    };
    if (MIN_RANGE_S..=MAX_RANGE_S).contains(&range.secs()) {
        return Ok(range);
    }
    Err(ApiError::BadRequest {
        message: format!(
            "a range of {:.0} s cannot be shown; it may be {MIN_RANGE_S:.0} s to {:.0} days long",
            range.secs(),
            MAX_RANGE_S / 86_400.0
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(from: Option<f64>, to: Option<f64>, last_s: Option<f64>, expected: Option<(f64, f64)>) {
        let found = range(from, to, last_s, Timestamp::from_secs(10_000.0)).ok();
        assert_eq!(found.map(|range| (range.from.as_secs(), range.to.as_secs())), expected);
    }

    #[test]
    fn a_range_is_the_last_seconds_or_between_two_times() {
        check(None, None, Some(900.0), Some((9_100.0, 10_000.0)));
        check(Some(1.0), Some(100.0), None, Some((1.0, 100.0)));
        check(Some(1.0), Some(100.0), Some(60.0), Some((9_940.0, 10_000.0)));
    }

    #[test]
    fn what_is_no_range_is_refused() {
        check(None, None, None, None);
        check(Some(1.0), None, None, None);
        check(Some(100.0), Some(1.0), None, None);
        check(None, None, Some(f64::NAN), None);
        check(None, None, Some(1e12), None);
    }
}
