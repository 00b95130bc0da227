//! Secrets: what the configuration names by `keyring:NAME` or `env:NAME`, looked up when it is needed.
//!
//! Calls to the keyring block and may wait for the user to unlock it, so each runs on a thread of its own with a
//! deadline.

mod error;
mod masker;
mod store;
mod system;

use std::collections::BTreeMap;
use std::env::VarError;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{Semaphore, broadcast, oneshot};

use crate::config::SecretRef;

pub use error::SecretError;
pub use masker::Masker;

use store::{Memory, Store};
use system::SystemKeyring;

/// The service under which every entry of the keyring is kept.
pub const KEYRING_SERVICE: &str = "faultline";

/// Longest time that a call to the keyring may take, including the user's typing of its password.
pub const KEYRING_DEADLINE: Duration = Duration::from_secs(10);

/// Most calls to the keyring that may be waiting at once: calls that missed their deadline hold their thread.
const MAX_WAITING_CALLS: usize = 4;

/// Longest secret, bytes: what the smallest of the systems' keyrings (that of Windows) takes.
pub const MAX_SECRET_BYTES: usize = 2560;

/// Most changes that a slow listener may be behind; then it looks at everything again.
const MAX_WAITING_CHANGES: usize = 64;

/// For how long a secret is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// In the system's keyring.
    Keyring,
    /// In memory, until the program ends. Goes before the keyring's.
    ThisRun,
}

/// Where a secret was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// In the keyring.
    Keyring,
    /// In memory, for this run only.
    ThisRun,
    /// In the environment.
    Variable,
}

/// Where secrets come from. Cheap to clone; clones are the same store.
#[derive(Clone)]
pub struct Secrets {
    store: Arc<dyn Store>,
    /// Secrets for this run only, by name.
    this_run: Arc<Mutex<BTreeMap<String, SecretString>>>,
    masker: Masker,
    /// Names of entries that were set or deleted.
    changes: broadcast::Sender<String>,
    /// One permit for each call that may be under way.
    calls: Arc<Semaphore>,
    deadline: Duration,
}

impl Secrets {
    /// The system's keyring. Nothing is asked of it yet. Whatever is looked up or set is told to the masker.
    pub fn system(masker: Masker) -> Self {
        Self { masker, ..Self::over(Arc::new(SystemKeyring::default()), KEYRING_DEADLINE) }
    }

    /// A store of its own that is empty at first and gone with the last clone: for tests and demonstrations.
    pub fn in_memory() -> Self {
        Self::over(Arc::new(Memory::default()), KEYRING_DEADLINE)
    }

    fn over(store: Arc<dyn Store>, deadline: Duration) -> Self {
        Self {
            store,
            this_run: Arc::default(),
            masker: Masker::default(),
            changes: broadcast::Sender::new(MAX_WAITING_CHANGES),
            calls: Arc::new(Semaphore::new(MAX_WAITING_CALLS)),
            deadline,
        }
    }

    /// What takes these secrets out of texts.
    pub fn masker(&self) -> &Masker {
        &self.masker
    }

    /// Names of entries that are set or deleted from now on.
    pub(crate) fn changes(&self) -> broadcast::Receiver<String> {
        self.changes.subscribe()
    }

    /// The secret that a reference names.
    ///
    /// # Errors
    /// When there is none, or the keyring is absent, locked or slow.
    pub async fn resolve(&self, reference: &SecretRef) -> Result<SecretString, SecretError> {
        let (secret, _) = self.look_up(reference).await?;
        self.masker.remember(&secret);
        Ok(secret)
    }

    /// Where the secret is that a reference names. The secret itself stays there.
    ///
    /// # Errors
    /// When there is none, or the keyring is absent, locked or slow.
    pub async fn find(&self, reference: &SecretRef) -> Result<Found, SecretError> {
        self.look_up(reference).await.map(|(_, found)| found)
    }

    async fn look_up(&self, reference: &SecretRef) -> Result<(SecretString, Found), SecretError> {
        let name = match reference {
            SecretRef::Env(name) => return Ok((variable(name)?, Found::Variable)),
            SecretRef::Keyring(name) => name,
        };
        if let Some(secret) = self.of_this_run().get(name) {
            return Ok((secret.clone(), Found::ThisRun));
        }
        let entry = name.clone();
        let secret = self.call(name, move |store| store.get(&entry)).await?;
        let secret = secret.ok_or_else(|| SecretError::Missing { name: name.clone() })?;
        Ok((secret, Found::Keyring))
    }

