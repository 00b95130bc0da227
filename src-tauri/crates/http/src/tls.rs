//! TLS: the one cryptography provider, the authorities that servers' certificates are held against, and our own
//! certificate where a server asks for one.

use reqwest::{Certificate, Identity};
use rustls::crypto::CryptoProvider;
use secrecy::ExposeSecret;

use crate::client::ClientIdentity;
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

/// Reads a client's certificate and key.
pub(crate) fn identity(pem: &ClientIdentity) -> Result<Identity, HttpError> {
    let mut joined = pem.certificate_pem.clone();
    joined.push(b'\n');
    joined.extend_from_slice(pem.key_pem.expose_secret().as_bytes());
    // What the library says could quote the key.
    Identity::from_pem(&joined).map_err(|_| HttpError::Setup {
        detail: "`certificate` and `key` cannot be used; name PEM files with BEGIN CERTIFICATE and BEGIN PRIVATE KEY \
                 lines, the key not encrypted"
            .to_owned(),
    })
}
