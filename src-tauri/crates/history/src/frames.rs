//! Charts' view of the frames: one bucket a node and step, from rollups where there are some and from the frames
//! themselves where there are none.

use std::collections::{HashMap, HashSet};

use faultline_model::{ClusterName, NodeName, TimeRange, Timestamp};
use futures::{StreamExt, TryStreamExt};
use sqlx::{Row, SqliteConnection};

use crate::codec::Unpacker;
use crate::error::HistoryError;
use crate::grid::{self, Window};
use crate::limits::{MAX_BUCKETS, MAX_OBSERVATIONS};
use crate::spread::{Spreader, add_frame};
use crate::store::History;
use crate::sums::Sums;
use crate::types::Bucket;
use crate::words::Interner;

/// Steps of the rollups, microseconds; each divides the one before it.
pub(crate) const TIERS: [i64; 2] = [600_000_000, 60_000_000];

/// Steps that make good charts, seconds; from a minute on they are served from rollups.
const QUICK_STEPS_S: [f64; 16] = [
    1.0, 2.0, 5.0, 10.0, 15.0, 60.0, 120.0, 300.0, 600.0, 1_200.0, 1_800.0, 3_600.0, 7_200.0, 10_800.0,
    21_600.0, 86_400.0,
];

/// Rows that are decoded between two awaits.
const CHUNK_ROWS: usize = 512;

/// A step for a chart of `range` with at most about `buckets` buckets, that [`History::frames`] serves quickly.
pub fn quick_step_s(range: TimeRange, buckets: usize) -> f64 {
    let wanted = range.secs() / buckets.max(1) as f64;
    QUICK_STEPS_S
        .into_iter()
        .find(|step| *step >= wanted)
        .unwrap_or_else(|| (wanted / 86_400.0).ceil() * 86_400.0)
}

impl History {
    /// What was seen of every node of a cluster, in buckets of `step_s` seconds, by time and then node. Every bucket
    /// that the range touches comes whole; one in which nothing was observed is absent: a gap is a gap. Steps that are
    /// multiples of a minute are quick ([`quick_step_s`]).
    ///
    /// # Errors
    /// [`HistoryError::Step`]; [`HistoryError::TooMuch`] beyond [`MAX_BUCKETS`]; whatever keeps the store from reading.
    pub async fn frames(
        &self,
        cluster: &ClusterName,
        range: TimeRange,
        step_s: f64,
    ) -> Result<Vec<Bucket>, HistoryError> {
        if !(0.001..=1e9).contains(&step_s) {
            return Err(HistoryError::Step { step_s });
        }
        let step = (step_s * grid::MICROS_PER_S).round() as i64;
        let Some(window) = Window::of_range(range, step) else { return Ok(Vec::new()) };
        let mut transaction = self.read().await?;
        let Some(cluster_id) = self.cluster_id(&mut transaction, cluster).await? else {
            return Ok(Vec::new());
        };
        let nodes = self.nodes(&mut transaction, cluster_id).await?;
        self.refresh_words(&mut transaction).await?;
        let levels: Vec<_> = TIERS.into_iter().filter(|tier| step % tier == 0).collect();
        let mut gather = Gather::new(step);
        self.gather(&mut transaction, cluster_id, &levels, vec![window], None, &mut gather).await?;
        drop(transaction);
        self.answer(gather, &nodes)
    }

    fn answer(&self, gather: Gather, nodes: &HashMap<i64, NodeName>) -> Result<Vec<Bucket>, HistoryError> {
        let known = self.inner.words.read();
        let mut buckets = Vec::with_capacity(gather.arena.sums.len());
        for ((node, ends), sums) in gather.arena.sums {
            if !sums.is_empty() {
                let node = nodes.get(&node).ok_or_else(|| self.damaged("a node is missing"))?.clone();
                let at = Timestamp::from_micros(ends);
                buckets.push(
                    sums.into_bucket(at, node, &known, &gather.interner)
                        .map_err(|error| self.damaged(error))?,
                );
            }
        }
        buckets.sort_by(|one, two| (one.at, &one.node).cmp(&(two.at, &two.node)));
        Ok(buckets)
    }

