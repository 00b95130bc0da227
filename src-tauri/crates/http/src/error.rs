//! What can go wrong on the way to a server and back. Messages name the host and what to do, and never carry a secret,
//! a query string or a body.

use std::error::Error;
use std::time::Duration;

use reqwest::StatusCode;
use thiserror::Error as ThisError;
use url::Url;

use crate::mask::host_of;

/// Why there is no answer, or why it could not be used.
#[derive(Clone, Debug, PartialEq, ThisError)]
pub enum HttpError {
    /// The client could not be made.
    #[error("the HTTP client could not be set up: {detail}")]
    Setup {
        /// What is wrong, and what to do.
        detail: String,
    },
    /// The request is not one that can be sent; nothing was sent.
    #[error("the request to {host} cannot be sent: {detail}")]
    InvalidRequest {
        /// Host and port.
        host: String,
        /// What is wrong, and what to do.
        detail: String,
    },
    /// No connection; nothing was sent.
    #[error(
        "{host} cannot be reached: {detail}; check the address, and that the server runs and may be reached from here"
    )]
    Connect {
        /// Host and port.
        host: String,
        /// What the operating system or resolver said.
        detail: String,
    },
    /// No secure connection; nothing was sent.
    #[error(
        "no secure connection to {host}: {detail}; check the server's certificate, or name the authority that signed it with `ca`"
    )]
    Tls {
        /// Host and port.
        host: String,
        /// What TLS said.
        detail: String,
    },
    /// The exchange took too long; the server may have acted on the request.
    #[error("{host} did not answer in full within {} s; check whether the server is overloaded", deadline.as_secs_f64())]
    Deadline {
        /// Host and port.
        host: String,
        /// The deadline over the whole exchange.
        deadline: Duration,
    },
    /// The connection broke after the request had begun to be sent; the server may have acted on it.
    #[error("the exchange with {host} broke off: {detail}; look there before sending again")]
    Interrupted {
        /// Host and port.
        host: String,
        /// What happened.
        detail: String,
    },
    /// The answer is longer than allowed, after decompression.
    #[error(
        "the answer of {host} is longer than {limit_bytes} bytes; check that the address is the right one"
    )]
    BodyTooLarge {
        /// Host and port.
        host: String,
        /// The limit, bytes.
        limit_bytes: usize,
    },
    /// A redirect that is not followed.
    #[error("{host} answered {status} and points to {to}, which is not followed: {detail}")]
    Redirect {
        /// Host and port.
        host: String,
        /// Status of the redirect.
        status: StatusCode,
        /// Host that it points to.
        to: String,
        /// Why it is not followed, and what to do.
        detail: String,
    },
    /// The server answered with an error status.
    #[error("{host} answered {status}{}{excerpt}", if excerpt.is_empty() { "" } else { ": " })]
    Status {
        /// Host and port.
        host: String,
        /// The status.
        status: StatusCode,
        /// Beginning of the answer, one line, secrets masked.
        excerpt: String,
    },
    /// The answer is not what was expected of its kind.
    #[error("the answer of {host} cannot be read: {detail}")]
    Unreadable {
        /// Host and port.
        host: String,
        /// What is wrong with it.
        detail: String,
    },
}

impl HttpError {
    /// Whether the server may have acted on the request. `false` only where it certainly was not sent, or was answered
    /// by "ask over there instead" (301, 307, 308). 302 and 303 are also how servers answer what they have done.
    pub fn may_have_been_sent(&self) -> bool {
        match self {
            Self::Setup { .. } | Self::InvalidRequest { .. } | Self::Connect { .. } | Self::Tls { .. } => {
                false
            }
            Self::Redirect { status, .. } => matches!(*status, StatusCode::FOUND | StatusCode::SEE_OTHER),
            Self::Deadline { .. }
            | Self::Interrupted { .. }
            | Self::BodyTooLarge { .. }
            | Self::Status { .. }
            | Self::Unreadable { .. } => true,
        }
    }

    /// Translates what the library says. Its own message is not used: it carries the address with its query.
    pub(crate) fn from_reqwest(error: &reqwest::Error, url: &Url) -> Self {
        let host = host_of(url);
        let detail = root_cause(error);
        if error.is_builder() {
            return Self::InvalidRequest { host, detail };
        }
        if error.is_connect() {
            return if is_tls(error) { Self::Tls { host, detail } } else { Self::Connect { host, detail } };
        }
        Self::Interrupted { host, detail }
    }

    /// The same failure seen from the first request of a chain of redirects, which had been sent.
    pub(crate) fn after_first_hop(self) -> Self {
        match self {
            Self::Connect { host, detail }
            | Self::Tls { host, detail }
            | Self::InvalidRequest { host, detail } => {
                Self::Interrupted { host, detail: format!("after a redirect: {detail}") }
            }
            other => other,
        }
    }
}

/// The innermost message of an error: the operating system's, the resolver's or TLS's own words.
pub(crate) fn root_cause(error: &reqwest::Error) -> String {
    let mut text =
        if error.is_timeout() { "no connection in time".to_owned() } else { "request failed".to_owned() };
    let mut next = error.source();
    while let Some(cause) = next {
        text = cause.to_string();
        next = cause.source();
    }
    text
}

fn is_tls(error: &reqwest::Error) -> bool {
    let mut next: Option<&(dyn Error + 'static)> = error.source();
    while let Some(cause) = next {
        if cause.is::<rustls::Error>() {
            return true;
        }
        // What an I/O error wraps is not among its sources.
        let wrapped = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = wrapped.map(|inner| inner as &(dyn Error + 'static)).or_else(|| cause.source());
    }
    false
}
