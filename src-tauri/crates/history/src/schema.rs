//! The tables, and the way from an older file to today's. An existing store is copied before it is changed.

use std::path::{Path, PathBuf};

use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType};
use sqlx::sqlite::SqliteConnection;
use sqlx::{Executor, SqlSafeStr};

use crate::error::HistoryError;

/// One step from a format to the next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// The format that it leads to.
    pub(crate) version: i64,
    /// What it is about.
    pub(crate) title: &'static str,
    /// The statements; run in one transaction.
    pub(crate) sql: &'static str,
}

/// Every step, in order. A step that was released is never changed.
pub(crate) const STEPS: &[Step] =
    &[Step { version: 1, title: "first", sql: include_str!("../migrations/0001_first.sql") }];

/// Where it is noted which steps were run.
const TABLE: &str = "_sqlx_migrations";

/// `application_id` of our stores: "FLTL".
const APPLICATION_ID: i64 = 0x464C_544C;

/// Brings the file to the last of `steps`. The caller holds the store's lock file, so that two processes that start
/// together do not migrate at once.
///
/// # Errors
/// A file that is not ours or is newer is left as it was.
pub(crate) async fn migrate(
    connection: &mut SqliteConnection,
    file: &Path,
    steps: &[Step],
) -> Result<(), HistoryError> {
    let known = steps.iter().map(|step| step.version).max().unwrap_or(0);
    let found = format_of(connection, file).await?;
    if let Some(found) = found.filter(|found| *found > known) {
        return Err(HistoryError::Newer { file: file.to_owned(), found, known });
    }
    if let Some(found) = found.filter(|found| *found < known) {
        back_up(connection, file, found).await?;
    }
    run(connection, steps).await.map_err(|error| match error {
        MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _) => {
            HistoryError::from_sqlx(file, source)
        }
        other => HistoryError::damaged(file, other),
    })
}

/// Runs the steps that were not run yet. (`Migrator::run` does the same, but its future cannot be sent to another
/// thread when it is given a connection.)
async fn run(connection: &mut SqliteConnection, steps: &[Step]) -> Result<(), MigrateError> {
    connection.ensure_migrations_table(TABLE).await?;
    let applied = connection.list_applied_migrations(TABLE).await?;
    for step in steps {
        let sql = step.sql.into_sql_str();
        let migration = Migration::new(step.version, step.title.into(), MigrationType::Simple, sql, false);
        match applied.iter().find(|applied| applied.version == step.version) {
            Some(applied) if applied.checksum != migration.checksum => {
                return Err(MigrateError::VersionMismatch(step.version));
            }
            Some(_) => {}
            None => {
                connection.apply(TABLE, &migration).await?;
            }
        }
    }
    Ok(())
}

/// The format of a file; `None` for an empty one.
async fn format_of(connection: &mut SqliteConnection, file: &Path) -> Result<Option<i64>, HistoryError> {
    let fail = |source| HistoryError::from_sqlx(file, source);
    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_master")
        .fetch_one(&mut *connection)
        .await
        .map_err(fail)?;
    if tables == 0 {
        return Ok(None);
    }
    let id: i64 =
        sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *connection).await.map_err(fail)?;
    let ours: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_master WHERE name = ?")
        .bind(TABLE)
        .fetch_one(&mut *connection)
        .await
        .map_err(fail)?;
    if ours == 0 {
        return Err(HistoryError::NotAStore { file: file.to_owned() });
    }
    let applied = connection
        .list_applied_migrations(TABLE)
        .await
        .map_err(|error| HistoryError::damaged(file, error))?;
    match applied.last() {
        // Killed between making the table of steps and the first step: as good as empty.
        None => Ok(None),
        Some(_) if id != APPLICATION_ID => Err(HistoryError::NotAStore { file: file.to_owned() }),
        Some(last) => Ok(Some(last.version)),
    }
}

/// Where the copy of a store of format `version` goes.
pub(crate) fn backup_file(file: &Path, version: i64) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".backup-v{version}"));
    name.into()
}

async fn back_up(connection: &mut SqliteConnection, file: &Path, version: i64) -> Result<(), HistoryError> {
    let target = backup_file(file, version);
    let mut partial = target.clone().into_os_string();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let folder_error = |source| HistoryError::Folder { folder: target.clone(), source };
    match tokio::fs::remove_file(&partial).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(folder_error(error)),
        _ => {}
    }
    crate::store::create_private(&partial).map_err(folder_error)?;
    let into = partial.to_string_lossy().into_owned();
    connection
        .execute(sqlx::query("VACUUM INTO ?").bind(into))
        .await
        .map_err(|source| HistoryError::from_sqlx(file, source))?;
    tokio::fs::rename(&partial, &target).await.map_err(folder_error)?;
    tracing::info!(backup = %target.display(), "copied the store before bringing it to a newer format");
    Ok(())
}
