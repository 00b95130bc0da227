//! Where in an expression something stands. The parser says what is wrong and not where, so the place is looked for: the
//! end of the longest beginning that could go on to something readable.

use promql_parser::parser;

/// What could come after a beginning that stops at a good place, before its open brackets are closed.
const ENDINGS: &[&str] =
    &["", " 1", " x", "x", "\"\"", "=\"\"", " x[1m]", "1m", " (x)", "(x[1m])", " (a) (x)"];

/// Most places that are tried: this runs only to word an error.
const MAX_TRIED: usize = 400;

/// The column of the first place where `what` stands outside of texts in quotes; 1 where it does not.
pub(super) fn of(text: &str, what: &str) -> usize {
    let found =
        tokens(text).find(|(start, _)| !what.is_empty() && text[*start..].starts_with(what.trim_start()));
    column(text, found.map_or(0, |(start, _)| start))
}

/// The column of what makes a text unreadable.
pub(super) fn of_fault(text: &str) -> usize {
    let tokens: Vec<(usize, usize)> = tokens(text).take(MAX_TRIED).collect();
    for (index, (start, end)) in tokens.iter().enumerate().rev() {
        if can_go_on(&text[..*end]) {
            let next = tokens.get(index + 1).map_or(text.len(), |(start, _)| *start);
            return column(text, next);
        }
        if index == 0 {
            return column(text, *start);
        }
    }
    1
}

/// How deep brackets are nested.
pub(super) fn depth(text: &str) -> usize {
    let (mut deepest, mut open) = (0, 0_usize);
    for (start, _) in tokens(text) {
        match text.as_bytes()[start] {
            b'(' | b'{' | b'[' => open += 1,
            b')' | b'}' | b']' => open = open.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(open);
    }
    deepest
}

fn can_go_on(beginning: &str) -> bool {
    let mut closing = String::new();
    for (start, _) in tokens(beginning) {
        match beginning.as_bytes()[start] {
            b'(' => closing.insert(0, ')'),
            b'{' => closing.insert(0, '}'),
            b'[' => closing.insert(0, ']'),
            b')' | b'}' | b']' if !closing.is_empty() => {
                closing.remove(0);
            }
            _ => {}
        }
    }
    let mut tried = ENDINGS.iter().map(|ending| format!("{beginning}{ending}{closing}"));
    let with_value = format!("{beginning}=\"\"{closing} + x");
    tried.any(|whole| parser::parse(&whole).is_ok()) || parser::parse(&with_value).is_ok()
}

/// Beginnings and ends of words, texts in quotes and single signs.
fn tokens(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let mut from = 0;
    std::iter::from_fn(move || {
        from += text[from..].len() - text[from..].trim_start().len();
        let first = text[from..].chars().next()?;
        let rest = &text[from + first.len_utf8()..];
        let is_word = |next: char| next.is_alphanumeric() || matches!(next, '_' | ':' | '.');
        let length = match first {
            '"' | '\'' | '`' => quoted(rest, first),
            first if is_word(first) => rest.find(|next| !is_word(next)).unwrap_or(rest.len()),
            _ => 0,
        };
        let start = from;
        from += first.len_utf8() + length;
        Some((start, from))
    })
}

/// The length of a text in quotes after its first quote, with its last.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, next) in rest.char_indices() {
        if next == quote && !escaped {
            return at + quote.len_utf8();
        }
        escaped = next == '\\' && !escaped && quote != '`';
    }
    rest.len()
}

fn column(text: &str, byte: usize) -> usize {
    text[..byte].chars().count() + 1
}
