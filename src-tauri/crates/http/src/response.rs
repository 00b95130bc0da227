//! What a server answered, read in full and within its limit.

use std::fmt;

use bytes::Bytes;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use url::Url;

use crate::error::HttpError;
use crate::mask::{host_of, mask_secrets, mask_url};

/// Longest excerpt of an answer that goes into a message, characters.
pub const MAX_EXCERPT_CHARS: usize = 300;

/// As much of an answer is searched for an excerpt, bytes.
const EXCERPT_SCAN_BYTES: usize = 16 << 10;

/// An answer.
#[derive(Clone)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, decompressed, within the request's limit.
    pub body: Bytes,
    url: Url,
    secrets: Vec<SecretString>,
}

impl Response {
    pub(crate) fn new(
        status: StatusCode,
        headers: HeaderMap,
        body: Bytes,
        url: Url,
        secrets: Vec<SecretString>,
    ) -> Self {
        Self { status, headers, body, url, secrets }
    }

    /// The address that answered, after redirects.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The value of a header, where it is there and plain text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether the answer calls itself JSON.
    pub fn is_json(&self) -> bool {
        let media_type =
            self.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default().trim();
        let media_type = media_type.to_ascii_lowercase();
        media_type == "application/json" || media_type.ends_with("+json")
    }

    /// The beginning of the body for a message: one line without control characters, secrets of the request masked,
    /// at most [`MAX_EXCERPT_CHARS`] characters.
    pub fn excerpt(&self) -> String {
        let scanned = &self.body[..self.body.len().min(EXCERPT_SCAN_BYTES)];
        self.clean(&String::from_utf8_lossy(scanned))
    }

    /// Makes a text out of this answer fit for a message, in the way of [`Response::excerpt`].
    pub fn clean(&self, text: &str) -> String {
        let masked = mask_secrets(text, &self.secrets);
        let words: Vec<&str> = masked.split(|c: char| c.is_whitespace() || c.is_control()).collect();
        let line = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        if line.chars().count() <= MAX_EXCERPT_CHARS {
            return line;
        }
        line.chars().take(MAX_EXCERPT_CHARS - 1).chain(['…']).collect()
    }

    /// The answer itself when its status is 2xx.
    ///
    /// # Errors
    /// [`HttpError::Status`] with an excerpt for any other status.
    pub fn ok(self) -> Result<Self, HttpError> {
        if self.status.is_success() {
            return Ok(self);
        }
        Err(HttpError::Status { host: host_of(&self.url), status: self.status, excerpt: self.excerpt() })
    }

    /// The body read as JSON.
    ///
    /// # Errors
    /// [`HttpError::Unreadable`] when it is not JSON or not of that shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, HttpError> {
        serde_json::from_slice(&self.body).map_err(|error| HttpError::Unreadable {
            host: host_of(&self.url),
            // The library quotes what it found; only where it stands and what kind of fault it is goes on.
            detail: format!(
                "expected JSON ({:?} fault at line {}, column {})",
                error.classify(),
                error.line(),
                error.column()
            ),
        })
    }
}

/// Status and length; neither headers nor body, which may carry secrets.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("url", &mask_url(&self.url))
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
