//! Templates: `{name}` placeholders in addresses, headers and JSON bodies, filled so that no value can leave its place.
//! A value that is not known is an error, never an empty hole.

use std::collections::BTreeMap;

use faultline_http::{Url, same_origin};
use faultline_model::{Deploy, RollbackTarget};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::error::DeployError;

/// What may stay as it is in a part of an address (RFC 3986, unreserved).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The placeholders that stand for parts of the deploy.
pub(crate) const DEPLOY_PLACEHOLDERS: &[&str] = &["service", "version", "previous", "environment", "id"];

/// The placeholder for the run's id in the answer; known only after sending.
pub(crate) const RUN_PLACEHOLDER: &str = "run";

/// What placeholders stand for; a value that is not known is absent.
pub(crate) struct Values(BTreeMap<&'static str, String>);

impl Values {
    /// The parts of the deploy to undo. Empty texts count as unknown.
    pub(crate) fn of(target: &RollbackTarget) -> Self {
        let Deploy { id, service, version, previous, environment, .. } = &target.deploy;
        let known = [
            ("service", Some(service.as_str())),
            ("version", version.as_deref()),
            ("previous", previous.as_deref()),
            ("environment", Some(environment.as_str())),
            ("id", Some(id.as_str())),
        ];
        let filled = known.into_iter().filter_map(|(name, value)| Some((name, value?.to_owned())));
        Self(filled.filter(|(_, value)| !value.trim().is_empty()).collect())
    }

    /// Adds the run's id.
    pub(crate) fn with_run(mut self, run: String) -> Self {
        self.0.insert(RUN_PLACEHOLDER, run);
        self
    }

    fn get(&self, name: &str) -> Result<&str, String> {
        self.0.get(name).map(String::as_str).ok_or_else(|| match name {
            "previous" => {
                "the version to go back to is not known; the deploy has no `previous`, so send it along with \
                           the deploy, or roll back in the deploy system"
                    .to_owned()
            }
            "run" => "the deploy system's answer has no `id` to look the run up by".to_owned(),
            other => format!("the deploy has no `{other}`; send it along with the deploy"),
        })
    }
}

/// A text with placeholders.
#[derive(Clone, Debug)]
pub(crate) struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Text(String),
    Placeholder(String),
}

impl Template {
    /// Reads a template. Braces that hold no name are text.
    pub(crate) fn parse(key: &'static str, text: &str, allowed: &[&str]) -> Result<Self, DeployError> {
        let wrong = |detail: String| DeployError::Rollback { key, detail };
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            plain.push_str(&rest[..open]);
            let name = placeholder_at(&rest[open..]);
            let Some(name) = name else {
                plain.push('{');
                rest = &rest[open + 1..];
                continue;
            };
            if plain.ends_with('{') {
                return Err(wrong(format!("{{{{{name}}}}} has two pairs of braces; write {{{name}}}")));
            }
            if !allowed.contains(&name) {
                let known: Vec<String> = allowed.iter().map(|name| format!("{{{name}}}")).collect();
                return Err(wrong(format!(
                    "{{{name}}} is not a placeholder; there are {}",
                    known.join(", ")
                )));
            }
            parts.extend((!plain.is_empty()).then(|| Part::Text(std::mem::take(&mut plain))));
            parts.push(Part::Placeholder(name.to_owned()));
            rest = &rest[open + name.len() + 2..];
        }
        plain.push_str(rest);
        parts.extend((!plain.is_empty()).then_some(Part::Text(plain)));
        Ok(Self(parts))
    }

    /// Whether a placeholder occurs.
    pub(crate) fn uses(&self, name: &str) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Placeholder(placeholder) if placeholder == name))
    }

    /// Fills the placeholders, each value passed through `write`.
    pub(crate) fn fill(
        &self,
        values: &Values,
        write: impl Fn(&str) -> Result<String, String>,
    ) -> Result<String, String> {
        self.0.iter().try_fold(String::new(), |text, part| {
            Ok(match part {
                Part::Text(plain) => text + plain,
                Part::Placeholder(name) => text + &write(values.get(name)?)?,
            })
        })
    }
}

