//! Reads a scenario's file. Whether it makes sense is in `check`.

use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::{Action, Event, Scenario, values};
use crate::error::{Error, Result, io};
use crate::spans;

/// Keys of every event, whatever it does.
const COMMON: [&str; 3] = ["at_s", "onset", "do"];

impl Scenario {
    /// Reads a file, as it is without a variant.
    ///
    /// # Errors
    /// When it cannot be read, or says something that no scenario says.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(io(format!("read {}", path.display())))?;
        Self::from_text(path, &text)
    }

    /// Reads the text of a file; the path is only what errors call it.
    ///
    /// # Errors
    /// When it says something that no scenario says.
    pub fn from_text(path: &Path, text: &str) -> Result<Self> {
        read(path, text, None)
    }

    /// The same scenario with another intensity.
    ///
    /// # Errors
    /// When there is no such variant.
    pub fn variant(&self, name: &str) -> Result<Self> {
        read(&self.path, &self.original, Some(name))
    }
}

fn read(path: &Path, original: &str, variant: Option<&str>) -> Result<Scenario> {
    let text = values::fill_in(path, original, variant)?;
    let wrong = |error: &toml::de::Error| spans::misread(path, &text, error);
    let document = DeTable::parse(&text).map_err(|error| wrong(&error))?;
    if let Some((offset, name)) = values::unfilled(document.get_ref()) {
        let message = format!("[values] has no {name}: add it, or write the value itself");
        return Err(spans::wrong(path, &text, offset, message));
    }
    let span = document.span();
    let mut table = document.into_inner();
    let events = match table.remove("event") {
        Some(events) => read_events(path, &text, events)?,
        None => Vec::new(),
    };
    let deserializer = ValueDeserializer::from(Spanned::new(span, DeValue::Table(table)));
    let scenario = Scenario::deserialize(deserializer).map_err(|error| wrong(&error))?;
    let chosen = variant.map(str::to_owned);
    Ok(Scenario { path: path.to_owned(), original: original.to_owned(), text, chosen, events, ..scenario })
}

fn read_events(path: &Path, text: &str, events: Spanned<DeValue<'_>>) -> Result<Vec<Event>> {
    let span = events.span();
    match events.into_inner() {
        DeValue::Array(events) => events.into_iter().map(|event| read_event(path, text, event)).collect(),
        _ => Err(spans::wrong(path, text, span.start, "events are written as [[event]]")),
    }
}

#[derive(Deserialize)]
struct Common {
    at_s: f64,
    #[serde(default)]
    onset: bool,
    #[serde(rename = "do")]
    what: Spanned<String>,
}

/// Reads what all events have first, then the rest as what `do` says. `flatten` would do both at once, but forgets lines
/// and lets unknown keys through.
fn read_event(path: &Path, text: &str, event: Spanned<DeValue<'_>>) -> Result<Event> {
    let span = event.span();
    let DeValue::Table(table) = event.into_inner() else {
        return Err(spans::wrong(path, text, span.start, "events are written as [[event]]"));
    };
    let (common, rest): (DeTable<'_>, DeTable<'_>) =
        table.into_iter().partition(|(key, _)| COMMON.contains(&key.get_ref().as_ref()));
    let part = Part { path, text, start: span.start };
    let common: Common = part.read(span.clone(), common)?;
    let action = match common.what.get_ref().as_str() {
        "deploy" => Action::Deploy(part.read(span, rest)?),
        "roll_back" => Action::RollBack(part.read(span, rest)?),
        "sql" => Action::Sql(part.read(span, rest)?),
        "traffic" => Action::Traffic(part.read(span, rest)?),
        "cache_loss" => Action::CacheLoss(part.read(span, rest)?),
        unknown => {
            let message = format!("nothing can `do` {unknown:?}; there is {}", values::list(Action::NAMES));
            return Err(spans::wrong(path, text, common.what.span().start, message));
        }
    };
    Ok(Event { at_s: common.at_s, onset: common.onset, action })
}

/// Part of an event.
struct Part<'a> {
    path: &'a Path,
    text: &'a str,
    /// Where the event begins.
    start: usize,
}

impl Part<'_> {
    fn read<T: DeserializeOwned>(
        &self,
        span: std::ops::Range<usize>,
        table: DeTable<'_>,
    ) -> Result<T, Error> {
        let deserializer = ValueDeserializer::from(Spanned::new(span, DeValue::Table(table)));
        T::deserialize(deserializer).map_err(|error| {
            let offset = error.span().map_or(self.start, |span| span.start);
            spans::wrong(self.path, self.text, offset, error.message())
        })
    }
}
