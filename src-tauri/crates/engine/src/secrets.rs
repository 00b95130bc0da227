//! Secrets: what the configuration names by `keyring:NAME` or `env:NAME`, looked up when it is needed. The only place
//! that sees the system's keyring.
//!
//! Calls to the keyring block and may wait for the user to unlock it, so each runs on a thread of its own with a
//! deadline. The connection to the keyring's service is made once a process: one that starts later is not seen.

use std::collections::BTreeMap;
use std::env::VarError;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{Semaphore, oneshot};

use crate::config::SecretRef;

/// The service under which every entry of the keyring is kept.
pub const KEYRING_SERVICE: &str = "faultline";

/// Longest time that a call to the keyring may take, including the user's typing of its password.
pub const KEYRING_DEADLINE: Duration = Duration::from_secs(10);

/// Most calls to the keyring that may be waiting at once: calls that missed their deadline hold their thread.
const MAX_WAITING_CALLS: usize = 4;

/// Longest secret, bytes: what the smallest of the systems' keyrings (that of Windows) takes.
pub const MAX_SECRET_BYTES: usize = 2560;

/// Why a secret could not be looked up, stored or deleted. No variant has the secret in it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SecretError {
    /// The keyring has no such entry.
    #[error(
        "the keyring has no entry {name}: store it (on Linux: secret-tool store --label=faultline service faultline username {name}), or name an environment variable with env:NAME"
    )]
    Missing {
        /// The entry.
        name: String,
    },
    /// The environment variable is not set or empty.
    #[error("the environment variable {name} is not set: set it and start again")]
    VariableMissing {
        /// The variable.
        name: String,
    },
    /// The value is not UTF-8 text.
    #[error("the value of {reference} is not text: store it again")]
    NotText {
        /// The reference as in the configuration.
        reference: String,
    },
    /// The keyring is locked, or the user refused.
    #[error(
        "the keyring is locked or refused access to {name} ({reason}): unlock it and try again, or use env:NAME"
    )]
    Locked {
        /// The entry.
        name: String,
        /// What the system says.
        reason: String,
    },
    /// There is no keyring.
    #[error(
        "there is no keyring service here ({reason}): start one (on Linux a Secret Service such as gnome-keyring), then \
         start Faultline again, or use env:NAME instead"
    )]
    NoService {
        /// What the system says.
        reason: String,
    },
    /// The keyring did not answer in time.
    #[error(
        "the keyring did not answer within {} s for {name}: look for its password dialogue, then try again",
        KEYRING_DEADLINE.as_secs()
    )]
    TimedOut {
        /// The entry.
        name: String,
    },
    /// The secret is empty or too long to be stored everywhere.
    #[error("a secret must have 1 to {MAX_SECRET_BYTES} bytes")]
    BadLength,
    /// The keyring failed in another way.
    #[error(
        "the keyring failed for {name} ({reason}): look at the entry {name} of {KEYRING_SERVICE} in its own program"
    )]
    Failed {
        /// The entry.
        name: String,
        /// What the system says.
        reason: String,
    },
}

impl SecretError {
    /// A short, stable name of the kind of error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "missing",
            Self::VariableMissing { .. } => "variable_missing",
            Self::NotText { .. } => "not_text",
            Self::Locked { .. } => "locked",
            Self::NoService { .. } => "no_service",
            Self::TimedOut { .. } => "timed_out",
            Self::BadLength => "bad_length",
            Self::Failed { .. } => "failed",
        }
    }
}

/// Where secrets come from. Cheap to clone; clones are the same store.
#[derive(Clone)]
pub struct Secrets {
    store: Arc<dyn Store>,
    /// One permit for each call that may be under way.
    calls: Arc<Semaphore>,
    deadline: Duration,
}

impl Secrets {
    /// The system's keyring. Nothing is asked of it yet.
    pub fn system() -> Self {
        Self::over(Arc::new(SystemKeyring), KEYRING_DEADLINE)
    }

    /// A store of its own that is empty at first and gone with the last clone: for tests and demonstrations.
    pub fn in_memory() -> Self {
        Self::over(Arc::new(Memory::default()), KEYRING_DEADLINE)
    }