/// The name in `{name}` at the start of a text.
fn placeholder_at(text: &str) -> Option<&str> {
    let name = text.strip_prefix('{')?.split_once('}')?.0;
    (!name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'))
    .then_some(name)
}

/// An address with placeholders after its host. The host is fixed: what a deploy is called must never decide where a
/// token is sent.
#[derive(Clone, Debug)]
pub(crate) struct UrlTemplate(Template);

impl UrlTemplate {
    /// Reads the address.
    pub(crate) fn parse(key: &'static str, text: &str, allowed: &[&str]) -> Result<Self, DeployError> {
        let wrong = |detail: &str| DeployError::Rollback { key, detail: detail.to_owned() };
        let template = Template::parse(key, text, allowed)?;
        let authority = text.split_once("://").map(|(_, rest)| rest).unwrap_or_default();
        let authority = authority.split(['/', '?', '#', '\\']).next().unwrap_or_default();
        if authority.contains(['{', '}']) || text.starts_with('{') {
            return Err(wrong("placeholders may stand after the host only; write the host itself"));
        }
        if authority.contains('@') {
            return Err(wrong("an address must not hold a user or password; use `token`"));
        }
        let template = Self(template);
        match template.sample() {
            Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(template),
            _ => Err(wrong(
                "it is not an http or https address; write it in full, like https://deploy.internal/…",
            )),
        }
    }

    /// Whether a placeholder occurs.
    pub(crate) fn uses(&self, name: &str) -> bool {
        self.0.uses(name)
    }

    /// Whether both addresses are on the same host and port, by the same scheme.
    pub(crate) fn same_origin(&self, other: &Self) -> bool {
        matches!((self.sample(), other.sample()), (Ok(one), Ok(other)) if same_origin(&one, &other))
    }

    /// The address with something harmless in every place.
    fn sample(&self) -> Result<Url, url::ParseError> {
        Url::parse(&self.0.0.iter().fold(String::new(), |sample, part| match part {
            Part::Text(plain) => sample + plain,
            Part::Placeholder(_) => sample + "x",
        }))
    }

    /// Fills the address; every value stays within its part of the path or query.
    pub(crate) fn fill(&self, values: &Values) -> Result<Url, String> {
        let text = self.0.fill(values, |value| match value {
            // Percent-encoding cannot save these: an address treats them as steps even when encoded.
            "." | ".." => {
                Err(format!("{value:?} cannot be part of an address; correct the deploy's name or version"))
            }
            _ => Ok(utf8_percent_encode(value, ENCODED).to_string()),
        })?;
        Url::parse(&text).map_err(|error| format!("the address cannot be formed: {error}"))
    }
}

/// A JSON body with placeholders inside of its strings. It is read as JSON first and filled afterwards, so that no
/// value can break out of its string.
#[derive(Clone, Debug)]
pub(crate) struct JsonTemplate(Value);

impl JsonTemplate {
    /// Reads the body.
    pub(crate) fn parse(key: &'static str, text: &str, allowed: &[&str]) -> Result<Self, DeployError> {
        // The placeholders first: their faults explain better what is wrong than JSON's.
        Template::parse(key, text, allowed)?;
        let body = serde_json::from_str(text).map_err(|error| DeployError::Rollback {
            key,
            detail: format!("it is not JSON ({error}); write placeholders inside of quotes, like {{\"to\":\"{{previous}}\"}}"),
        })?;
        Ok(Self(body))
    }

    /// Whether a placeholder occurs.
    pub(crate) fn uses(&self, name: &str) -> bool {
        self.0.to_string().contains(&format!("{{{name}}}"))
    }

    /// Fills the body.
    pub(crate) fn fill(&self, values: &Values, allowed: &[&str]) -> Result<String, String> {
        fill_json(&self.0, values, allowed).map(|body| body.to_string())
    }
}

fn fill_json(body: &Value, values: &Values, allowed: &[&str]) -> Result<Value, String> {
    let fill = |text: &str| {
        let template = Template::parse("body", text, allowed).map_err(|error| error.to_string())?;
        template.fill(values, |value| Ok(value.to_owned()))
    };
    Ok(match body {
        Value::String(text) => Value::String(fill(text)?),
        Value::Array(items) => {
            Value::Array(items.iter().map(|item| fill_json(item, values, allowed)).collect::<Result<_, _>>()?)
        }
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(name, value)| Ok((fill(name)?, fill_json(value, values, allowed)?)))
                .collect::<Result<_, String>>()?,
        ),
        other => other.clone(),
    })
}

#[cfg(test)]
mod tests {
    use percent_encoding::percent_decode_str;
    use proptest::prelude::*;

    use super::*;

    fn values() -> Values {
        let deploy = serde_json::from_value(serde_json::json!({
            "id": "a/b", "service": "check out", "version": "v142", "previous": "v\"1,\n41", "environment": ""
        }));
        let idempotency_key = "k".to_owned();
        Values::of(&RollbackTarget { deploy: deploy.unwrap(), incident: None, idempotency_key })
    }

