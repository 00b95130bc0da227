//! Values: names in a scenario's text that stand for numbers and texts, so that a variant can say what is different.
//! They are put into the text before it is read, on the line where their name is, so that lines in errors stay right.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use toml::de::{DeTable, DeValue};

use super::Variant;
use crate::error::Result;
use crate::spans;

/// The parts of a scenario that say what values there are.
#[derive(Deserialize)]
struct Values {
    #[serde(default)]
    values: BTreeMap<String, toml::Value>,
    #[serde(default, rename = "variant")]
    variants: BTreeMap<String, Variant>,
}

/// The text with values in place of their names, as the variant has them.
pub(super) fn fill_in(path: &Path, text: &str, variant: Option<&str>) -> Result<String> {
    let Values { mut values, variants } = spans::read(path, text)?;
    for (name, value) in &values {
        check_value(path, text, name, value)?;
        if !text.contains(&quoted(name)) && !text.contains(&within(name)) {
            let message = format!(
                "nothing uses the value {name}: write \"${name}\" in its place, {{{name}}} within a text, or leave it out"
            );
            return Err(spans::wrong(path, text, at(text, &["values", name]), message));
        }
    }
    for (variant, Variant { values: own, .. }) in &variants {
        for (name, value) in own {
            let at = at(text, &["variant", variant, "values", name]);
            if !values.contains_key(name) {
                let message = format!(
                    "the variant {variant} changes {name}, which no placeholder uses; [values] has {}",
                    list(values.keys())
                );
                return Err(spans::wrong(path, text, at, message));
            }
            check_value(path, text, name, value)?;
        }
    }
    if let Some(name) = variant {
        let Some(variant) = variants.get(name) else {
            let message = format!("there is no variant {name}; there is {}", list(variants.keys()));
            return Err(spans::wrong(path, text, at(text, &["variant"]), message));
        };
        values.extend(variant.values.clone());
    }
    let mut filled = text.to_owned();
    for (name, value) in &values {
        let plain = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        filled = filled.replace(&quoted(name), &value.to_string()).replace(&within(name), &plain);
    }
    Ok(filled)
}

/// The first name in the text that stands for nothing, and where it is.
pub(super) fn unfilled(document: &DeTable<'_>) -> Option<(usize, String)> {
    document.iter().find_map(|(_, value)| unfilled_in(value))
}

fn unfilled_in(value: &toml::Spanned<DeValue<'_>>) -> Option<(usize, String)> {
    match value.get_ref() {
        DeValue::String(text) => {
            let named = text.strip_prefix('$').filter(|name| is_name(name));
            let within =
                || text.split('{').skip(1).find_map(|rest| rest.split_once('}').map(|(name, _)| name));
            let name = named.or_else(|| within().filter(|name| is_name(name)))?;
            Some((value.span().start, name.to_owned()))
        }
        DeValue::Array(items) => items.iter().find_map(unfilled_in),
        DeValue::Table(table) => unfilled(table),
        _ => None,
    }
}

/// Values end up within texts: only what is the same with and without quotes can.
fn check_value(path: &Path, text: &str, name: &str, value: &toml::Value) -> Result<()> {
    let message = match value {
        toml::Value::Integer(_) | toml::Value::Float(_) | toml::Value::Boolean(_) if is_name(name) => {
            return Ok(());
        }
        toml::Value::String(value) if is_name(name) => {
            if !value.contains(['"', '\'', '\\', '{', '}', '$']) && !value.contains(char::is_control) {
                return Ok(());
            }
            format!(
                "the value {name} has quotes, braces, dollars or control characters in it: write it out in its place"
            )
        }
        _ if is_name(name) => format!("the value {name} must be a number, a text, true or false"),
        _ => format!(
            "a value cannot be called {name}: use small letters, digits and _, beginning with a letter"
        ),
    };
    Err(spans::wrong(path, text, at(text, &["values", name]), message))
}

/// Where in the text the keys lead.
pub(super) fn at(text: &str, keys: &[&str]) -> usize {
    let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
    spans::offset_of(text, &keys)
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn quoted(name: &str) -> String {
    format!("\"${name}\"")
}

fn within(name: &str) -> String {
    format!("{{{name}}}")
}

/// Names in a sentence.
pub(super) fn list<'a>(names: impl IntoIterator<Item = impl AsRef<str> + 'a>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| name.as_ref().to_owned()).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
