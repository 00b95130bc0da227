//! True percentiles of how long statements took, from the buckets that some servers count in. Pure, apart from reading the
//! rows. Our own few statements are in the buckets as well: the server does not tell them apart.

use std::collections::BTreeMap;

use super::table::Table;
use super::trouble::Trouble;

/// Picoseconds in a millisecond, and milliseconds in a second.
const PICOS_PER_MS: f64 = 1e9;
const MS_PER_S: f64 = 1e3;
/// Fewest statements between two readings that percentiles are made of.
const FEWEST: u64 = 20;

/// The buckets by their upper end (nanoseconds, as a key), with their lower end in milliseconds and their count.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Buckets(BTreeMap<u64, (f64, u64)>);

impl Buckets {
    /// From the answer to [`super::sql::histogram`].
    ///
    /// # Errors
    /// [`Trouble::Unreadable`] when a column is missing.
    pub(super) fn of_mysql(answer: &Table) -> Result<Self, Trouble> {
        let mut found = Self::default();
        for row in answer.rows() {
            if let (Some(low), Some(high), Some(calls)) =
                (row.float("low_ps")?, row.float("high_ps")?, row.count("calls")?)
            {
                found.add(low / PICOS_PER_MS, high / PICOS_PER_MS, calls);
            }
        }
        Ok(found)
    }

    /// From the answer to [`super::sql::response_times`]. What took longer than the last bucket has no upper end and is
    /// counted at its lower one.
    ///
    /// # Errors
    /// [`Trouble::Unreadable`] when a column is missing.
    pub(super) fn of_mariadb(answer: &Table) -> Result<Self, Trouble> {
        let (mut found, mut low_ms) = (Self::default(), 0.0);
        for row in answer.rows() {
            let upto_ms = row.any(&["upto_s"])?.and_then(|text| text.trim().parse::<f64>().ok());
            let high_ms = upto_ms.map_or(low_ms + 1e-6, |seconds| seconds * MS_PER_S);
            found.add(low_ms, high_ms, row.count("calls")?.unwrap_or_default());
            low_ms = high_ms;
        }
        Ok(found)
    }

    fn add(&mut self, low_ms: f64, high_ms: f64, calls: u64) {
        let bucket = self.0.entry((high_ms * 1e6) as u64).or_insert((low_ms, 0));
        bucket.1 = bucket.1.saturating_add(calls);
    }

    /// What was counted since `before`; `None` when any bucket shrank, as after a reset.
    fn since(&self, before: &Self) -> Option<Self> {
        let shrank =
            |high: &u64, (_, calls): &(f64, u64)| self.0.get(high).map_or(0, |(_, later)| *later) < *calls;
        if before.0.iter().any(|(high, bucket)| shrank(high, bucket)) {
            return None;
        }
        let earlier = |high: &u64| before.0.get(high).map_or(0, |(_, calls)| *calls);
        let differences = self.0.iter().map(|(high, (low, calls))| (*high, (*low, calls - earlier(high))));
        Some(Self(differences.collect()))
    }

    /// The time that this share of the statements did not exceed, milliseconds; within a bucket as if spread evenly.
    fn quantile_ms(&self, share: f64) -> Option<f64> {
        let total: u64 = self.0.values().map(|(_, calls)| *calls).sum();
        if total < FEWEST {
            return None;
        }
        let (wanted, mut below) = (share * total as f64, 0.0);
        for (high, (low_ms, calls)) in &self.0 {
            let calls = *calls as f64;
            if calls > 0.0 && below + calls >= wanted {
                let high_ms = *high as f64 / 1e6;
                return Some(low_ms + (high_ms - low_ms) * ((wanted - below) / calls).clamp(0.0, 1.0));
            }
            below += calls;
        }
        None
    }
}

/// The 95th and 99th percentile of what finished between two readings, milliseconds.
pub(super) fn percentiles_ms(before: &Buckets, now: &Buckets) -> Option<(f64, f64)> {
    let since = now.since(before)?;
    Some((since.quantile_ms(0.95)?, since.quantile_ms(0.99)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(rows: &[(f64, f64, u64)]) -> Buckets {
        let mut found = Buckets::default();
        rows.iter().for_each(|(low, high, calls)| found.add(*low, *high, *calls));
        found
    }

    #[test]
    fn percentiles_are_of_the_interval_and_not_of_the_lifetime() {
        let before = buckets(&[(0.0, 1.0, 1_000_000), (10.0, 20.0, 5)]);
        let now = buckets(&[(0.0, 1.0, 1_000_090), (10.0, 20.0, 15)]);
        let (p95, p99) = percentiles_ms(&before, &now).unwrap();
        assert!((p95 - 15.0).abs() < 1e-6 && (p99 - 19.0).abs() < 1e-6, "{p95} {p99}");
        assert_eq!(percentiles_ms(&now, &before), None, "a reset");
        assert_eq!(percentiles_ms(&now, &now), None, "nothing finished");
        let empty = Buckets::default();
        assert_eq!(percentiles_ms(&now, &empty), None, "a truncated table");
        assert!(percentiles_ms(&empty, &now).is_some());
    }

    #[test]
    fn the_plugin_of_mariadb_counts_in_buckets_that_end_somewhere() {
        let mut answer = Table::new(vec!["upto_s".into(), "calls".into()]);
        for (upto, calls) in [("   0.001000", "60"), ("   0.010000", "40"), ("TOO LONG", "0")] {
            answer.push(vec![Some(upto.into()), Some(calls.into())]);
        }
        let now = Buckets::of_mariadb(&answer).unwrap();
        let (p95, _) = percentiles_ms(&Buckets::default(), &now).unwrap();
        assert!((p95 - (1.0 + 9.0 * 35.0 / 40.0)).abs() < 1e-6, "{p95}");
    }
}