    #[test]
    fn addresses_are_filled_or_refused() {
        let check = |text: &str, wanted: Result<&str, &str>| {
            let filled = UrlTemplate::parse("url", text, DEPLOY_PLACEHOLDERS)
                .map_err(|error| error.to_string())
                .and_then(|template| template.fill(&values()))
                .map(|url| url.to_string());
            match (filled, wanted) {
                (Ok(filled), Ok(wanted)) => assert_eq!(filled, wanted, "{text}"),
                (Err(error), Err(part)) => assert!(error.contains(part), "{text}: {error}"),
                (filled, wanted) => panic!("{text}: {filled:?}, wanted {wanted:?}"),
            }
        };
        check("http://h/{service}/{id}?v={version}", Ok("http://h/check%20out/a%2Fb?v=v142"));
        check("http://h/{previous}", Ok("http://h/v%221%2C%0A41"));
        check("http://h/{}/{ x }", Ok("http://h/%7B%7D/%7B%20x%20%7D"));
        check("http://h/{environment}", Err("the deploy has no `environment`"));
        check("http://h/{prev}", Err("{prev} is not a placeholder; there are {service}"));
        check("http://h/{{version}}", Err("two pairs of braces; write {version}"));
        check("http://{service}.h/", Err("after the host only"));
        check("http://h:{version}/", Err("after the host only"));
        check("{version}://h/", Err("after the host only"));
        check("http://u:p@h/", Err("use `token`"));
        check("ftp://h/", Err("not an http or https address"));
        check("javascript:alert(1)", Err("not an http or https address"));
        check("h/{version}", Err("not an http or https address"));
    }

    #[test]
    fn steps_up_are_refused() {
        for name in [".", ".."] {
            let mut values = values();
            values.0.insert("service", name.to_owned());
            let template = UrlTemplate::parse("url", "http://h/a/{service}/b", DEPLOY_PLACEHOLDERS).unwrap();
            assert!(template.fill(&values).unwrap_err().contains("cannot be part of an address"));
        }
    }

    proptest! {
        /// Whatever a deploy is called, it stays in its place.
        #[test]
        fn no_value_leaves_its_place(value in r#"[ -~]{1,20}|\PC{1,20}|[./\\?#@:%{}"'\n\r\t]{1,12}"#) {
            let mut values = values();
            values.0.insert("previous", value.clone());
            let body = JsonTemplate::parse("body", r#"{"a":{"to":"{previous}"},"b":1}"#, DEPLOY_PLACEHOLDERS).unwrap();
            let body: Value = serde_json::from_str(&body.fill(&values, DEPLOY_PLACEHOLDERS).unwrap()).unwrap();
            prop_assert_eq!(body, serde_json::json!({"a": {"to": value}, "b": 1}));

            let text = "http://h:1/a/{previous}/b?q={previous}&r=1";
            let template = UrlTemplate::parse("url", text, DEPLOY_PLACEHOLDERS).unwrap();
            match template.fill(&values) {
                Err(_) => prop_assert!(value == "." || value == ".."),
                Ok(url) => {
                    let segments: Vec<&str> = url.path_segments().unwrap().collect();
                    let decode = |text: &str| percent_decode_str(text).decode_utf8().unwrap().into_owned();
                    prop_assert_eq!(segments.len(), 3);
                    prop_assert_eq!((decode(segments[1]), segments[0], segments[2]), (value.clone(), "a", "b"));
                    let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
                    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
                    prop_assert_eq!(query, vec![pair("q", &value), pair("r", "1")]);
                    prop_assert_eq!((url.host_str(), url.port(), url.fragment()), (Some("h"), Some(1), None));
                }
            }
        }
    }

    #[test]
    fn bodies_are_filled_or_refused() {
        let check = |text: &str, wanted: Result<&str, &str>| {
            let filled = JsonTemplate::parse("body", text, DEPLOY_PLACEHOLDERS)
                .map_err(|error| error.to_string())
                .and_then(|template| template.fill(&values(), DEPLOY_PLACEHOLDERS));
            match (filled, wanted) {
                (Ok(filled), Ok(wanted)) => assert_eq!(filled, wanted, "{text}"),
                (Err(error), Err(part)) => assert!(error.contains(part), "{text}: {error}"),
                (filled, wanted) => panic!("{text}: {filled:?}, wanted {wanted:?}"),
            }
        };
        check(r#"{"to":"{previous}"}"#, Ok(r#"{"to":"v\"1,\n41"}"#));
        check(r#"{"a":[{"b":"{id}-{version}"},1,null,{}]}"#, Ok(r#"{"a":[{"b":"a/b-v142"},1,null,{}]}"#));
        check(r#"{"to":{previous}}"#, Err("write placeholders inside of quotes"));
        check(r#"{"to":"{environment}"}"#, Err("has no `environment`"));
        check(r#"{"to":"{x}"}"#, Err("{x} is not a placeholder"));
    }
}
