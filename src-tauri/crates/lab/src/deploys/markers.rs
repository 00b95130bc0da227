//! Posts deploy markers to Faultline's webhook, signed.

use std::fmt;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::Release;
use crate::error::{Error, Result};
use crate::http;

/// The header that carries the signature.
pub const SIGNATURE_HEADER: &str = "X-Faultline-Signature";
/// How often a marker is sent until it is taken: the receiver may just be starting.
const ATTEMPTS: u32 = 5;
/// Time between two attempts.
const REST: Duration = Duration::from_millis(500);

/// Where markers go.
#[derive(Clone)]
pub struct Webhook {
    /// `http://127.0.0.1:<port>/v1/deploys`.
    pub url: String,
    /// The secret that both sides know.
    pub secret: String,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Webhook {
    /// Posts a release, again and again for a few seconds while nobody answers.
    ///
    /// # Errors
    /// When nobody answered or the marker was refused.
    pub async fn post(&self, release: &Release) -> Result<()> {
        let failed = |reason: String| Error::Request { url: self.url.clone(), reason };
        let body = serde_json::to_vec(release).map_err(|error| failed(error.to_string()))?;
        let signature = signature(&self.secret, &body);
        let client = http::client()?;
        let mut reason = String::new();
        for _attempt in 0..ATTEMPTS {
            let request = client
                .post(&self.url)
                .header("Content-Type", "application/json")
                .header(SIGNATURE_HEADER, &signature)
                .body(body.clone());
            match request.send().await {
                Ok(answer) if answer.status().is_success() => return Ok(()),
                Ok(answer) if answer.status().is_client_error() => {
                    let status = answer.status();
                    let text = answer.text().await.unwrap_or_default();
                    return Err(failed(format!("refused with {status}: {text}")));
                }
                Ok(answer) => reason = format!("answered {}", answer.status()),
                Err(error) => reason = error.to_string(),
            }
            tokio::time::sleep(REST).await;
        }
        Err(failed(reason))
    }
}

/// `sha256=<hex HMAC of the body>`.
pub fn signature(secret: &str, body: &[u8]) -> String {
    match Hmac::<Sha256>::new_from_slice(secret.as_bytes()) {
        Ok(mut mac) => {
            mac.update(body);
            let digest = mac.finalize().into_bytes();
            digest.iter().fold("sha256=".to_owned(), |text, byte| text + &format!("{byte:02x}"))
        }
        // HMAC takes keys of every length.
        Err(_invalid_length) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_signature_is_the_one_of_rfc_4231() {
        let signature = super::signature("Jefe", b"what do ya want for nothing?");
        assert_eq!(signature, "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }
}
