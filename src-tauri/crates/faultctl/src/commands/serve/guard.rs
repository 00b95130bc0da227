//! Who may ask: this machine by one of its own names, and no page but the one that is served from here. A name that
//! somebody points at loopback (DNS rebinding) and a page that posts elsewhere (CSRF) are refused.

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};
use axum::middleware::Next;
use axum::response::Response;
use url::{Host, Url};

use super::answer::Refusal;

/// What a browser says of where a request comes from.
const FETCH_SITE: &str = "sec-fetch-site";
/// From the page itself, or typed by the user.
const OWN_SITES: [&str; 2] = ["same-origin", "none"];

/// Refuses requests whose `Host` is no name of loopback.
pub(super) async fn only_this_machine(request: Request, next: Next) -> Result<Response, Refusal> {
    let addressed = request.uri().authority().is_none_or(|authority| is_loopback(authority.as_str()));
    match single(request.headers(), HOST.as_str()) {
        Some(host) if addressed && is_loopback(host) => Ok(next.run(request).await),
        _ => Err(Refusal::Host),
    }
}

/// Refuses requests that a page of another origin makes. Programs that are no browsers say nothing of origins.
pub(super) async fn only_our_own_pages(request: Request, next: Next) -> Result<Response, Refusal> {
    if is_from_our_page(request.headers()) { Ok(next.run(request).await) } else { Err(Refusal::Origin) }
}

fn is_from_our_page(headers: &HeaderMap) -> bool {
    let own_site = !headers.contains_key(FETCH_SITE)
        || single(headers, FETCH_SITE).is_some_and(|site| OWN_SITES.contains(&site));
    let own_origin = !headers.contains_key(ORIGIN)
        || matches!(
            (single(headers, ORIGIN.as_str()), single(headers, HOST.as_str())),
            (Some(origin), Some(host)) if origin.strip_prefix("http://").is_some_and(|from| from.eq_ignore_ascii_case(host))
        );
    own_site && own_origin
}

/// The header's value, if there is exactly one and it is text.
fn single<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    value.to_str().ok()
}

/// Whether `host[:port]` is a name of this machine that nobody else can give away.
fn is_loopback(authority: &str) -> bool {
    // A `Host` header is an authority without a user.
    if authority.contains(['@', '/', '\\', '?', '#']) {
        return false;
    }
    match Url::parse(&format!("http://{authority}/")).ok().as_ref().and_then(Url::host) {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_taken() {
        for (host, taken) in [
            ("127.0.0.1:7788", true),
            ("127.0.0.1", true),
            ("localhost:5173", true),
            ("LOCALHOST", true),
            ("[::1]:7788", true),
            ("evil.example", false),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example:7788", false),
            ("127.0.0.1@evil.example", false),
            ("evil.example@127.0.0.1", false),
            ("evil.example/127.0.0.1", false),
            ("192.168.1.5:7788", false),
            ("0.0.0.0:7788", false),
            ("[::]:7788", false),
            ("", false),
            (":7788", false),
        ] {
            assert_eq!(is_loopback(host), taken, "{host:?}");
        }
    }

    #[test]
    fn only_our_own_page_is_heard() {
        let check = |headers: &[(&'static str, &str)], heard: bool| {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(*name, value.parse().unwrap());
            }
            assert_eq!(is_from_our_page(&map), heard, "{headers:?}");
        };
        let host = ("host", "localhost:7788");
        check(&[host], true);
        check(&[host, ("origin", "http://localhost:7788"), ("sec-fetch-site", "same-origin")], true);
        check(&[host, ("sec-fetch-site", "none")], true);
        for origin in [
            "http://localhost:3000",
            "http://127.0.0.1:7788",
            "https://localhost:7788",
            "https://evil.example",
            "null",
            "",
        ] {
            check(&[host, ("origin", origin)], false);
        }
        check(&[host, ("origin", "http://localhost:7788"), ("origin", "http://localhost:7788")], false);
        check(&[host, ("sec-fetch-site", "cross-site")], false);
        check(&[host, ("sec-fetch-site", "same-site")], false);
    }
}
