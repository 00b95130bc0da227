//! The page of an exporter, read: text 0.0.4 and OpenMetrics 1.0, with the UTF-8 names of Prometheus 3. Not in here: how
//! the page is fetched, and what its numbers mean.
//!
//! What cannot be read at all is an error. A page that can be read but breaks a rule of OpenMetrics (buckets out of
//! order, a family in two places) is read, and the rule is told: Prometheus takes such pages as well.

mod family;
mod histogram;
mod line;
mod openmetrics;
mod text;

use std::collections::HashSet;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use faultline_model::Timestamp;

use self::line::RawSample;
use super::labels::{Labels, METRIC_NAME};
use super::sample::Sample;

/// Most samples of one page, whether wanted or not.
pub const MAX_SAMPLES: usize = 250_000;

/// Most labels of one sample.
pub const MAX_LABELS: usize = 128;

/// Longest name of a metric or label, bytes.
pub const MAX_NAME_BYTES: usize = 1 << 10;

/// Longest value of a label, bytes.
pub const MAX_VALUE_BYTES: usize = 64 << 10;

/// How a page is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' own text, version 0.0.4 or 1.0.0.
    Text,
    /// OpenMetrics.
    OpenMetrics,
}

impl Format {
    /// What a `Content-Type` says. Without one, and with one that says nothing, it is the text format.
    ///
    /// # Errors
    /// Why a page of that type is not that of an exporter, and what to do.
    pub fn of(content_type: Option<&str>) -> Result<Self, String> {
        let media_type = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        match media_type.to_ascii_lowercase().as_str() {
            "application/openmetrics-text" => Ok(Self::OpenMetrics),
            "" | "text/plain" | "application/octet-stream" => Ok(Self::Text),
            "text/html" | "application/xhtml+xml" => {
                Err("it is a web page; exporters mostly have their metrics at /metrics".to_owned())
            }
            "application/json" => {
                Err("it is JSON; a Prometheus server is asked by kind = \"promql\"".to_owned())
            }
            "application/vnd.google.protobuf" => {
                Err("it is protobuf, which was not asked for; have the exporter or proxy heed Accept"
                    .to_owned())
            }
            other => Err(format!("it is {other}, not the text of an exporter; check the url")),
        }
    }
}

/// What is wrong with a page, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct Fault {
    /// Line of the page, from 1.
    pub line: usize,
    /// What is wrong there. May quote the page.
    pub problem: String,
}

impl Fault {
    fn new(line: usize, problem: impl Into<String>) -> Self {
        Self { line, problem: problem.into() }
    }
}

/// A page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exposition {
    /// The samples that were wanted, in the order of the page. Of a series that comes twice for the same time the first
    /// stays, as in Prometheus.
    pub samples: Vec<Sample>,
    /// How many samples the page had, wanted or not.
    pub total: usize,
    /// How many wanted samples were left out because their series had come before.
    pub duplicates: usize,
    /// The first rule of OpenMetrics that the page breaks.
    pub fault: Option<Fault>,
}

/// Reads a page and keeps the samples of the metrics that `wanted` picks by name.
///
/// # Errors
/// The first thing that cannot be read, or the first limit that is passed.
pub fn read(text: &str, format: Format, wanted: impl Fn(&str) -> bool) -> Result<Exposition, Fault> {
    let mut taken = Taken { page: Exposition::default(), seen: HashSet::new(), wanted };
    match format {
        Format::Text => text::read(text, &mut taken)?,
        Format::OpenMetrics => openmetrics::read(text, &mut taken)?,
    }
    Ok(taken.page)
}

/// What is taken of a page while it is read.
struct Taken<W> {
    page: Exposition,
    /// Hashes of the series and times that were kept.
    seen: HashSet<u64>,
    wanted: W,
}

impl<W: Fn(&str) -> bool> Taken<W> {
    fn take(&mut self, raw: RawSample<'_>) -> Result<(), String> {
        self.page.total += 1;
        if self.page.total > MAX_SAMPLES {
            return Err(format!("there are more than {MAX_SAMPLES} samples; have the exporter show fewer"));
        }
        if !(self.wanted)(&raw.name) {
            return Ok(());
        }
        let labels = raw.labels.into_iter().map(|(name, value)| (name.into_owned(), value.into_owned()));
        let labels = Labels::new(labels.chain([(METRIC_NAME.to_owned(), raw.name.into_owned())]));
        if !self.seen.insert(hash_of(&(&labels, raw.at))) {
            self.page.duplicates += 1;
            return Ok(());
        }
        self.page.samples.push(Sample { labels, value: raw.value, at: raw.at });
        Ok(())
    }

    /// Notes that a rule is broken.
    fn breaks(&mut self, line: usize, problem: impl fmt::Display) {
        self.page.fault.get_or_insert_with(|| Fault::new(line, problem.to_string()));
    }
}

fn hash_of(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// The time of a sample, where it is one that a clock may show.
fn time(seconds: f64) -> Option<Timestamp> {
    seconds.is_finite().then(|| Timestamp::from_secs(seconds))
}
