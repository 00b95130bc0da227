//! What stands until it is said anew: about, facts and texts. Checkpoints keep the way back to it short, and let
//! retention take the frames in which it was said.

use std::collections::{BTreeMap, HashMap};

use faultline_model::{ClusterName, Frame, NodeName, Observation, QueryText, Timestamp};
use futures::{StreamExt, TryStreamExt};
use sqlx::{Row, SqliteConnection};

use crate::body;
use crate::codec::{Dictionary, Unpacker, Writer};
use crate::error::HistoryError;
use crate::limits::MAX_TEXTS;
use crate::store::History;
use crate::words::NewWords;

/// Time between two checkpoints, microseconds: six hours.
const CHECKPOINT_MICROS: i64 = 6 * 3_600 * 1_000_000;

/// Rows that are decoded between two awaits.
const CHUNK_ROWS: usize = 256;

/// What stands, by node.
type Standing = BTreeMap<i64, Frame>;

impl History {
    /// What a recording that starts at `at` must begin with: for each node one frame of the time `at` with what it is,
    /// all its facts and the texts that were known before `at` (the [`MAX_TEXTS`] last seen).
    ///
    /// # Errors
    /// Whatever keeps the store from reading.
    pub async fn standing(
        &self,
        cluster: &ClusterName,
        at: Timestamp,
    ) -> Result<Vec<Observation>, HistoryError> {
        let mut transaction = self.read().await?;
        let Some(cluster_id) = self.cluster_id(&mut transaction, cluster).await? else {
            return Ok(Vec::new());
        };
        let nodes = self.nodes(&mut transaction, cluster_id).await?;
        let mut standing = self.standing_at(&mut transaction, cluster_id, &nodes, at.as_micros()).await?;
        let rows = sqlx::query(
            "SELECT node_id, fp, text, database, user FROM query
             WHERE cluster_id = ? AND text IS NOT NULL AND text_at < ? ORDER BY last_seen DESC, fp LIMIT ?",
        )
        .bind(cluster_id)
        .bind(at.as_micros())
        .bind(MAX_TEXTS as i64)
        .fetch_all(&mut *transaction)
        .await
        .map_err(|source| self.fail(source))?;
        let fail = |source| self.fail(source);
        for row in &rows {
            let node_id = self.column(row, 0)?;
            let text = QueryText {
                fp: row.try_get::<String, _>(1).map_err(fail)?.into(),
                text: row.try_get(2).map_err(fail)?,
                database: row.try_get(3).map_err(fail)?,
                user: row.try_get(4).map_err(fail)?,
            };
            self.of_node(&mut standing, node_id, &nodes)?.texts.push(text);
        }
        let mut frames: Vec<_> = standing.into_values().map(|frame| Frame { at, ..frame }).collect();
        frames.sort_by(|one, two| one.node.cmp(&two.node));
        Ok(frames.into_iter().map(Observation::Frame).collect())
    }

    /// About and facts as they stood before `at`, microseconds.
    async fn standing_at(
        &self,
        connection: &mut SqliteConnection,
        cluster_id: i64,
        nodes: &HashMap<i64, NodeName>,
        at: i64,
    ) -> Result<Standing, HistoryError> {
        let checkpoint: Option<(i64, i64, Vec<u8>)> = sqlx::query_as(
            "SELECT cut, sequence, body FROM checkpoint WHERE cluster_id = ? AND cut <= ? ORDER BY cut DESC LIMIT 1",
        )
        .bind(cluster_id)
        .bind(at)
        .fetch_optional(&mut *connection)
        .await
        .map_err(|source| self.fail(source))?;
        let (cut, sequence, mut standing) = match checkpoint {
            Some((cut, sequence, body)) => (cut, sequence, self.read_checkpoint(&body, nodes)?),
            None => (i64::MIN, 0, Standing::new()),
        };
        let mut unpacker = Unpacker::new().map_err(|error| self.damaged(error))?;
        // What the checkpoint does not hold: what is later than its cut, and what came in after it was made.
        let mut chunks = sqlx::query(
            "SELECT sequence, node_id, at, body FROM observation
             WHERE cluster_id = ?1 AND standing = 1 AND at >= ?2 AND at < ?4
             UNION ALL
             SELECT sequence, node_id, at, body FROM observation
             WHERE cluster_id = ?1 AND standing = 1 AND sequence > ?3 AND at < ?2 AND at < ?4
             ORDER BY sequence",
        )
        .bind(cluster_id)
        .bind(cut)
        .bind(sequence)
        .bind(at)
        .fetch(connection)
        .map_err(|source| self.fail(source))
        .try_chunks(CHUNK_ROWS);
        while let Some(rows) = chunks.next().await {
            for row in rows.map_err(|error| error.1)? {
                let (node_id, at) = (self.column(&row, 1)?, Timestamp::from_micros(self.column(&row, 2)?));
                let body: &[u8] = row.try_get(3).map_err(|source| self.fail(source))?;
                let frame = self.said(node_id, at, body, nodes, &mut unpacker)?;
                let standing = self.of_node(&mut standing, node_id, nodes)?;
                standing.about = frame.about.or(standing.about.take());
                standing.facts.extend(frame.facts);
            }
        }
        Ok(standing)
    }

