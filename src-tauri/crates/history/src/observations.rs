//! What was seen, exactly and in the order in which analysis saw it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use faultline_model::{ClusterName, Frame, NodeName, Observation, TimeRange, Timestamp};
use futures::{StreamExt, TryStreamExt};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use crate::body;
use crate::codec::{Dictionary, Unpacker};
use crate::error::HistoryError;
use crate::limits::MAX_OBSERVATIONS;
use crate::rollup;
use crate::store::History;
use crate::words::NewWords;

/// Kinds of rows.
mod kind {
    pub(super) const FRAME: i64 = 0;
    pub(super) const DEPLOY: i64 = 1;
}

/// Rows that are decoded between two awaits.
const CHUNK_ROWS: usize = 512;

impl History {
    /// Stores what was seen, in the order given, in one transaction: all of it or, after an error, nothing. Texts
    /// beyond [`crate::MAX_TEXT_BYTES`] are cut. Deploys in it are kept as word that came in; [`History::put_deploy`]
    /// makes them known as deploys.
    ///
    /// # Errors
    /// [`HistoryError::TooMuch`] beyond [`MAX_OBSERVATIONS`]; whatever keeps the store from writing.
    pub async fn append(
        &self,
        cluster: &ClusterName,
        observations: &[Observation],
    ) -> Result<(), HistoryError> {
        let Some(newest) = observations.iter().map(Observation::at).max() else { return Ok(()) };
        if observations.len() > MAX_OBSERVATIONS {
            return Err(HistoryError::TooMuch { what: "observations", limit: MAX_OBSERVATIONS });
        }
        let mut transaction = self.write().await?;
        let cluster_id = self.ensure_cluster(&mut transaction, cluster).await?;
        let nodes = self.ensure_nodes(&mut transaction, cluster_id, observations).await?;
        let mut wanted = BTreeSet::new();
        for frame in frames(observations) {
            body::words(frame, &mut wanted);
        }
        let fail = |source| self.fail(source);
        let new = self.inner.words.add(&mut transaction, &wanted).await.map_err(fail)?;
        self.insert_observations(&mut transaction, cluster_id, &nodes, observations, &new).await?;
        self.insert_consequences(&mut transaction, cluster_id, &nodes, observations).await?;
        if frames(observations).any(is_standing) {
            self.checkpoint_when_due(&mut transaction, cluster_id, newest).await?;
        }
        self.commit(transaction).await?;
        self.inner.words.learn(new);
        // What was appended is safe; rolling up is caught up on with a later append if it fails now.
        if let Err(error) = self.roll(cluster_id, crate::grid::micros(newest)).await {
            tracing::warn!(%error, "rolling up failed and will be tried again");
        }
        Ok(())
    }

    async fn insert_observations(
        &self,
        connection: &mut SqliteConnection,
        cluster_id: i64,
        nodes: &HashMap<NodeName, i64>,
        observations: &[Observation],
        new: &NewWords,
    ) -> Result<(), HistoryError> {
        for chunk in observations.chunks(CHUNK_ROWS) {
            let bodies = {
                let known = self.inner.words.read();
                let dictionary = Dictionary { known: &known, new };
                let encode = |observation: &Observation| match observation {
                    Observation::Frame(frame) => body::encode_frame(frame, dictionary),
                    Observation::Deploy { deploy, .. } => body::encode_deploy(deploy),
                };
                chunk
                    .iter()
                    .map(encode)
                    .collect::<Result<Vec<_>, _>>()
                    .map_err(|error| self.damaged(error))?
            };
            for (observation, body) in chunk.iter().zip(bodies) {
                let (kind, node_id, standing) = match observation {
                    Observation::Frame(frame) => (kind::FRAME, nodes.get(&frame.node), is_standing(frame)),
                    Observation::Deploy { .. } => (kind::DEPLOY, None, false),
                };
                sqlx::query(
                    "INSERT INTO observation (cluster_id, node_id, at, kind, standing, body)
                     VALUES (?, ?, ?, ?, ?, ?)",
                )
                .bind(cluster_id)
                .bind(node_id)
                .bind(observation.at().as_micros())
                .bind(kind)
                .bind(standing)
                .bind(body)
                .execute(&mut *connection)
                .await
                .map_err(|source| self.fail(source))?;
            }
        }
        Ok(())
    }

