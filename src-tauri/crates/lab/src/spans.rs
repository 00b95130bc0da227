//! Where something is in a file: from what the TOML reader says, or from a place in the text, to a line.

use std::path::Path;

use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue};

use crate::error::{Error, Result};

/// Reads a file's text. What the reader does not understand becomes an error with the file and the line.
///
/// # Errors
/// When the text is no TOML, or not what is expected there.
pub fn read<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T> {
    toml::from_str(text).map_err(|error| misread(path, text, &error))
}

/// What the TOML reader complains about, with the line.
pub fn misread(path: &Path, text: &str, error: &toml::de::Error) -> Error {
    let offset = error.span().map_or(0, |span| span.start);
    wrong(path, text, offset, error.message())
}

/// An error about the place in the text that begins at a byte.
pub fn wrong(path: &Path, text: &str, offset: usize, message: impl Into<String>) -> Error {
    Error::File { path: path.to_owned(), line: line_of(text, offset), message: message.into() }
}

/// The line, from 1, that a byte of the text is on.
pub fn line_of(text: &str, offset: usize) -> usize {
    let before = &text.as_bytes()[..offset.min(text.len())];
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}

/// Where the entry begins that the keys lead to (numbers for lists), or the innermost one on the way; 0 if there is none.
pub fn offset_of(text: &str, keys: &[String]) -> usize {
    let Ok(document) = DeTable::parse(text) else { return 0 };
    let (root, mut offset) = (DeValue::Table(document.into_inner()), 0);
    let mut value = &root;
    for key in keys {
        match value {
            DeValue::Table(table) => {
                let Some((key, inner)) = table.get_key_value(key.as_str()) else { break };
                (offset, value) = (key.span().start, inner.get_ref());
            }
            DeValue::Array(items) => {
                let Some(inner) = key.parse().ok().and_then(|number: usize| items.get(number)) else { break };
                (offset, value) = (inner.span().start, inner.get_ref());
            }
            _ => break,
        }
    }
    offset
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_is_on_the_line_that_it_is_on() {
        let check = |offset: usize, line: usize| assert_eq!(line_of("one\ntwo\n", offset), line, "{offset}");
        check(0, 1);
        check(3, 1);
        check(4, 2);
        check(7, 2);
        check(8, 3);
        check(99, 3);
    }

    #[test]
    fn keys_lead_to_a_line() {
        let text = "a = 1\n[[b]]\nc = [\n  1,\n  2,\n]\n[[b]]\nd = 4\n";
        let check = |keys: &str, line: usize| {
            let keys: Vec<String> = keys.split_whitespace().map(str::to_owned).collect();
            assert_eq!(line_of(text, offset_of(text, &keys)), line, "{keys:?}");
        };
        check("a", 1);
        check("b 0 c", 3);
        check("b 0 c 1", 5);
        check("b 1 d", 8);
        check("b 1 c", 7);
        check("e", 1);
    }

    #[test]
    fn what_cannot_be_read_is_told_with_file_and_line() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Small {
            #[expect(dead_code, reason = "read only")]
            a: u8,
        }
        let read = read::<Small>(Path::new("x.toml"), "# a comment\na = 1\nb = 2\n");
        assert_eq!(read.unwrap_err().to_string(), "x.toml:3: unknown field `b`, expected `a`");
    }
}
