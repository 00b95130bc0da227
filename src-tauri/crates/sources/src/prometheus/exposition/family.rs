//! One metric family of OpenMetrics and its rules: which samples a type has, how they are grouped, which values they may
//! have. The rules are those of the reference parser (`openmetrics/parser.py` of the Python client library).

use std::collections::HashSet;

use faultline_model::Timestamp;

use super::hash_of;
use super::histogram::Histogram;
use super::line::{RawSample, number};

/// Most characters that the labels of an exemplar may have.
const MAX_EXEMPLAR_CHARS: usize = 128;

/// The type of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
    GaugeHistogram,
    Summary,
    Info,
    StateSet,
    Unknown,
}

impl Kind {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "counter" => Self::Counter,
            "gauge" => Self::Gauge,
            "histogram" => Self::Histogram,
            "gaugehistogram" => Self::GaugeHistogram,
            "summary" => Self::Summary,
            "info" => Self::Info,
            "stateset" => Self::StateSet,
            "unknown" => Self::Unknown,
            _ => return None,
        })
    }

    /// What the names of its samples have after the family's name.
    fn suffixes(self) -> &'static [&'static str] {
        match self {
            Self::Counter => &["_total", "_created"],
            Self::Summary => &["", "_count", "_sum", "_created"],
            Self::Histogram => &["_count", "_sum", "_bucket", "_created"],
            Self::GaugeHistogram => &["_gcount", "_gsum", "_bucket"],
            Self::Info => &["_info"],
            Self::Gauge | Self::StateSet | Self::Unknown => &[""],
        }
    }

    fn has_buckets(self) -> bool {
        matches!(self, Self::Histogram | Self::GaugeHistogram)
    }
}

/// A family and what was seen of it so far.
pub(super) struct Family {
    pub(super) name: String,
    pub(super) kind: Option<Kind>,
    has_help: bool,
    unit: Option<String>,
    /// Labels and time of the group that the last sample belonged to.
    group: Option<(u64, Option<Timestamp>)>,
    groups: HashSet<u64>,
    histogram: Histogram,
}

