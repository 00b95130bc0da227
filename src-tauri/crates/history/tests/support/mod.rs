//! What the tests share: a store in a temporary folder, and frames to put into it.
#![allow(dead_code, reason = "every test file uses a part of it")]

use faultline_history::History;
use faultline_model::{
    ClusterName, Frame, Observation, QueryDelta, QueryDeltas, QueryText, SessionGroup, Signals, TimeRange,
    Timestamp,
};

pub(crate) struct Store {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) history: History,
}

impl Store {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let history = History::open(folder.path()).await.unwrap();
        Self { folder, history }
    }

    pub(crate) async fn reopened(self) -> Self {
        self.history.close().await;
        let history = History::open(self.folder.path()).await.unwrap();
        Self { folder: self.folder, history }
    }

    pub(crate) async fn second(&self) -> History {
        History::open(self.folder.path()).await.unwrap()
    }
}

pub(crate) fn shop() -> ClusterName {
    "shop".into()
}

pub(crate) fn at(secs: f64) -> Timestamp {
    Timestamp::from_secs(secs)
}

pub(crate) fn range(from: f64, to: f64) -> TimeRange {
    TimeRange::new(at(from), at(to))
}

pub(crate) fn always() -> TimeRange {
    TimeRange::new(Timestamp::from_micros(i64::MIN), Timestamp::from_micros(i64::MAX))
}

pub(crate) fn frame(secs: f64, node: &str) -> Frame {
    Frame::new(at(secs), node.into())
}

pub(crate) fn signals(span_s: f64, values: &[(&str, f64)]) -> Option<Signals> {
    Some(Signals { span_s, values: values.iter().map(|(name, value)| ((*name).into(), *value)).collect() })
}

pub(crate) fn delta(fp: &str, calls: f64, time_ms: f64) -> QueryDelta {
    QueryDelta {
        fp: fp.into(),
        calls,
        time_ms,
        rows: None,
        blocks_hit: None,
        blocks_read: None,
        errors: None,
    }
}

pub(crate) fn queries(span_s: f64, rows: &[(&str, f64, f64)]) -> Option<QueryDeltas> {
    let rows = rows.iter().map(|(fp, calls, time_ms)| delta(fp, *calls, *time_ms)).collect();
    Some(QueryDeltas { span_s, complete: true, rows })
}

pub(crate) fn group(fp: &str, count: u32) -> SessionGroup {
    SessionGroup {
        fp: Some(fp.into()),
        wait: None,
        state: "active".to_owned(),
        running_ms: 5.5,
        user: Some("checkout".to_owned()),
        app: None,
        client: None,
        count,
    }
}

pub(crate) fn text(fp: &str, text: &str) -> QueryText {
    QueryText { fp: fp.into(), text: text.to_owned(), database: Some("shop".to_owned()), user: None }
}

pub(crate) fn seen(frames: impl IntoIterator<Item = Frame>) -> Vec<Observation> {
    frames.into_iter().map(Observation::Frame).collect()
}
