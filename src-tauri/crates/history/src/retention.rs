//! Retention by age, in short steps between which others may write.

use faultline_model::Timestamp;
use sqlx::Row;

use crate::error::HistoryError;
use crate::frames::TIERS;
use crate::grid;
use crate::store::History;
use crate::types::Removed;

/// Rows that one step takes away; few enough for a step to stay under 50 ms.
const STEP_ROWS: i64 = 1_000;

/// For tables without steps of rollups.
const NO_STEP: i64 = 0;

/// Pages that one step gives back to the file system.
const STEP_PAGES: u32 = 500;

/// How much longer than the frames a query stays known that is no longer called, microseconds: 400 days, so that what
/// runs once a year is not taken for new.
const QUERY_MICROS: i64 = 400 * 86_400 * 1_000_000;

impl History {
    /// Takes away frames and rollups older than `keep_from`. What still stands (about, facts, texts) is kept, as are
    /// deploys, incidents, rollbacks and the audit log. Each step is a transaction of its own.
    ///
    /// # Errors
    /// Whatever keeps the store from writing; what was removed until then stays removed.
    pub async fn retain(&self, keep_from: Timestamp) -> Result<Removed, HistoryError> {
        let keep_from = grid::micros(keep_from);
        let mut removed = Removed::default();
        let clusters: Vec<i64> = sqlx::query_scalar("SELECT id FROM cluster")
            .fetch_all(&self.inner.readers)
            .await
            .map_err(|source| self.fail(source))?;
        for cluster_id in clusters {
            self.keep_standing(cluster_id, keep_from).await?;
            removed.observations += self
                .remove(
                    "DELETE FROM observation WHERE sequence IN
                     (SELECT sequence FROM observation WHERE cluster_id = ?1 AND at < ?2 LIMIT ?3)",
                    cluster_id,
                    keep_from,
                    NO_STEP,
                )
                .await?;
            for step in TIERS {
                removed.buckets += self
                    .remove(
                        "DELETE FROM rollup WHERE rowid IN
                         (SELECT rowid FROM rollup WHERE cluster_id = ?1 AND step = ?4 AND ends < ?2 LIMIT ?3)",
                        cluster_id,
                        keep_from,
                        step,
                    )
                    .await?;
                self.remove(
                    "DELETE FROM stale WHERE (cluster_id, step, ends, node_id) IN
                     (SELECT cluster_id, step, ends, node_id FROM stale
                      WHERE cluster_id = ?1 AND step = ?4 AND ends < ?2 LIMIT ?3)",
                    cluster_id,
                    keep_from,
                    step,
                )
                .await?;
            }
            // The newest checkpoint that is not after the cut is what later questions start from.
            self.remove(
                "DELETE FROM checkpoint WHERE rowid IN
                 (SELECT old.rowid FROM checkpoint AS old WHERE old.cluster_id = ?1 AND old.cut <
                  (SELECT max(cut) FROM checkpoint WHERE cluster_id = ?1 AND cut <= ?2) LIMIT ?3)",
                cluster_id,
                keep_from,
                NO_STEP,
            )
            .await?;
            self.remove(
                "DELETE FROM query WHERE rowid IN
                 (SELECT rowid FROM query WHERE cluster_id = ?1 AND last_seen < ?2 LIMIT ?3)",
                cluster_id,
                keep_from - QUERY_MICROS,
                NO_STEP,
            )
            .await?;
        }
        self.give_back().await?;
        Ok(removed)
    }

    /// Writes down what stands before the frames that said it go.
    async fn keep_standing(&self, cluster_id: i64, keep_from: i64) -> Result<(), HistoryError> {
        let mut transaction = self.write().await?;
        let due: Option<i64> = sqlx::query_scalar(
            "SELECT 1 FROM observation WHERE cluster_id = ? AND standing = 1 AND at < ? LIMIT 1",
        )
        .bind(cluster_id)
        .bind(keep_from)
        .fetch_optional(&mut *transaction)
        .await
        .map_err(|source| self.fail(source))?;
        if due.is_some() {
            self.make_checkpoint(&mut transaction, cluster_id, keep_from).await?;
            // Later checkpoints do not know what came in late; without them, questions start from the one just made.
            sqlx::query(
                "DELETE FROM checkpoint WHERE cluster_id = ?1 AND cut > ?2 AND sequence <
                 (SELECT max(sequence) FROM observation WHERE cluster_id = ?1 AND standing = 1 AND at < ?2)",
            )
            .bind(cluster_id)
            .bind(keep_from)
            .execute(&mut *transaction)
            .await
            .map_err(|source| self.fail(source))?;
        }
        self.commit(transaction).await
    }

    /// Runs a statement over (cluster, time, rows, step of rollups) until it finds less than a step's rows.
    async fn remove(
        &self,
        sql: &'static str,
        cluster_id: i64,
        before: i64,
        tier: i64,
    ) -> Result<u64, HistoryError> {
        let mut removed = 0;
        loop {
            let mut transaction = self.write().await?;
            let done = sqlx::query(sql)
                .bind(cluster_id)
                .bind(before)
                .bind(STEP_ROWS)
                .bind(tier)
                .execute(&mut *transaction)
                .await
                .map_err(|source| self.fail(source))?;
            self.commit(transaction).await?;
            removed += done.rows_affected();
            if done.rows_affected() < STEP_ROWS.cast_unsigned() {
                return Ok(removed);
            }
            tokio::task::yield_now().await;
        }
    }

    /// Shrinks the file by what is free in it.
    async fn give_back(&self) -> Result<(), HistoryError> {
        let fail = |source| self.fail(source);
        let mut last = i64::MAX;
        loop {
            let free: i64 = sqlx::query("PRAGMA freelist_count")
                .fetch_one(&self.inner.writer)
                .await
                .and_then(|row| row.try_get(0))
                .map_err(fail)?;
            // A file that does not shrink (made without auto-vacuum) must not keep this going.
            if free == 0 || free >= last {
                return Ok(());
            }
            last = free;
            sqlx::query(sqlx::AssertSqlSafe(format!("PRAGMA incremental_vacuum({STEP_PAGES})")))
                .fetch_all(&self.inner.writer)
                .await
                .map_err(fail)?;
        }
    }
}
