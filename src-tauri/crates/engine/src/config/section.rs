//! Tables of the file, read key by key, so that every error knows its place.

use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::ConfigError;

/// Longest text of any setting, bytes.
const MAX_TEXT_BYTES: usize = 16 * 1024;

/// The text of a configuration and the name of its file.
pub(super) struct Document<'a> {
    pub(super) text: &'a str,
    pub(super) name: &'a str,
}

impl Document<'_> {
    /// An error at a place in the text.
    pub(super) fn error(&self, span: &Range<usize>, key: &str, problem: impl Into<String>) -> ConfigError {
        let before = &self.text[..self.text.floor_char_boundary(span.start)];
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        ConfigError::Invalid {
            file: self.name.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            key: key.to_owned(),
            problem: problem.into(),
        }
    }
}

/// A table of the file.
pub(super) struct Section<'a> {
    document: &'a Document<'a>,
    table: &'a DeTable<'a>,
    span: Range<usize>,
    /// Full name, such as `cluster[1].node[2]`; empty for the file itself.
    name: String,
}

/// A value of the file and its place.
pub(super) struct Field<'a, T> {
    document: &'a Document<'a>,
    span: Range<usize>,
    /// Full name, such as `cluster[1].node[2].url`.
    pub(super) name: String,
    /// The value.
    pub(super) value: T,
}

impl<T> Field<'_, T> {
    /// An error at this value.
    pub(super) fn error(&self, problem: impl Into<String>) -> ConfigError {
        self.document.error(&self.span, &self.name, problem)
    }
}

impl Field<'_, String> {
    /// What `check` makes of the text, or its problem as an error at this place.
    pub(super) fn check<U>(self, check: impl FnOnce(&str) -> Result<U, String>) -> Result<U, ConfigError> {
        check(&self.value).map_err(|problem| self.error(problem))
    }
}

impl<'a> Section<'a> {
    /// The file itself.
    pub(super) fn root(document: &'a Document<'a>, table: &'a Spanned<DeTable<'a>>) -> Self {
        Self { document, table: table.get_ref(), span: table.span(), name: String::new() }
    }

    /// An error at the head of the table.
    pub(super) fn error(&self, problem: impl Into<String>) -> ConfigError {
        self.document.error(&self.span, &self.name, problem)
    }

