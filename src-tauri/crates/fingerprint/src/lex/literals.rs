//! Numbers, strings and dollar quotes.

use super::{Last, Lexer};
use crate::lexeme::Lexeme;
use crate::{Dialect, bytes, words};

impl<'a> Lexer<'a> {
    /// A string with a prefix of `prefix` bytes.
    pub(super) fn prefixed_string(&mut self, prefix: usize, backslash_escapes: bool) {
        self.at += prefix;
        self.string(b'\'', backslash_escapes);
    }

    /// A string, and MySQL's character set in front of it.
    pub(super) fn string(&mut self, quote: u8, backslash_escapes: bool) {
        self.at += 1;
        self.at += quoted_length(self.rest(), quote, backslash_escapes).1;
        if self.dialect == Dialect::Mysql
            && self.lexemes.last().and_then(Lexeme::word).is_some_and(words::is_charset_introducer)
        {
            self.lexemes.pop();
        }
        self.push(Lexeme::Value);
    }

    /// A number, or a name of MySQL that begins with a digit.
    pub(super) fn number(&mut self) {
        let rest = self.rest();
        if self.dialect == Dialect::Postgres {
            self.at += postgres_number_length(rest);
            return self.push(Lexeme::Value);
        }
        let (length, _) = bytes::word_length(rest);
        let qualified = self.last == Last::Qualifier;
        match mysql_number_length(rest, length).filter(|_| !qualified) {
            Some(length) => {
                self.at += length;
                self.push(Lexeme::Value);
            }
            None => {
                let name = self.take(length);
                self.has_serials |= crate::serials::has_serial(name.as_bytes());
                self.push(Lexeme::Word(name));
            }
        }
    }

    /// `$1`, `$name`, a dollar-quoted string, or a name of MySQL that begins with `$`.
    pub(super) fn dollar(&mut self) {
        let rest = self.rest();
        let (length, _) = bytes::word_length(&rest[1..]);
        if self.dialect == Dialect::Mysql {
            let is_number = length > 0 && rest[1..=length].iter().all(u8::is_ascii_digit);
            let name = self.take(length + 1);
            return self.push(if is_number || length == 0 { Lexeme::Value } else { Lexeme::Word(name) });
        }
        let tag = bytes::run(&rest[1..], |byte| bytes::in_word(byte) && byte != b'$');
        let opens = rest.get(tag + 1) == Some(&b'$') && !rest.get(1).is_some_and(u8::is_ascii_digit);
        // Letter case counts in the tag.
        self.at += if opens { dollar_quoted_length(&self.raw[self.at..], tag + 2) } else { tag + 1 };
        self.push(Lexeme::Value);
    }
}

/// Length of the inside of a quotation whose opening quote has been passed, and its length with the closing quote.
pub(super) fn quoted_length(text: &[u8], quote: u8, backslash_escapes: bool) -> (usize, usize) {
    let mut at = 0;
    while at < text.len() {
        if text[at] == b'\\' && backslash_escapes {
            at += 2;
        } else if text[at] != quote {
            at += 1;
        } else if text.get(at + 1) == Some(&quote) {
            at += 2;
        } else {
            return (at, at + 1);
        }
    }
    (text.len(), text.len())
}

fn dollar_quoted_length(text: &[u8], delimiter_length: usize) -> usize {
    let (delimiter, body) = text.split_at(delimiter_length);
    let end = body.windows(delimiter_length).position(|window| window == delimiter);
    end.map_or(text.len(), |end| end + 2 * delimiter_length)
}

/// Length of the number that begins with a digit or with a dot and a digit.
fn postgres_number_length(text: &[u8]) -> usize {
    let is_digit_of: Option<fn(&u8) -> bool> = match text {
        [b'0', b'x', digit, ..] if digit.is_ascii_hexdigit() => Some(u8::is_ascii_hexdigit),
        [b'0', b'o' | b'b', digit, ..] if digit.is_ascii_digit() => Some(u8::is_ascii_digit),
        _ => None,
    };
    if let Some(is_digit) = is_digit_of {
        return 2 + bytes::run(&text[2..], |byte| is_digit(&byte) || byte == b'_');
    }
    let whole = bytes::run(text, |byte| byte.is_ascii_digit() || byte == b'_');
    let whole = whole - text[..whole].iter().rev().take_while(|byte| **byte == b'_').count();
    whole + fraction_length(&text[whole..])
}

/// Length of the number at the beginning, `word_length` being that of the word that it could be; `None` when it is one.
fn mysql_number_length(text: &[u8], word_length: usize) -> Option<usize> {
    let word = &text[..word_length];
    let digits = bytes::run(word, |byte| byte.is_ascii_digit());
    let is_hexadecimal =
        word.len() > 2 && word.starts_with(b"0x") && word[2..].iter().all(u8::is_ascii_hexdigit);
    let is_binary =
        word.len() > 2 && word.starts_with(b"0b") && word[2..].iter().all(|bit| matches!(bit, b'0' | b'1'));
    if is_hexadecimal || is_binary {
        return Some(word_length);
    }
    if digits == word_length {
        return Some(digits + fraction_length(&text[digits..]));
    }
    let length = digits + exponent_length(&text[digits..]);
    (length > digits && length >= word_length).then_some(length)
}

/// Length of `.5e-3`.
fn fraction_length(text: &[u8]) -> usize {
    let mut length = 0;
    if text.first() == Some(&b'.') && text.get(1) != Some(&b'.') {
        length = 1 + bytes::run(&text[1..], |byte| byte.is_ascii_digit());
    }
    length + exponent_length(&text[length..])
}

/// Length of `e-3`.
fn exponent_length(text: &[u8]) -> usize {
    if text.first() != Some(&b'e') {
        return 0;
    }
    let sign = usize::from(matches!(text.get(1), Some(b'+' | b'-')));
    match bytes::run(&text[1 + sign..], |byte| byte.is_ascii_digit()) {
        0 => 0,
        digits => 1 + sign + digits,
    }
}

/// Length of the number that a dot begins; `None` when no digit follows it.
pub(super) fn number_after_dot_length(text: &[u8]) -> Option<usize> {
    text.get(1).is_some_and(u8::is_ascii_digit).then(|| fraction_length(text))
}
