//! Masking: how addresses and texts from outside are made fit for messages and logs. Not in here: what is secret about
//! a particular request (that is `request`).

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

/// What stands in place of a secret.
pub const MASK: &str = "***";

/// Secrets shorter than this many bytes are not looked for in texts: masking them would mangle ordinary words.
const MIN_MASKED_BYTES: usize = 4;

/// Parts of the names of headers, query parameters and fields whose values are taken for secrets.
const SECRET_NAME_PARTS: &[&str] =
    &["authorization", "cookie", "credential", "key", "passwd", "password", "secret", "signature", "token"];

/// Whole names that are taken for secrets although no part of them says so.
const SECRET_NAMES: &[&str] = &["auth", "pass", "pwd", "sig", "x-auth"];

/// Names that carry `key` and are no secrets.
const PUBLIC_NAMES: &[&str] = &["idempotency-key"];

/// Whether the value of a header, query parameter or field of this name is taken for a secret.
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    !PUBLIC_NAMES.contains(&name.as_str())
        && (SECRET_NAMES.contains(&name.as_str()) || SECRET_NAME_PARTS.iter().any(|part| name.contains(part)))
}

/// The address for messages and logs: user and password, the values of query parameters that are named like secrets,
/// and the fragment are taken out.
pub fn mask_url(url: &Url) -> String {
    let mut text = format!("{}://", url.scheme());
    if !url.username().is_empty() || url.password().is_some() {
        text.push_str(MASK);
        text.push('@');
    }
    text.push_str(&host_of(url));
    text.push_str(url.path());
    if let Some(query) = url.query() {
        let parts: Vec<String> = query.split('&').map(mask_parameter).collect();
        text.push('?');
        text.push_str(&parts.join("&"));
    }
    text
}

fn mask_parameter(parameter: &str) -> String {
    match parameter.split_once('=') {
        Some((name, value)) if !value.is_empty() && is_secret_name(name) => format!("{name}={MASK}"),
        _ => parameter.to_owned(),
    }
}

/// Host, and port where it is not the scheme's own, as one names it in a message.
pub fn host_of(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => "an address without a host".to_owned(),
    }
}

/// Whether the address names this very machine: `localhost`, `127.0.0.0/8` or `::1`.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether both addresses have the same scheme, host and port.
pub fn same_origin(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host() == other.host()
        && one.port_or_known_default() == other.port_or_known_default()
}

/// Takes the secrets out of a text from outside: as they are, as JSON and percent-encoding would write them. A server
/// that echoes a request must not bring a token into a message that way.
pub fn mask_secrets(text: &str, secrets: &[SecretString]) -> String {
    let mut masked = text.to_owned();
    for secret in secrets {
        let plain = secret.expose_secret();
        let json = serde_json::to_string(plain).unwrap_or_default();
        let percent: String = url::form_urlencoded::byte_serialize(plain.as_bytes()).collect();
        for form in [plain, json.trim_matches('"'), percent.as_str(), &percent.replace('+', "%20")] {
            if form.len() >= MIN_MASKED_BYTES {
                masked = masked.replace(form, MASK);
            }
        }
    }
    masked
}

/// An address that may be printed: it displays masked (see [`mask_url`]).
pub struct DisplaySafe<'a>(pub &'a Url);

impl fmt::Display for DisplaySafe<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&mask_url(self.0))
    }
}

impl fmt::Debug for DisplaySafe<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_masked() {
        let check = |plain: &str, masked: &str| {
            let url = Url::parse(plain).unwrap();
            assert_eq!(mask_url(&url), masked);
            assert_eq!(
                format!("{} {:?}", DisplaySafe(&url), DisplaySafe(&url)),
                format!("{masked} {masked}")
            );
        };
        check("https://deploy.internal/run?x=1", "https://deploy.internal/run?x=1");
        check("https://me:hunter22@deploy.internal:8443/", "https://***@deploy.internal:8443/");
        check("https://token@deploy.internal/", "https://***@deploy.internal/");
        check(
            "http://h/?access_token=hunter22&q=up&api-key=k",
            "http://h/?access_token=***&q=up&api-key=***",
        );
        check("http://h/?X-Amz-Signature=abc&sig=def&token=", "http://h/?X-Amz-Signature=***&sig=***&token=");
        check("http://[::1]:9090/a#token=abc", "http://[::1]:9090/a");
    }

    #[test]
    fn secrets_are_masked_in_every_spelling() {
        let secrets = [SecretString::from("s3cr\"et &x".to_owned()), SecretString::from("ab".to_owned())];
        let text = r#"raw s3cr"et &x json s3cr\"et &x query s3cr%22et+%26x path s3cr%22et%20%26x ab"#;
        assert_eq!(mask_secrets(text, &secrets), "raw *** json *** query *** path *** ab");
    }

    #[test]
    fn loopback_is_told_from_the_rest() {
        let check = |text: &str, is: bool| assert_eq!(is_loopback(&Url::parse(text).unwrap()), is, "{text}");
        check("http://localhost:1/", true);
        check("http://127.9.9.9/", true);
        check("http://[::1]/", true);
        check("http://localhost.example.com/", false);
        check("http://10.0.0.1/", false);
    }
}
