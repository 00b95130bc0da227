//! What a Prometheus-compatible server answers to a query, read from its JSON. Not in here: how it is asked.

use std::collections::BTreeMap;
use std::fmt;

use faultline_http::{Response, host_of};
use faultline_model::Timestamp;
use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::labels::Labels;
use super::sample::Sample;
use super::trouble::Trouble;

/// Most series that an answer may have.
pub const MAX_ANSWER_SERIES: usize = 10_000;

/// Most values that an answer may have, over all of its series.
pub const MAX_ANSWER_POINTS: usize = 1_000_000;

/// Most warnings that are kept of one answer.
const MAX_WARNINGS: usize = 10;

/// What an instant query found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// One sample a series; a scalar is one sample without labels. `at` is the time that the query was evaluated for.
    pub samples: Vec<Sample>,
    /// What the server says about how it came to the answer.
    pub notes: Notes,
}

/// What a server says about how it came to an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// Warnings, secrets masked: parts of a distributed server that did not answer, doubtful use of a function.
    pub warnings: Vec<String>,
    /// Whether the server itself says that parts of the data are missing (VictoriaMetrics' `isPartial`).
    pub is_partial: bool,
}

/// One series over time.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its labels.
    pub labels: Labels,
    /// Times and values, in the order of time.
    pub points: Vec<(Timestamp, f64)>,
}

/// What a range query found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RangeAnswer {
    /// The series, in the order of their labels.
    pub series: Vec<Series>,
    /// What the server says about how it came to the answer.
    pub notes: Notes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    status: Status,
    #[serde(default)]
    data: Option<Data>,
    #[serde(default)]
    error_type: String,
    #[serde(default)]
    error: String,
    #[serde(default)]
    warnings: Option<Vec<String>>,
    #[serde(default)]
    is_partial: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Success,
    Error,
}

#[derive(Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
enum Data {
    Vector(Vec<InstantSeries>),
    Scalar(Point),
    Matrix(Vec<RangeSeries>),
    String(de::IgnoredAny),
}

#[derive(Deserialize)]
struct InstantSeries {
    metric: BTreeMap<String, String>,
    /// Native histograms have `histogram` in its place.
    #[serde(default)]
    value: Option<Point>,
}

#[derive(Deserialize)]
struct RangeSeries {
    metric: BTreeMap<String, String>,
    #[serde(default)]
    values: Vec<Point>,
}

/// `[1435781451.781, "1"]`.
struct Point(Timestamp, f64);

impl<'de> Deserialize<'de> for Point {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PointVisitor;
        impl<'de> Visitor<'de> for PointVisitor {
            type Value = Point;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time and a number in quotes")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Point, A::Error> {
                let missing = || de::Error::invalid_length(0, &PointVisitor);
                let at: f64 = parts.next_element()?.ok_or_else(missing)?;
                let text: String = parts.next_element()?.ok_or_else(missing)?;
                let value = text.parse().map_err(|_| de::Error::custom("a value is not a number"))?;
                Ok(Point(Timestamp::from_secs(at), value))
            }
        }
        deserializer.deserialize_seq(PointVisitor)
    }
}

/// Reads the answer to an instant query.
pub(super) fn instant(response: &Response) -> Result<Answer, Trouble> {
    let (data, notes) = open(response)?;
    let samples = match data {
        Data::Vector(series) => {
            within(response, "series", series.len(), MAX_ANSWER_SERIES)?;
            if !series.is_empty() && series.iter().all(|one| one.value.is_none()) {
                let detail =
                    "it gives native histograms, not numbers; take histogram_quantile or histogram_avg of it";
                return Err(format(response, detail));
            }
            let sample = |one: InstantSeries| {
                let Point(at, value) = one.value?;
                Some(Sample { labels: Labels::new(one.metric), value, at: Some(at) })
            };
            series.into_iter().filter_map(sample).collect()
        }
        Data::Scalar(Point(at, value)) => {
            vec![Sample { labels: Labels::default(), value, at: Some(at) }]
        }
        Data::Matrix(_) => {
            return Err(format(
                response,
                "the query gives a range, not one value; wrap it in a function such as rate",
            ));
        }
        Data::String(_) => return Err(format(response, "the query gives a text, not a number")),
    };
    Ok(Answer { samples, notes })
}

/// Reads the answer to a range query.
pub(super) fn range(response: &Response) -> Result<RangeAnswer, Trouble> {
    let (data, notes) = open(response)?;
    let Data::Matrix(series) = data else {
        return Err(format(response, "a range query must give a matrix"));
    };
    within(response, "series", series.len(), MAX_ANSWER_SERIES)?;
    within(response, "values", series.iter().map(|one| one.values.len()).sum(), MAX_ANSWER_POINTS)?;
    let series = series.into_iter().map(|one| Series {
        labels: Labels::new(one.metric),
        points: one.values.into_iter().map(|Point(at, value)| (at, value)).collect(),
    });
    Ok(RangeAnswer { series: series.collect(), notes })
}

/// The data of an answer, or why there is none. Error answers are JSON as well, whatever their status.
fn open(response: &Response) -> Result<(Data, Notes), Trouble> {
    let host = host_of(response.url());
    let envelope = match response.json::<Envelope>() {
        Ok(envelope) => envelope,
        Err(unreadable) => {
            // What no Prometheus wrote, such as a proxy's page, is told by its status.
            response.clone().ok()?;
            let kind = response.header("content-type").unwrap_or("no content type");
            let detail =
                format!("{unreadable} ({kind}); does the url lead to a Prometheus server's base address?");
            return Err(Trouble::Format { host, detail });
        }
    };
    let clean = |text: &String| response.clean(text);
    match envelope.data {
        Some(data) if envelope.status == Status::Success => {
            let warnings = envelope.warnings.iter().flatten().take(MAX_WARNINGS).map(clean).collect();
            Ok((data, Notes { warnings, is_partial: envelope.is_partial }))
        }
        _ if envelope.status == Status::Error => Err(Trouble::Refused {
            host,
            status: response.status,
            kind: clean(&envelope.error_type),
            message: clean(&envelope.error),
        }),
        _ => Err(format(response, "it has no data")),
    }
}

fn within(response: &Response, what: &str, count: usize, limit: usize) -> Result<(), Trouble> {
    if count <= limit {
        return Ok(());
    }
    let detail = format!("{count} {what}, at most {limit}; aggregate or narrow the query");
    Err(Trouble::TooMuch { host: host_of(response.url()), detail })
}

fn format(response: &Response, detail: &str) -> Trouble {
    Trouble::Format { host: host_of(response.url()), detail: detail.to_owned() }
}
