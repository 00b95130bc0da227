//! `links|open`: opens a page outside the window, where it is one that the configuration or a deploy feed vouches for.

use faultline_engine::link_hosts;
use url::Url;

use crate::Api;
use crate::error::ApiError;
use crate::types::LinkRequest;

pub(crate) fn open(api: &Api, args: &LinkRequest) -> Result<(), ApiError> {
    let url = allowed(&args.url, &link_hosts(&api.engine.config()))?;
    api.desktop
        .open_page(url.as_str())
        .map_err(|message| ApiError::Refused { message, hint: "Copy the address and open it in a browser." })
}

/// The address, if it is `https` and of a host in the list.
fn allowed(text: &str, hosts: &[String]) -> Result<Url, ApiError> {
    let refused = |message: String| ApiError::Refused {
        message,
        hint: "Only https pages of hosts of [[rollback]] in the configuration are opened.",
    };
    let url = Url::parse(text).map_err(|error| refused(format!("that is no address: {error}")))?;
    if url.scheme() != "https" {
        return Err(refused(format!("{}: pages are not opened", url.scheme())));
    }
    match url.host_str() {
        Some(host) if hosts.iter().any(|known| known == host) => Ok(url),
        host => Err(refused(format!("the host {} is not in the configuration", host.unwrap_or("(none)")))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, opens: bool) {
        let hosts = ["deploy.example.com".to_owned()];
        assert_eq!(allowed(text, &hosts).is_ok(), opens, "{text}");
    }

    #[test]
    fn only_https_pages_of_known_hosts_are_opened() {
        check("https://deploy.example.com/services/checkout", true);
        check("http://deploy.example.com/", false);
        check("https://evil.example.com/?deploy.example.com", false);
        check("https://deploy.example.com@evil.example.com/", false);
        check("javascript:alert(1)", false);
        check("file:///etc/passwd", false);
        check("", false);
    }
}
