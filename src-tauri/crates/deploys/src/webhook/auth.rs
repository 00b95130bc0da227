//! Who may speak: a signature over the body, or the secret itself as a bearer token. Compared in constant time.

use std::net::IpAddr;

use axum::http::header::{AUTHORIZATION, HOST};
use axum::http::{HeaderMap, Uri};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::answer::Refusal;

/// Carries `sha256=<hex HMAC-SHA256 of the body's exact bytes>`.
pub const SIGNATURE_HEADER: &str = "x-faultline-signature";

/// What the signature begins with.
const SIGNATURE_PREFIX: &str = "sha256=";

/// The signature of a body, as it stands in [`SIGNATURE_HEADER`].
pub fn sign(secret: &SecretString, body: &[u8]) -> String {
    let digest = hmac(secret, body).map(|mac| mac.finalize().into_bytes()).unwrap_or_default();
    digest.iter().fold(SIGNATURE_PREFIX.to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

/// HMAC takes keys of every length, so there always is one.
fn hmac(secret: &SecretString, body: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).ok()?;
    mac.update(body);
    Some(mac)
}

/// Whether the request comes from somebody who knows the secret. Where there is a signature it alone decides: a sender
/// that signs wants to know when its signature is wrong.
pub(crate) fn check(secret: &SecretString, headers: &HeaderMap, body: &[u8]) -> Result<(), Refusal> {
    let refuse = |message| Err(Refusal::Unauthorized { message });
    if let Some(signature) = headers.get(SIGNATURE_HEADER) {
        let digest =
            signature.to_str().ok().and_then(|text| decode_hex(text.trim().strip_prefix(SIGNATURE_PREFIX)?));
        let Some(digest) = digest else {
            return refuse("X-Faultline-Signature is not of the form sha256=<64 hex digits>");
        };
        let right = hmac(secret, body).is_some_and(|mac| mac.verify_slice(&digest).is_ok());
        return if right { Ok(()) } else { refuse("the signature does not fit the body") };
    }
    let Some(authorization) = headers.get(AUTHORIZATION) else {
        return refuse("neither X-Faultline-Signature nor Authorization was sent");
    };
    let token = authorization.to_str().ok().and_then(|text| text.split_once(' '));
    match token {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && same(token.trim(), secret) => {
            Ok(())
        }
        _ => refuse("the token is not the webhook's secret"),
    }
}

/// Compares digests, so that not even the length is told by the time it takes.
fn same(token: &str, secret: &SecretString) -> bool {
    let digest = |text: &str| Sha256::digest(text.as_bytes());
    digest(token).ct_eq(&digest(secret.expose_secret())).into()
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

/// Whether the request was meant for this machine. A web page whose name was made to resolve to loopback (DNS
/// rebinding) still names its own host.
pub(crate) fn check_host(headers: &HeaderMap, uri: &Uri) -> Result<(), Refusal> {
    let named = match (headers.get(HOST), uri.authority()) {
        (Some(host), _) => host.to_str().ok(),
        (None, authority) => authority.map(axum::http::uri::Authority::as_str),
    };
    let more_than_one = headers.get_all(HOST).iter().count() > 1;
    match named {
        Some(host) if !more_than_one && is_loopback_host(host) => Ok(()),
        _ => Err(Refusal::Host),
    }
}

fn is_loopback_host(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, port)) if port.is_empty() || port.starts_with(':') => address,
            _ => return false,
        },
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_rfc_4231() {
        let signature = sign(&SecretString::from("Jefe".to_owned()), b"what do ya want for nothing?");
        assert_eq!(signature, "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn only_this_machine_is_a_host() {
        for host in ["localhost", "LOCALHOST:7787", "127.0.0.1:7787", "127.1.2.3", "[::1]:7787", "[::1]"] {
            assert!(is_loopback_host(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "10.0.0.1",
            "[::2]",
            "[::1]x",
        ] {
            assert!(!is_loopback_host(host), "{host}");
        }
    }
}
