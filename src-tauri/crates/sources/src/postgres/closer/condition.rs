//! Which columns of its own table a scan compares with a value, read from the condition that `EXPLAIN (VERBOSE)` prints. Pure.
//! What is not understood is left out, so that an index is never advised for a condition that it would not serve.

/// A column that every row found must have one value in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Compared {
    /// Its name, unquoted.
    pub(super) column: String,
    /// Whether it is compared as `text`, which serves only columns whose type is kept as text.
    pub(super) as_text: bool,
}

/// The columns of `alias` that are compared for equality by parts of the condition that must all hold.
pub(super) fn compared(condition: &str, alias: &str) -> Vec<Compared> {
    let mut found: Vec<Compared> = Vec::new();
    for part in conjuncts(condition) {
        if let Some(compared) = comparison(part, alias)
            && !found.iter().any(|other| other.column == compared.column)
        {
            found.push(compared);
        }
    }
    found
}

/// The parts of a condition that must all hold, parentheses around them taken off.
fn conjuncts(condition: &str) -> Vec<&str> {
    let condition = bare(condition);
    let parts = split(condition, " AND ");
    if parts.len() == 1 {
        return parts;
    }
    parts.into_iter().flat_map(conjuncts).collect()
}

/// `alias.column = value`, `(alias.column)::text = value`, `alias.column = ANY (value)`, or the other way round.
fn comparison(part: &str, alias: &str) -> Option<Compared> {
    if split(part, " OR ").len() > 1 || part.starts_with("NOT ") {
        return None;
    }
    let [left, right] = split(part, " = ").try_into().ok()?;
    let (column, value) = match (column(left, alias), column(right, alias)) {
        (Some(column), None) => (column, right),
        (None, Some(column)) => (column, left),
        _ => return None,
    };
    // A value that depends on the row itself finds nothing by an index.
    (!mentions(value, alias)).then_some(column)
}

/// The column that an operand is, if it is one of `alias` and nothing more.
fn column(operand: &str, alias: &str) -> Option<Compared> {
    let operand = operand.trim();
    let (operand, as_text) = match operand.strip_suffix("::text") {
        Some(inner) => (bare(inner), true),
        None => (operand, false),
    };
    let (qualifier, rest) = name(operand)?;
    let (column, rest) = name(rest.strip_prefix('.')?)?;
    (qualifier == alias && rest.is_empty()).then_some(Compared { column, as_text })
}

/// Whether `alias.` is in the text.
fn mentions(text: &str, alias: &str) -> bool {
    let plain = format!("{alias}.");
    let quoted = format!("\"{}\".", alias.replace('"', "\"\""));
    let begins_a_name = |at: usize| {
        !text[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_' || before == '"')
    };
    text.contains(&quoted) || text.match_indices(&plain).any(|(at, _)| begins_a_name(at))
}

/// A name at the beginning of a text, and what comes after it.
fn name(text: &str) -> Option<(String, &str)> {
    if let Some(rest) = text.strip_prefix('"') {
        let mut end = rest.find('"')?;
        while rest[end + 1..].starts_with('"') {
            end += 2 + rest[end + 2..].find('"')?;
        }
        return Some((rest[..end].replace("\"\"", "\""), &rest[end + 1..]));
    }
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(text.len());
    (end > 0 && !text.starts_with(|c: char| c.is_ascii_digit() || c == '$'))
        .then(|| (text[..end].to_owned(), &text[end..]))
}

/// The text without parentheses that enclose all of it.
fn bare(text: &str) -> &str {
    let mut text = text.trim();
    while text.starts_with('(') && depths(text).position(|depth| depth == 0) == Some(text.len() - 1) {
        text = text[1..text.len() - 1].trim();
    }
    text
}

/// Splits at a separator that stands neither in parentheses nor in quotes.
fn split<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    let depths: Vec<i32> = depths(text).collect();
    let mut parts = Vec::new();
    let mut from = 0;
    for (at, _) in text.match_indices(separator) {
        if depths[at] == 0 && at >= from {
            parts.push(&text[from..at]);
            from = at + separator.len();
        }
    }
    parts.push(&text[from..]);
    parts
}

/// How many parentheses are open after each byte; 1,000 and more within quotes.
fn depths(text: &str) -> impl Iterator<Item = i32> + '_ {
    const QUOTED: i32 = 1_000;
    let (mut open, mut quote) = (0, None);
    text.bytes().map(move |byte| {
        match (quote, byte) {
            (Some(mark), _) if byte == mark => quote = None,
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'(') => open += 1,
            (None, b')') => open -= 1,
            _ => {}
        }
        if quote.is_some() { open + QUOTED } else { open }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(condition: &str, expected: &[&str]) {
        let found: Vec<_> = compared(condition, "item")
            .into_iter()
            .map(|found| if found.as_text { format!("{} as text", found.column) } else { found.column })
            .collect();
        assert_eq!(found, expected, "{condition}");
    }

    #[test]
    fn comparisons_that_an_index_would_serve() {
        check("(item.order_id = $1)", &["order_id"]);
        check(
            "((item.order_id = $1) AND ((item.state)::text = 'a AND (b'::text))",
            &["order_id", "state as text"],
        );
        check("((item.a = $1) AND ((item.b = 2) AND (item.c > 3)))", &["a", "b"]);
        check("(item.order_id = ANY ($1))", &["order_id"]);
        check("(item.order_id = ANY ('{1,2}'::integer[]))", &["order_id"]);
        check("(orders.id = item.order_id)", &["order_id"]);
        check("(item.order_id = orders.id)", &["order_id"]);
        check("(item.order_id = (InitPlan 1).col1)", &["order_id"]);
        check("((item.\"Order \"\"Id\" = $1) AND (item.a = $2))", &["Order \"Id", "a"]);
        check("((item.a = $1) AND (item.a = $2))", &["a"]);
        check("((other_item.x = 1) AND (item.a = other_item.y))", &["a"]);
    }

    #[test]
    fn comparisons_that_it_would_not_serve() {
        check("(item.order_id > $1)", &[]);
        check("((item.a = $1) OR (item.b = $2))", &[]);
        check("(lower(item.name) = $1)", &[]);
        check("((item.id)::numeric = $1)", &[]);
        check("(item.a = item.b)", &[]);
        check("(item.a = (item.b + 1))", &[]);
        check("(item.a <> $1)", &[]);
        check("(NOT (item.a = $1))", &[]);
        check("(other.a = $1)", &[]);
        check("(item.name ~~ 'a = b'::text)", &[]);
        check("(item.flag)", &[]);
        check("", &[]);
    }

    proptest! {
        #[test]
        fn any_text_is_taken(condition in "[ ()'\"=.a-zäANDOR$1:]{0,60}") {
            compared(&condition, "a");
        }
    }
}
