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
    "else",
    "end",
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
    "returning",
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
];

/// Whether `word` (lower case) is reserved.
pub(crate) fn is_reserved(word: &str) -> bool {
    RESERVED.binary_search(&word).is_ok()
}

/// Words before `null`, `true` and `false` that make them part of the syntax instead of a value.
pub(crate) fn makes_constant_syntax(word: &str) -> bool {
    matches!(word, "default" | "is" | "not" | "on" | "returns" | "set")
}

/// Words that turn the string after them into a literal of a type: `date '2026-01-01'`.
pub(crate) fn is_literal_type(word: &str) -> bool {
    matches!(word, "date" | "interval" | "json" | "jsonb" | "time" | "timestamp" | "timestamptz" | "uuid")
}

/// Words after which the name of a table and then its columns in parentheses come.
pub(crate) fn precedes_table(word: &str) -> bool {
    matches!(word, "exists" | "into" | "references" | "table")
}

/// MySQL's character set introducers: `_utf8mb4'text'`.
pub(crate) fn is_charset_introducer(word: &str) -> bool {
    matches!(word, "_ascii" | "_binary" | "_cp1252" | "_latin1" | "_ucs2" | "_utf16" | "_utf32" | "_utf8")
        || matches!(word, "_utf8mb3" | "_utf8mb4")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_words_are_sorted() {
        assert!(RESERVED.is_sorted(), "binary search needs them sorted");
        assert!(is_reserved("within") && is_reserved("all") && !is_reserved("item"));
    }
}