    fn over(store: Arc<dyn Store>, deadline: Duration) -> Self {
        Self { store, calls: Arc::new(Semaphore::new(MAX_WAITING_CALLS)), deadline }
    }

    /// The secret that a reference names.
    ///
    /// # Errors
    /// When there is none, or the keyring is absent, locked or slow.
    pub async fn resolve(&self, reference: &SecretRef) -> Result<SecretString, SecretError> {
        match reference {
            SecretRef::Env(name) => variable(name),
            SecretRef::Keyring(name) => {
                let entry = name.clone();
                let secret = self.call(name, move |store| store.get(&entry)).await?;
                secret.ok_or_else(|| SecretError::Missing { name: name.clone() })
            }
        }
    }

    /// Stores a secret under a name, in place of an earlier one.
    ///
    /// # Errors
    /// When it is empty or too long, or the keyring is absent, locked or slow.
    pub async fn set(&self, name: &str, secret: SecretString) -> Result<(), SecretError> {
        if secret.expose_secret().is_empty() || secret.expose_secret().len() > MAX_SECRET_BYTES {
            return Err(SecretError::BadLength);
        }
        let entry = name.to_owned();
        self.call(name, move |store| store.set(&entry, &secret)).await
    }

    /// Deletes the secret of a name; that there is none is fine.
    ///
    /// # Errors
    /// When the keyring is absent, locked or slow.
    pub async fn delete(&self, name: &str) -> Result<(), SecretError> {
        let entry = name.to_owned();
        self.call(name, move |store| store.delete(&entry)).await
    }

    /// Whether a secret is stored under a name.
    ///
    /// # Errors
    /// When the keyring is absent, locked or slow.
    pub async fn exists(&self, name: &str) -> Result<bool, SecretError> {
        let entry = name.to_owned();
        Ok(self.call(name, move |store| store.get(&entry)).await?.is_some())
    }

    /// Runs one call on a thread that may block, until the deadline.
    async fn call<T: Send + 'static>(
        &self,
        name: &str,
        call: impl FnOnce(&dyn Store) -> Result<T, SecretError> + Send + 'static,
    ) -> Result<T, SecretError> {
        let (store, calls) = (Arc::clone(&self.store), Arc::clone(&self.calls));
        let failed = |reason: String| SecretError::Failed { name: name.to_owned(), reason };
        let answer = async {
            let permit = calls.acquire_owned().await.map_err(|closed| failed(closed.to_string()))?;
            let (sender, receiver) = oneshot::channel();
            // A thread outside of the runtime: one that never returns must not keep the program from ending.
            let run = move || {
                let answer = call(&*store);
                drop(permit);
                // Nobody waits any more when the deadline has passed.
                sender.send(answer).ok();
            };
            let thread = std::thread::Builder::new().name("keyring".to_owned()).spawn(run);
            thread.map_err(|error| failed(error.to_string()))?;
            receiver.await.unwrap_or_else(|_| Err(failed("its thread stopped".to_owned())))
        };
        let timed_out = || SecretError::TimedOut { name: name.to_owned() };
        tokio::time::timeout(self.deadline, answer).await.unwrap_or_else(|_| Err(timed_out()))
    }
}

/// Says that it is there and nothing of what is in it.
impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}

fn variable(name: &str) -> Result<SecretString, SecretError> {
    match std::env::var(name) {
        Ok(value) if !value.is_empty() => Ok(value.into()),
        Ok(_) | Err(VarError::NotPresent) => Err(SecretError::VariableMissing { name: name.to_owned() }),
        Err(VarError::NotUnicode(_)) => Err(SecretError::NotText { reference: format!("env:{name}") }),
    }
}

/// A store of secrets. Calls may block.
trait Store: Send + Sync {
    /// The secret, `None` when there is none.
    fn get(&self, name: &str) -> Result<Option<SecretString>, SecretError>;
    fn set(&self, name: &str, secret: &SecretString) -> Result<(), SecretError>;
    fn delete(&self, name: &str) -> Result<(), SecretError>;
}

