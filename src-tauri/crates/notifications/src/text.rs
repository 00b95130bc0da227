//! Texts made fit for a notification: bounded, without control characters, escaped where the server reads markup.

/// Longest title, characters.
pub const MAX_TITLE_CHARS: usize = 120;
/// Longest body, characters, before escaping.
pub const MAX_BODY_CHARS: usize = 800;

/// Most characters that are looked at, as a multiple of what is shown.
const LOOKED_AT: usize = 4;

/// A title: one line. Servers show it as it is, so it is never escaped.
pub(crate) fn title(text: &str) -> String {
    clean(text, MAX_TITLE_CHARS, false)
}

/// A body: lines stay; with `markup` the server reads a subset of HTML, so that what looks like it is escaped.
pub(crate) fn body(text: &str, markup: bool) -> String {
    let clean = clean(text, MAX_BODY_CHARS, true);
    if !markup {
        return clean;
    }
    clean.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn clean(text: &str, max_chars: usize, keep_lines: bool) -> String {
    let mut out: Vec<char> = Vec::new();
    for (seen, c) in text.chars().enumerate() {
        if out.len() == max_chars || seen == max_chars * LOOKED_AT {
            out.truncate(max_chars - 1);
            out.push('…');
            break;
        }
        match c {
            '\n' if keep_lines => out.push('\n'),
            c if c.is_control() || c.is_whitespace() => {
                if out.last().is_some_and(|last| !last.is_whitespace()) {
                    out.push(' ');
                }
            }
            // Marks that reorder or hide what follows.
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' => {}
            c => out.push(c),
        }
    }
    out.into_iter().collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_escaped_only_where_markup_is_read() {
        for (given, markup, wanted) in [
            ("load ×6.2\nnew query", true, "load ×6.2\nnew query"),
            ("a < b && c > d", true, "a &lt; b &amp;&amp; c &gt; d"),
            ("a < b", false, "a < b"),
            ("<img src=\"file:///x\">", true, "&lt;img src=\"file:///x\"&gt;"),
            ("nul\0 bell\u{7}\t end ", true, "nul bell end"),
            ("\u{202e}abc", true, "abc"),
        ] {
            assert_eq!(body(given, markup), wanted, "{given:?}");
        }
    }

    #[test]
    fn texts_are_bounded() {
        assert_eq!(title("a\nb"), "a b");
        for text in ["x".repeat(1 << 20), "\u{202e}".repeat(1 << 20), "\n".repeat(1 << 20)] {
            assert!(title(&text).chars().count() <= MAX_TITLE_CHARS);
            assert!(body(&text, true).chars().count() <= MAX_BODY_CHARS);
        }
        assert!(title(&"x".repeat(121)).ends_with('…'));
        assert!(!title(&"x".repeat(120)).ends_with('…'));
    }
}
