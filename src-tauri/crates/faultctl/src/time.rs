//! Times and durations as they are typed: RFC 3339, Unix seconds, `-15m`; `30s`, `10m`, `2h`.

use faultline_model::Timestamp;

use crate::error::CommandError;

/// Longest duration that can be typed, seconds: a year.
const MAX_DURATION_S: f64 = 366.0 * 86_400.0;

/// A time as it is typed; `-15m` is so long before `now`.
pub(crate) fn parse_time(text: &str, now: Timestamp) -> Result<Timestamp, CommandError> {
    if let Some(seconds) = text.strip_prefix('-').and_then(duration_s) {
        return Ok(now - seconds);
    }
    if let Ok(seconds) = text.parse::<f64>()
        && seconds.is_finite()
        && seconds >= 0.0
    {
        return Ok(Timestamp::from_secs(seconds));
    }
    text.parse::<jiff::Timestamp>().map(|at| Timestamp::from_micros(at.as_microsecond())).map_err(|_| {
        CommandError::Usage {
            message: format!(
                "{text:?} is no time; write RFC 3339 (2026-01-31T14:02:00Z), Unix seconds (1769868120) or -15m"
            ),
        }
    })
}

/// A duration as it is typed, in seconds.
pub(crate) fn parse_duration_s(text: &str) -> Result<f64, CommandError> {
    duration_s(text).ok_or_else(|| CommandError::Usage {
        message: format!("{text:?} is no duration; write 30s, 10m, 2h or 1d"),
    })
}

fn duration_s(text: &str) -> Option<f64> {
    let unit = text.chars().last()?;
    let unit_s = match unit {
        's' => 1.0,
        'm' => 60.0,
        'h' => 3_600.0,
        'd' => 86_400.0,
        _ => return None,
    };
    let count: f64 = text.strip_suffix(unit)?.parse().ok()?;
    let seconds = count * unit_s;
    (seconds > 0.0 && seconds <= MAX_DURATION_S).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<f64>) {
        let found = parse_time(text, Timestamp::from_secs(10_000.0)).ok().map(Timestamp::as_secs);
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn times_are_read_in_three_forms() {
        check("-15m", Some(9_100.0));
        check("-1.5h", Some(4_600.0));
        check("1769868120", Some(1_769_868_120.0));
        check("12.25", Some(12.25));
        check("1970-01-01T00:00:10Z", Some(10.0));
        check("1970-01-01T01:00:10.5+01:00", Some(10.5));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "yesterday", "-", "-15", "-15x", "15m", "NaN", "inf", "-m", "2026-13-01T00:00:00Z"] {
            check(text, None);
        }
    }
}
