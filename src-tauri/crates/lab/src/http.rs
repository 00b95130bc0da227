//! The lab's HTTP client: loopback only, no proxy, a deadline on everything.

use std::time::Duration;

use crate::error::{Error, Result};

/// How long one exchange may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// A client for loopback.
///
/// # Errors
/// When the TLS library cannot be set up.
pub fn client() -> Result<reqwest::Client> {
    // The client wants one even for plain HTTP; another one that is there already is fine.
    let _there_already = rustls::crypto::ring::default_provider().install_default();
    let built = reqwest::Client::builder().no_proxy().timeout(DEADLINE).build();
    built.map_err(|error| Error::Request { url: "http://127.0.0.1".to_owned(), reason: error.to_string() })
}
