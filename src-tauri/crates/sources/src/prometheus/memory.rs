//! What was scraped, as far back as the expressions look. Not in here: what is made of it.

use std::collections::{HashMap, VecDeque};

use faultline_model::Timestamp;

use super::expression::Selector;
use super::labels::Labels;
use super::sample::Sample;

/// Most series that are remembered of one endpoint.
pub const MAX_KEPT_SERIES: usize = 10_000;

/// Most samples that are remembered of one endpoint, over all series.
pub const MAX_KEPT_POINTS: usize = 400_000;

/// What the expressions read is more than is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the expressions read more than is kept ({MAX_KEPT_SERIES} series, {MAX_KEPT_POINTS} samples of them over time); \
     narrow their selectors or shorten their ranges"
)]
pub struct TooMany;

/// The samples of the series that the expressions read.
#[derive(Debug)]
pub struct Memory {
    series: HashMap<Labels, Kept>,
    /// How far back is remembered, seconds.
    keep_s: f64,
    /// A sample that is older than this many seconds says nothing about now.
    stale_s: f64,
    /// Number of the last scrape.
    scrape: u64,
    points: usize,
}

#[derive(Debug, Default)]
struct Kept {
    points: VecDeque<(Timestamp, f64)>,
    /// Number of the last scrape that had the series.
    scrape: u64,
}

impl Memory {
    /// A memory that reaches `keep_s` seconds back, in which a sample counts for now until it is `stale_s` seconds old.
    pub fn new(keep_s: f64, stale_s: f64) -> Self {
        Self { series: HashMap::new(), keep_s, stale_s, scrape: 0, points: 0 }
    }

    /// Takes in a scrape that began at `at`. A series that is not in it is gone at once; what is remembered of it counts
    /// for ranges still.
    ///
    /// # Errors
    /// [`TooMany`] when it would not fit; then nothing is remembered any more.
    pub fn add(&mut self, at: Timestamp, samples: Vec<Sample>) -> Result<(), TooMany> {
        self.scrape += 1;
        for sample in samples {
            let kept = self.series.entry(sample.labels).or_default();
            kept.scrape = self.scrape;
            let at = sample.at.unwrap_or(at);
            // Exporters that state times repeat a sample until they have a new one.
            if kept.points.back().is_none_or(|(last, _)| *last < at) {
                kept.points.push_back((at, sample.value));
                self.points += 1;
            }
        }
        self.forget_before(at - self.keep_s.max(self.stale_s));
        if self.series.len() > MAX_KEPT_SERIES || self.points > MAX_KEPT_POINTS {
            self.forget();
            return Err(TooMany);
        }
        Ok(())
    }

    /// A scrape failed: every series is gone, and what is remembered of it counts for ranges still.
    pub fn miss(&mut self) {
        self.scrape += 1;
    }

    /// Forgets everything, as after a gap.
    pub fn forget(&mut self) {
        self.series = HashMap::new();
        self.points = 0;
    }

    fn forget_before(&mut self, oldest: Timestamp) {
        let (scrape, mut forgotten) = (self.scrape, 0);
        self.series.retain(|_, kept| {
            while kept.points.front().is_some_and(|(at, _)| *at < oldest) {
                // The newest stays while its series is there: how old it is, is told.
                if kept.points.len() == 1 && kept.scrape == scrape {
                    break;
                }
                kept.points.pop_front();
                forgotten += 1;
            }
            !kept.points.is_empty()
        });
        self.points -= forgotten;
    }

    /// How many series of the last scrape a selector picks.
    pub fn count(&self, selector: &Selector) -> usize {
        self.present(selector).count()
    }

    /// How old the newest sample of the last scrape is that a selector picks, seconds.
    pub fn age_s(&self, selector: &Selector, at: Timestamp) -> Option<f64> {
        let ages = self.present(selector).map(|(_, newest, _)| at.secs_since(newest));
        ages.min_by(f64::total_cmp)
    }

    /// The newest value of each series of the last scrape that a selector picks, in the order of the labels.
    pub(super) fn newest(&self, selector: &Selector, at: Timestamp) -> Vec<(Labels, f64)> {
        let fresh = self.present(selector).filter(|(_, newest, _)| at.secs_since(*newest) <= self.stale_s);
        let mut found: Vec<_> = fresh.map(|(labels, _, value)| (labels.clone(), value)).collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        found
    }

    fn present(&self, selector: &Selector) -> impl Iterator<Item = (&Labels, Timestamp, f64)> {
        let there = self.series.iter().filter(|(_, kept)| kept.scrape == self.scrape);
        there.filter(|(labels, _)| selector.matches(labels)).filter_map(|(labels, kept)| {
            let (at, value) = kept.points.back()?;
            Some((labels, *at, *value))
        })
    }

    /// The samples of the `range_s` seconds up to `at`, its beginning not included, of each series that a selector picks,
    /// in the order of the labels.
    pub(super) fn range(
        &self,
        selector: &Selector,
        at: Timestamp,
        range_s: f64,
    ) -> Vec<(&Labels, Vec<(Timestamp, f64)>)> {
        let from = at - range_s;
        let within = |kept: &Kept| -> Vec<_> {
            kept.points.iter().filter(|(time, _)| *time > from && *time <= at).copied().collect()
        };
        let mut found: Vec<_> = self
            .series
            .iter()
            .filter(|(labels, _)| selector.matches(labels))
            .map(|(labels, kept)| (labels, within(kept)))
            .collect();
        found.sort_by(|a, b| a.0.cmp(b.0));
        found
    }
}
