//! Rolling up: once a bucket is over, its frames are added up and the sums stored. Which buckets are out of date is
//! noted with the frames, in their transaction, so that rolling up may be interrupted at any moment.

use std::collections::{BTreeSet, HashSet};

use faultline_model::Frame;
use sqlx::SqliteConnection;

use crate::body;
use crate::error::HistoryError;
use crate::frames::{Filter, Gather, TIERS};
use crate::grid;
use crate::store::History;

/// How long after its end a bucket is rolled up, microseconds: a counters span and the disorder between nodes fit in.
const GRACE_MICROS: i64 = 20_000_000;

/// Most buckets that are rolled up in one transaction.
const ROLL_BUCKETS: i64 = 128;

/// Buckets that a frame puts out of date: step and end.
pub(crate) fn reached(frame: &Frame, stale: &mut BTreeSet<(i64, i64)>) {
    let at = grid::micros(frame.at);
    for step in TIERS {
        stale.extend(grid::spread(at, body::longest_span_s(frame), step).map(|(ends, _)| (step, ends)));
    }
}

impl History {
    /// Notes buckets that are out of date.
    pub(crate) async fn mark_stale(
        &self,
        connection: &mut SqliteConnection,
        cluster_id: i64,
        node_id: i64,
        stale: &BTreeSet<(i64, i64)>,
    ) -> Result<(), HistoryError> {
        for (step, ends) in stale {
            sqlx::query("INSERT OR IGNORE INTO stale (cluster_id, step, ends, node_id) VALUES (?, ?, ?, ?)")
                .bind(cluster_id)
                .bind(step)
                .bind(ends)
                .bind(node_id)
                .execute(&mut *connection)
                .await
                .map_err(|source| self.fail(source))?;
        }
        Ok(())
    }

    /// Rolls up what is over at `newest`, microseconds, in bounded transactions, finer steps first.
    pub(crate) async fn roll(&self, cluster_id: i64, newest: i64) -> Result<(), HistoryError> {
        for (index, step) in TIERS.iter().enumerate().rev() {
            while self.roll_some(cluster_id, *step, &TIERS[index + 1..], newest - GRACE_MICROS).await? {}
        }
        Ok(())
    }

    /// Rolls up some buckets of one step that ended by `over`; `false` when there are none.
    async fn roll_some(
        &self,
        cluster_id: i64,
        step: i64,
        finer: &[i64],
        over: i64,
    ) -> Result<bool, HistoryError> {
        let fail = |source| self.fail(source);
        let due = "SELECT node_id, ends FROM stale WHERE cluster_id = ? AND step = ? AND ends <= ?
                   ORDER BY ends LIMIT ?";
        let due = |limit: i64| sqlx::query_as(due).bind(cluster_id).bind(step).bind(over).bind(limit);
        // Looked at without the lock first: most of the time there is nothing to do.
        let first: Option<(i64, i64)> = due(1).fetch_optional(&self.inner.writer).await.map_err(fail)?;
        if first.is_none() {
            return Ok(false);
        }
        let mut transaction = self.write().await?;
        let buckets: HashSet<(i64, i64)> =
            due(ROLL_BUCKETS).fetch_all(&mut *transaction).await.map_err(fail)?.into_iter().collect();
        self.refresh_words(&mut transaction).await?;
        let filter = Filter { step, buckets };
        let windows = filter.windows();
        let due: Vec<_> = filter.buckets.iter().copied().collect();
        let mut gather = Gather::new(step);
        self.gather(&mut transaction, cluster_id, finer, windows, Some(filter), &mut gather).await?;
        self.store_sums(&mut transaction, cluster_id, step, &mut gather).await?;
        if finer.is_empty() {
            self.note_seen(&mut transaction, cluster_id, &gather).await?;
        }
        for (node_id, ends) in due {
            sqlx::query("DELETE FROM stale WHERE cluster_id = ? AND step = ? AND ends = ? AND node_id = ?")
                .bind(cluster_id)
                .bind(step)
                .bind(ends)
                .bind(node_id)
                .execute(&mut *transaction)
                .await
                .map_err(fail)?;
        }
        self.commit(transaction).await?;
        Ok(true)
    }

    async fn store_sums(
        &self,
        connection: &mut SqliteConnection,
        cluster_id: i64,
        step: i64,
        gather: &mut Gather,
    ) -> Result<(), HistoryError> {
        let bodies = {
            let known = self.inner.words.read();
            let mut bodies = Vec::with_capacity(gather.arena.sums.len());
            for (bucket, sums) in &gather.arena.sums {
                let body = sums.encode(&known, &mut gather.interner).map_err(|error| self.damaged(error))?;
                bodies.push((*bucket, body));
            }
            bodies
        };
        for ((node_id, ends), body) in bodies {
            sqlx::query(
                "INSERT INTO rollup (cluster_id, step, ends, node_id, body) VALUES (?, ?, ?, ?, ?)
                 ON CONFLICT (cluster_id, step, ends, node_id) DO UPDATE SET body = excluded.body",
            )
            .bind(cluster_id)
            .bind(step)
            .bind(ends)
            .bind(node_id)
            .bind(body)
            .execute(&mut *connection)
            .await
            .map_err(|source| self.fail(source))?;
        }
        Ok(())
    }
}
