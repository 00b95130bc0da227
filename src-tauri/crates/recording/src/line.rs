//! One line of a recording as serde sees it. Fields that are not known are ignored, so that the format can grow.

use std::collections::BTreeMap;

use faultline_model::{
    About, Deploy, Engine, Facts, Frame, Header, NodeName, Observation, QueryDelta, QueryDeltas, QueryText,
    SessionGroup, SignalName, Signals, Timestamp,
};
use serde::{Deserialize, Serialize};

/// Furthest time from the Unix epoch that a line may have, seconds (the year 5138). Beyond it microseconds are lost.
const MAX_UNIX_SECONDS: f64 = 1e11;

/// The first line.
#[derive(Deserialize, Serialize)]
pub(crate) struct HeaderLine {
    pub(crate) faultline_recording: u64,
    cluster: String,
    interval_s: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sessions_s: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fp_version: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(default)]
    engine: Option<Engine>,
}

impl HeaderLine {
    /// The header, or what is wrong with it.
    pub(crate) fn header(self) -> Result<Header, String> {
        span("interval_s", Some(self.interval_s), self.interval_s)?;
        span("sessions_s", self.sessions_s, self.interval_s)?;
        Ok(Header {
            cluster: self.cluster.into(),
            interval_s: self.interval_s,
            sessions_s: self.sessions_s,
            fp_version: self.fp_version,
            title: self.title,
            engine: self.engine.unwrap_or_default(),
        })
    }

    /// The line of a header.
    pub(crate) fn of(header: &Header) -> Self {
        Self {
            faultline_recording: crate::FORMAT_VERSION,
            cluster: header.cluster.to_string(),
            interval_s: header.interval_s,
            sessions_s: header.sessions_s,
            fp_version: header.fp_version,
            title: header.title.clone(),
            engine: Some(header.engine),
        }
    }
}

/// Any other line, as it is read. A line may be of several kinds at once.
#[derive(Deserialize)]
pub(crate) struct ReadLine {
    t: Option<f64>,
    node: Option<NodeName>,
    about: Option<About>,
    facts: Option<Facts>,
    signals: Option<BTreeMap<SignalName, Option<f64>>>,
    query: Option<QueryText>,
    queries: Option<Vec<QueryDelta>>,
    sessions: Option<Vec<SessionGroup>>,
    deploy: Option<Deploy>,
    span_s: Option<f64>,
    complete: Option<bool>,
}

/// What a line says: something of a node, word of a deploy, both, or (a kind that is not known) nothing.
#[derive(Default)]
pub(crate) struct Said {
    pub(crate) frame: Option<Observation>,
    pub(crate) deploy: Option<Observation>,
}

impl ReadLine {
    /// What the line says, or what is wrong with it.
    pub(crate) fn said(self, interval_s: f64) -> Result<Said, String> {
        let of_node = self.about.is_some()
            || self.facts.is_some()
            || self.signals.is_some()
            || self.queries.is_some()
            || self.sessions.is_some();
        if !of_node && self.query.is_none() && self.deploy.is_none() {
            return Ok(Said::default());
        }
        let at = time(self.t)?;
        let deploy = self.deploy.map(|deploy| Observation::Deploy { at, deploy });
        if !of_node && self.query.is_none() {
            return Ok(Said { frame: None, deploy });
        }
        let node = match self.node {
            Some(node) => node,
            // The text of a query may belong to the whole cluster.
            None if !of_node => NodeName::new(""),
            None => return Err("it has no `node`".to_owned()),
        };
        let span_s = span("span_s", self.span_s, interval_s)?;
        let mut frame = Frame::new(at, node);
        frame.about = self.about;
        frame.facts = self.facts.unwrap_or_default();
        frame.signals = self.signals.map(|signals| Signals {
            span_s,
            values: signals.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(),
        });
        frame.texts.extend(self.query);
        frame.queries =
            self.queries.map(|rows| QueryDeltas { span_s, complete: self.complete.unwrap_or(true), rows });
        frame.sessions = self.sessions;
        Ok(Said { frame: (!frame.is_empty()).then_some(Observation::Frame(frame)), deploy })
    }
}

fn time(t: Option<f64>) -> Result<Timestamp, String> {
    let t = t.ok_or("it has no time `t`")?;
    if t.abs() > MAX_UNIX_SECONDS {
        return Err(format!("`t` is {t}, which is no time in Unix seconds"));
    }
    Ok(Timestamp::from_secs(t))
}

/// The span of a line, `default` when it gives none.
fn span(name: &str, span_s: Option<f64>, default: f64) -> Result<f64, String> {
    match span_s {
        Some(span_s) if span_s > 0.0 => Ok(span_s),
        Some(span_s) => Err(format!("`{name}` is {span_s}, it must be more than 0 seconds")),
        None => Ok(default),
    }
}

/// Any other line, as it is written: of one kind.
#[derive(Default, Serialize)]
pub(crate) struct WrittenLine<'a> {
    pub(crate) t: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) node: Option<&'a NodeName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) about: Option<&'a About>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) facts: Option<&'a Facts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) query: Option<&'a QueryText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) signals: Option<&'a BTreeMap<SignalName, f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) queries: Option<Vec<&'a QueryDelta>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sessions: Option<&'a [SessionGroup]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) deploy: Option<&'a Deploy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) span_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) complete: Option<bool>,
}
