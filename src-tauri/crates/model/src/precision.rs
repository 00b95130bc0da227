//! How exactly measurements are kept: to six significant digits. A clock read twice and a query that took a moment to
//! arrive are less exact than that, and digits that mean nothing take room in stores and recordings.

use crate::frame::Frame;

/// Digits that are kept.
const SIGNIFICANT_DIGITS: i32 = 6;

/// `value` to six significant digits; whole numbers, which were counted, stay as they are.
pub fn measured(value: f64) -> f64 {
    if value.fract() == 0.0 || !value.is_finite() {
        return value;
    }
    let magnitude = value.abs().log10().floor() as i32;
    // Dividing by a power of ten is exact to the last bit where multiplying by its inverse is not.
    match SIGNIFICANT_DIGITS - 1 - magnitude {
        places @ 0.. => {
            let scale = 10_f64.powi(places);
            let scaled = (value * scale).round() / scale;
            if scaled.is_finite() { scaled } else { value }
        }
        places => {
            let scale = 10_f64.powi(-places);
            (value / scale).round() * scale
        }
    }
}

impl Frame {
    /// The frame with every measurement to six significant digits. Sources do this once, when a frame is made, so that
    /// what is analysed live and what is stored, recorded and replayed is the same.
    #[must_use]
    pub fn measured(mut self) -> Self {
        if let Some(signals) = &mut self.signals {
            signals.values.values_mut().for_each(round);
        }
        for row in self.queries.iter_mut().flat_map(|queries| &mut queries.rows) {
            round(&mut row.time_ms);
        }
        for group in self.sessions.iter_mut().flatten() {
            round(&mut group.running_ms);
        }
        self
    }
}

fn round(value: &mut f64) {
    *value = measured(*value);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::measured;

    #[test]
    fn six_digits_are_kept_and_counts_are_not_touched() {
        for (value, kept) in [
            (0.0, 0.0),
            (15.0, 15.0),
            (123_456_789.0, 123_456_789.0),
            (0.654_943_999_999_999_3, 0.654_944),
            (63_799.251_801_839_375, 63_799.3),
            (1_234_567.8, 1_234_570.0),
            (-1.234_567_89, -1.234_57),
            (0.000_012_345_678, 0.000_012_345_7),
            (f64::MIN_POSITIVE, f64::MIN_POSITIVE),
        ] {
            assert_eq!(measured(value), kept, "{value}");
        }
        assert!(measured(f64::NAN).is_nan());
    }

    proptest! {
        #[test]
        fn rounding_is_small_and_done_once(value in -1e12_f64..1e12) {
            let once = measured(value);
            prop_assert!((once - value).abs() <= value.abs() * 5.1e-6);
            prop_assert_eq!(measured(once), once);
        }
    }
}