impl Family {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind: None,
            has_help: false,
            unit: None,
            group: None,
            groups: HashSet::new(),
            histogram: Histogram::default(),
        }
    }

    pub(super) fn has_samples(&self) -> bool {
        self.group.is_some()
    }

    /// Whether a sample of this name belongs to the family.
    pub(super) fn has(&self, sample: &str) -> bool {
        let suffixes = self.kind.unwrap_or(Kind::Unknown).suffixes();
        sample.strip_prefix(&self.name).is_some_and(|suffix| suffixes.contains(&suffix))
    }

    /// The names that no other family may have.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        let suffixes = self.kind.unwrap_or(Kind::Unknown).suffixes();
        let own = (!suffixes.contains(&"")).then(|| self.name.clone());
        own.into_iter().chain(suffixes.iter().map(|suffix| format!("{}{suffix}", self.name)))
    }

    pub(super) fn help(&mut self) -> Result<(), String> {
        if std::mem::replace(&mut self.has_help, true) { Err(self.twice("HELP")) } else { Ok(()) }
    }

    pub(super) fn kind(&mut self, text: &str) -> Result<(), String> {
        let kind = Kind::parse(text).ok_or_else(|| format!("{text:?} is not a type"))?;
        if self.kind.replace(kind).is_some() { Err(self.twice("TYPE")) } else { Ok(()) }
    }

    pub(super) fn unit(&mut self, text: &str) -> Result<(), String> {
        if self.unit.replace(text.to_owned()).is_some() { Err(self.twice("UNIT")) } else { Ok(()) }
    }

    fn twice(&self, what: &str) -> String {
        format!("{} has two lines with {what}", self.name)
    }

    /// Takes in a sample of the family.
    pub(super) fn sample(&mut self, sample: &RawSample<'_>) -> Result<(), String> {
        let kind = self.kind.unwrap_or(Kind::Unknown);
        let suffix = sample.name.get(self.name.len()..).unwrap_or_default();
        self.labels(kind, suffix, sample)?;
        let group = self.grouping(kind, suffix, sample);
        value(kind, suffix, sample)?;
        exemplar(kind, suffix, sample)?;
        let group = group?;
        if kind.has_buckets() {
            self.histogram.sample((group, sample.at), suffix, sample)?;
        }
        Ok(())
    }

    fn labels(&self, kind: Kind, suffix: &str, sample: &RawSample<'_>) -> Result<(), String> {
        match (kind, suffix) {
            (Kind::StateSet, _) if sample.label(&self.name).is_none() => {
                Err(format!("a stateset has no label {}", self.name))
            }
            (Kind::Summary, "") => {
                let quantile = sample.label("quantile").and_then(|text| number(text).ok());
                match quantile {
                    Some(quantile) if (0.0..=1.0).contains(&quantile) => Ok(()),
                    _ => Err("a summary's quantile is not from 0 to 1".to_owned()),
                }
            }
            (_, "_bucket") if kind.has_buckets() => match sample.label("le").map(|le| (le, number(le))) {
                Some(("+Inf", _)) => Ok(()),
                Some((_, Ok(bound))) if bound.is_finite() => Ok(()),
                _ => Err("a bucket has no le, or one that is not a number or +Inf".to_owned()),
            },
            _ => Ok(()),
        }
    }

    /// The group that the sample belongs to; samples of one group must not have others in between.
    fn grouping(&mut self, kind: Kind, suffix: &str, sample: &RawSample<'_>) -> Result<u64, String> {
        let apart = match (kind, suffix) {
            (Kind::Summary, "") => "quantile",
            (Kind::StateSet, _) => self.name.as_str(),
            (_, "_bucket") if kind.has_buckets() => "le",
            _ => "",
        };
        let mut labels: Vec<_> = sample.labels.iter().filter(|(name, _)| name != apart).collect();
        labels.sort();
        if kind == Kind::Info {
            labels.clear();
        }
        let group = hash_of(&labels);
        let (last, at) = (self.group, sample.at);
        self.group = Some((group, at));
        let is_new = self.groups.insert(group);
        match last {
            Some((last, _)) if last != group && !is_new => {
                Err("the samples of one group have others in between".to_owned())
            }
            Some((last, last_at)) if last == group => match (last_at, at) {
                (None, Some(_)) | (Some(_), None) => {
                    Err("only some samples of one group have a time".to_owned())
                }
                (Some(last_at), Some(at)) if last_at > at && kind != Kind::Info => {
                    Err("times go backwards within one group".to_owned())
                }
                _ => Ok(group),
            },
            _ => Ok(group),
        }
    }

    /// What can be said only when all of the family is in.
    pub(super) fn finish(&self) -> Result<(), String> {
        if let Some(unit) = self.unit.as_ref().filter(|unit| !unit.is_empty()) {
            if !self.name.strip_suffix(unit.as_str()).is_some_and(|before| before.ends_with('_')) {
                return Err(format!("the name {} does not end with its unit {unit}", self.name));
            }
            if matches!(self.kind, Some(Kind::Info | Kind::StateSet)) {
                return Err(format!("{} has a unit, which infos and statesets must not", self.name));
            }
        }
        self.histogram.finish()
    }
}

fn value(kind: Kind, suffix: &str, sample: &RawSample<'_>) -> Result<(), String> {
    let value = sample.value;
    let counts = matches!(suffix, "_total" | "_sum" | "_count" | "_bucket" | "_gcount");
    let wrong = match kind {
        Kind::StateSet if value != 0.0 && value != 1.0 => "a state is neither 0 nor 1",
        Kind::Info if value != 1.0 => "an info is not 1",
        Kind::Summary if suffix.is_empty() && value < 0.0 => "a quantile is negative",
        _ if (counts || suffix == "_gsum") && value.is_nan() => "what counts is NaN",
        _ if counts && value < 0.0 => "what counts is negative",
        _ => return Ok(()),
    };
    Err(wrong.to_owned())
}

fn exemplar(kind: Kind, suffix: &str, sample: &RawSample<'_>) -> Result<(), String> {
    let Some(chars) = sample.exemplar_chars else { return Ok(()) };
    let may_have = match kind {
        Kind::Counter => suffix == "_total",
        kind => kind.has_buckets() && suffix == "_bucket",
    };
    if !may_have {
        return Err("only buckets and totals of counters have exemplars".to_owned());
    }
    if chars > MAX_EXEMPLAR_CHARS {
        return Err(format!("the labels of an exemplar have more than {MAX_EXEMPLAR_CHARS} characters"));
    }
    Ok(())
}
