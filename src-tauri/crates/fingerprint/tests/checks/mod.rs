//! What holds for any text at all. The property tests and the fuzz targets check the very same.

#![allow(dead_code, reason = "each user checks some of it")]

use faultline_fingerprint::{Dialect, MAX_SQL_BYTES, MAX_TAG_BYTES, MAX_TAGS, normalise, tags};

/// Checks that normalising a text gives a text of its own limits, the same each time, which normalising does not change
/// any more. Panics where it does not hold.
pub(crate) fn normalise_holds(sql: &str) {
    for dialect in [Dialect::Postgres, Dialect::Mysql] {
        let once = normalise(sql, dialect);
        assert_eq!(once, normalise(sql, dialect), "{dialect:?}, the same text twice: {sql:?}");
        assert!(once.text.len() <= MAX_SQL_BYTES, "{dialect:?}, {} bytes: {sql:?}", once.text.len());
        assert_eq!(once, normalise(&once.text, dialect), "{dialect:?}, normalised twice: {sql:?}");
        let fingerprint = once.fingerprint.as_str();
        assert!(fingerprint.len() == 16 && u64::from_str_radix(fingerprint, 16).is_ok(), "{fingerprint}");
    }
}

/// Checks that tags keep their limits and come from comments only. Panics where it does not hold.
pub(crate) fn tags_hold(sql: &str) {
    let found = tags(sql);
    assert_eq!(found, tags(sql), "the same text twice: {sql:?}");
    assert!(found.iter().count() <= MAX_TAGS, "{sql:?}");
    for (key, value) in found.iter() {
        assert!(!key.is_empty() && key.len() <= MAX_TAG_BYTES && value.len() <= MAX_TAG_BYTES, "{sql:?}");
        assert_eq!(found.get(key), Some(value));
    }
    assert!(found.is_empty() || sql.contains("/*"), "{sql:?}");
    for known in [found.service(), found.version()].into_iter().flatten() {
        assert!(found.iter().any(|(_, value)| value == known), "{sql:?}");
    }
    assert!(found.route().is_none_or(|route| !route.is_empty()), "{sql:?}");
}