    fn of_this_run(&self) -> MutexGuard<'_, BTreeMap<String, SecretString>> {
        self.this_run.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a secret under a name, in place of an earlier one. What waits for it tries again.
    ///
    /// # Errors
    /// When it is empty or too long, or the keyring is absent, locked or slow.
    pub async fn set(&self, name: &str, secret: SecretString, keep: Keep) -> Result<(), SecretError> {
        if secret.expose_secret().is_empty() || secret.expose_secret().len() > MAX_SECRET_BYTES {
            return Err(SecretError::BadLength);
        }
        self.masker.remember(&secret);
        match keep {
            Keep::ThisRun => {
                self.of_this_run().insert(name.to_owned(), secret);
            }
            Keep::Keyring => {
                let entry = name.to_owned();
                self.call(name, move |store| store.set(&entry, &secret)).await?;
                self.of_this_run().remove(name);
            }
        }
        // Nobody waits for a secret that nobody needs.
        self.changes.send(name.to_owned()).ok();
        Ok(())
    }

    /// Deletes the secret of a name, wherever it is kept; that there is none is fine.
    ///
    /// # Errors
    /// When the keyring is absent, locked or slow. One that was kept for this run is gone nevertheless.
    pub async fn delete(&self, name: &str) -> Result<(), SecretError> {
        let had_one = self.of_this_run().remove(name).is_some();
        let entry = name.to_owned();
        let deleted = self.call(name, move |store| store.delete(&entry)).await;
        self.changes.send(name.to_owned()).ok();
        match deleted {
            // Without a keyring there is nothing else to delete.
            Err(SecretError::NoService { .. }) if had_one => Ok(()),
            other => other,
        }
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
            store.ready(name).await?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn keyring_ref(name: &str) -> SecretRef {
        SecretRef::Keyring(name.to_owned())
    }

    #[tokio::test]
    async fn a_secret_is_stored_looked_up_and_deleted() {
        let secrets = Secrets::in_memory();
        let a = keyring_ref("a");
        let missing = secrets.resolve(&a).await.unwrap_err();
        assert_eq!((missing.code(), missing.to_string().contains("env:NAME")), ("missing", true));

        let mut changes = secrets.changes();
        secrets.set("a", "hunter2".into(), Keep::Keyring).await.unwrap();
        assert_eq!(changes.recv().await.unwrap(), "a");
        assert_eq!(secrets.clone().find(&a).await, Ok(Found::Keyring));
        assert_eq!(secrets.resolve(&a).await.unwrap().expose_secret(), "hunter2");
        assert_eq!(secrets.masker().mask("is it hunter2?"), "is it •••?");

        // The one for this run goes before the stored one, until that is set anew.
        secrets.set("a", "swordfish".into(), Keep::ThisRun).await.unwrap();
        assert_eq!(secrets.find(&a).await, Ok(Found::ThisRun));
        assert_eq!(secrets.resolve(&a).await.unwrap().expose_secret(), "swordfish");
        secrets.set("a", "hunter3".into(), Keep::Keyring).await.unwrap();
        assert_eq!(secrets.resolve(&a).await.unwrap().expose_secret(), "hunter3");

        secrets.delete("a").await.unwrap();
        secrets.delete("a").await.unwrap();
        assert_eq!(secrets.find(&a).await.unwrap_err().code(), "missing");
    }

    /// No keyring at all.
    struct Absent;

    #[async_trait::async_trait]
    impl Store for Absent {
        async fn ready(&self, _: &str) -> Result<(), SecretError> {
            Err(SecretError::NoService { reason: "nobody answers".to_owned() })
        }

        fn get(&self, _: &str) -> Result<Option<SecretString>, SecretError> {
            Ok(None)
        }

        fn set(&self, _: &str, _: &SecretString) -> Result<(), SecretError> {
            Ok(())
        }

        fn delete(&self, _: &str) -> Result<(), SecretError> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn without_a_keyring_there_is_still_this_run() {
        let secrets = Secrets::over(Arc::new(Absent), KEYRING_DEADLINE);
        let stored = secrets.set("a", "hunter2".into(), Keep::Keyring).await.unwrap_err();
        assert_eq!(stored.code(), "no_service");
        secrets.set("a", "hunter2".into(), Keep::ThisRun).await.unwrap();
        assert_eq!(secrets.find(&keyring_ref("a")).await, Ok(Found::ThisRun));
        secrets.delete("a").await.unwrap();
        assert_eq!(secrets.delete("a").await.unwrap_err().code(), "no_service");
    }

    #[tokio::test]
    async fn secrets_that_no_keyring_takes_are_refused() {
        for secret in [String::new(), "x".repeat(MAX_SECRET_BYTES + 1)] {
            assert_eq!(
                Secrets::in_memory().set("a", secret.into(), Keep::Keyring).await,
                Err(SecretError::BadLength)
            );
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
    fn nothing_of_a_secret_is_printed() {
        assert_eq!(format!("{:?}", Secrets::in_memory()), "Secrets { .. }");
    }
}
