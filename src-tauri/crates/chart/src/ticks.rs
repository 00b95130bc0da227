//! Where the axes carry labels and what the labels say.

use faultline_model::{TimeRange, Timestamp};

const MINUTE_S: i64 = 60;
const HOUR_S: i64 = 60 * MINUTE_S;
const DAY_S: i64 = 24 * HOUR_S;

/// Steps of the time axis, seconds. Longer ones double a week.
const TIME_STEPS_S: &[i64] = &[
    1,
    2,
    5,
    10,
    15,
    30,
    MINUTE_S,
    2 * MINUTE_S,
    5 * MINUTE_S,
    10 * MINUTE_S,
    15 * MINUTE_S,
    30 * MINUTE_S,
    HOUR_S,
    2 * HOUR_S,
    3 * HOUR_S,
    6 * HOUR_S,
    12 * HOUR_S,
    DAY_S,
    2 * DAY_S,
    4 * DAY_S,
    7 * DAY_S,
];

/// Most labels on an axis, whatever the size.
const MAX_TICKS: usize = 64;

/// A label on the axis of time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TimeTick {
    /// Where.
    pub(crate) at: Timestamp,
    /// What it says.
    pub(crate) label: String,
    /// Whether a new day begins here, on an axis that shows times of day.
    pub(crate) new_day: bool,
}

/// Labels for about `wanted` round times in the range, in the local time that is `utc_offset_s` ahead of UTC.
pub(crate) fn time_ticks(range: TimeRange, utc_offset_s: i32, wanted: usize) -> Vec<TimeTick> {
    let wanted = wanted.clamp(1, MAX_TICKS);
    let step_s = time_step_s(range.secs() / wanted as f64);
    let offset = i64::from(utc_offset_s);
    let local_s = |at: Timestamp| at.as_micros().div_euclid(1_000_000) + offset;
    let mut tick_s = (local_s(range.from) + step_s - 1).div_euclid(step_s) * step_s;
    let mut out = Vec::new();
    while out.len() <= 2 * MAX_TICKS {
        let at = Timestamp::from_micros((tick_s - offset).saturating_mul(1_000_000));
        if at > range.to {
            break;
        }
        if at >= range.from {
            let new_day = step_s < DAY_S && tick_s.rem_euclid(DAY_S) == 0;
            out.push(TimeTick { at, label: time_label(tick_s, step_s), new_day });
        }
        tick_s += step_s;
    }
    out
}

fn time_step_s(least_s: f64) -> i64 {
    if let Some(step) = TIME_STEPS_S.iter().find(|step| **step as f64 >= least_s) {
        return *step;
    }
    let mut step = 7 * DAY_S;
    while (step as f64) < least_s && step < i64::MAX / 4 {
        step *= 2;
    }
    step
}

fn time_label(local_s: i64, step_s: i64) -> String {
    let of_day = local_s.rem_euclid(DAY_S);
    let (hour, minute, second) = (of_day / HOUR_S, of_day / MINUTE_S % 60, of_day % 60);
    if step_s >= DAY_S || of_day == 0 {
        let (year, month, day) = civil(local_s.div_euclid(DAY_S));
        return if step_s >= 300 * DAY_S {
            format!("{} {year}", month_name(month))
        } else {
            format!("{} {day}", month_name(month))
        };
    }
    if step_s < MINUTE_S {
        format!("{hour:02}:{minute:02}:{second:02}")
    } else {
        format!("{hour:02}:{minute:02}")
    }
}

fn month_name(month: i64) -> &'static str {
    const NAMES: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    usize::try_from(month - 1).ok().and_then(|index| NAMES.get(index)).copied().unwrap_or("?")
}

/// Year, month and day of a day counted from 1970-01-01 in the Gregorian calendar (Hinnant's `civil_from_days`).
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The round step (1, 2, 2.5 or 5 times a power of ten) that divides `extent` into about `wanted` parts; more than 0.
pub(crate) fn round_step(extent: f64, wanted: usize) -> f64 {
    let raw = extent / wanted.clamp(1, MAX_TICKS) as f64;
    if !raw.is_finite() || raw <= f64::MIN_POSITIVE {
        return f64::MIN_POSITIVE;
    }
    let power = 10_f64.powf(raw.log10().floor());
    if power <= 0.0 {
        return raw;
    }
    let factor = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().find(|factor| factor * power >= raw * (1.0 - 1e-9));
    factor.unwrap_or(10.0) * power
}

/// Values from `low` to `high` that carry a label.
pub(crate) fn value_ticks(low: f64, high: f64, wanted: usize) -> Vec<f64> {
    let step = round_step(high - low, wanted);
    let first = (low / step).ceil();
    let last = (high / step + 1e-9).floor();
    if !(first.is_finite() && last.is_finite()) || last - first > (4 * MAX_TICKS) as f64 {
        return vec![low, high];
    }
    let count = (last - first).max(0.0) as usize;
    (0..=count).map(|index| (first + index as f64) * step).collect()
}

