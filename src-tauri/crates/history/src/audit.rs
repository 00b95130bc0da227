//! The audit log: who did what. Lines are added, never changed.

use faultline_model::{TimeRange, Timestamp};
use sqlx::Row;

use crate::error::HistoryError;
use crate::limits::{MAX_AUDIT_ENTRIES, MAX_DOCUMENT_BYTES};
use crate::store::History;
use crate::types::AuditEntry;

impl History {
    /// Adds a line. A detail beyond [`MAX_DOCUMENT_BYTES`] is replaced by a note of its size: the line itself must
    /// not be lost over it.
    ///
    /// # Errors
    /// Whatever keeps the store from writing.
    pub async fn audit(
        &self,
        at: Timestamp,
        actor: &str,
        action: &str,
        detail: &serde_json::Value,
    ) -> Result<(), HistoryError> {
        let mut text = detail.to_string();
        if text.len() > MAX_DOCUMENT_BYTES {
            text = serde_json::json!({ "left_out_bytes": text.len() }).to_string();
        }
        let mut transaction = self.write().await?;
        sqlx::query("INSERT INTO audit (at, actor, action, detail) VALUES (?, ?, ?, ?)")
            .bind(at.as_micros())
            .bind(actor)
            .bind(action)
            .bind(text)
            .execute(&mut *transaction)
            .await
            .map_err(|source| self.fail(source))?;
        self.commit(transaction).await
    }

    /// The lines of a range, oldest first; the newest [`MAX_AUDIT_ENTRIES`].
    ///
    /// # Errors
    /// Whatever keeps the store from reading.
    pub async fn audit_log(&self, range: TimeRange) -> Result<Vec<AuditEntry>, HistoryError> {
        let fail = |source| self.fail(source);
        let rows = sqlx::query(
            "SELECT at, actor, action, detail FROM audit WHERE at >= ? AND at < ? ORDER BY at DESC, id DESC LIMIT ?",
        )
        .bind(range.from.as_micros())
        .bind(range.to.as_micros())
        .bind(MAX_AUDIT_ENTRIES as i64)
        .fetch_all(&self.inner.readers)
        .await
        .map_err(fail)?;
        rows.iter()
            .rev()
            .map(|row| {
                let detail: String = row.try_get(3).map_err(fail)?;
                Ok(AuditEntry {
                    at: Timestamp::from_micros(row.try_get(0).map_err(fail)?),
                    actor: row.try_get(1).map_err(fail)?,
                    action: row.try_get(2).map_err(fail)?,
                    detail: self.parse(&detail)?,
                })
            })
            .collect()
    }
}
