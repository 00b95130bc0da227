//! The rules for the buckets of a histogram.

use faultline_model::Timestamp;

use super::line::{RawSample, number};

/// What was seen of the group that is being read.
#[derive(Default)]
pub(super) struct Histogram {
    group: Option<(u64, Option<Timestamp>)>,
    /// Upper bound and value of the last bucket.
    bucket: Option<(f64, f64)>,
    count: Option<f64>,
    has_sum: bool,
    has_gauge_sum: bool,
    has_negative_gauge_sum: bool,
    has_negative_buckets: bool,
}

impl Histogram {
    /// Takes in a sample of the family; `group` is its labels without `le`, and its time.
    pub(super) fn sample(
        &mut self,
        group: (u64, Option<Timestamp>),
        suffix: &str,
        sample: &RawSample<'_>,
    ) -> Result<(), String> {
        if self.group != Some(group) {
            let finished = self.finish();
            *self = Self { group: Some(group), ..Self::default() };
            finished?;
        }
        match suffix {
            "_bucket" => self.bucket(sample)?,
            "_count" | "_gcount" => self.count = Some(sample.value),
            "_sum" => self.has_sum = true,
            "_gsum" => {
                self.has_gauge_sum = true;
                self.has_negative_gauge_sum |= sample.value < 0.0;
            }
            _ => {}
        }
        Ok(())
    }

    fn bucket(&mut self, sample: &RawSample<'_>) -> Result<(), String> {
        let bound = number(sample.label("le").unwrap_or_default())?;
        self.has_negative_buckets |= bound < 0.0;
        let last = self.bucket.replace((bound, sample.value));
        match last {
            Some((last, _)) if bound <= last => Err("buckets are not in the order of le".to_owned()),
            Some((_, value)) if sample.value < value => {
                Err("a bucket holds less than a smaller one".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// What can be said only when all of the group is in.
    pub(super) fn finish(&self) -> Result<(), String> {
        if self.group.is_none() {
            return Ok(());
        }
        let has_sum = self.has_sum || self.has_gauge_sum;
        let wrong = match (self.bucket, self.count) {
            (bucket, _) if bucket.is_none_or(|(bound, _)| bound != f64::INFINITY) => {
                "a histogram has no bucket with le=\"+Inf\""
            }
            (Some((_, all)), Some(count)) if all != count => {
                "a histogram's count is not that of its +Inf bucket"
            }
            (_, None) if has_sum => "a histogram has a sum and no count",
            (_, Some(_)) if !has_sum => "a histogram has a count and no sum",
            _ if self.has_negative_buckets && self.has_sum => "a histogram with negative buckets has a sum",
            _ if !self.has_negative_buckets && self.has_negative_gauge_sum => {
                "a histogram without negative buckets has a negative sum"
            }
            _ => return Ok(()),
        };
        Err(wrong.to_owned())
    }
}
