//! Redirects: which are followed, and how. The library's own following is off, because its rules are the client's and
//! not the request's, and because it turns a `POST` into a `GET` without a word.

use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use reqwest::{Method, StatusCode};
use url::Url;

use crate::error::HttpError;
use crate::mask::{host_of, same_origin};
use crate::request::{RedirectPolicy, Request};

/// Longest chain of redirects that is followed.
pub const MAX_REDIRECTS: usize = 5;

/// Whether a status points elsewhere. 304 and 300 are answers in themselves.
pub(crate) fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// The request that follows `asked` after it was answered by a redirect.
pub(crate) fn follow(asked: Request, answer: &reqwest::Response, hops: usize) -> Result<Request, HttpError> {
    let status = answer.status();
    let target = answer
        .headers()
        .get(LOCATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| asked.url.join(text).ok());
    let refuse = |to: String, detail: &str| HttpError::Redirect {
        host: host_of(&asked.url),
        status,
        to,
        detail: detail.to_owned(),
    };
    let Some(target) = target else {
        return Err(refuse("nowhere".to_owned(), "it has no readable Location; check the address"));
    };
    let to = host_of(&target);
    if asked.redirect == RedirectPolicy::None {
        return Err(refuse(to, "use the address that it points to"));
    }
    if hops >= MAX_REDIRECTS {
        return Err(refuse(to, "too many redirects in a row; use the address at the end of the chain"));
    }
    if !same_origin(&asked.url, &target) && !is_upgrade(&asked.url, &target) {
        return Err(refuse(
            to,
            "only redirects on the same host are followed; use the new address if it is trusted",
        ));
    }
    let safe = matches!(asked.method, Method::GET | Method::HEAD);
    match status.as_u16() {
        _ if safe => Ok(Request { url: target, ..asked }),
        307 | 308 => Ok(Request { url: target, ..asked }),
        303 => Ok(as_get(Request { url: target, ..asked })),
        _ => Err(refuse(to, "it would turn the request into a GET; use the address that it points to")),
    }
}

/// The same host by TLS, both at their scheme's own port.
fn is_upgrade(from: &Url, to: &Url) -> bool {
    from.scheme() == "http"
        && to.scheme() == "https"
        && from.host() == to.host()
        && from.port().is_none()
        && to.port().is_none()
}

fn as_get(mut request: Request) -> Request {
    request.method = Method::GET;
    request.body = None;
    request.headers.remove(CONTENT_TYPE);
    request.headers.remove(CONTENT_LENGTH);
    request
}
