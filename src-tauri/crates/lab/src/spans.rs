//! Where something is in a file: from what the TOML reader says, or from a place in the text, to a line.

use std::path::Path;

use serde::de::DeserializeOwned;

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
