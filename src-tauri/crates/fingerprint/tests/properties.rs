//! What holds for any text, generated from pieces that mean something to the normaliser and from statements of the
//! test data that were cut, joined and scrambled. `PROPTEST_CASES` sets how many.

mod checks;
mod corpus;

use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Cases for each property where the environment does not say.
const CASES: u32 = 2_048;

/// Pieces that have a meaning to the normaliser.
const PIECES: &[&str] = &[
    "select",
    "in",
    "any",
    "values",
    "(",
    ")",
    "[",
    "]",
    ",",
    ".",
    "..",
    "...",
    ";",
    "::",
    ":",
    ":=",
    ":a",
    "-",
    "+",
    "*",
    "/",
    "/*",
    "*/",
    "/*!",
    "--",
    "#",
    "'",
    "\"",
    "`",
    "$",
    "$$",
    "$a$",
    "$A$",
    "$1",
    "?",
    "?|",
    "?1",
    "@?",
    "1",
    "1.5",
    "1.",
    ".5",
    "1e",
    "1e5",
    "5e+",
    "0x1f",
    "0X1G",
    "0b1",
    "1a",
    "1_000",
    "null",
    "true",
    "is",
    "not",
    "array",
    "int",
    "numeric",
    "timestamp",
    "with",
    "time",
    "zone",
    "date",
    "interval",
    "day",
    "to",
    "second",
    "double",
    "precision",
    "default",
    "a",
    "b_1",
    "x20260101",
    "x_2026_03",
    "pg_temp_7",
    "123456",
    "@",
    "@@x",
    "@p1",
    "!",
    "=",
    "<",
    ">",
    "|",
    "&",
    "~",
    "^",
    "%",
    "%s",
    "%(a)s",
    "\\",
    "{",
    "}",
    "\n",
    " ",
    "é",
    "E'",
    "U&'",
    "u&\"",
    "N'",
    "x'",
    "_utf8",
    "uescape",
    "savepoint",
    "release",
    "rollback",
    "call",
    "set",
    "session",
    "role",
    "fetch",
    "close",
    "declare",
    "cursor",
    "prepare",
    "execute",
    "deallocate",
    "as",
    "from",
    "use",
    "unlisten",
    "now",
    "table",
    "case",
    "end",
    "\u{0}",
    "\u{a0}",
];

/// Pieces side by side in any order.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![9 => select(PIECES).prop_map(str::to_owned), 1 => "[ -~]{0,4}"];
    let space = select(vec!["", " ", " "]);
    prop::collection::vec((piece, space), 0..24)
        .prop_map(|pieces| pieces.into_iter().map(|(piece, space)| piece + space).collect())
}

/// Parts of statements of the test data, joined by pieces.
fn mutated() -> impl Strategy<Value = String> {
    let part = (select(corpus::statements()), any::<Index>(), any::<Index>()).prop_map(|(text, from, to)| {
        let (from, to) = (from.index(text.len() + 1), to.index(text.len() + 1));
        text[text.floor_char_boundary(from.min(to))..text.floor_char_boundary(from.max(to))].to_owned()
    });
    prop::collection::vec((part, select(PIECES)), 1..4)
        .prop_map(|parts| parts.into_iter().map(|(part, piece)| part + piece).collect())
}

fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    ProptestConfig {
        cases,
        rng_seed: proptest::test_runner::RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_text_is_taken(sql in any::<String>()) {
        checks::normalise_holds(&sql);
        checks::tags_hold(&sql);
    }

    #[test]
    fn normalising_twice_changes_nothing_in_pieces(sql in pieces()) {
        checks::normalise_holds(&sql);
    }

    #[test]
    fn normalising_twice_changes_nothing_in_mutated_statements(sql in mutated()) {
        checks::normalise_holds(&sql);
    }

    #[test]
    fn tags_of_any_comments_hold(inside in "[a-z:=,'% /*\\\\0-9.]{0,40}", sql in pieces(), first in any::<bool>()) {
        checks::tags_hold(&if first { format!("/*{inside}*/{sql}") } else { format!("{sql}/*{inside}*/") });
    }
}

#[test]
fn every_statement_may_be_cut_off_anywhere() {
    for sql in corpus::statements() {
        for end in (0..sql.len()).filter(|end| sql.is_char_boundary(*end)).step_by(1 + sql.len() / 128) {
            checks::normalise_holds(&sql[..end]);
        }
        checks::normalise_holds(sql);
        checks::tags_hold(sql);
    }
}
