//! The tags that applications put into comments: sqlcommenter (`/*controller='cart',route='%2Fcart'*/`) and marginalia
//! (`/*app:shop,controller:cart*/`). Only comments at the very beginning and end of a statement count, so that nothing
//! a user typed into a string can pass for a tag.

use std::collections::BTreeMap;

use crate::within_limit;

/// Most tags that are read from one statement; the rest is ignored.
pub const MAX_TAGS: usize = 32;

/// Longest key or value, bytes; longer ones are cut.
pub const MAX_TAG_BYTES: usize = 256;

/// Most comments that are read at either end of a statement.
const MAX_COMMENTS: usize = 8;

/// Longest comment that is read, bytes; a longer one has no tags.
const MAX_COMMENT_BYTES: usize = 8 * 1024;

/// Keys whose value is the name of a service, the surest first: OpenTelemetry's and sqlcommenter's, then marginalia's
/// and those of its like.
pub const SERVICE_KEYS: &[&str] =
    &["service", "service.name", "service_name", "app", "application", "application_name", "app_name"];

/// Keys whose value is a route by itself.
pub const ROUTE_KEYS: &[&str] = &["route", "http.route", "http_route", "endpoint"];

/// Keys whose value is a version, the surest first.
pub const VERSION_KEYS: &[&str] = &[
    "version",
    "app_version",
    "service.version",
    "service_version",
    "application_version",
    "release",
    "deployment.version",
    "git_sha",
    "sha",
    "revision",
];

/// Keys of a controller; the longer one has the module in it.
const CONTROLLER_KEYS: &[&str] = &["controller_with_namespace", "controller"];

/// Keys of what runs in the background and has no route.
const JOB_KEYS: &[&str] = &["job", "task", "worker"];

/// The tags of one statement, by key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags(BTreeMap<String, String>);

impl Tags {
    /// The value of a key, if the statement has it.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// The service or application that says it sent the statement, by any of [`SERVICE_KEYS`].
    pub fn service(&self) -> Option<&str> {
        self.first_of(SERVICE_KEYS)
    }

    /// The route, job, or controller and action, that says it sent the statement: `/cart/{id}`, `cart#show`.
    pub fn route(&self) -> Option<String> {
        if let Some(route) = self.first_of(ROUTE_KEYS) {
            return Some(route.to_owned());
        }
        let controller = CONTROLLER_KEYS.iter().find_map(|key| self.known(key));
        match (controller, self.known("action")) {
            (Some(controller), Some(action)) => Some(format!("{controller}#{action}")),
            (controller, action) => {
                controller.or(action).or_else(|| self.first_of(JOB_KEYS)).map(str::to_owned)
            }
        }
    }

    /// The version of the service that says it sent the statement, by any of [`VERSION_KEYS`].
    pub fn version(&self) -> Option<&str> {
        self.first_of(VERSION_KEYS)
    }

    /// The value of the first of the keys that has one.
    fn first_of(&self, keys: &[&str]) -> Option<&str> {
        keys.iter().find_map(|key| self.known(key))
    }

    /// The value of a key, unless it is empty.
    fn known(&self, key: &str) -> Option<&str> {
        self.get(key).filter(|value| !value.is_empty())
    }

    /// Every key and value, in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn insert(&mut self, key: String, value: String) {
        let is_key = !key.is_empty() && !key.contains(|part: char| part.is_whitespace() || part.is_control());
        if is_key && self.0.len() < MAX_TAGS {
            let value = within_limit(&value, MAX_TAG_BYTES).to_owned();
            self.0.entry(within_limit(&key, MAX_TAG_BYTES).to_owned()).or_insert(value);
        }
    }
}

/// Reads the tags from the comments at the beginning and end of a statement. Comments of any other kind have none.
pub fn tags(sql: &str) -> Tags {
    let mut tags = Tags::default();
    let mut rest = sql.trim_start();
    for _ in 0..MAX_COMMENTS {
        let Some((comment, after)) = rest.strip_prefix("/*").and_then(|text| text.split_once("*/")) else {
            break;
        };
        read_comment(comment, &mut tags);
        rest = after.trim_start();
    }
    for _ in 0..MAX_COMMENTS {
        rest = rest.trim_end_matches(|part: char| part.is_whitespace() || part == ';');
        let Some((before, comment)) = rest.strip_suffix("*/").and_then(|text| text.rsplit_once("/*")) else {
            break;
        };
        read_comment(comment, &mut tags);
        rest = before;
    }
    tags
}

fn read_comment(comment: &str, tags: &mut Tags) {
    // `/*+ … */` and `/*! … */` are hints and code.
    if comment.len() > MAX_COMMENT_BYTES || comment.starts_with(['+', '!']) {
        return;
    }
    for item in items(comment) {
        if let Some((key, value)) = item.split_once('=')
            && let Some(value) = value.trim().strip_prefix('\'')
        {
            let value = value.strip_suffix('\'').unwrap_or(value).replace("\\'", "'");
            tags.insert(url_decoded(key.trim()), url_decoded(&value));
        } else if let Some((key, value)) = item.split_once(':') {
            tags.insert(key.trim().to_owned(), value.trim().to_owned());
        }
    }
}

/// The parts between commas that are not within quotes.
fn items(comment: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    comment.split(move |character: char| {
        let was_escaped = std::mem::take(&mut escaped);
        match character {
            '\\' => escaped = !was_escaped,
            '\'' if !was_escaped => quoted = !quoted,
            ',' => return !quoted,
            _ => {}
        }
        false
    })
}

/// `text` with `%41` and the like turned into what they stand for; a `%` that stands for nothing stays.
fn url_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = |offset: usize| bytes.get(at + offset).and_then(|digit| char::from(*digit).to_digit(16));
        if let (b'%', Some(high), Some(low)) = (bytes[at], hex(1), hex(2)) {
            decoded.push((high * 16 + low) as u8);
            at += 3;
        } else {
            decoded.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