    /// Adds up what `windows` hold: the coarsest rollups that are up to date, finer ones where those are not, and the
    /// frames themselves where none is. With a filter, only its buckets count.
    pub(crate) async fn gather(
        &self,
        connection: &mut SqliteConnection,
        cluster_id: i64,
        levels: &[i64],
        mut windows: Vec<Window>,
        mut filter: Option<Filter>,
        gather: &mut Gather,
    ) -> Result<(), HistoryError> {
        for &level in levels {
            let mut stale = HashSet::new();
            for window in &windows {
                let found = self.stale_buckets(connection, cluster_id, level, *window).await?;
                stale.extend(found.into_iter().filter(|bucket| accepts(filter.as_ref(), *bucket)));
                let rolled = (cluster_id, level, *window);
                self.gather_rolled(connection, rolled, filter.as_ref(), &stale, gather).await?;
            }
            if stale.is_empty() {
                return Ok(());
            }
            let next = Filter { step: level, buckets: stale };
            windows = next.windows();
            filter = Some(next);
        }
        for window in windows {
            self.gather_frames(connection, cluster_id, window, filter.as_ref(), gather).await?;
        }
        Ok(())
    }

    /// Buckets of one level whose rollup is missing or out of date: node and end.
    async fn stale_buckets(
        &self,
        connection: &mut SqliteConnection,
        cluster_id: i64,
        level: i64,
        window: Window,
    ) -> Result<Vec<(i64, i64)>, HistoryError> {
        sqlx::query_as(
            "SELECT node_id, ends FROM stale WHERE cluster_id = ? AND step = ? AND ends > ? AND ends <= ?",
        )
        .bind(cluster_id)
        .bind(level)
        .bind(window.after)
        .bind(window.until)
        .fetch_all(connection)
        .await
        .map_err(|source| self.fail(source))
    }

    async fn gather_rolled(
        &self,
        connection: &mut SqliteConnection,
        (cluster_id, level, window): (i64, i64, Window),
        filter: Option<&Filter>,
        stale: &HashSet<(i64, i64)>,
        gather: &mut Gather,
    ) -> Result<(), HistoryError> {
        let mut unpacker = Unpacker::new().map_err(|error| self.damaged(error))?;
        let mut chunks = sqlx::query(
            "SELECT node_id, ends, body FROM rollup WHERE cluster_id = ? AND step = ? AND ends > ? AND ends <= ?",
        )
        .bind(cluster_id)
        .bind(level)
        .bind(window.after)
        .bind(window.until)
        .fetch(connection)
        .map_err(|source| self.fail(source))
        .try_chunks(CHUNK_ROWS);
        while let Some(rows) = chunks.next().await {
            let rows = rows.map_err(|error| error.1)?;
            let known = self.inner.words.read();
            for row in rows {
                let bucket = (self.column(&row, 0)?, self.column(&row, 1)?);
                if stale.contains(&bucket) || !accepts(filter, bucket) {
                    continue;
                }
                let body: &[u8] = row.try_get(2).map_err(|source| self.fail(source))?;
                let (node, ends) = bucket;
                let index = gather.arena.index(node, grid::ends(ends, gather.step))?;
                unpacker
                    .open(body)
                    .and_then(|mut reader| {
                        gather.arena.sums[index].1.add_encoded(&mut reader, &known, &mut gather.interner)
                    })
                    .map_err(|error| self.damaged(error))?;
            }
        }
        Ok(())
    }

