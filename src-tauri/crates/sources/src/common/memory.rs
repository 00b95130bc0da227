//! What is known of a node and so not told again, and when the skew of its clock is news.

use faultline_model::{Facts, Timestamp};
use serde_json::Value;

/// Change of the skew that is worth telling, seconds.
const SKEW_STEP_S: f64 = 0.1;

/// What is known of a node, and so not told again.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    told: Facts,
}

impl Memory {
    /// The facts among `found` that are new or changed. A null, which says that something is gone, is news once, and only of
    /// what was told.
    pub(crate) fn news(&mut self, found: Facts) -> Facts {
        let is_news = |key: &String, value: &Value| match self.told.get(key) {
            Some(told) => told != value,
            None => !value.is_null(),
        };
        let news: Facts = found.into_iter().filter(|(key, value)| is_news(key, value)).collect();
        for (key, value) in &news {
            if value.is_null() {
                self.told.remove(key);
            } else {
                self.told.insert(key.clone(), value.clone());
            }
        }
        news
    }
}

/// Server's clock minus observer's clock, seconds: the server read its clock somewhere between `sent` and `received`,
/// so half the round trip is the error at most.
pub(crate) fn skew_s(sent: Timestamp, server_us: i64, received: Timestamp) -> f64 {
    let middle_us = sent.as_micros() + (received.as_micros() - sent.as_micros()) / 2;
    (server_us - middle_us) as f64 / 1e6
}

/// Whether the skew moved enough to be told.
pub(crate) fn skew_moved(told: Option<f64>, now: f64) -> bool {
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
        let gone = |key: &str| Facts::from([(key.to_owned(), Value::Null)]);
        assert_eq!(memory.news(gone("b")), gone("b"));
        assert_eq!((memory.news(gone("b")), memory.news(gone("never told"))), (facts(&[]), facts(&[])));
        assert_eq!(memory.news(facts(&[("b", 3)])), facts(&[("b", 3)]));
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
