//! One watcher a store: two would write every frame twice. Held by an operating-system lock, which ends with the process.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use crate::error::EngineError;

/// Name of the locked file in the data folder.
const LOCK_FILE: &str = "watching.lock";

/// The right to watch with a store; given back when dropped.
#[derive(Debug)]
pub(crate) struct StoreLock(#[expect(dead_code, reason = "the lock lives as long as the open file")] File);

impl StoreLock {
    /// Takes the right.
    pub(crate) fn take(folder: &Path) -> Result<Self, EngineError> {
        let data_folder = |source| EngineError::DataFolder { folder: folder.to_owned(), source };
        std::fs::create_dir_all(folder).map_err(data_folder)?;
        let file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(false)
            .open(folder.join(LOCK_FILE))
            .map_err(data_folder)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(EngineError::AlreadyRunning { folder: folder.to_owned() }),
            Err(TryLockError::Error(source)) => Err(data_folder(source)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_watcher_is_refused_until_the_first_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let first = StoreLock::take(folder.path()).unwrap();
        assert!(matches!(StoreLock::take(folder.path()), Err(EngineError::AlreadyRunning { .. })));
        drop(first);
        StoreLock::take(folder.path()).unwrap();
    }
}