    /// Refuses every key that is not among the `known`.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), ConfigError> {
        for (key, _) in self.table {
            let name: &str = key.get_ref();
            if !known.contains(&name) {
                let problem = format!("there is no such key; remove it or use one of: {}", known.join(", "));
                return Err(self.document.error(&key.span(), &self.full(name), problem));
            }
        }
        Ok(())
    }

    /// A text that must be there and not be empty.
    pub(super) fn text(&self, key: &str) -> Result<Field<'a, String>, ConfigError> {
        self.optional_text(key)?.ok_or_else(|| self.missing(key))
    }

    /// A text that may be left out but not be empty.
    pub(super) fn optional_text(&self, key: &str) -> Result<Option<Field<'a, String>>, ConfigError> {
        self.optional(key, |value| {
            let text = value.as_str().ok_or("this must be a text in quotes")?;
            usable_text(text).map(str::to_owned)
        })
    }

    /// A text for which `check` finds a meaning; `default` when it is left out.
    pub(super) fn checked_or<U>(
        &self,
        key: &str,
        default: U,
        check: impl FnOnce(&str) -> Result<U, String>,
    ) -> Result<U, ConfigError> {
        self.optional_text(key)?.map_or(Ok(default), |field| field.check(check))
    }

    /// A number within a range; `None` when it is left out.
    pub(super) fn number(&self, key: &str, range: RangeInclusive<f64>) -> Result<Option<f64>, ConfigError> {
        let outside = || format!("this must be a number from {} to {}", range.start(), range.end());
        let field = self.optional(key, |value| {
            let digits = match value {
                DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
                DeValue::Float(number) => number.as_str(),
                _ => return Err(outside()),
            };
            digits.parse::<f64>().ok().filter(|number| range.contains(number)).ok_or_else(outside)
        })?;
        Ok(field.map(|field| field.value))
    }

    /// A whole number within a range; `None` when it is left out.
    pub(super) fn whole_number(
        &self,
        key: &str,
        range: RangeInclusive<u32>,
    ) -> Result<Option<u32>, ConfigError> {
        let outside = || format!("this must be a whole number from {} to {}", range.start(), range.end());
        let field = self.optional(key, |value| {
            let number = value.as_integer().filter(|number| number.radix() == 10).ok_or_else(outside)?;
            number.as_str().parse::<u32>().ok().filter(|number| range.contains(number)).ok_or_else(outside)
        })?;
        Ok(field.map(|field| field.value))
    }

    /// `true` or `false`; `None` when it is left out.
    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, ConfigError> {
        let field =
            self.optional(key, |value| value.as_bool().ok_or("this must be true or false".to_owned()))?;
        Ok(field.map(|field| field.value))
    }

    /// A list of texts; empty when it is left out.
    pub(super) fn texts(&self, key: &str) -> Result<Vec<String>, ConfigError> {
        let wanted = "this must be a list of texts: [\"one\", \"two\"]";
        let field = self.optional(key, |value| {
            let items = value.as_array().ok_or(wanted)?;
            items
                .iter()
                .map(|item| usable_text(item.get_ref().as_str().ok_or(wanted)?).map(str::to_owned))
                .collect()
        })?;
        Ok(field.map_or_else(Vec::new, |field: Field<'_, Vec<String>>| field.value))
    }

    /// A text or a list of texts; empty when it is left out.
    pub(super) fn one_or_more_texts(&self, key: &str) -> Result<Vec<Field<'a, String>>, ConfigError> {
        let Some(value) = self.table.get(key) else { return Ok(Vec::new()) };
        let items = match value.get_ref() {
            DeValue::Array(items) => items.iter().collect(),
            _ => vec![value],
        };
        let field = |item: &'a Spanned<DeValue<'a>>| {
            let (span, name) = (item.span(), self.full(key));
            let text = item.get_ref().as_str().ok_or("this must be a text in quotes, or a list of texts");
            match text.map_err(str::to_owned).and_then(usable_text) {
                Ok(text) => Ok(Field { document: self.document, span, name, value: text.to_owned() }),
                Err(problem) => Err(self.document.error(&span, &name, problem)),
            }
        };
        items.into_iter().map(field).collect()
    }

    /// A table; `None` when it is left out.
    pub(super) fn table(&self, key: &str) -> Result<Option<Section<'a>>, ConfigError> {
        let Some(value) = self.table.get(key) else { return Ok(None) };
        let name = self.full(key);
        match value.get_ref() {
            DeValue::Table(table) => {
                Ok(Some(Section { document: self.document, table, span: value.span(), name }))
            }
            _ => Err(self.document.error(&value.span(), &name, format!("this must be a table: [{key}]"))),
        }
    }

    /// A list of tables; empty when it is left out.
    pub(super) fn tables(&self, key: &str) -> Result<Vec<Section<'a>>, ConfigError> {
        let Some(value) = self.table.get(key) else { return Ok(Vec::new()) };
        let name = self.full(key);
        let wrong = |span: Range<usize>| {
            self.document.error(&span, &name, format!("this must be a list of tables: [[{name}]]"))
        };
        let items = value.get_ref().as_array().ok_or_else(|| wrong(value.span()))?;
        let section = |(index, item): (usize, &'a Spanned<DeValue<'a>>)| match item.get_ref() {
            DeValue::Table(table) => Ok(Section {
                document: self.document,
                table,
                span: item.span(),
                name: format!("{name}[{}]", index + 1),
            }),
            _ => Err(wrong(item.span())),
        };
        items.iter().enumerate().map(section).collect()
    }

    /// Every key of the table with its text.
    pub(super) fn entries(&self) -> Result<Vec<(String, Field<'a, String>)>, ConfigError> {
        let entry = |key: &str| Ok((key.to_owned(), self.text(key)?));
        self.table.keys().map(|key| entry(key.get_ref())).collect()
    }

    fn optional<T>(
        &self,
        key: &str,
        read: impl FnOnce(&'a DeValue<'a>) -> Result<T, String>,
    ) -> Result<Option<Field<'a, T>>, ConfigError> {
        let Some(value) = self.table.get(key) else { return Ok(None) };
        let (span, name) = (value.span(), self.full(key));
        match read(value.get_ref()) {
            Ok(value) => Ok(Some(Field { document: self.document, span, name, value })),
            Err(problem) => Err(self.document.error(&span, &name, problem)),
        }
    }

    /// The error for a key that must be there.
    pub(super) fn missing(&self, key: &str) -> ConfigError {
        self.document.error(&self.span, &self.full(key), format!("this key is missing; add a line {key} = …"))
    }

    fn full(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }
}

fn usable_text(text: &str) -> Result<&str, String> {
    if text.trim().is_empty() {
        return Err("this must not be empty".to_owned());
    }
    if text.len() > MAX_TEXT_BYTES {
        return Err(format!("this must not have more than {MAX_TEXT_BYTES} bytes"));
    }
    Ok(text)
}
