//! TLS: the one cryptography provider, and the authorities that servers' certificates are held against.

use reqwest::Certificate;
use rustls::crypto::CryptoProvider;

use crate::error::HttpError;

/// Makes ring the process's cryptography provider, unless one is installed. Binaries call it first thing in `main`;
/// calling it again does nothing.
pub fn install_tls_provider() {
    if CryptoProvider::get_default().is_none() {
        // Losing the race to another thread is fine: then a provider is installed, which is all that matters.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

/// Reads a bundle of PEM certificates.
pub(crate) fn certificates(pem: &[u8]) -> Result<Vec<Certificate>, HttpError> {
    let unreadable = |detail: String| HttpError::Setup { detail };
    let certificates = Certificate::from_pem_bundle(pem).map_err(|_| {
        unreadable(
            "`ca` is not a list of PEM certificates; name the file with BEGIN CERTIFICATE lines".to_owned(),
        )
    })?;
    if certificates.is_empty() {
        return Err(unreadable(
            "`ca` holds no certificate; name a PEM file with BEGIN CERTIFICATE lines".to_owned(),
        ));
    }
    Ok(certificates)
}
