//! The webhook's answers: a status and a JSON body that says what is wrong and what to do.

use axum::Json;
use axum::http::header::{ALLOW, CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use faultline_model::DeployId;
use serde_json::json;

use super::{MAX_BODY_BYTES, PATH};

/// Why a deploy was not taken.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Refusal {
    /// The `Host` is not this machine: a page in a browser that was led here.
    Host,
    /// Neither a right signature nor the right token.
    Unauthorized {
        /// What was missing or wrong.
        message: &'static str,
    },
    /// There is only one path.
    NotFound,
    /// There is only one method.
    Method,
    /// The request did not arrive in time or broke off.
    Incomplete,
    /// The body is too long.
    TooLarge,
    /// A field cannot be used.
    Field(FieldFault),
    /// Too many requests.
    TooMany {
        /// When the next one will be taken, whole seconds.
        retry_after_s: u64,
    },
    /// It could not be stored.
    NotStored {
        /// The sink's sentence.
        message: String,
    },
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FieldFault {
    /// Its name, with dots for what is inside of others.
    pub(crate) field: String,
    /// What is wrong.
    pub(crate) message: String,
    /// What to do.
    pub(crate) hint: String,
}

impl FieldFault {
    pub(crate) fn new(field: impl Into<String>, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into(), hint: hint.into() }
    }
}

impl From<FieldFault> for Refusal {
    fn from(fault: FieldFault) -> Self {
        Self::Field(fault)
    }
}

impl Refusal {
    fn parts(&self) -> (StatusCode, &'static str, String, String) {
        let of =
            |status, code, message: &str, hint: &str| (status, code, message.to_owned(), hint.to_owned());
        match self {
            Self::Host => of(
                StatusCode::FORBIDDEN,
                "foreign_host",
                "the request names another host than this machine",
                "send it to 127.0.0.1, [::1] or localhost",
            ),
            Self::Unauthorized { message } => of(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                message,
                "sign the exact bytes of the body with the webhook's secret, \
                 X-Faultline-Signature: sha256=<hex HMAC>, or send Authorization: Bearer <secret>",
            ),
            Self::NotFound => {
                of(StatusCode::NOT_FOUND, "not_found", "there is nothing here", &format!("post to {PATH}"))
            }
            Self::Method => of(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "deploys are posted",
                &format!("use POST {PATH}"),
            ),
            Self::Incomplete => of(
                StatusCode::REQUEST_TIMEOUT,
                "incomplete",
                "the body did not arrive in full and in time",
                "send it again",
            ),
            Self::TooLarge => of(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too_large",
                &format!("the body is longer than {MAX_BODY_BYTES} bytes"),
                "send the deploy alone, without logs or diffs",
            ),
            Self::Field(fault) => {
                let message = format!("{}: {}", fault.field, fault.message);
                (StatusCode::UNPROCESSABLE_ENTITY, "invalid_field", message, fault.hint.clone())
            }
            Self::TooMany { retry_after_s } => of(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_requests",
                "too many requests at once",
                &format!("send it again in {retry_after_s} s"),
            ),
            Self::NotStored { message } => {
                let hint = "send it again; the same id is the same deploy".to_owned();
                (StatusCode::SERVICE_UNAVAILABLE, "not_stored", message.clone(), hint)
            }
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code, message, hint) = self.parts();
        let mut body = json!({ "code": code, "message": message, "hint": hint });
        if let Self::Field(fault) = &self {
            body["field"] = json!(fault.field);
        }
        let mut answer = (status, Json(body)).into_response();
        let headers = answer.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match self {
            Self::Unauthorized { .. } => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Self::Method => {
                headers.insert(ALLOW, HeaderValue::from_static("POST"));
            }
            Self::TooMany { retry_after_s } => {
                headers.insert(RETRY_AFTER, HeaderValue::from(retry_after_s));
            }
            _ => {}
        }
        answer
    }
}

/// The deploy is stored.
pub(crate) fn stored(id: &DeployId) -> Response {
    (StatusCode::ACCEPTED, Json(json!({ "id": id, "stored": true }))).into_response()
}
