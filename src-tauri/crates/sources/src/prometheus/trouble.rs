//! What can go wrong on the way to an endpoint and back.

use faultline_http::{HttpError, StatusCode};

/// One failed round trip. Messages name the host and hold no secret.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Trouble {
    /// No answer, or one that says no more than its status.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The server understood the question and refused it.
    #[error("{host} refused the query ({kind}): {message}")]
    Refused {
        /// Host and port.
        host: String,
        /// Status of the answer.
        status: StatusCode,
        /// `errorType` of the answer: `bad_data`, `execution`, `timeout`, …
        kind: String,
        /// The server's words, secrets masked.
        message: String,
    },
    /// The answer is not of the kind that was asked for.
    #[error("the answer of {host} is not what it should be: {detail}")]
    Format {
        /// Host and port.
        host: String,
        /// What is wrong with it and where, secrets masked.
        detail: String,
    },
    /// There is more in the answer than is taken in.
    #[error("{host} answered more than is taken in: {detail}")]
    TooMuch {
        /// Host and port.
        host: String,
        /// Of what, and how much is taken in.
        detail: String,
    },
}

impl Trouble {
    /// Whether nothing else can be had from the endpoint either, for the moment.
    pub(super) fn is_unreachable(&self) -> bool {
        match self {
            Self::Http(error) => matches!(
                error,
                HttpError::Connect { .. }
                    | HttpError::Tls { .. }
                    | HttpError::Deadline { .. }
                    | HttpError::Interrupted { .. }
                    | HttpError::Setup { .. }
            ),
            Self::Refused { .. } | Self::Format { .. } | Self::TooMuch { .. } => false,
        }
    }

    /// Whether the connection failed in a way that new certificate files could mend.
    pub(super) fn may_be_certificates(&self) -> bool {
        matches!(self, Self::Http(HttpError::Tls { .. } | HttpError::Interrupted { .. }))
    }

    /// The status that the server answered with, where it answered.
    pub(super) fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Http(HttpError::Status { status, .. } | HttpError::Redirect { status, .. })
            | Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }
}
