//! What is asked of a server. Not in here: how it is sent.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::error::HttpError;
use crate::mask::{MASK, host_of, is_secret_name, mask_url};

/// Deadline of an exchange where the caller states none.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(10);

/// Longest answer, after decompression, where the caller states no limit, bytes.
pub const DEFAULT_MAX_BODY_BYTES: usize = 8 << 20;

/// Who asks. Sent to the request's own host only.
#[derive(Clone)]
pub enum Auth {
    /// `Authorization: Bearer …`.
    Bearer(SecretString),
    /// `Authorization: Basic …`.
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: SecretString,
    },
    /// A header of the server's own, such as `PRIVATE-TOKEN`.
    Header {
        /// Name of the header.
        name: HeaderName,
        /// Its value.
        value: SecretString,
    },
}

impl Auth {
    /// The header that carries it, marked as sensitive.
    pub(crate) fn header(&self, url: &Url) -> Result<(HeaderName, HeaderValue), HttpError> {
        let (name, text) = match self {
            Self::Bearer(token) => (AUTHORIZATION, format!("Bearer {}", token.expose_secret())),
            Self::Basic { .. } => (AUTHORIZATION, format!("Basic {}", self.basic_credentials())),
            Self::Header { name, value } => (name.clone(), value.expose_secret().to_owned()),
        };
        let mut value = HeaderValue::from_str(&text).map_err(|_| HttpError::InvalidRequest {
            host: host_of(url),
            detail: "the token has characters that no header can carry; store it again without line breaks"
                .to_owned(),
        })?;
        value.set_sensitive(true);
        Ok((name, value))
    }

    fn basic_credentials(&self) -> String {
        match self {
            Self::Basic { user, password } => {
                BASE64_STANDARD.encode(format!("{user}:{}", password.expose_secret()))
            }
            Self::Bearer(_) | Self::Header { .. } => String::new(),
        }
    }

    fn secrets(&self) -> Vec<SecretString> {
        match self {
            Self::Bearer(secret) | Self::Header { value: secret, .. } => vec![secret.clone()],
            Self::Basic { password, .. } => {
                vec![password.clone(), SecretString::from(self.basic_credentials())]
            }
        }
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bearer(_) => write!(f, "Bearer {MASK}"),
            Self::Basic { user, .. } => write!(f, "Basic {user}:{MASK}"),
            Self::Header { name, .. } => write!(f, "{name}: {MASK}"),
        }
    }
}

/// What happens when the server points elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RedirectPolicy {
    /// A redirect is an error.
    #[default]
    None,
    /// Followed while host and port stay the same; `http` may become `https`, never the reverse. What is not a `GET`
    /// or `HEAD` is sent again only where the server asks for that (307, 308), or fetched with `GET` after 303.
    SameHost,
}

/// One request with all its limits.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The address; `http` or `https`.
    pub url: Url,
    /// Headers besides those that the client adds.
    pub headers: HeaderMap,
    /// The body.
    pub body: Option<Bytes>,
    /// Who asks.
    pub auth: Option<Auth>,
    /// Deadline over the whole exchange, from the look-up of the name to the last byte of the answer.
    pub deadline: Duration,
    /// Longest answer after decompression, bytes.
    pub max_body_bytes: usize,
    /// What happens when the server points elsewhere.
    pub redirect: RedirectPolicy,
}

impl Request {
    /// A request without headers, body and auth, with the default limits, that follows no redirect.
    pub fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: None,
            auth: None,
            deadline: DEFAULT_DEADLINE,
            max_body_bytes: DEFAULT_MAX_BODY_BYTES,
            redirect: RedirectPolicy::None,
        }
    }

    /// A `GET` that follows redirects on its own host.
    pub fn get(url: Url) -> Self {
        Self { redirect: RedirectPolicy::SameHost, ..Self::new(Method::GET, url) }
    }

    /// Everything in the request that an answer must not bring into a message.
    pub(crate) fn secrets(&self) -> Vec<SecretString> {
        let mut secrets = self.auth.as_ref().map(Auth::secrets).unwrap_or_default();
        if let Some(password) = self.url.password() {
            secrets.push(SecretString::from(password.to_owned()));
        }
        let parameters = self.url.query_pairs().filter(|(name, _)| is_secret_name(name));
        secrets.extend(parameters.map(|(_, value)| SecretString::from(value.into_owned())));
        let headers = self.headers.iter().filter(|(name, value)| is_secret_header(name, value));
        secrets.extend(
            headers.filter_map(|(_, value)| Some(SecretString::from(value.to_str().ok()?.to_owned()))),
        );
        secrets
    }
}

fn is_secret_header(name: &HeaderName, value: &HeaderValue) -> bool {
    value.is_sensitive() || is_secret_name(name.as_str())
}

/// Address and headers masked, the body by its length.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<String> = self
            .headers
            .iter()
            .map(|(name, value)| match value.to_str() {
                Ok(text) if !is_secret_header(name, value) => format!("{name}: {text}"),
                _ => format!("{name}: {MASK}"),
            })
            .collect();
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("url", &mask_url(&self.url))
            .field("headers", &headers)
            .field("body_bytes", &self.body.as_ref().map(Bytes::len))
            .field("auth", &self.auth)
            .field("deadline", &self.deadline)
            .field("max_body_bytes", &self.max_body_bytes)
            .field("redirect", &self.redirect)
            .finish()
    }
}
