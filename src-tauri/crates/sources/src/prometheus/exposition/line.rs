//! One line with a sample, taken apart. The two formats share the words and differ in how much space may be between them.

use std::borrow::Cow;

use faultline_model::Timestamp;

use super::{MAX_LABELS, MAX_NAME_BYTES, MAX_VALUE_BYTES, time};

/// Milliseconds in a second.
const MS_PER_S: f64 = 1_000.0;

/// A sample as it stands in its line.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RawSample<'a> {
    pub(super) name: Cow<'a, str>,
    /// In the order of the line; no name twice.
    pub(super) labels: RawLabels<'a>,
    pub(super) value: f64,
    pub(super) at: Option<Timestamp>,
    /// How many characters the labels of its exemplar have, where it has an exemplar.
    pub(super) exemplar_chars: Option<usize>,
}

/// Names and values.
pub(super) type RawLabels<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

impl RawSample<'_> {
    /// The value of a label, where the line has it.
    pub(super) fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_ref())
    }
}

/// Reads a line of the text format, where blanks may be anywhere between words and times are in milliseconds.
pub(super) fn text(line: &str) -> Result<RawSample<'_>, String> {
    let mut words = Words { rest: line, loose: true };
    let (name, labels) = words.series()?;
    words.blanks();
    let value = number(words.word())?;
    words.blanks();
    let at = match words.word() {
        "" => None,
        word => {
            let ms: i64 =
                word.parse().map_err(|_| format!("{word:?} is not a time in whole milliseconds"))?;
            Some(Timestamp::from_secs(ms as f64 / MS_PER_S))
        }
    };
    words.blanks();
    words.end()?;
    Ok(RawSample { name, labels, value, at, exemplar_chars: None })
}

/// Reads a line of OpenMetrics, where one space is between words, times are in seconds and an exemplar may follow.
pub(super) fn openmetrics(line: &str) -> Result<RawSample<'_>, String> {
    let mut words = Words { rest: line, loose: false };
    let (name, labels) = words.series()?;
    words.expect(" ", "a space before the value")?;
    let (value, at) = words.value_and_time()?;
    let mut exemplar_chars = None;
    if words.skip(" # ") {
        let (name, labels) = words.braces()?;
        if name.is_some() {
            return Err("an exemplar has no name".to_owned());
        }
        words.expect(" ", "a space before the exemplar's value")?;
        words.value_and_time()?;
        let chars = |text: &str| text.chars().count();
        exemplar_chars = Some(labels.iter().map(|(name, value)| chars(name) + chars(value)).sum());
    }
    words.end()?;
    Ok(RawSample { name, labels, value, at, exemplar_chars })
}

/// A name in quotes or without at the beginning of `text`, and what comes after it; for lines with metadata.
pub(super) fn name(text: &str) -> Result<(Cow<'_, str>, &str), String> {
    let mut words = Words { rest: text, loose: false };
    let name =
        if text.starts_with('"') { words.quoted(MAX_NAME_BYTES)? } else { Cow::Borrowed(words.word()) };
    Ok((name, words.rest))
}

/// A number as both formats write it: decimal, or one of `NaN`, `+Inf` and `-Inf` in any case.
pub(super) fn number(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| format!("{text:?} is not a number"))
}

struct Words<'a> {
    rest: &'a str,
    /// Whether blanks may be between any two words, and a comma after the last label.
    loose: bool,
}

impl<'a> Words<'a> {
    /// Name and labels of a series, in either of the places where the name may be.
    fn series(&mut self) -> Result<(Cow<'a, str>, RawLabels<'a>), String> {
        self.blanks_if_loose();
        let outside = (!self.rest.starts_with('{')).then(|| self.identifier(true)).transpose()?;
        if outside.is_some() {
            // After a name, blanks may separate it from its braces, or from its value.
            let before = self.rest;
            self.blanks_if_loose();
            if !self.rest.starts_with('{') {
                self.rest = before;
                return match outside {
                    Some(name) if before.is_empty() || before.starts_with([' ', '\t']) => {
                        Ok((name, Vec::new()))
                    }
                    _ => Err(self.unexpected("a space, or labels in braces")),
                };
            }
        }
        let (inside, labels) = self.braces()?;
        match (outside, inside) {
            (Some(name), None) | (None, Some(name)) => Ok((name, labels)),
            (None, None) => Err("the sample has no name".to_owned()),
            (Some(_), Some(_)) => Err("the sample has two names".to_owned()),
        }
    }