    async fn gather_frames(
        &self,
        connection: &mut SqliteConnection,
        cluster_id: i64,
        window: Window,
        filter: Option<&Filter>,
        gather: &mut Gather,
    ) -> Result<(), HistoryError> {
        let mut unpacker = Unpacker::new().map_err(|error| self.damaged(error))?;
        let read = window.with_spread();
        let mut chunks = sqlx::query(
            "SELECT node_id, at, body FROM observation WHERE cluster_id = ? AND at > ? AND at <= ? AND kind = 0",
        )
        .bind(cluster_id)
        .bind(read.after)
        .bind(read.until)
        .fetch(connection)
        .map_err(|source| self.fail(source))
        .try_chunks(CHUNK_ROWS);
        while let Some(rows) = chunks.next().await {
            let rows = rows.map_err(|error| error.1)?;
            gather.frames_read += rows.len();
            if gather.frames_read > MAX_OBSERVATIONS {
                return Err(HistoryError::TooMuch { what: "frames to add up", limit: MAX_OBSERVATIONS });
            }
            let known = self.inner.words.read();
            for row in rows {
                let (node, at) = (self.column(&row, 0)?, self.column(&row, 1)?);
                let body: &[u8] = row.try_get(2).map_err(|source| self.fail(source))?;
                let mut spreader = Spreader::new(node, at, window, filter, gather, &known);
                add_frame(&mut spreader, &mut unpacker, body).map_err(|error| self.damaged(error))?;
                if gather.arena.sums.len() > MAX_BUCKETS {
                    return Err(HistoryError::TooMuch { what: "buckets", limit: MAX_BUCKETS });
                }
            }
        }
        Ok(())
    }

    pub(crate) fn column(&self, row: &sqlx::sqlite::SqliteRow, index: usize) -> Result<i64, HistoryError> {
        row.try_get(index).map_err(|source| self.fail(source))
    }
}

/// Buckets that are wanted, by node and end, on a grid of their own.
#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) step: i64,
    pub(crate) buckets: HashSet<(i64, i64)>,
}

impl Filter {
    /// The stretches of time that the buckets cover, neighbours in one.
    pub(crate) fn windows(&self) -> Vec<Window> {
        let mut ends: Vec<_> = self.buckets.iter().map(|(_, ends)| *ends).collect();
        ends.sort_unstable();
        let mut windows: Vec<Window> = Vec::new();
        for until in ends {
            match windows.last_mut() {
                Some(last) if until - self.step <= last.until => last.until = until,
                _ => windows.push(Window { after: until - self.step, until }),
            }
        }
        windows
    }
}

/// Whether a (finer) bucket lies in a wanted one.
pub(crate) fn accepts(filter: Option<&Filter>, (node, ends): (i64, i64)) -> bool {
    filter.is_none_or(|filter| filter.buckets.contains(&(node, grid::ends(ends, filter.step))))
}

/// What is being added up.
#[derive(Debug)]
pub(crate) struct Gather {
    /// Step of the buckets, microseconds.
    pub(crate) step: i64,
    pub(crate) arena: Arena,
    pub(crate) interner: Interner,
    /// When each fingerprint was first and last at work, by the frames that were read.
    pub(crate) seen: HashMap<(i64, u64), (i64, i64)>,
    frames_read: usize,
}

impl Gather {
    pub(crate) fn new(step: i64) -> Self {
        Self {
            step,
            arena: Arena::default(),
            interner: Interner::default(),
            seen: HashMap::new(),
            frames_read: 0,
        }
    }
}

/// Sums by node and end of bucket.
#[derive(Debug, Default)]
pub(crate) struct Arena {
    index: HashMap<(i64, i64), usize>,
    pub(crate) sums: Vec<((i64, i64), Sums)>,
}

impl Arena {
    /// Place of a bucket's sums.
    pub(crate) fn place(&mut self, node: i64, ends: i64) -> usize {
        *self.index.entry((node, ends)).or_insert_with(|| {
            self.sums.push(((node, ends), Sums::default()));
            self.sums.len() - 1
        })
    }

    fn index(&mut self, node: i64, ends: i64) -> Result<usize, HistoryError> {
        let place = self.place(node, ends);
        if self.sums.len() > MAX_BUCKETS {
            return Err(HistoryError::TooMuch { what: "buckets", limit: MAX_BUCKETS });
        }
        Ok(place)
    }
}
