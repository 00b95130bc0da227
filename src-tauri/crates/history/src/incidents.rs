//! Incidents: what was said of them, in order, and how they stand.

use faultline_model::{
    ClusterName, EventKind, IncidentEvent, IncidentId, Opened, Severity, TimeRange, Timestamp,
};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, Sqlite, SqliteConnection, Transaction};

use crate::error::HistoryError;
use crate::limits::{MAX_INCIDENT_EVENTS, MAX_INCIDENTS};
use crate::rollbacks::ROLLBACK_BY_INCIDENT;
use crate::store::History;
use crate::types::IncidentRecord;

impl History {
    /// Adds an event to its incident and brings the incident up to date, in one transaction.
    ///
    /// # Errors
    /// [`HistoryError::UnknownIncident`] for an event of an incident that was not opened in this cluster.
    pub async fn record_event(
        &self,
        cluster: &ClusterName,
        event: &IncidentEvent,
    ) -> Result<(), HistoryError> {
        let fail = |source| self.fail(source);
        let body = self.document(event)?;
        let mut transaction = self.write().await?;
        let changed = match &event.kind {
            EventKind::Opened(opened) => self.open_row(&mut transaction, cluster, event.t, opened).await?,
            EventKind::Verdict(verdict) => {
                sqlx::query("UPDATE incident SET verdict = ? WHERE id = ? AND cluster = ?")
                    .bind(self.document(verdict)?)
                    .bind(verdict.incident.as_str())
                    .bind(cluster.as_str())
                    .execute(&mut *transaction)
                    .await
                    .map_err(fail)?
                    .rows_affected()
            }
            // Nothing of the row changes; this finds out whether it is there.
            EventKind::Recovering { incident } => {
                sqlx::query("UPDATE incident SET resolved = resolved WHERE id = ? AND cluster = ?")
                    .bind(incident.as_str())
                    .bind(cluster.as_str())
                    .execute(&mut *transaction)
                    .await
                    .map_err(fail)?
                    .rows_affected()
            }
            EventKind::Resolved { incident } => {
                sqlx::query("UPDATE incident SET resolved = ? WHERE id = ? AND cluster = ?")
                    .bind(event.t.as_micros())
                    .bind(incident.as_str())
                    .bind(cluster.as_str())
                    .execute(&mut *transaction)
                    .await
                    .map_err(fail)?
                    .rows_affected()
            }
        };
        if changed == 0 {
            return Err(HistoryError::UnknownIncident { incident: event.kind.incident().clone() });
        }
        sqlx::query("INSERT INTO incident_event (incident, body) VALUES (?, ?)")
            .bind(event.kind.incident().as_str())
            .bind(body)
            .execute(&mut *transaction)
            .await
            .map_err(fail)?;
        self.commit(transaction).await
    }

    async fn open_row(
        &self,
        transaction: &mut Transaction<'static, Sqlite>,
        cluster: &ClusterName,
        at: Timestamp,
        opened: &Opened,
    ) -> Result<u64, HistoryError> {
        // Said again (a worse severity), it stays opened when it was; an id of another cluster is not taken over.
        let done = sqlx::query(
            "INSERT INTO incident (id, cluster, onset, opened, severity, load_ratio, nodes) VALUES (?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (id) DO UPDATE SET onset = excluded.onset, severity = excluded.severity,
                 load_ratio = excluded.load_ratio, nodes = excluded.nodes
             WHERE incident.cluster = excluded.cluster",
        )
        .bind(opened.incident.as_str())
        .bind(cluster.as_str())
        .bind(opened.onset.as_micros())
        .bind(at.as_micros())
        .bind(self.document(&opened.severity)?)
        .bind(opened.load_ratio)
        .bind(self.document(&opened.nodes)?)
        .execute(&mut **transaction)
        .await
        .map_err(|source| self.fail(source))?;
        Ok(done.rows_affected())
    }

    /// An incident with everything about it; `None` when there is none of that id.
    ///
    /// # Errors
    /// Whatever keeps the store from reading.
    pub async fn incident(&self, id: &IncidentId) -> Result<Option<IncidentRecord>, HistoryError> {
        let mut transaction = self.read().await?;
        let row = sqlx::query("SELECT * FROM incident WHERE id = ?")
            .bind(id.as_str())
            .fetch_optional(&mut *transaction)
            .await
            .map_err(|source| self.fail(source))?;
        match row {
            Some(row) => self.record_of_row(&mut transaction, &row).await.map(Some),
            None => Ok(None),
        }
    }

