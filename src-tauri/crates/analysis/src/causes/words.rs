//! How numbers, names and queries are written in the sentences of a verdict. No judgement.

use faultline_model::Fingerprint;

use crate::world::World;

/// Most characters of a query in a sentence.
const EXCERPT_CHARS: usize = 60;

/// Fewest characters that cutting at a word may leave.
const EXCERPT_CHARS_MIN: usize = 40;

/// A number with so many decimals, with a real minus and without a negative zero.
pub(super) fn fixed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(zero) if zero.chars().all(|digit| matches!(digit, '0' | '.')) => zero.to_owned(),
        Some(size) => format!("−{size}"),
        None => text,
    }
}

/// The same with a plus where it is above zero.
pub(super) fn signed(value: f64, decimals: usize) -> String {
    let text = fixed(value, decimals);
    if value > 0.0 { format!("+{text}") } else { text }
}

/// A number with about three digits.
pub(super) fn rounded(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 100.0 || size == 0.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    fixed(value, decimals)
}

/// A ratio as a signed percentage: `+2 %`, `−46 %`.
pub(super) fn percent(ratio: f64) -> String {
    format!("{} %", signed((ratio - 1.0) * 100.0, 0))
}

/// A share as a percentage: `83 %`.
pub(super) fn share(share: f64) -> String {
    format!("{} %", fixed(share * 100.0, 0))
}

/// A signal's name in words: `scan reads per second`.
pub(super) fn signal_in_words(name: &str) -> String {
    let name = name.strip_prefix("x_").unwrap_or(name);
    let words = name.replace("_per_s", "_per_second").replace('_', " ");
    match words.strip_prefix("cpu ") {
        Some(rest) => format!("CPU {rest}"),
        None => words,
    }
}

/// A query as a reader knows it: the beginning of its text in quotes; its fingerprint only where no text is known.
pub(super) fn quoted(world: &World, fp: &Fingerprint) -> String {
    match world.texts.get(fp) {
        Some(known) if !known.text.trim().is_empty() => format!("“{}”", excerpt(&known.text)),
        _ => fp.to_string(),
    }
}

/// At most [`EXCERPT_CHARS`] characters of a text on one line, cut at a word where that leaves enough.
fn excerpt(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= EXCERPT_CHARS {
        return line;
    }
    let cut: String = line.chars().take(EXCERPT_CHARS - 1).collect();
    let words = cut.rsplit_once(' ').map(|(words, _)| words);
    let kept = words.filter(|words| words.chars().count() >= EXCERPT_CHARS_MIN).unwrap_or(&cut);
    format!("{kept}…")
}

/// A sentence: a capital first, a period last.
pub(super) fn sentence(text: &str) -> String {
    let mut chars = text.trim().chars();
    let Some(first) = chars.next() else { return String::new() };
    let mut sentence: String = first.to_uppercase().chain(chars).collect();
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_people_write_them() {
        let cases = [
            (fixed(-0.0, 1), "0.0"),
            (fixed(-0.04, 1), "0.0"),
            (fixed(-2.5, 1), "−2.5"),
            (signed(0.0, 0), "0"),
            (signed(3.2, 1), "+3.2"),
            (percent(0.54), "−46 %"),
            (percent(1.02), "+2 %"),
            (share(0.834), "83 %"),
            (rounded(1234.5), "1234"),
            (rounded(12.34), "12.3"),
            (rounded(0.0314), "0.031"),
        ];
        for (is, expected) in cases {
            assert_eq!(is, expected);
        }
    }

    #[test]
    fn queries_are_cut_at_words_and_to_one_line() {
        let long = "select a,\n  b from orders where customer_id = ? and state in (?) order by created";
        let cases = [
            ("select  1", "select 1".to_owned()),
            (long, "select a, b from orders where customer_id = ? and state in…".to_owned()),
            (&"x".repeat(80), format!("{}…", "x".repeat(59))),
        ];
        for (text, expected) in cases {
            assert_eq!(excerpt(text), expected);
            assert!(excerpt(text).chars().count() <= EXCERPT_CHARS);
        }
    }

    #[test]
    fn sentences_begin_and_end() {
        for (text, expected) in
            [("no such", "No such."), ("“select” is", "“select” is."), ("Why?", "Why?"), ("", "")]
        {
            assert_eq!(sentence(text), expected);
        }
        assert_eq!(signal_in_words("scan_reads_per_s"), "scan reads per second");
        assert_eq!(signal_in_words("cpu_user"), "CPU user");
    }
}
