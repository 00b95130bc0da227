//! What a keyring can do, and one in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use secrecy::SecretString;

use super::SecretError;

/// A store of secrets. Calls may block.
#[async_trait::async_trait]
pub(super) trait Store: Send + Sync {
    /// Whether it can be called at all; asked before every call for the entry `name`.
    async fn ready(&self, name: &str) -> Result<(), SecretError> {
        let _ = name;
        Ok(())
    }

    /// The secret, `None` when there is none.
    fn get(&self, name: &str) -> Result<Option<SecretString>, SecretError>;
    fn set(&self, name: &str, secret: &SecretString) -> Result<(), SecretError>;
    fn delete(&self, name: &str) -> Result<(), SecretError>;
}

/// Secrets in memory.
#[derive(Default)]
pub(super) struct Memory(Mutex<BTreeMap<String, SecretString>>);

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