    /// The incidents that were going on in `range`, newest first, of one cluster or all; at most [`MAX_INCIDENTS`].
    ///
    /// # Errors
    /// Whatever keeps the store from reading.
    pub async fn incidents(
        &self,
        range: TimeRange,
        cluster: Option<&ClusterName>,
    ) -> Result<Vec<IncidentRecord>, HistoryError> {
        let mut transaction = self.read().await?;
        let rows = sqlx::query(
            "SELECT * FROM incident
             WHERE min(onset, opened) < ?2 AND (resolved IS NULL OR resolved >= ?1) AND (?3 IS NULL OR cluster = ?3)
             ORDER BY opened DESC, id DESC LIMIT ?4",
        )
        .bind(range.from.as_micros())
        .bind(range.to.as_micros())
        .bind(cluster.map(ClusterName::as_str))
        .bind(MAX_INCIDENTS as i64)
        .fetch_all(&mut *transaction)
        .await
        .map_err(|source| self.fail(source))?;
        let mut records = Vec::with_capacity(rows.len());
        for row in &rows {
            records.push(self.record_of_row(&mut transaction, row).await?);
        }
        Ok(records)
    }

    /// The incident of a cluster that is not over; the newest, should there be several.
    ///
    /// # Errors
    /// Whatever keeps the store from reading.
    pub async fn open_incident(&self, cluster: &ClusterName) -> Result<Option<IncidentRecord>, HistoryError> {
        let mut transaction = self.read().await?;
        let row = sqlx::query(
            "SELECT * FROM incident WHERE cluster = ? AND resolved IS NULL ORDER BY opened DESC, id DESC LIMIT 1",
        )
        .bind(cluster.as_str())
        .fetch_optional(&mut *transaction)
        .await
        .map_err(|source| self.fail(source))?;
        match row {
            Some(row) => self.record_of_row(&mut transaction, &row).await.map(Some),
            None => Ok(None),
        }
    }

    /// A number for a new incident, given out once in the life of the store, from 1.
    ///
    /// # Errors
    /// Whatever keeps the store from writing.
    pub async fn next_incident_number(&self) -> Result<u64, HistoryError> {
        let mut transaction = self.write().await?;
        let number: i64 = sqlx::query_scalar(
            "UPDATE counter SET value = value + 1 WHERE name = 'incident' RETURNING value",
        )
        .fetch_one(&mut *transaction)
        .await
        .map_err(|source| self.fail(source))?;
        self.commit(transaction).await?;
        u64::try_from(number).map_err(|error| self.damaged(error))
    }

    async fn record_of_row(
        &self,
        connection: &mut SqliteConnection,
        row: &SqliteRow,
    ) -> Result<IncidentRecord, HistoryError> {
        let fail = |source| self.fail(source);
        let id: String = row.try_get("id").map_err(fail)?;
        let events: Vec<String> =
            sqlx::query_scalar("SELECT body FROM incident_event WHERE incident = ? ORDER BY id DESC LIMIT ?")
                .bind(&id)
                .bind(MAX_INCIDENT_EVENTS as i64)
                .fetch_all(&mut *connection)
                .await
                .map_err(fail)?;
        let rollbacks =
            sqlx::query(ROLLBACK_BY_INCIDENT).bind(&id).fetch_all(&mut *connection).await.map_err(fail)?;
        let severity: String = row.try_get("severity").map_err(fail)?;
        let nodes: String = row.try_get("nodes").map_err(fail)?;
        let verdict: Option<String> = row.try_get("verdict").map_err(fail)?;
        Ok(IncidentRecord {
            id: id.into(),
            cluster: row.try_get::<String, _>("cluster").map_err(fail)?.into(),
            onset: Timestamp::from_micros(row.try_get("onset").map_err(fail)?),
            opened: Timestamp::from_micros(row.try_get("opened").map_err(fail)?),
            resolved: row.try_get::<Option<i64>, _>("resolved").map_err(fail)?.map(Timestamp::from_micros),
            severity: self.parse::<Severity>(&severity)?,
            load_ratio: row.try_get("load_ratio").map_err(fail)?,
            nodes: self.parse(&nodes)?,
            verdict: verdict.map(|verdict| self.parse(&verdict)).transpose()?,
            events: events.iter().rev().map(|event| self.parse(event)).collect::<Result<_, _>>()?,
            rollbacks: rollbacks.iter().map(|row| self.rollback_of_row(row)).collect::<Result<_, _>>()?,
        })
    }
}
