//! Deploys as they are known, merged by id. Other processes write them too (`faultctl mark`); who wants to know asks
//! for what changed since a sequence number.

use faultline_model::{Deploy, DeployId, TimeRange, Timestamp};
use sqlx::Row;

use crate::error::HistoryError;
use crate::limits::{MAX_DEPLOYS, MAX_DOCUMENT_BYTES};
use crate::store::History;

impl History {
    /// Stores word of a deploy, received at `received`, merged with what is known under its id, and returns the deploy
    /// as it stands now. Word that says nothing new changes nothing.
    ///
    /// # Errors
    /// [`HistoryError::TooMuch`] for one beyond [`MAX_DOCUMENT_BYTES`]; whatever keeps the store from writing.
    pub async fn put_deploy(&self, deploy: &Deploy, received: Timestamp) -> Result<Deploy, HistoryError> {
        let mut transaction = self.write().await?;
        let known: Option<(String, i64)> = sqlx::query_as("SELECT body, received FROM deploy WHERE id = ?")
            .bind(deploy.id.as_str())
            .fetch_optional(&mut *transaction)
            .await
            .map_err(|source| self.fail(source))?;
        let (merged, received) = match known {
            None => (deploy.clone(), received.as_micros()),
            Some((body, first_received)) => {
                let known: Deploy = self.parse(&body)?;
                let mut merged = known.clone();
                merged.merge(deploy.clone());
                if merged == known {
                    return Ok(known);
                }
                (merged, first_received)
            }
        };
        let body = self.document(&merged)?;
        let ranked_at = merged.earliest().map_or(received, Timestamp::as_micros);
        sqlx::query(
            "INSERT INTO deploy (id, sequence, ranked_at, environment, received, body)
             VALUES (?, (SELECT coalesce(max(sequence), 0) + 1 FROM deploy), ?, ?, ?, ?)
             ON CONFLICT (id) DO UPDATE SET sequence = excluded.sequence, ranked_at = excluded.ranked_at,
                 environment = excluded.environment, body = excluded.body",
        )
        .bind(merged.id.as_str())
        .bind(ranked_at)
        .bind(&merged.environment)
        .bind(received)
        .bind(body)
        .execute(&mut *transaction)
        .await
        .map_err(|source| self.fail(source))?;
        self.commit(transaction).await?;
        Ok(merged)
    }

    /// A deploy as it stands; `None` when it was never heard of.
    ///
    /// # Errors
    /// Whatever keeps the store from reading.
    pub async fn deploy(&self, id: &DeployId) -> Result<Option<Deploy>, HistoryError> {
        let body: Option<String> = sqlx::query_scalar("SELECT body FROM deploy WHERE id = ?")
            .bind(id.as_str())
            .fetch_optional(&self.inner.readers)
            .await
            .map_err(|source| self.fail(source))?;
        body.map(|body| self.parse(&body)).transpose()
    }

    /// The deploys whose earliest known time (the time they were received, where none is known) lies in `range`, in
    /// its order, of one environment or all; the newest [`MAX_DEPLOYS`].
    ///
    /// # Errors
    /// Whatever keeps the store from reading.
    pub async fn deploys(
        &self,
        range: TimeRange,
        environment: Option<&str>,
    ) -> Result<Vec<Deploy>, HistoryError> {
        let bodies: Vec<String> = sqlx::query_scalar(
            "SELECT body FROM deploy WHERE ranked_at >= ?1 AND ranked_at < ?2 AND (?3 IS NULL OR environment = ?3)
             ORDER BY ranked_at DESC, id DESC LIMIT ?4",
        )
        .bind(range.from.as_micros())
        .bind(range.to.as_micros())
        .bind(environment)
        .bind(MAX_DEPLOYS as i64)
        .fetch_all(&self.inner.readers)
        .await
        .map_err(|source| self.fail(source))?;
        bodies.iter().rev().map(|body| self.parse(body)).collect()
    }

    /// What changed after `sequence`, in that order, and the sequence to ask with next. At most [`MAX_DEPLOYS`] at
    /// once; the rest comes with the next question.
    ///
    /// # Errors
    /// Whatever keeps the store from reading.
    pub async fn deploys_since(&self, sequence: i64) -> Result<(i64, Vec<Deploy>), HistoryError> {
        let rows =
            sqlx::query("SELECT sequence, body FROM deploy WHERE sequence > ? ORDER BY sequence LIMIT ?")
                .bind(sequence)
                .bind(MAX_DEPLOYS as i64)
                .fetch_all(&self.inner.readers)
                .await
                .map_err(|source| self.fail(source))?;
        let mut last = sequence;
        let mut deploys = Vec::with_capacity(rows.len());
        for row in rows {
            last = row.try_get(0).map_err(|source| self.fail(source))?;
            let body: String = row.try_get(1).map_err(|source| self.fail(source))?;
            deploys.push(self.parse(&body)?);
        }
        Ok((last, deploys))
    }

    /// The sequence of the last change to any deploy; 0 when there is none.
    ///
    /// # Errors
    /// Whatever keeps the store from reading.
    pub async fn latest_deploy_sequence(&self) -> Result<i64, HistoryError> {
        sqlx::query_scalar("SELECT coalesce(max(sequence), 0) FROM deploy")
            .fetch_one(&self.inner.readers)
            .await
            .map_err(|source| self.fail(source))
    }

    /// Something as JSON, within the limit.
    pub(crate) fn document(&self, value: &impl serde::Serialize) -> Result<String, HistoryError> {
        let text = serde_json::to_string(value).map_err(|error| self.damaged(error))?;
        if text.len() > MAX_DOCUMENT_BYTES {
            return Err(HistoryError::TooMuch { what: "bytes in one document", limit: MAX_DOCUMENT_BYTES });
        }
        Ok(text)
    }

    /// JSON that this store wrote.
    pub(crate) fn parse<T: serde::de::DeserializeOwned>(&self, text: &str) -> Result<T, HistoryError> {
        serde_json::from_str(text)
            .map_err(|error| self.damaged(format_args!("a document cannot be read: {error}")))
    }
}