/// A value with its unit, as the axis says it; `top` is the greatest value of the axis and decides the magnitude.
pub(crate) fn value_label(value: f64, top: f64, unit: &str) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if unit == "ms" {
        return match top.abs() {
            top if top >= 1e9 => format!("{:.1e} s", value / 1_000.0),
            top if top >= 60_000.0 => number(value / 60_000.0, top / 60_000.0) + " min",
            top if top >= 1_000.0 => number(value / 1_000.0, top / 1_000.0) + " s",
            top if top < 1.0 => number(value * 1_000.0, top * 1_000.0) + " µs",
            top => number(value, top) + " ms",
        };
    }
    let suffix = if unit.starts_with('/') { unit } else { "" };
    let (by, letter) = match top.abs() {
        top if top >= 1e15 => return format!("{value:.1e}{suffix}"),
        top if top >= 1e12 => (1e12, "T"),
        top if top >= 1e9 => (1e9, "G"),
        top if top >= 1e6 => (1e6, "M"),
        top if top >= 1e3 => (1e3, "k"),
        _ => (1.0, ""),
    };
    number(value / by, top / by) + letter + suffix
}

/// A number with as many digits as the axis needs to tell its labels apart.
fn number(value: f64, top: f64) -> String {
    let digits = match top.abs() {
        top if !(1e-6..1e6).contains(&top) => return format!("{value:.1e}"),
        top if top >= 10.0 => 1,
        top if top >= 1.0 => 2,
        top => ((-top.log10()).ceil() as usize).clamp(1, 8) + 2,
    };
    let text = format!("{value:.digits$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2026-11-22 14:00:00 UTC.
    const START_S: f64 = 1_795_356_000.0;

    fn labels(from_s: f64, length_s: f64, offset_s: i32, wanted: usize) -> String {
        let range = TimeRange::new(
            Timestamp::from_secs(START_S + from_s),
            Timestamp::from_secs(START_S + from_s + length_s),
        );
        time_ticks(range, offset_s, wanted)
            .iter()
            .map(|tick| tick.label.clone())
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn time_labels_are_round_local_times() {
        for (from_s, length_s, offset_s, wanted, expected) in [
            (0.0, 900.0, 0, 3, "14:00 14:05 14:10 14:15"),
            (0.0, 30.0, 0, 3, "14:00:00 14:00:10 14:00:20 14:00:30"),
            (0.0, 3_600.0, 19_800, 4, "19:30 19:45 20:00 20:15 20:30"),
            (0.0, 86_400.0, -3_600, 4, "18:00 Nov 23 06:00 12:00"),
            (0.0, 7.0 * 86_400.0, 0, 7, "Nov 23 Nov 24 Nov 25 Nov 26 Nov 27 Nov 28 Nov 29"),
            (0.0, 30.0 * 86_400.0, 0, 5, "Nov 26 Dec 3 Dec 10 Dec 17"),
            (-5.0, 10.0, 0, 1, "14:00:00"),
        ] {
            assert_eq!(labels(from_s, length_s, offset_s, wanted), expected, "{length_s} s");
        }
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        for (days, date) in [
            (0, (1970, 1, 1)),
            (-1, (1969, 12, 31)),
            (11_016, (2000, 2, 29)),
            (20_779, (2026, 11, 22)),
            (47_540, (2100, 2, 28)),
            (47_541, (2100, 3, 1)),
        ] {
            assert_eq!(civil(days), date, "{days}");
        }
    }

    #[test]
    fn values_carry_their_unit() {
        for (value, top, unit, expected) in [
            (0.0, 10.0, "ms", "0"),
            (40.0, 80.0, "ms", "40 ms"),
            (1_500.0, 4_000.0, "ms", "1.5 s"),
            (120_000.0, 240_000.0, "ms", "2 min"),
            (0.5, 0.8, "ms", "500 µs"),
            (2_000.0, 4_000.0, "/s", "2k/s"),
            (2.5, 7.5, "AAS", "2.5"),
            (2_500_000.0, 7_500_000.0, "", "2.5M"),
            (0.002, 0.004, "", "0.002"),
            (1e20, 2e20, "/s", "1.0e20/s"),
        ] {
            assert_eq!(value_label(value, top, unit), expected);
        }
    }

    proptest! {
        #[test]
        fn ticks_lie_in_the_range_and_are_few(from in -1e9..4e9_f64, length in 1e-3..1e10_f64, wanted in 0..200_usize) {
            let range = TimeRange::new(Timestamp::from_secs(from), Timestamp::from_secs(from + length));
            let found = time_ticks(range, 3_600, wanted);
            prop_assert!(found.len() <= wanted.clamp(1, MAX_TICKS) + 1);
            prop_assert!(found.iter().all(|tick| range.from <= tick.at && tick.at <= range.to));
        }

        #[test]
        fn value_ticks_lie_on_the_axis(high in 1e-290..1e300_f64, wanted in 0..20_usize) {
            let found = value_ticks(0.0, high, wanted);
            prop_assert!(found.len() <= wanted.max(1) + 2);
            prop_assert!(found.iter().all(|value| *value <= high * (1.0 + 1e-6)));
        }
    }
}
