//! Links into the window: `faultline://incident/ID` and `faultline://deploy/ID`. They come from anywhere, web pages
//! included, so they are read strictly, lead to a place in the window and never do anything.

use faultline_engine::{Destination, Engine};
use percent_encoding::percent_decode_str;

/// Longest link, bytes.
const MAX_LINK_BYTES: usize = 1_024;

/// Longest identifier in a link, bytes, decoded.
const MAX_ID_BYTES: usize = 256;

/// Longest part of a refused link that is logged, characters.
const MAX_LOGGED_CHARS: usize = 100;

/// Why a link is not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LinkError {
    /// Too long.
    #[error("it is longer than {MAX_LINK_BYTES} bytes")]
    TooLong,
    /// Not one of ours.
    #[error("it does not begin with faultline://")]
    OtherScheme,
    /// No such place in the window.
    #[error("it names neither incident/ID nor deploy/ID")]
    NoSuchPlace,
    /// The identifier cannot be one.
    #[error(
        "what it names has characters that no identifier has, or more than {MAX_ID_BYTES} bytes: encode them as %XX"
    )]
    BadId,
}

/// Shows what a link names. One that is refused is logged and has no effect.
pub(crate) fn follow(engine: &Engine, link: &str) {
    match destination(link) {
        Ok(destination) => engine.navigate(destination),
        Err(error) => {
            let link: String = link.chars().take(MAX_LOGGED_CHARS).collect();
            tracing::warn!(?link, %error, "A link was refused.");
        }
    }
}

/// Where a link leads.
pub(crate) fn destination(link: &str) -> Result<Destination, LinkError> {
    if link.len() > MAX_LINK_BYTES {
        return Err(LinkError::TooLong);
    }
    let (scheme, place) = link.split_once("://").ok_or(LinkError::OtherScheme)?;
    if !scheme.eq_ignore_ascii_case("faultline") {
        return Err(LinkError::OtherScheme);
    }
    let (kind, id) = place.split_once('/').ok_or(LinkError::NoSuchPlace)?;
    match kind {
        "incident" => Ok(Destination::Incident(identifier(id)?.into())),
        "deploy" => Ok(Destination::Deploy(identifier(id)?.into())),
        _ => Err(LinkError::NoSuchPlace),
    }
}

/// One segment of a path: no query, no fragment, no further segment, every escape complete.
fn identifier(segment: &str) -> Result<String, LinkError> {
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        let is_allowed = match byte {
            b'%' => {
                [rest.next(), rest.next()].iter().flatten().filter(|hex| hex.is_ascii_hexdigit()).count() == 2
            }
            _ => byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte),
        };
        if !is_allowed {
            return Err(LinkError::BadId);
        }
    }
    let id = percent_decode_str(segment).decode_utf8().map_err(|_| LinkError::BadId)?;
    let is_id = !id.is_empty() && id.len() <= MAX_ID_BYTES && !id.chars().any(char::is_control);
    if is_id { Ok(id.into_owned()) } else { Err(LinkError::BadId) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn incident(id: &str) -> Result<Destination, LinkError> {
        Ok(Destination::Incident(id.into()))
    }

    #[test]
    fn links_lead_to_incidents_and_deploys() {
        let longest = "i".repeat(MAX_ID_BYTES);
        let cases = [
            ("faultline://incident/7", incident("7")),
            ("FAULTLINE://incident/7", incident("7")),
            ("faultline://incident/shop%2F7%20%C3%A9", incident("shop/7 é")),
            ("faultline://deploy/gh:acme@v1.2+3", Ok(Destination::Deploy("gh:acme@v1.2+3".into()))),
            (&format!("faultline://incident/{longest}"), incident(&longest)),
        ];
        for (link, expected) in cases {
            assert_eq!(destination(link), expected, "{link}");
        }
    }

    #[test]
    fn hostile_links_are_refused() {
        let cases = [
            ("", LinkError::OtherScheme),
            ("7", LinkError::OtherScheme),
            ("https://evil.example/incident/7", LinkError::OtherScheme),
            ("javascript:alert(1)", LinkError::OtherScheme),
            (" faultline://incident/7", LinkError::OtherScheme),
            ("faultline:incident/7", LinkError::OtherScheme),
            ("faultline://", LinkError::NoSuchPlace),
            ("faultline://incident", LinkError::NoSuchPlace),
            ("faultline://rollback/d-1", LinkError::NoSuchPlace),
            ("faultline://Incident/7", LinkError::NoSuchPlace),
            ("faultline:///incident/7", LinkError::NoSuchPlace),
            ("faultline://user@incident/7", LinkError::NoSuchPlace),
            ("faultline://incident:80/7", LinkError::NoSuchPlace),
            ("faultline://incident?id=/7", LinkError::NoSuchPlace),
            ("faultline://incident/", LinkError::BadId),
            ("faultline://incident/7?rollback=now", LinkError::BadId),
            ("faultline://incident/7#run", LinkError::BadId),
            ("faultline://incident/7/rollback", LinkError::BadId),
            ("faultline://incident/../settings", LinkError::BadId),
            ("faultline://incident/7\\8", LinkError::BadId),
            ("faultline://incident/%", LinkError::BadId),
            ("faultline://incident/%4", LinkError::BadId),
            ("faultline://incident/%zz", LinkError::BadId),
            ("faultline://incident/%00", LinkError::BadId),
            ("faultline://incident/a%0Ab", LinkError::BadId),
            ("faultline://incident/%ff%fe", LinkError::BadId),
            ("faultline://incident/<img src=x>", LinkError::BadId),
            ("faultline://incident/é", LinkError::BadId),
        ];
        for (link, expected) in cases {
            assert_eq!(destination(link), Err(expected), "{link}");
        }
        let long_id = format!("faultline://incident/{}", "i".repeat(MAX_ID_BYTES + 1));
        assert_eq!(destination(&long_id), Err(LinkError::BadId));
        let long = format!("faultline://incident/{}", "%41".repeat(MAX_LINK_BYTES));
        assert_eq!(destination(&long), Err(LinkError::TooLong));
    }
}