    /// `{label="value",…}`, the first of which may be the metric's name in quotes.
    fn braces(&mut self) -> Result<(Option<Cow<'a, str>>, RawLabels<'a>), String> {
        self.expect("{", "labels in braces")?;
        let (mut metric, mut labels) = (None, RawLabels::new());
        let mut after_comma = false;
        loop {
            self.blanks_if_loose();
            if self.rest.starts_with('}') && (self.loose || !after_comma) {
                self.rest = &self.rest[1..];
                return Ok((metric, labels));
            }
            self.item(&mut metric, &mut labels)?;
            self.blanks_if_loose();
            after_comma = self.skip(",");
            if !after_comma && !self.rest.starts_with('}') {
                return Err(self.unexpected("a comma or } after a label"));
            }
        }
    }

    fn item(&mut self, metric: &mut Option<Cow<'a, str>>, labels: &mut RawLabels<'a>) -> Result<(), String> {
        let in_quotes = self.rest.starts_with('"');
        let name = if in_quotes { self.quoted(MAX_NAME_BYTES)? } else { self.identifier(false)? };
        self.blanks_if_loose();
        if in_quotes && !self.rest.starts_with('=') && metric.is_none() && labels.is_empty() {
            if name.is_empty() {
                return Err("the metric's name is empty".to_owned());
            }
            *metric = Some(name);
            return Ok(());
        }
        self.expect("=", "= after a label's name")?;
        self.blanks_if_loose();
        let value = self.quoted(MAX_VALUE_BYTES)?;
        if labels.iter().any(|(other, _)| *other == name) {
            return Err(format!("the label {name} comes twice"));
        }
        if labels.len() == MAX_LABELS {
            return Err(format!("a sample has more than {MAX_LABELS} labels"));
        }
        labels.push((name, value));
        Ok(())
    }

    /// A name without quotes; with colons where it is a metric's.
    fn identifier(&mut self, colons: bool) -> Result<Cow<'a, str>, String> {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || (colons && byte == b':');
        let end = self.rest.bytes().position(|byte| !is_part(byte)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
            return Err(self.unexpected("a name"));
        }
        if name.len() > MAX_NAME_BYTES {
            return Err(format!("a name has more than {MAX_NAME_BYTES} bytes"));
        }
        self.rest = rest;
        Ok(Cow::Borrowed(name))
    }

    /// A text in quotes, its escapes resolved: `\\`, `\"` and `\n`; any other backslash stands for itself.
    fn quoted(&mut self, max_bytes: usize) -> Result<Cow<'a, str>, String> {
        self.expect("\"", "a text in quotes")?;
        let mut from = 0;
        let end = loop {
            let found = self.rest[from..].find(['"', '\\']).ok_or("a text in quotes has no end")? + from;
            if self.rest.as_bytes()[found] == b'"' {
                break found;
            }
            let escaped = self.rest[found + 1..].chars().next().ok_or("a text in quotes has no end")?;
            from = found + 1 + escaped.len_utf8();
        };
        if end > max_bytes {
            return Err(format!("a text in quotes has more than {max_bytes} bytes"));
        }
        let (raw, rest) = (&self.rest[..end], &self.rest[end + 1..]);
        self.rest = rest;
        Ok(if raw.contains('\\') { Cow::Owned(unescape(raw)) } else { Cow::Borrowed(raw) })
    }

    fn value_and_time(&mut self) -> Result<(f64, Option<Timestamp>), String> {
        let value = number(self.word())?;
        if !self.rest.starts_with(' ') || self.rest.starts_with(" # ") {
            return Ok((value, None));
        }
        self.expect(" ", "a space before the time")?;
        let word = self.word();
        let at =
            number(word).ok().and_then(time).ok_or_else(|| format!("{word:?} is not a time in seconds"))?;
        Ok((value, Some(at)))
    }

    /// What comes up to the next blank; may be empty.
    fn word(&mut self) -> &'a str {
        let end = self.rest.find([' ', '\t']).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    fn blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    fn blanks_if_loose(&mut self) {
        if self.loose {
            self.blanks();
        }
    }

    fn skip(&mut self, what: &str) -> bool {
        match self.rest.strip_prefix(what) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, what: &str, words: &str) -> Result<(), String> {
        if self.skip(what) { Ok(()) } else { Err(self.unexpected(words)) }
    }

    fn end(&self) -> Result<(), String> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.unexpected("the end of the line")) }
    }

    fn unexpected(&self, wanted: &str) -> String {
        /// As much of the line is quoted, characters.
        const QUOTED_CHARS: usize = 20;
        match self.rest {
            "" => format!("expected {wanted}, and the line ends"),
            rest => {
                format!("expected {wanted}, found {:?}", rest.chars().take(QUOTED_CHARS).collect::<String>())
            }
        }
    }
}

fn unescape(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(next) = chars.next() {
        match (next, next == '\\') {
            (_, true) => match chars.next() {
                Some('n') => text.push('\n'),
                Some(plain @ ('\\' | '"')) => text.push(plain),
                Some(other) => text.extend(['\\', other]),
                None => text.push('\\'),
            },
            (plain, false) => text.push(plain),
        }
    }
    text
}
