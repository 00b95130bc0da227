//! Points in time and ranges of it. There is no clock in here: every time is handed in by a caller.

use std::fmt;
use std::ops::{Add, Sub};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Microseconds in a second.
const MICROS_PER_S: f64 = 1e6;

/// A point in time: microseconds since the Unix epoch, UTC, on the observer's clock.
///
/// Written and read as Unix seconds with a fraction (`recording.md`, field `t`); microseconds survive the
/// way through a 64-bit float unharmed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The Unix epoch.
    pub const EPOCH: Self = Self(0);

    /// A timestamp from microseconds since the Unix epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// A timestamp from Unix seconds; fractions are rounded to microseconds, values out of range saturate.
    pub fn from_secs(secs: f64) -> Self {
        Self((secs * MICROS_PER_S).round() as i64)
    }

    /// Microseconds since the Unix epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Unix seconds with a fraction.
    pub fn as_secs(self) -> f64 {
        self.0 as f64 / MICROS_PER_S
    }

    /// Seconds from `earlier` to `self`; negative if `earlier` is later.
    pub fn secs_since(self, earlier: Self) -> f64 {
        (self.0 - earlier.0) as f64 / MICROS_PER_S
    }
}

/// Moves a timestamp by seconds.
impl Add<f64> for Timestamp {
    type Output = Self;
    fn add(self, secs: f64) -> Self {
        Self(self.0.saturating_add(Self::from_secs(secs).0))
    }
}

/// Moves a timestamp back by seconds.
impl Sub<f64> for Timestamp {
    type Output = Self;
    fn sub(self, secs: f64) -> Self {
        self + -secs
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_secs().fmt(f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.as_secs())
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer).map(Self::from_secs)
    }
}

/// A half-open range of time: `from` belongs to it, `to` does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TimeRange {
    /// First point of the range.
    pub from: Timestamp,
    /// First point after the range.
    pub to: Timestamp,
}

impl TimeRange {
    /// The range from `from` up to `to`; empty when `to` is not later.
    pub const fn new(from: Timestamp, to: Timestamp) -> Self {
        Self { from, to }
    }

    /// The last `secs` seconds before `to`.
    pub fn last(secs: f64, to: Timestamp) -> Self {
        Self { from: to - secs, to }
    }

    /// Length in seconds, never negative.
    pub fn secs(&self) -> f64 {
        self.to.secs_since(self.from).max(0.0)
    }

    /// Whether `at` lies in the range.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }
}

/// Where the time comes from. Only the engine implements it with the real clock; tests hand in their own.
pub trait Clock: Send + Sync {
    /// Now, on the observer's clock.
    fn now(&self) -> Timestamp;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn micros_survive_the_way_through_json() {
        for micros in [0, 1, 1_763_833_234_123_457, -5] {
            let at = Timestamp::from_micros(micros);
            let text = serde_json::to_string(&at).unwrap();
            assert_eq!(serde_json::from_str::<Timestamp>(&text).unwrap(), at, "{text}");
        }
    }

    #[test]
    fn a_range_holds_its_start_and_not_its_end() {
        let range = TimeRange::last(10.0, Timestamp::from_secs(100.0));
        assert!(range.contains(Timestamp::from_secs(90.0)));
        assert!(!range.contains(Timestamp::from_secs(100.0)));
        assert_eq!(range.secs(), 10.0);
    }
}
