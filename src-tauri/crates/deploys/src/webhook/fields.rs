//! Fields of a JSON object, read one by one so that a fault names its field. What people may be called is taken as it
//! is (it is escaped where it is shown), but for control characters, which no name has and terminals and logs obey.

use faultline_http::Url;
use faultline_model::Timestamp;
use serde_json::{Map, Value};

use super::answer::FieldFault;

/// Longest id, service and environment, characters.
pub const MAX_NAME_CHARS: usize = 200;

/// Longest version, previous version and actor, characters.
pub const MAX_TEXT_CHARS: usize = 300;

/// Longest address, characters.
pub const MAX_URL_CHARS: usize = 2_000;

/// A time may lie this far ahead of our clock, seconds; more is a clock that is wrong or another unit.
pub const MAX_FUTURE_S: f64 = 86_400.0;

/// Numbers from here on are no seconds of this or the next thousand years but milliseconds or finer.
const NOT_SECONDS: f64 = 1e11;

/// An object and where it is.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a> {
    object: &'a Map<String, Value>,
    path: &'a str,
}

impl<'a> Fields<'a> {
    /// Looks into an object; `path` goes before the names of its fields (`subject.content`, or nothing at the top).
    pub(crate) fn of(value: &'a Value, path: &'a str) -> Result<Self, FieldFault> {
        let name = if path.is_empty() { "body" } else { path };
        let object = value.as_object().ok_or_else(|| {
            FieldFault::new(name, format!("is {}, not an object", kind(value)), "send a JSON object there")
        })?;
        Ok(Self { object, path })
    }

    /// The field's full name.
    pub(crate) fn name(&self, field: &str) -> String {
        if self.path.is_empty() { field.to_owned() } else { format!("{}.{field}", self.path) }
    }

    /// The field's value, unless it is missing or null.
    pub(crate) fn get(&self, field: &str) -> Option<&'a Value> {
        self.object.get(field).filter(|value| !value.is_null())
    }

    /// A text that may be missing.
    pub(crate) fn text(&self, field: &str, max_chars: usize) -> Result<Option<String>, FieldFault> {
        self.get(field).map(|value| text(self.name(field), value, max_chars)).transpose()
    }

    /// A text that must be there and hold something.
    pub(crate) fn required(&self, field: &str, max_chars: usize) -> Result<String, FieldFault> {
        self.text(field, max_chars)?.ok_or_else(|| {
            FieldFault::new(self.name(field), "is missing", "send it as a text that is not empty")
        })
    }

    /// One of a list of words, or the default.
    pub(crate) fn word<T: serde::de::DeserializeOwned + Default>(
        &self,
        field: &str,
        words: &[&str],
    ) -> Result<T, FieldFault> {
        let Some(value) = self.get(field) else { return Ok(T::default()) };
        serde_json::from_value(value.clone()).map_err(|_| {
            let found = value.as_str().map_or_else(|| kind(value).to_owned(), |text| format!("{text:.40?}"));
            FieldFault::new(
                self.name(field),
                format!("is {found}"),
                format!("send one of {}", words.join(", ")),
            )
        })
    }

    /// A time that may be missing: Unix seconds or RFC 3339.
    pub(crate) fn time(&self, field: &str, now: Timestamp) -> Result<Option<Timestamp>, FieldFault> {
        self.get(field).map(|value| time(&self.name(field), value, now)).transpose()
    }

    /// An address that may be missing: `http` or `https`, without user and password.
    pub(crate) fn url(&self, field: &str) -> Result<Option<String>, FieldFault> {
        let Some(text) = self.text(field, MAX_URL_CHARS)? else { return Ok(None) };
        let wrong = |message: &str| {
            FieldFault::new(
                self.name(field),
                message,
                "send the full http or https address of the deploy's page",
            )
        };
        let url = Url::parse(&text).map_err(|_| wrong("is not an address"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("is not an http or https address"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("holds a user or password"));
        }
        Ok(Some(text))
    }
}

/// A text within its limit, without control characters, not empty, without blanks around it.
pub(crate) fn text(field: String, value: &Value, max_chars: usize) -> Result<String, FieldFault> {
    let Some(text) = value.as_str() else {
        return Err(FieldFault::new(
            field,
            format!("is {}, not a text", kind(value)),
            "send it as a text in quotes",
        ));
    };
    let text = text.trim();
    if text.is_empty() {
        return Err(FieldFault::new(
            field,
            "is empty",
            "send a text, or leave the field out where it is optional",
        ));
    }
    let chars = text.chars().count();
    if chars > max_chars {
        return Err(FieldFault::new(
            field,
            format!("has {chars} characters, more than {max_chars}"),
            "shorten it",
        ));
    }
    if text.chars().any(char::is_control) {
        return Err(FieldFault::new(field, "has control characters", "send it as one line of plain text"));
    }
    Ok(text.to_owned())
}

/// A time: Unix seconds, or RFC 3339.
pub(crate) fn time(field: &str, value: &Value, now: Timestamp) -> Result<Timestamp, FieldFault> {
    let fault = |message: String, hint: &str| Err(FieldFault::new(field, message, hint));
    let at = match value {
        Value::Number(number) => {
            let secs = number.as_f64().unwrap_or(f64::INFINITY);
            if secs >= NOT_SECONDS {
                return fault(
                    format!("is {number}, too large for seconds"),
                    "send Unix seconds, not milliseconds",
                );
            }
            Timestamp::from_secs(secs)
        }
        Value::String(text) => match text.trim().parse::<jiff::Timestamp>() {
            Ok(at) => Timestamp::from_micros(at.as_microsecond()),
            Err(_) => {
                let message = format!("is {text:.40?}, not a time");
                return fault(
                    message,
                    "send Unix seconds or RFC 3339 with an offset, like 2026-01-31T14:02:07Z",
                );
            }
        },
        other => return fault(format!("is {}, not a time", kind(other)), "send Unix seconds or RFC 3339"),
    };
    if at < Timestamp::EPOCH {
        return fault("lies before 1970".to_owned(), "send Unix seconds");
    }
    if at.secs_since(now) > MAX_FUTURE_S {
        return fault(
            "lies more than a day ahead".to_owned(),
            "check the sender's clock, and that it is in UTC",
        );
    }
    Ok(at)
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