    /// What follows from frames: texts become known, rollups go out of date.
    async fn insert_consequences(
        &self,
        connection: &mut SqliteConnection,
        cluster_id: i64,
        nodes: &HashMap<NodeName, i64>,
        observations: &[Observation],
    ) -> Result<(), HistoryError> {
        let mut stale: BTreeMap<i64, BTreeSet<(i64, i64)>> = BTreeMap::new();
        for frame in frames(observations) {
            let Some(node_id) = nodes.get(&frame.node) else { continue };
            for text in &frame.texts {
                self.put_text(connection, cluster_id, *node_id, frame.at, text).await?;
            }
            if frame.signals.is_some() || frame.queries.is_some() || frame.sessions.is_some() {
                rollup::reached(frame, stale.entry(*node_id).or_default());
            }
        }
        for (node_id, stale) in &stale {
            self.mark_stale(connection, cluster_id, *node_id, stale).await?;
        }
        Ok(())
    }

    /// Everything that was seen in a range, as it was and in the order in which it was seen. Deploys are in it as the
    /// word that came in.
    ///
    /// # Errors
    /// [`HistoryError::TooMuch`] beyond [`MAX_OBSERVATIONS`]: ask for the range in parts; whatever keeps the store from
    /// reading.
    pub async fn observations(
        &self,
        cluster: &ClusterName,
        range: TimeRange,
    ) -> Result<Vec<Observation>, HistoryError> {
        let mut transaction = self.read().await?;
        let Some(cluster_id) = self.cluster_id(&mut transaction, cluster).await? else {
            return Ok(Vec::new());
        };
        let nodes = self.nodes(&mut transaction, cluster_id).await?;
        self.refresh_words(&mut transaction).await?;
        let mut unpacker = Unpacker::new().map_err(|error| self.damaged(error))?;
        let mut chunks = sqlx::query(
            "SELECT kind, node_id, at, body FROM observation WHERE cluster_id = ? AND at >= ? AND at < ?
             ORDER BY sequence LIMIT ?",
        )
        .bind(cluster_id)
        .bind(range.from.as_micros())
        .bind(range.to.as_micros())
        .bind(MAX_OBSERVATIONS as i64 + 1)
        .fetch(&mut *transaction)
        .map_err(|source| self.fail(source))
        .try_chunks(CHUNK_ROWS);
        let mut observations = Vec::new();
        while let Some(rows) = chunks.next().await {
            for row in rows.map_err(|error| error.1)? {
                observations.push(self.observation(&row, &nodes, &mut unpacker)?);
            }
            if observations.len() > MAX_OBSERVATIONS {
                return Err(HistoryError::TooMuch { what: "observations", limit: MAX_OBSERVATIONS });
            }
        }
        Ok(observations)
    }

    fn observation(
        &self,
        row: &SqliteRow,
        nodes: &HashMap<i64, NodeName>,
        unpacker: &mut Unpacker,
    ) -> Result<Observation, HistoryError> {
        let at = Timestamp::from_micros(self.column(row, 2)?);
        let body: &[u8] = row.try_get(3).map_err(|source| self.fail(source))?;
        match self.column(row, 0)? {
            kind::FRAME => {
                self.frame(self.column(row, 1)?, at, body, nodes, unpacker).map(Observation::Frame)
            }
            kind::DEPLOY => body::decode_deploy(body, at, unpacker).map_err(|error| self.damaged(error)),
            _ => Err(self.damaged("an observation of an unknown kind")),
        }
    }

