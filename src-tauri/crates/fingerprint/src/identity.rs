//! What a statement is known by: a hash of its normalised text, in which lists of PostgreSQL are spelled like single
//! values.

use std::borrow::Cow;

use faultline_model::Fingerprint;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::lexeme::Lexeme;
use crate::{ALGORITHM_VERSION, Dialect, render};

/// The fingerprint of a statement whose normalised text is `text`.
pub(crate) fn fingerprint(lexemes: &[Lexeme<'_>], text: &str, dialect: Dialect) -> Fingerprint {
    let singled = match dialect {
        Dialect::Postgres => lists_as_single_values(lexemes),
        Dialect::Mysql => Cow::Borrowed(lexemes),
    };
    let rendered = match singled {
        Cow::Borrowed(_) => Cow::Borrowed(text),
        Cow::Owned(lexemes) => Cow::Owned(render::render(&lexemes, dialect)),
    };
    let hash = xxh3_64_with_seed(rendered.as_bytes(), u64::from(ALGORITHM_VERSION));
    Fingerprint::from(hex(hash).as_str())
}

/// `in (?)` and `= any (?)` spelled `= ?`, and `not in (?)` spelled `<> ?`: one value is a list of one, and a driver or
/// planner that writes it the other way has not changed the statement.
fn lists_as_single_values<'a, 'b>(lexemes: &'b [Lexeme<'a>]) -> Cow<'b, [Lexeme<'a>]> {
    let is_list = |lexeme: &Lexeme<'_>| matches!(lexeme, Lexeme::Word("in" | "any" | "some"));
    let Some(first) = lexemes.iter().position(is_list) else { return Cow::Borrowed(lexemes) };
    let mut singled = lexemes[..first.saturating_sub(1)].to_vec();
    let mut rest = &lexemes[first.saturating_sub(1)..];
    while let Some((next, tail)) = rest.split_first() {
        let (operator, after) = match rest {
            [
                Lexeme::Word("not"),
                Lexeme::Word("in"),
                Lexeme::Open,
                Lexeme::Value,
                Lexeme::Close,
                after @ ..,
            ] => ("<>", after),
            [Lexeme::Word("in"), Lexeme::Open, Lexeme::Value, Lexeme::Close, after @ ..] => ("=", after),
            [
                Lexeme::Operator("="),
                Lexeme::Word("any" | "some"),
                Lexeme::Open,
                Lexeme::Value,
                Lexeme::Close,
                after @ ..,
            ] => ("=", after),
            _ => {
                singled.push(*next);
                rest = tail;
                continue;
            }
        };
        singled.extend([Lexeme::Operator(operator), Lexeme::Value]);
        rest = after;
    }
    Cow::Owned(singled)
}

/// 16 hexadecimal digits.
fn hex(hash: u64) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    (0..16).rev().map(|digit| char::from(DIGITS[(hash >> (4 * digit)) as usize & 15])).collect()
}
