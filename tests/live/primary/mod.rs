//! The primary seen without a login on it: by the table that it fills about itself, and by an exporter.

mod exporter;
mod table;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use faultline_lab::postgres::{MONITOR, Server};
use faultline_model::{Due, Engine, Frame, HealthRow, NodeId, NodeSpec, QueryText, Source};
use faultline_sources::QueryBook;
use secrecy::SecretString;

use crate::watch::{RealClock, fingerprint};

/// How long anything that must happen may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);
/// How often it is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A replica's source, and the book that it shares.
struct Replica {
    source: Box<dyn Source>,
    node: &'static str,
    /// The last word on the aspect `primary`.
    row: Option<HealthRow>,
    /// Texts by fingerprint.
    texts: BTreeMap<String, QueryText>,
}

impl Replica {
    fn open(server: &Server, node: &'static str, book: &QueryBook) -> Self {
        let spec = NodeSpec {
            id: NodeId { cluster: "shop".into(), node: node.into() },
            engine: Engine::Postgres,
            url: server.address(MONITOR),
            password: Some(SecretString::from(server.password().to_owned())),
            role: None,
        };
        let source = faultline_sources::open(spec, Arc::new(RealClock), book.clone()).unwrap();
        Self { source, node, row: None, texts: BTreeMap::new() }
    }

    /// One poll of the counters; what it says of other nodes.
    async fn poll(&mut self) -> Vec<Frame> {
        self.poll_for(Due { sessions: false, counters: true, facts: false }).await
    }

    async fn poll_for(&mut self, due: Due) -> Vec<Frame> {
        let polled = self.source.poll(due).await;
        self.row = polled.health.into_iter().rfind(|row| row.aspect == "primary").or(self.row.take());
        let texts = polled.frames.iter().flat_map(|frame| &frame.texts);
        self.texts.extend(texts.map(|text| (text.fp.to_string(), text.clone())));
        polled.frames.into_iter().filter(|frame| frame.node.as_str() != self.node).collect()
    }

    /// Whether it has read the text of a statement like this.
    fn knows(&self, sql: &str) -> bool {
        self.texts.contains_key(&fingerprint(sql))
    }

    /// The text of a statement like this.
    fn text(&self, sql: &str) -> QueryText {
        self.texts[&fingerprint(sql)].clone()
    }

    /// Polls until there is word of the primary.
    async fn word(&mut self, what: &str) -> Frame {
        let began = Instant::now();
        loop {
            if let Some(frame) = self.poll().await.pop() {
                return frame;
            }
            assert!(began.elapsed() < DEADLINE, "{what} never came; {:?}", self.row);
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}
