//! Rollbacks: each idempotency key is begun once, ever, whichever process asks.

use faultline_model::{RollbackOutcome, RollbackTarget, Timestamp};
use sqlx::sqlite::SqliteRow;
use sqlx::{Connection, Executor, Row, SqliteConnection};

use crate::error::HistoryError;
use crate::store::History;
use crate::types::RollbackRecord;

/// The rollbacks of an incident, in the columns that [`History::rollback_of_row`] reads.
pub(crate) const ROLLBACK_BY_INCIDENT: &str =
    "SELECT target, started, finished, outcome, verified, verification FROM rollback_run WHERE incident = ?
     ORDER BY started, key";

impl History {
    /// Asks for permission to run a rollback: `true` exactly once for an idempotency key, over all processes and
    /// restarts. The answer is on disk before it is given.
    ///
    /// # Errors
    /// Whatever keeps the store from writing; nothing may run then.
    pub async fn begin_rollback(&self, target: &RollbackTarget, at: Timestamp) -> Result<bool, HistoryError> {
        let document = self.document(target)?;
        let fail = |source| self.fail(source);
        let mut connection = self.inner.writer.acquire().await.map_err(fail)?;
        // With synchronous=NORMAL a power cut may take back a commit; this one must stay.
        connection.execute("PRAGMA synchronous = FULL").await.map_err(fail)?;
        let done = self.insert_rollback(&mut connection, target, document, at).await;
        connection.execute("PRAGMA synchronous = NORMAL").await.map_err(fail)?;
        done
    }

    async fn insert_rollback(
        &self,
        connection: &mut SqliteConnection,
        target: &RollbackTarget,
        document: String,
        at: Timestamp,
    ) -> Result<bool, HistoryError> {
        let fail = |source| self.fail(source);
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(fail)?;
        let done = sqlx::query(
            "INSERT INTO rollback_run (key, incident, target, started) VALUES (?, ?, ?, ?)
             ON CONFLICT (key) DO NOTHING",
        )
        .bind(&target.idempotency_key)
        .bind(target.incident.as_ref().map(faultline_model::IncidentId::as_str))
        .bind(document)
        .bind(at.as_micros())
        .execute(&mut *transaction)
        .await
        .map_err(fail)?;
        transaction.commit().await.map_err(fail)?;
        Ok(done.rows_affected() == 1)
    }

    /// Notes how a rollback ended.
    ///
    /// # Errors
    /// [`HistoryError::UnknownRollback`] when it never began.
    pub async fn finish_rollback(
        &self,
        key: &str,
        outcome: &RollbackOutcome,
        at: Timestamp,
    ) -> Result<(), HistoryError> {
        let outcome = self.document(outcome)?;
        let mut transaction = self.write().await?;
        let done = sqlx::query("UPDATE rollback_run SET outcome = ?, finished = ? WHERE key = ?")
            .bind(outcome)
            .bind(at.as_micros())
            .bind(key)
            .execute(&mut *transaction)
            .await
            .map_err(|source| self.fail(source))?;
        self.commit(transaction).await?;
        known(done.rows_affected(), key)
    }

    /// Notes whether the database recovered after a rollback, and the sentence that says so.
    ///
    /// # Errors
    /// [`HistoryError::UnknownRollback`] when it never began.
    pub async fn set_rollback_verification(
        &self,
        key: &str,
        verified: bool,
        sentence: &str,
        at: Timestamp,
    ) -> Result<(), HistoryError> {
        let mut transaction = self.write().await?;
        let done = sqlx::query(
            "UPDATE rollback_run SET verified = ?, verification = ?, verified_at = ? WHERE key = ?",
        )
        .bind(verified)
        .bind(sentence)
        .bind(at.as_micros())
        .bind(key)
        .execute(&mut *transaction)
        .await
        .map_err(|source| self.fail(source))?;
        self.commit(transaction).await?;
        known(done.rows_affected(), key)
    }

    /// A rollback as it stands; `None` when it never began.
    ///
    /// # Errors
    /// Whatever keeps the store from reading.
    pub async fn rollback(&self, key: &str) -> Result<Option<RollbackRecord>, HistoryError> {
        sqlx::query(
            "SELECT target, started, finished, outcome, verified, verification FROM rollback_run WHERE key = ?",
        )
        .bind(key)
        .fetch_optional(&self.inner.readers)
        .await
        .map_err(|source| self.fail(source))?
        .map(|row| self.rollback_of_row(&row))
        .transpose()
    }

    pub(crate) fn rollback_of_row(&self, row: &SqliteRow) -> Result<RollbackRecord, HistoryError> {
        let fail = |source| self.fail(source);
        let target: String = row.try_get(0).map_err(fail)?;
        let outcome: Option<String> = row.try_get(3).map_err(fail)?;
        Ok(RollbackRecord {
            target: self.parse(&target)?,
            started: Timestamp::from_micros(row.try_get(1).map_err(fail)?),
            finished: row.try_get::<Option<i64>, _>(2).map_err(fail)?.map(Timestamp::from_micros),
            outcome: outcome.map(|outcome| self.parse(&outcome)).transpose()?,
            verified: row.try_get(4).map_err(fail)?,
            verification: row.try_get(5).map_err(fail)?,
        })
    }
}

fn known(rows: u64, key: &str) -> Result<(), HistoryError> {
    match rows {
        0 => Err(HistoryError::UnknownRollback { key: key.to_owned() }),
        _ => Ok(()),
    }
}
