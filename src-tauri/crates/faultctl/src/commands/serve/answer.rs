//! What the server answers apart from a command's own answer: refusals in the window's form, and the headers that close
//! a page to everybody else.

use axum::Json;
use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use faultline_api::types::ApiErrorView;

/// The window's policy (`tauri.conf.json`), with this server in the place of Tauri's own protocol.
const POLICY: &str = "default-src 'self'; connect-src 'self'; img-src 'self'; style-src 'self'; script-src 'self'; \
                      object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Sent with every answer.
const HEADERS: [(HeaderName, &str); 6] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    // A window that was built anew is the one to be seen.
    (CACHE_CONTROL, "no-store"),
];

/// Why a request was not carried out before it reached a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The `Host` is not this machine.
    Host,
    /// A foreign page asks.
    Origin,
    /// Not the method of that address.
    Method,
    /// Nothing is there.
    NotFound,
    /// The body is not said to be JSON.
    ContentType,
    /// The body is not JSON.
    Body,
    /// The body is too long.
    TooLong,
    /// The body did not come in time.
    SlowBody,
    /// The command took too long.
    Deadline,
    /// The command broke off.
    Broken,
    /// Too many listen already.
    TooManyStreams,
}

impl Refusal {
    fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Host => (
                StatusCode::FORBIDDEN,
                "refused",
                "the request was sent to another host's name; open http://127.0.0.1 or http://localhost",
            ),
            Self::Origin => (
                StatusCode::FORBIDDEN,
                "refused",
                "only the page that this server serves may ask it anything",
            ),
            Self::Method => {
                (StatusCode::METHOD_NOT_ALLOWED, "bad_request", "POST commands, GET events and files")
            }
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found", "there is nothing at that address"),
            Self::ContentType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "bad_request",
                "send the arguments with Content-Type: application/json",
            ),
            Self::Body => {
                (StatusCode::BAD_REQUEST, "bad_request", "the arguments are no JSON; send {} for none")
            }
            Self::TooLong => (StatusCode::PAYLOAD_TOO_LARGE, "bad_request", "the arguments are too long"),
            Self::SlowBody => {
                (StatusCode::REQUEST_TIMEOUT, "bad_request", "the arguments did not arrive in time")
            }
            Self::Deadline => {
                (StatusCode::GATEWAY_TIMEOUT, "internal", "the command goes on, but took too long to answer")
            }
            Self::Broken => {
                (StatusCode::INTERNAL_SERVER_ERROR, "internal", "the command broke off; the log says why")
            }
            Self::TooManyStreams => (
                StatusCode::SERVICE_UNAVAILABLE,
                "refused",
                "too many pages listen already; close some of them",
            ),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code, message) = self.parts();
        let view = ApiErrorView { code: code.to_owned(), message: message.to_owned(), hint: None };
        (status, Json(view)).into_response()
    }
}

/// A command's error with the status that fits its code.
pub(super) fn failed(error: ApiErrorView) -> Response {
    let status = match error.code.as_str() {
        "bad_request" => StatusCode::BAD_REQUEST,
        "not_found" => StatusCode::NOT_FOUND,
        "internal" => StatusCode::INTERNAL_SERVER_ERROR,
        // Refused, or a secret or the configuration is not as it should be: for the user to mend.
        _ => StatusCode::CONFLICT,
    };
    (status, Json(error)).into_response()
}

/// Adds what keeps other pages away from this one, and this one from everything but us.
pub(super) async fn close_the_page(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    add(response.headers_mut());
    response
}

fn add(headers: &mut HeaderMap) {
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
