//! Numbers within names that are no part of the name: `orders_20260301` and `orders_2026_03` are partitions of one
//! table, `pg_temp_17` is whatever session came seventeenth.

use crate::bytes;

/// From this many digits on, a run of digits within a name is a date or a serial number.
const SERIAL_DIGITS: usize = 6;

/// A name in front of a number that PostgreSQL gives to each session.
const OF_SESSION: &[u8] = b"pg_temp_";

/// Whether a name has such a number.
pub(crate) fn has_serial(name: &[u8]) -> bool {
    let mut at = 0;
    while at < name.len() {
        if name[at].is_ascii_digit() {
            if serial_length(name, at).is_some() {
                return true;
            }
            at += digits(&name[at..]);
        } else {
            at += 1;
        }
    }
    false
}

/// The text with every such number written as `0`. Whatever else it changes is a literal or within one.
pub(crate) fn without_serials(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut shorter = String::with_capacity(text.len());
    let (mut at, mut copied) = (0, 0);
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let length = serial_length(bytes, at);
        if length.is_some() {
            shorter.push_str(&text[copied..at]);
            shorter.push('0');
        }
        at += length.unwrap_or_else(|| digits(&bytes[at..]));
        copied = if length.is_some() { at } else { copied };
    }
    shorter.push_str(&text[copied..]);
    shorter
}

/// Length of the serial number that the digits at `at` begin, if it is one. A name or number that begins with digits
/// keeps them.
fn serial_length(text: &[u8], at: usize) -> Option<usize> {
    let before = &text[..at];
    if !before.last().is_some_and(|byte| bytes::in_word(*byte)) {
        return None;
    }
    let length = digits(&text[at..]);
    let of_session = || {
        before
            .len()
            .checked_sub(OF_SESSION.len())
            .is_some_and(|from| before[from..].eq_ignore_ascii_case(OF_SESSION))
    };
    if length >= SERIAL_DIGITS || (of_session() && &text[at..at + length] != b"0") {
        return Some(length);
    }
    date_length(&text[at..], length)
}

/// Length of a year and month, or a year, month and day, with `_` between them.
fn date_length(text: &[u8], year_digits: usize) -> Option<usize> {
    let is_year = year_digits == 4 && (text.starts_with(b"19") || text.starts_with(b"20"));
    let has_part = |at: usize| text.get(at) == Some(&b'_') && digits(&text[at + 1..]) == 2;
    if !is_year || !has_part(4) {
        return None;
    }
    Some(if has_part(7) { 10 } else { 7 })
}

fn digits(text: &[u8]) -> usize {
    bytes::run(text, |byte| byte.is_ascii_digit())
}
