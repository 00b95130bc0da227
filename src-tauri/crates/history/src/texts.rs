//! The texts behind fingerprints, and when those were at work.

use std::collections::HashMap;

use faultline_model::{ClusterName, Fingerprint, QueryText, Timestamp};
use sqlx::{Row, SqliteConnection};

use crate::body;
use crate::error::HistoryError;
use crate::frames::Gather;
use crate::limits::MAX_TEXTS;
use crate::store::History;
use crate::types::StoredText;

impl History {
    /// The texts of fingerprints of a cluster; those without a known text are absent.
    ///
    /// # Errors
    /// [`HistoryError::TooMuch`] beyond [`MAX_TEXTS`]; whatever keeps the store from reading.
    pub async fn texts(
        &self,
        cluster: &ClusterName,
        fps: &[Fingerprint],
    ) -> Result<HashMap<Fingerprint, StoredText>, HistoryError> {
        if fps.len() > MAX_TEXTS {
            return Err(HistoryError::TooMuch { what: "fingerprints", limit: MAX_TEXTS });
        }
        let fail = |source| self.fail(source);
        let mut transaction = self.read().await?;
        let Some(cluster_id) = self.cluster_id(&mut transaction, cluster).await? else {
            return Ok(HashMap::new());
        };
        let mut texts = HashMap::with_capacity(fps.len());
        for fp in fps {
            let row = sqlx::query(
                "SELECT text, database, user, first_seen, last_seen FROM query
                 WHERE cluster_id = ? AND fp = ? AND text IS NOT NULL",
            )
            .bind(cluster_id)
            .bind(fp.as_str())
            .fetch_optional(&mut *transaction)
            .await
            .map_err(fail)?;
            if let Some(row) = row {
                let text = StoredText {
                    text: row.try_get(0).map_err(fail)?,
                    database: row.try_get(1).map_err(fail)?,
                    user: row.try_get(2).map_err(fail)?,
                    first_seen: Timestamp::from_micros(row.try_get(3).map_err(fail)?),
                    last_seen: Timestamp::from_micros(row.try_get(4).map_err(fail)?),
                };
                texts.insert(fp.clone(), text);
            }
        }
        Ok(texts)
    }

    pub(crate) async fn put_text(
        &self,
        connection: &mut SqliteConnection,
        cluster_id: i64,
        node_id: i64,
        at: Timestamp,
        text: &QueryText,
    ) -> Result<(), HistoryError> {
        sqlx::query(
            "INSERT INTO query (cluster_id, fp, node_id, text, text_at, database, user, first_seen, last_seen)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?5, ?5)
             ON CONFLICT (cluster_id, fp) DO UPDATE SET
                 text = excluded.text,
                 text_at = min(coalesce(query.text_at, excluded.text_at), excluded.text_at),
                 database = coalesce(excluded.database, query.database),
                 user = coalesce(excluded.user, query.user),
                 first_seen = min(query.first_seen, excluded.first_seen),
                 last_seen = max(query.last_seen, excluded.last_seen)",
        )
        .bind(cluster_id)
        .bind(text.fp.as_str())
        .bind(node_id)
        .bind(body::cut(&text.text))
        .bind(at.as_micros())
        .bind(text.database.as_deref())
        .bind(text.user.as_deref())
        .execute(connection)
        .await
        .map_err(|source| self.fail(source))?;
        Ok(())
    }

    /// Notes when fingerprints were at work.
    pub(crate) async fn note_seen(
        &self,
        connection: &mut SqliteConnection,
        cluster_id: i64,
        gather: &Gather,
    ) -> Result<(), HistoryError> {
        let seen: Vec<(i64, String, (i64, i64))> = {
            let known = self.inner.words.read();
            gather
                .seen
                .iter()
                .filter_map(|((node, fp), seen)| {
                    Some((*node, gather.interner.text(&known, *fp)?.to_owned(), *seen))
                })
                .collect()
        };
        for (node_id, fp, (first, last)) in seen {
            sqlx::query(
                "INSERT INTO query (cluster_id, fp, node_id, first_seen, last_seen) VALUES (?, ?, ?, ?, ?)
                 ON CONFLICT (cluster_id, fp) DO UPDATE SET
                     first_seen = min(query.first_seen, excluded.first_seen),
                     last_seen = max(query.last_seen, excluded.last_seen)",
            )
            .bind(cluster_id)
            .bind(fp)
            .bind(node_id)
            .bind(first)
            .bind(last)
            .execute(&mut *connection)
            .await
            .map_err(|source| self.fail(source))?;
        }
        Ok(())
    }
}
