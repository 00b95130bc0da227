//! Slow facts: settings, table sizes, the clock's skew. Only what is new or changed goes out.

use faultline_model::{Facts, Timestamp};
use serde_json::Value;
use sqlx::postgres::PgRow;

use super::row::{float, int, text};
use super::trouble::Trouble;

/// Change of the skew that is worth telling, seconds.
const SKEW_STEP_S: f64 = 0.1;

/// What is known of a node, and so not told again.
#[derive(Debug, Default)]
pub(super) struct Memory {
    told: Facts,
}

impl Memory {
    /// The facts among `found` that are new or changed.
    pub(super) fn news(&mut self, found: Facts) -> Facts {
        let news: Facts =
            found.into_iter().filter(|(key, value)| self.told.get(key) != Some(value)).collect();
        self.told.extend(news.clone());
        news
    }
}

/// Facts from the answer to [`super::sql::settings`].
///
/// # Errors
/// [`Trouble::Unreadable`] when a column is missing.
pub(super) fn settings(rows: &[PgRow]) -> Result<Facts, Trouble> {
    let mut found = Facts::new();
    for row in rows {
        if let (Some(name), Some(value)) = (text(row, "name")?, text(row, "value")?) {
            found.insert(format!("setting:{name}"), Value::String(value));
        }
    }
    Ok(found)
}

/// Facts from the answer to [`super::sql::tables`]. A table that was never analysed has no known number of rows.
///
/// # Errors
/// [`Trouble::Unreadable`] when a column is missing.
pub(super) fn tables(rows: &[PgRow]) -> Result<Facts, Trouble> {
    let mut found = Facts::new();
    for row in rows {
        let Some(name) = text(row, "name")? else { continue };
        if let Some(number) = float(row, "rows")?.filter(|number| *number >= 0.0) {
            found.insert(format!("table:{name}:rows"), Value::from(number as u64));
        }
        if let Some(number) = int(row, "indexes")? {
            found.insert(format!("table:{name}:indexes"), Value::from(number));
        }
    }
    Ok(found)
}

/// Server's clock minus observer's clock, seconds: the server read its clock somewhere between `sent` and `received`,
/// so half the round trip is the error at most.
pub(super) fn skew_s(sent: Timestamp, server_us: i64, received: Timestamp) -> f64 {
    let middle_us = sent.as_micros() + (received.as_micros() - sent.as_micros()) / 2;
    (server_us - middle_us) as f64 / 1e6
}

/// Whether the skew moved enough to be told.
pub(super) fn skew_moved(told: Option<f64>, now: f64) -> bool {
    told.is_none_or(|told| (now - told).abs() >= SKEW_STEP_S)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_news_are_told() {
        let facts = |pairs: &[(&str, i64)]| -> Facts {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value))).collect()
        };
        let mut memory = Memory::default();
        assert_eq!(memory.news(facts(&[("a", 1), ("b", 2)])), facts(&[("a", 1), ("b", 2)]));
        assert_eq!(memory.news(facts(&[("a", 1), ("b", 3)])), facts(&[("b", 3)]));
        assert_eq!(memory.news(facts(&[("b", 3)])), facts(&[]));
    }

    #[test]
    fn skew_is_measured_from_the_middle_of_the_round_trip() {
        let at = Timestamp::from_secs;
        for (sent, server, received, expected) in
            [(10.0, 10.1, 10.2, 0.0), (10.0, 15.1, 10.2, 5.0), (10.0, 7.5, 11.0, -3.0)]
        {
            let found = skew_s(at(sent), at(server).as_micros(), at(received));
            assert!((found - expected).abs() < 1e-6, "{sent} {server} {received}: {found}");
        }
        assert!(skew_moved(None, 0.0) && skew_moved(Some(0.0), -0.2) && !skew_moved(Some(0.0), 0.05));
    }
}
