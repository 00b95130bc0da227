//! The few words of SQL that the normaliser treats in a way of their own.

/// Words that are reserved in PostgreSQL and MySQL alike. After them a parenthesis is no argument list and a sign is
/// no operator, and an identifier of that name keeps its quotes. Sorted.
const RESERVED: &[&str] = &[
    "all",
    "and",
    "any",
    "array",
    "as",
    "between",
    "by",
    "case",
    "default",
    "distinct",
    "div",
    "else",
    "end",
    "escape",
    "except",
    "exists",
    "false",
    "filter",
    "from",
    "group",
    "having",
    "ilike",
    "in",
    "inner",
    "insert",
    "intersect",
    "interval",
    "into",
    "is",
    "join",
    "lateral",
    "like",
    "limit",
    "not",
    "null",
    "offset",
    "on",
    "or",
    "order",
    "over",
    "partition",
    "regexp",
    "returning",
    "returns",
    "rlike",
    "row",
    "select",
    "set",
    "some",
    "table",
    "then",
    "true",
    "union",
    "update",
    "using",
    "value",
    "values",
    "when",
    "where",
    "with",
    "within",
    "xor",
];

/// For each first letter, a bit for every length and one for every last letter that a reserved word with it has: most
/// names are told from reserved words without comparing texts.
const SHAPES: [(u16, u32); 26] = {
    let mut shapes = [(0, 0); 26];
    let mut at = 0;
    while at < RESERVED.len() {
        let word = RESERVED[at].as_bytes();
        let shape = &mut shapes[(word[0] - b'a') as usize];
        shape.0 |= 1 << word.len();
        shape.1 |= 1 << (word[word.len() - 1] - b'a');
        at += 1;
    }
    shapes
};

/// Whether `word` (lower case) is reserved.
pub(crate) fn is_reserved(word: &str) -> bool {
    let &[first @ b'a'..=b'z', .., last @ b'a'..=b'z'] = word.as_bytes() else { return false };
    let (lengths, last_letters) = SHAPES[usize::from(first - b'a')];
    word.len() < 16
        && lengths & (1 << word.len()) != 0
        && last_letters & (1 << (last - b'a')) != 0
        && RESERVED.binary_search(&word).is_ok()
}

/// `null`, `true` and `false` are values where they are no syntax.
pub(crate) fn is_constant(word: &str) -> bool {
    matches!(word, "null" | "true" | "false")
}

/// Words before `null`, `true` and `false` that make them part of the syntax instead of a value.
pub(crate) fn makes_constant_syntax(word: &str) -> bool {
    matches!(word, "default" | "is" | "not" | "on" | "returns" | "set")
}

/// Types whose name in front of a string makes a literal in both dialects: `date '2026-01-01'`.
pub(crate) fn is_literal_type(word: &str) -> bool {
    matches!(word, "date" | "time" | "timestamp")
}

/// The same, in PostgreSQL only.
pub(crate) fn is_postgres_literal_type(word: &str) -> bool {
    matches!(
        word,
        "bool"
            | "bytea"
            | "cidr"
            | "inet"
            | "interval"
            | "json"
            | "jsonb"
            | "numeric"
            | "point"
            | "timestamptz"
            | "timetz"
            | "uuid"
            | "xml"
    )
}

/// What may follow an interval of PostgreSQL: `interval '1' day`, `interval '1 2' day to hour`.
pub(crate) fn is_interval_unit(word: &str) -> bool {
    matches!(word, "year" | "month" | "day" | "hour" | "minute" | "second")
}

/// What the server fills in by itself, without parentheses.
pub(crate) fn is_value_of_server(word: &str) -> bool {
    matches!(
        word,
        "current_date"
            | "current_time"
            | "current_timestamp"
            | "current_user"
            | "default"
            | "localtime"
            | "localtimestamp"
            | "session_user"
    )
}

/// Words after which the name of a table and then its columns in parentheses come.
pub(crate) fn precedes_table(word: &str) -> bool {
    matches!(word, "exists" | "into" | "references" | "table")
}

/// Words that are not reserved and whose parenthesis holds no arguments.
pub(crate) fn takes_no_arguments(word: &str) -> bool {
    matches!(word, "analyze" | "conflict" | "explain" | "vacuum")
}

/// MySQL's character set introducers: `_utf8mb4'text'`.
pub(crate) fn is_charset_introducer(word: &str) -> bool {
    word.starts_with('_')
        && (matches!(
            word,
            "_ascii" | "_binary" | "_cp1252" | "_latin1" | "_ucs2" | "_utf16" | "_utf32" | "_utf8"
        ) || matches!(word, "_utf8mb3" | "_utf8mb4"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_words_are_sorted_and_found() {
        assert!(RESERVED.is_sorted(), "binary search needs them sorted");
        assert!(RESERVED.iter().all(|word| is_reserved(word)));
        for word in ["item", "", "_", "é", "selecting", "a_name_of_more_than_sixteen_letters", "orde"] {
            assert!(!is_reserved(word), "{word}");
        }
    }
}