/// The system's keyring.
struct SystemKeyring;

impl SystemKeyring {
    fn entry(name: &str) -> Result<keyring::Entry, SecretError> {
        // `NoDefaultStore` says nothing; the reason is kept apart.
        if let Err(reason) = keyring::Entry::store_status() {
            return Err(SecretError::NoService { reason: reason.to_string() });
        }
        keyring::Entry::new(KEYRING_SERVICE, name).map_err(|error| explain(name, &error))
    }
}

impl Store for SystemKeyring {
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

/// Secrets in memory.
#[derive(Default)]
struct Memory(Mutex<BTreeMap<String, SecretString>>);

impl Store for Memory {
    fn get(&self, name: &str) -> Result<Option<SecretString>, SecretError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned())
    }

    fn set(&self, name: &str, secret: &SecretString) -> Result<(), SecretError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), secret.clone());
        Ok(())
    }

    fn delete(&self, name: &str) -> Result<(), SecretError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyring_ref(name: &str) -> SecretRef {
        SecretRef::Keyring(name.to_owned())
    }

    #[tokio::test]
    async fn a_secret_is_stored_looked_up_and_deleted() {
        let secrets = Secrets::in_memory();
        assert!(!secrets.exists("a").await.unwrap());
        let missing = secrets.resolve(&keyring_ref("a")).await.unwrap_err();
        assert_eq!((missing.code(), missing.to_string().contains("env:NAME")), ("missing", true));

        secrets.set("a", "hunter2".into()).await.unwrap();
        assert!(secrets.clone().exists("a").await.unwrap());
        assert_eq!(secrets.resolve(&keyring_ref("a")).await.unwrap().expose_secret(), "hunter2");

        secrets.delete("a").await.unwrap();
        secrets.delete("a").await.unwrap();
        assert!(!secrets.exists("a").await.unwrap());
    }

    #[tokio::test]
    async fn secrets_that_no_keyring_takes_are_refused() {
        for secret in [String::new(), "x".repeat(MAX_SECRET_BYTES + 1)] {
            assert_eq!(Secrets::in_memory().set("a", secret.into()).await, Err(SecretError::BadLength));
        }
    }

    #[tokio::test]
    async fn environment_variables_are_read() {
        let secrets = Secrets::in_memory();
        let path = secrets.resolve(&SecretRef::Env("PATH".to_owned())).await.unwrap();
        assert_eq!(path.expose_secret(), std::env::var("PATH").unwrap());
        let error = secrets.resolve(&SecretRef::Env("FAULTLINE_NOT_SET".to_owned())).await.unwrap_err();
        assert_eq!(error, SecretError::VariableMissing { name: "FAULTLINE_NOT_SET".to_owned() });
    }

    /// A keyring that waits for its user until it is let go.
    struct Stuck(Mutex<std::sync::mpsc::Receiver<()>>);

    impl Store for Stuck {
        fn get(&self, _: &str) -> Result<Option<SecretString>, SecretError> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).recv().ok();
            Ok(None)
        }

        fn set(&self, _: &str, _: &SecretString) -> Result<(), SecretError> {
            self.get("").map(|_| ())
        }

        fn delete(&self, _: &str) -> Result<(), SecretError> {
            self.get("").map(|_| ())
        }
    }

    #[tokio::test]
    async fn a_keyring_that_does_not_answer_delays_nobody_for_long() {
        let (let_go, waits) = std::sync::mpsc::channel();
        let secrets = Secrets::over(Arc::new(Stuck(Mutex::new(waits))), Duration::from_millis(1));
        // More calls than threads may hang: the last ones wait for a permit and still end.
        for _ in 0..MAX_WAITING_CALLS + 2 {
            let error = secrets.resolve(&keyring_ref("a")).await.unwrap_err();
            assert_eq!(error, SecretError::TimedOut { name: "a".to_owned() });
        }
        drop(let_go);
    }

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

    #[test]
    fn nothing_of_a_secret_is_printed() {
        assert_eq!(format!("{:?}", Secrets::in_memory()), "Secrets { .. }");
    }
}
