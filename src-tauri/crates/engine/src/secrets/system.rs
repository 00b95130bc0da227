//! The system's keyring. The only place that sees the keyring crate.
//!
//! Its connection to the keyring's service is made once a process, and a failure is remembered for good. So it is not
//! tried before the service is there: a service that starts later is seen then. One that is restarted while Faultline
//! runs is not; the errors say what to do.

use std::sync::atomic::{AtomicBool, Ordering};

use secrecy::{ExposeSecret, SecretString};

use super::store::Store;
use super::{KEYRING_SERVICE, SecretError};

/// The system's keyring.
#[derive(Default)]
pub(super) struct SystemKeyring {
    /// The service was there once; the crate's connection is made, or will be.
    seen: AtomicBool,
}

impl SystemKeyring {
    fn entry(name: &str) -> Result<keyring::Entry, SecretError> {
        // `NoDefaultStore` says nothing; the reason is kept apart.
        if let Err(reason) = keyring::Entry::store_status() {
            return Err(SecretError::NoService { reason: reason.to_string() });
        }
        keyring::Entry::new(KEYRING_SERVICE, name).map_err(|error| explain(name, &error))
    }
}

#[async_trait::async_trait]
impl Store for SystemKeyring {
    async fn ready(&self, _: &str) -> Result<(), SecretError> {
        if !self.seen.load(Ordering::Relaxed) {
            presence::look().await.map_err(|reason| SecretError::NoService { reason })?;
            self.seen.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    fn get(&self, name: &str) -> Result<Option<SecretString>, SecretError> {
        match Self::entry(name)?.get_password() {
            Ok(secret) => Ok(Some(secret.into())),
            Err(keyring::Error::NoEntry) => Ok(None),
            Err(error) => Err(explain(name, &error)),
        }
    }

    fn set(&self, name: &str, secret: &SecretString) -> Result<(), SecretError> {
        Self::entry(name)?.set_password(secret.expose_secret()).map_err(|error| explain(name, &error))
    }

    fn delete(&self, name: &str) -> Result<(), SecretError> {
        match Self::entry(name)?.delete_credential() {
            Ok(()) | Err(keyring::Error::NoEntry) => Ok(()),
            Err(error) => Err(explain(name, &error)),
        }
    }
}

/// What an error of the keyring means. Only texts of the system are repeated, never data that it returned.
fn explain(name: &str, error: &keyring::Error) -> SecretError {
    use keyring::Error;
    let name = name.to_owned();
    match error {
        Error::NoEntry => SecretError::Missing { name },
        Error::NoStorageAccess(reason) => SecretError::Locked { name, reason: reason.to_string() },
        Error::NoDefaultStore => SecretError::NoService { reason: error.to_string() },
        Error::BadEncoding(_) | Error::BadDataFormat(..) => {
            SecretError::NotText { reference: format!("keyring:{name}") }
        }
        Error::TooLong(..) => SecretError::BadLength,
        Error::Ambiguous(entries) => {
            let reason = format!("{} entries have this name", entries.len());
            SecretError::Failed { name, reason }
        }
        other => SecretError::Failed { name, reason: other.to_string() },
    }
}

/// Whether a Secret Service is there or would be started for us.
#[cfg(all(unix, not(target_os = "macos")))]
mod presence {
    /// The name under which it is on the session bus.
    const SERVICE: &str = "org.freedesktop.secrets";

    pub(super) async fn look() -> Result<(), String> {
        if asked().await.map_err(|error| format!("the session bus says: {error}"))? {
            Ok(())
        } else {
            Err(format!("nobody on the session bus is {SERVICE}"))
        }
    }

    async fn asked() -> zbus::Result<bool> {
        let connection = zbus::Connection::session().await?;
        let bus = zbus::fdo::DBusProxy::new(&connection).await?;
        if bus.name_has_owner(SERVICE.try_into()?).await? {
            return Ok(true);
        }
        Ok(bus.list_activatable_names().await?.iter().any(|name| name.as_str() == SERVICE))
    }
}

/// Elsewhere the keyring is a part of the system.
#[cfg(not(all(unix, not(target_os = "macos"))))]
mod presence {
    pub(super) async fn look() -> Result<(), String> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_keyring_say_what_to_do() {
        use keyring::Error;
        let reason = || Box::new(std::io::Error::other("locked collection"));
        let cases = [
            (Error::NoEntry, "missing", "store it"),
            (Error::NoStorageAccess(reason()), "locked", "unlock it"),
            (Error::PlatformFailure(reason()), "failed", "locked collection"),
            (Error::NoDefaultStore, "no_service", "Secret Service"),
            (Error::BadEncoding(b"hunter2".to_vec()), "not_text", "store it again"),
            (Error::TooLong("password".to_owned(), 10), "bad_length", "2560"),
            (Error::Ambiguous(Vec::new()), "failed", "entries have this name"),
        ];
        for (error, code, part) in cases {
            let explained = explain("shop", &error);
            assert_eq!(explained.code(), code);
            let message = explained.to_string();
            assert!(message.contains(part) && !message.contains("hunter2"), "{message}");
        }
    }
}
