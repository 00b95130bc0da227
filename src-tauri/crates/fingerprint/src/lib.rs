//! SQL text → normalised text and fingerprint, and the tags that applications put into comments.
//!
//! In here: one normaliser for PostgreSQL and MySQL/MariaDB that takes any text, whole, cut off or broken. Not in here:
//! a parser (nothing is known of the meaning of a statement), input or output, a clock.
//!
//! The same statement has the same fingerprint however its literals, placeholders, quoting, spacing, letter case and
//! comments differ, whether it comes as the application wrote it, from `pg_stat_statements` (`$1`) or from MySQL's
//! `DIGEST_TEXT` (`?`, `...`). Lists of values count as one value: `in (1, 2)` is `in (?)`, and a multi-row `values`
//! is its first row.

mod bytes;
mod identity;
mod lex;
mod lexeme;
mod lists;
mod render;
mod serials;
mod statements;
mod tags;
mod values;
mod words;

use std::borrow::Cow;

use faultline_model::Fingerprint;

pub use tags::{MAX_TAG_BYTES, MAX_TAGS, ROUTE_KEYS, SERVICE_KEYS, Tags, VERSION_KEYS, tags};

/// Version of the algorithm. It is part of every fingerprint and goes up whenever any text would be normalised
/// differently, so that fingerprints of different versions are never taken for one another.
pub const ALGORITHM_VERSION: u32 = 2;

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
    /// 64 bits as 16 hex digits: XXH3 of the text, seeded with the algorithm's version. In PostgreSQL `= ?`, `in (?)`
    /// and `= any (?)` have the same fingerprint, and so have `<> ?` and `not in (?)`.
    pub fingerprint: Fingerprint,
}

/// Takes the literals out of a statement and hashes what is left. Any text is fine: one that was cut off or is not SQL
/// at all gives a text too. Only the first [`MAX_SQL_BYTES`] are looked at.
///
/// Normalising a normalised text again gives the same text and fingerprint.
pub fn normalise(sql: &str, dialect: Dialect) -> Normalised {
    let mut raw = Cow::Borrowed(within_limit(sql, MAX_SQL_BYTES));
    let mut lower = raw.to_ascii_lowercase();
    let mut lexed = lex::lex(&raw, &lower, dialect);
    if lexed.has_serials {
        let without_serials = serials::without_serials(&raw);
        drop(lexed);
        raw = Cow::Owned(without_serials);
        lower = raw.to_ascii_lowercase();
        lexed = lex::lex(&raw, &lower, dialect);
    }
    let mut lexemes = values::fold(&lexed.lexemes, dialect);
    if let Some(rewritten) = statements::fold(&lexemes, dialect) {
        // Names that became values may stand beside others.
        lexemes = values::fold(&rewritten, dialect);
    }
    let lexemes = lists::fold(&lexemes);
    let text = render::render(&lexemes, dialect);
    let fingerprint = identity::fingerprint(&lexemes, &text, dialect);
    Normalised { text, fingerprint }
}

/// The longest beginning of `text` that has at most `limit` bytes and cuts no character.
pub(crate) fn within_limit(text: &str, limit: usize) -> &str {
    &text[..text.floor_char_boundary(limit)]
}