    fn said(
        &self,
        node_id: i64,
        at: Timestamp,
        body: &[u8],
        nodes: &HashMap<i64, NodeName>,
        unpacker: &mut Unpacker,
    ) -> Result<Frame, HistoryError> {
        let node = nodes.get(&node_id).ok_or_else(|| self.damaged("a node is missing"))?.clone();
        body::decode_said(body, at, node, unpacker).map_err(|error| self.damaged(error))
    }

    fn of_node<'a>(
        &self,
        standing: &'a mut Standing,
        node_id: i64,
        nodes: &HashMap<i64, NodeName>,
    ) -> Result<&'a mut Frame, HistoryError> {
        let node = nodes.get(&node_id).ok_or_else(|| self.damaged("a node is missing"))?;
        Ok(standing.entry(node_id).or_insert_with(|| Frame::new(Timestamp::EPOCH, node.clone())))
    }

    /// Makes a checkpoint when the last one is long ago.
    pub(crate) async fn checkpoint_when_due(
        &self,
        connection: &mut SqliteConnection,
        cluster_id: i64,
        newest: Timestamp,
    ) -> Result<(), HistoryError> {
        let last: Option<i64> = sqlx::query_scalar("SELECT max(cut) FROM checkpoint WHERE cluster_id = ?")
            .bind(cluster_id)
            .fetch_one(&mut *connection)
            .await
            .map_err(|source| self.fail(source))?;
        let newest = newest.as_micros();
        if last.is_none_or(|last| newest.saturating_sub(last) >= CHECKPOINT_MICROS) {
            self.make_checkpoint(connection, cluster_id, newest).await?;
        }
        Ok(())
    }

    /// Writes down what stood before `cut`, microseconds.
    pub(crate) async fn make_checkpoint(
        &self,
        connection: &mut SqliteConnection,
        cluster_id: i64,
        cut: i64,
    ) -> Result<(), HistoryError> {
        let nodes = self.nodes(connection, cluster_id).await?;
        let standing = self.standing_at(connection, cluster_id, &nodes, cut).await?;
        let body = self.write_checkpoint(&standing)?;
        sqlx::query(
            "INSERT INTO checkpoint (cluster_id, cut, sequence, body)
             VALUES (?1, ?2, (SELECT coalesce(max(sequence), 0) FROM observation), ?3)
             ON CONFLICT (cluster_id, cut) DO UPDATE SET sequence = excluded.sequence, body = excluded.body",
        )
        .bind(cluster_id)
        .bind(cut)
        .bind(body)
        .execute(connection)
        .await
        .map_err(|source| self.fail(source))?;
        Ok(())
    }

    fn write_checkpoint(&self, standing: &Standing) -> Result<Vec<u8>, HistoryError> {
        let known = self.inner.words.read();
        let new = NewWords::new();
        let mut out = Writer::default();
        out.whole(standing.len() as u64);
        for (node_id, frame) in standing {
            out.whole(node_id.cast_unsigned());
            let dictionary = Dictionary { known: &known, new: &new };
            out.bytes(&body::encode_frame(frame, dictionary).map_err(|error| self.damaged(error))?);
        }
        out.finish().map_err(|error| self.damaged(error))
    }

    fn read_checkpoint(&self, body: &[u8], nodes: &HashMap<i64, NodeName>) -> Result<Standing, HistoryError> {
        let bad = |error| self.damaged(error);
        let mut outer = Unpacker::new().map_err(bad)?;
        let mut inner = Unpacker::new().map_err(bad)?;
        let mut reader = outer.open(body).map_err(bad)?;
        let mut standing = Standing::new();
        for _ in 0..reader.count().map_err(bad)? {
            let node_id = reader.whole().map_err(bad)?.cast_signed();
            let frame = reader.bytes().map_err(bad)?;
            standing.insert(node_id, self.said(node_id, Timestamp::EPOCH, frame, nodes, &mut inner)?);
        }
        Ok(standing)
    }
}
