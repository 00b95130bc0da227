//! Labels from outside made fit to draw: one line, no control characters, bounded in length.

/// Longest label of a flag, characters.
pub(crate) const MAX_FLAG_CHARS: usize = 26;
/// Longest entry of the legend, characters.
pub(crate) const MAX_LEGEND_CHARS: usize = 34;
/// Longest title, characters.
pub(crate) const MAX_TITLE_CHARS: usize = 80;

/// Most characters of a label that are looked at, as a multiple of what is shown.
const LOOKED_AT: usize = 8;

/// One line of at most `max_chars` characters: white space and control characters become single spaces, characters
/// that reorder or hide text or that XML forbids go, and what is cut ends in `…`.
pub(crate) fn one_line(text: &str, max_chars: usize) -> String {
    let mut out = String::new();
    let mut count = 0;
    let mut space = false;
    for (seen, c) in text.chars().enumerate() {
        if is_hidden(c) {
            continue;
        }
        if c.is_whitespace() || c.is_control() {
            space = !out.is_empty();
            continue;
        }
        let needed = 1 + usize::from(space);
        if count + needed > max_chars || seen > max_chars.saturating_mul(LOOKED_AT) {
            while count >= max_chars {
                out.pop();
                count -= 1;
            }
            out.push('…');
            return out;
        }
        if std::mem::take(&mut space) {
            out.push(' ');
        }
        out.push(c);
        count += needed;
    }
    out
}

/// Marks that reorder or hide what follows, and what no XML document may hold.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_become_one_short_line() {
        for (given, wanted) in [
            ("checkout v142", "checkout v142"),
            ("  a\n\tb\u{0} c  ", "a b c"),
            ("a\u{202e}b\u{ffff}", "ab"),
            ("", ""),
            ("0123456789", "0123456789"),
            ("01234567890", "012345678…"),
            ("\u{1}\u{2}", ""),
        ] {
            let limit = if given.starts_with("012") { 10 } else { 30 };
            assert_eq!(one_line(given, limit), wanted, "{given:?}");
        }
    }

    #[test]
    fn a_megabyte_is_cut() {
        for text in ["x".repeat(1 << 20), "\u{202e}".repeat(1 << 18), "x ".repeat(1 << 19)] {
            assert!(one_line(&text, 20).chars().count() <= 20);
        }
    }
}
