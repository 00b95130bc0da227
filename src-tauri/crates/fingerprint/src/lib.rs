//! SQL text → normalised text and fingerprint, and the tags that applications put into comments.
//!
//! In here: one normaliser for PostgreSQL and MySQL/MariaDB that takes any text, whole, cut off or broken. Not in here:
//! a parser (nothing is known of the meaning of a statement), input or output, a clock.
//!
//! The same statement has the same fingerprint however its literals, placeholders, quoting, spacing, letter case and
//! comments differ, whether it comes as the application wrote it, from `pg_stat_statements` (`$1`) or from MySQL's
//! `DIGEST_TEXT` (`?`, `...`). Lists of values count as one value: `in (1, 2)` is `in (?)`, and a multi-row `values`
//! is its first row.

mod fold;
mod lex;
mod render;
mod tags;
mod words;

use faultline_model::Fingerprint;
use sha2::{Digest, Sha256};

pub use tags::{MAX_TAG_BYTES, MAX_TAGS, Tags, tags};

/// Version of the algorithm. It is part of every fingerprint and goes up whenever any text would be normalised
/// differently, so that fingerprints of different versions are never taken for one another.
pub const ALGORITHM_VERSION: u32 = 1;

/// Longest text that is looked at, bytes; what comes after it does not change the fingerprint.
pub const MAX_SQL_BYTES: usize = 64 * 1024;

/// Whose SQL a text is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// PostgreSQL: `"identifier"`, `$1`, dollar quotes, nested comments.
    Postgres,
    /// MySQL and MariaDB: `` `identifier` ``, `"string"`, backslash escapes, `#` comments, `/*! … */` is code.
    Mysql,
}

/// A statement with its literals taken out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Normalised {
    /// Lower-cased, evenly spaced, `?` for every literal and placeholder: `select * from item where order_id = ?`.
    pub text: String,
    /// 64 bits as 16 hex digits: SHA-256 of the algorithm's version and the text, cut off.
    pub fingerprint: Fingerprint,
}

/// Takes the literals out of a statement and hashes what is left. Any text is fine: one that was cut off or is not SQL
/// at all gives a text too. Only the first [`MAX_SQL_BYTES`] are looked at.
///
/// Normalising a normalised text again gives the same text and fingerprint.
pub fn normalise(sql: &str, dialect: Dialect) -> Normalised {
    let lexemes = lex::lex(within_limit(sql, MAX_SQL_BYTES), dialect);
    let text = render::render(&fold::fold(lexemes), dialect);
    let fingerprint = fingerprint_of(&text);
    Normalised { text, fingerprint }
}

/// The fingerprint of a text that is normalised already.
fn fingerprint_of(text: &str) -> Fingerprint {
    let mut hash = Sha256::new();
    hash.update(b"faultline-fingerprint\0");
    hash.update(ALGORITHM_VERSION.to_be_bytes());
    hash.update(text.as_bytes());
    let digest = hash.finalize();
    let mut bits = [0_u8; 8];
    bits.copy_from_slice(&digest[..8]);
    Fingerprint::from(format!("{:016x}", u64::from_be_bytes(bits)))
}

/// The longest beginning of `text` that has at most `limit` bytes and cuts no character.
pub(crate) fn within_limit(text: &str, limit: usize) -> &str {
    &text[..text.floor_char_boundary(limit)]
}
