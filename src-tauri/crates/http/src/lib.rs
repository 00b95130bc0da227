//! The one HTTP client of Faultline: deadlines, body limits, redirects, TLS and the masking of secrets.
//!
//! In here: how a request is sent and how its answer is read safely. Not in here: what any particular server means by
//! its answers, retries, and when to ask.

mod client;
mod error;
mod mask;
mod proxy;
mod redirect;
mod request;
mod response;
mod tls;

pub use bytes::Bytes;
pub use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
pub use reqwest::{Method, StatusCode};
pub use secrecy::{ExposeSecret, SecretString};
pub use url::Url;

pub use client::{CONNECT_TIMEOUT, ClientIdentity, HttpClient, HttpOptions};
pub use error::HttpError;
pub use mask::{
    DisplaySafe, MASK, host_of, is_loopback, is_secret_name, mask_secrets, mask_url, same_origin,
};
pub use redirect::MAX_REDIRECTS;
pub use request::{Auth, DEFAULT_DEADLINE, DEFAULT_MAX_BODY_BYTES, RedirectPolicy, Request};
pub use response::{MAX_EXCERPT_CHARS, Response};
pub use tls::install_tls_provider;
