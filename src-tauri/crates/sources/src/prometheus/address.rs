//! The addresses of an endpoint: checked once, and completed for each kind of request.

use faultline_http::Url;

/// Longest address of an endpoint, bytes.
const MAX_URL_BYTES: usize = 4 << 10;

/// Checks the address of an endpoint.
///
/// # Errors
/// What is wrong with it; never its text, which may hold a password.
pub(super) fn parse(text: &str) -> Result<Url, String> {
    if text.len() > MAX_URL_BYTES {
        return Err(format!("it is longer than {MAX_URL_BYTES} bytes"));
    }
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("the scheme is {}; it must be https or http", url.scheme()));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("it has no host".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a user or password does not belong into it; use user and password, or token".to_owned());
    }
    Ok(url)
}

/// The address of a part of the HTTP API of the server at `base`, which may itself have a path
/// (`https://mimir.internal/prometheus`) and parameters (`?partial_response=false`).
pub(super) fn api(base: &Url, name: &str) -> Url {
    let mut url = base.clone();
    let path = base.path().trim_end_matches('/');
    let path = path.strip_suffix("/api/v1").unwrap_or(path);
    url.set_path(&format!("{path}/api/v1/{name}"));
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_is_found_below_any_base_and_parameters_stay() {
        for (base, expected) in [
            ("http://h:9090", "http://h:9090/api/v1/query"),
            ("http://h:9090/", "http://h:9090/api/v1/query"),
            ("https://h/prometheus/", "https://h/prometheus/api/v1/query"),
            ("https://h/prometheus/api/v1", "https://h/prometheus/api/v1/query"),
            (
                "https://h/select/0/prometheus?dedup=true",
                "https://h/select/0/prometheus/api/v1/query?dedup=true",
            ),
        ] {
            assert_eq!(api(&parse(base).unwrap(), "query").as_str(), expected, "{base}");
        }
    }

    #[test]
    fn what_is_no_address_of_an_endpoint_is_refused_without_its_text() {
        for (text, part) in [
            ("edge.internal/metrics", "relative URL"),
            ("ftp://edge/metrics", "the scheme is ftp"),
            ("http://", "empty host"),
            ("http://u:hunter2@edge/metrics", "does not belong"),
        ] {
            let problem = parse(text).unwrap_err();
            assert!(problem.contains(part) && !problem.contains("hunter2"), "{text}: {problem}");
        }
    }
}
