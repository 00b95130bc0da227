//! Opening and closing the store, and the way to its connections: one that writes, a few that read.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::sqlite::{
    SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{Connection, Sqlite, SqliteConnection, Transaction};

use crate::error::HistoryError;
use crate::limits::{ACQUIRE_TIMEOUT, BUSY_TIMEOUT, LOCK_PAUSE, LOCK_TIMEOUT, READERS, ROW_BUFFER};
use crate::schema::{self, STEPS, Step};
use crate::words::Words;

/// Name of the store in the data folder.
pub const FILE_NAME: &str = "faultline.db";

/// Held while the tables are made or changed.
const LOCK_FILE_NAME: &str = "faultline.lock";

/// The embedded store. Clones share it; several processes may have it open at once.
#[derive(Clone, Debug)]
pub struct History {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) file: PathBuf,
    pub(crate) writer: SqlitePool,
    pub(crate) readers: SqlitePool,
    pub(crate) words: Words,
}

impl History {
    /// Opens the store in `folder`, making both when they are not there (for this user alone), and bringing an older
    /// file to today's format after copying it.
    ///
    /// # Errors
    /// A folder that cannot be used, a file that is no store, damaged, newer, read-only or locked, a full disk.
    pub async fn open(folder: &Path) -> Result<Self, HistoryError> {
        Self::open_with(folder, STEPS).await
    }

    pub(crate) async fn open_with(folder: &Path, steps: &[Step]) -> Result<Self, HistoryError> {
        let file = folder.join(FILE_NAME);
        let lock = {
            let (folder, file) = (folder.to_owned(), file.clone());
            let prepared = tokio::task::spawn_blocking(move || prepare(&folder, &file)).await;
            prepared.map_err(|_| HistoryError::Closed)??
        };
        take(&lock, &file).await?;
        let fail = |source| HistoryError::from_sqlx(&file, source);
        let options = SqliteConnectOptions::new()
            .filename(&file)
            .auto_vacuum(SqliteAutoVacuum::Incremental)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(BUSY_TIMEOUT)
            .foreign_keys(true);
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .after_release(|connection, _| Box::pin(is_usable(connection)))
            .connect_with(options.clone())
            .await
            .map_err(fail)?;
        let migrated = match writer.acquire().await {
            Ok(mut connection) => schema::migrate(&mut connection, &file, steps).await,
            Err(source) => Err(fail(source)),
        };
        if migrated.is_err() {
            // Nothing may hold the file while the user moves it away or puts a copy back.
            writer.close().await;
        }
        drop(lock);
        migrated?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .min_connections(0)
            .test_before_acquire(false)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_lazy_with(options.pragma("query_only", "ON").row_buffer_size(ROW_BUFFER));
        Ok(Self { inner: Arc::new(Inner { file, writer, readers, words: Words::default() }) })
    }

    /// Finishes what is under way and closes the file, for all clones.
    pub async fn close(self) {
        self.inner.readers.close().await;
        self.inner.writer.close().await;
    }

    /// The file.
    pub fn file(&self) -> &Path {
        &self.inner.file
    }

    /// A transaction that writes; it takes the lock at once, so that it never fails halfway for want of it.
    pub(crate) async fn write(&self) -> Result<Transaction<'static, Sqlite>, HistoryError> {
        self.inner.writer.begin_with("BEGIN IMMEDIATE").await.map_err(|source| self.fail(source))
    }

    /// A transaction that reads: everything in it is of one moment.
    pub(crate) async fn read(&self) -> Result<Transaction<'static, Sqlite>, HistoryError> {
        self.inner.readers.begin().await.map_err(|source| self.fail(source))
    }

    pub(crate) async fn commit(&self, transaction: Transaction<'static, Sqlite>) -> Result<(), HistoryError> {
        transaction.commit().await.map_err(|source| self.fail(source))
    }

    pub(crate) fn fail(&self, source: sqlx::Error) -> HistoryError {
        HistoryError::from_sqlx(&self.inner.file, source)
    }

    pub(crate) fn damaged(&self, detail: impl ToString) -> HistoryError {
        HistoryError::damaged(&self.inner.file, detail)
    }
}

/// Whether a connection may serve again. After a full disk or a failed read SQLite ends the transaction on its own, and
/// the driver goes on thinking that it is in one.
async fn is_usable(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    if connection.is_in_transaction() {
        // A rollback may still be on its way; it is done once this is answered.
        connection.ping().await?;
    }
    Ok(!connection.is_in_transaction())
}

/// Takes the lock; it is let go when the file is dropped.
async fn take(lock: &File, file: &Path) -> Result<(), HistoryError> {
    let take = async {
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) => tokio::time::sleep(LOCK_PAUSE).await,
                Err(TryLockError::Error(source)) => {
                    return Err(HistoryError::Folder { folder: file.to_owned(), source });
                }
            }
        }
    };
    let busy = |_| HistoryError::Busy { file: file.to_owned() };
    tokio::time::timeout(LOCK_TIMEOUT, take).await.map_err(busy)?
}

/// Makes folder, file and the file that is locked while the tables are made.
fn prepare(folder: &Path, file: &Path) -> Result<File, HistoryError> {
    let folder_error = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::ReadOnlyFilesystem => HistoryError::ReadOnly { file: file.to_owned() },
        std::io::ErrorKind::StorageFull => HistoryError::DiskFull { file: file.to_owned() },
        _ => HistoryError::Folder { folder: folder.to_owned(), source },
    };
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(folder_error)?;
    let lock = create_private(&folder.join(LOCK_FILE_NAME)).map_err(folder_error)?;
    create_private(file).map_err(folder_error)?;
    Ok(lock)
}

/// Opens a file for writing, making it for this user alone when it is not there. SQLite gives its side files the
/// permissions of the store.
pub(crate) fn create_private(file: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)
}