    fn frame(
        &self,
        node_id: i64,
        at: Timestamp,
        body: &[u8],
        nodes: &HashMap<i64, NodeName>,
        unpacker: &mut Unpacker,
    ) -> Result<Frame, HistoryError> {
        let node = nodes.get(&node_id).ok_or_else(|| self.damaged("a node is missing"))?.clone();
        let known = self.inner.words.read();
        body::decode_frame(body, at, node, &known, unpacker).map_err(|error| self.damaged(error))
    }

    /// The clusters of which anything was ever seen, by name.
    ///
    /// # Errors
    /// Whatever keeps the store from reading.
    pub async fn clusters(&self) -> Result<Vec<ClusterName>, HistoryError> {
        let names: Vec<String> = sqlx::query_scalar("SELECT name FROM cluster ORDER BY name")
            .fetch_all(&self.inner.readers)
            .await
            .map_err(|source| self.fail(source))?;
        Ok(names.into_iter().map(ClusterName::from).collect())
    }

    pub(crate) async fn cluster_id(
        &self,
        connection: &mut SqliteConnection,
        cluster: &ClusterName,
    ) -> Result<Option<i64>, HistoryError> {
        sqlx::query_scalar("SELECT id FROM cluster WHERE name = ?")
            .bind(cluster.as_str())
            .fetch_optional(connection)
            .await
            .map_err(|source| self.fail(source))
    }

    /// The names of a cluster's nodes.
    pub(crate) async fn nodes(
        &self,
        connection: &mut SqliteConnection,
        cluster_id: i64,
    ) -> Result<HashMap<i64, NodeName>, HistoryError> {
        let rows: Vec<(i64, String)> = sqlx::query_as("SELECT id, name FROM node WHERE cluster_id = ?")
            .bind(cluster_id)
            .fetch_all(connection)
            .await
            .map_err(|source| self.fail(source))?;
        Ok(rows.into_iter().map(|(id, name)| (id, name.into())).collect())
    }

    pub(crate) async fn refresh_words(&self, connection: &mut SqliteConnection) -> Result<(), HistoryError> {
        self.inner.words.refresh(connection).await.map_err(|source| self.fail(source))
    }

    async fn ensure_cluster(
        &self,
        connection: &mut SqliteConnection,
        cluster: &ClusterName,
    ) -> Result<i64, HistoryError> {
        if let Some(id) = self.cluster_id(connection, cluster).await? {
            return Ok(id);
        }
        sqlx::query_scalar("INSERT INTO cluster (name) VALUES (?) RETURNING id")
            .bind(cluster.as_str())
            .fetch_one(connection)
            .await
            .map_err(|source| self.fail(source))
    }

    async fn ensure_nodes(
        &self,
        connection: &mut SqliteConnection,
        cluster_id: i64,
        observations: &[Observation],
    ) -> Result<HashMap<NodeName, i64>, HistoryError> {
        let known = self.nodes(connection, cluster_id).await?;
        let mut nodes: HashMap<NodeName, i64> = known.into_iter().map(|(id, name)| (name, id)).collect();
        for frame in frames(observations) {
            if !nodes.contains_key(&frame.node) {
                let id = sqlx::query_scalar("INSERT INTO node (cluster_id, name) VALUES (?, ?) RETURNING id")
                    .bind(cluster_id)
                    .bind(frame.node.as_str())
                    .fetch_one(&mut *connection)
                    .await
                    .map_err(|source| self.fail(source))?;
                nodes.insert(frame.node.clone(), id);
            }
        }
        Ok(nodes)
    }
}

fn frames(observations: &[Observation]) -> impl Iterator<Item = &Frame> {
    observations.iter().filter_map(|observation| match observation {
        Observation::Frame(frame) => Some(frame),
        Observation::Deploy { .. } => None,
    })
}

/// Whether a frame says something that stands until it is said anew.
fn is_standing(frame: &Frame) -> bool {
    frame.about.is_some() || !frame.facts.is_empty()
}
