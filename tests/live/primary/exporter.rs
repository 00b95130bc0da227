//! The primary through a real postgres_exporter with the queries that Faultline prints, scraped and in a real Prometheus;
//! named by what its standby knows.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use faultline_lab::folder::Folder;
use faultline_lab::postgres::{MONITOR, Options, Pair};
use faultline_lab::postgres_exporter::PostgresExporter;
use faultline_lab::process::Process;
use faultline_model::{
    Due, EndpointKind, EndpointSpec, Frame, HealthRow, NodeId, Role, Source, StatementSeries,
};
use faultline_sources::QueryBook;
use faultline_sources::primary::queries_yaml;
use nix::sys::signal::Signal;
use sqlx::{AssertSqlSafe, Executor, PgConnection};

use super::{DEADLINE, LOOK_EVERY, Replica};
use crate::watch::{RealClock, fingerprint};

const UPDATE: &str = "update item set n = n + 1 where id = 5";
const SELECT: &str = "select n from item where id = 5";

async fn run(connection: &mut PgConnection, sql: &str, times: usize) {
    for _ in 0..times {
        connection.execute(AssertSqlSafe(sql)).await.unwrap();
    }
}

/// A pair with a table, and an application's session on its primary.
async fn pair() -> (Pair, PgConnection) {
    let pair = Pair::start_with(Options::of_the_system(15)).await.unwrap();
    let mut app = pair.primary.connect().await.unwrap();
    run(&mut app, "create table item (id int primary key, n int)", 1).await;
    run(&mut app, "insert into item select n, n from generate_series(1, 100) n", 1).await;
    pair.caught_up().await.unwrap();
    (pair, app)
}

struct Endpoint {
    source: Box<dyn Source>,
    calls: BTreeMap<String, f64>,
    texts: BTreeMap<String, String>,
    roles: Vec<Option<Role>>,
    row: Option<HealthRow>,
    last: Option<Frame>,
}

impl Endpoint {
    fn open(kind: EndpointKind, url: String, book: &QueryBook) -> Self {
        let spec = EndpointSpec {
            id: NodeId { cluster: "shop".into(), node: "primary".into() },
            kind,
            url,
            auth: None,
            headers: BTreeMap::new(),
            ca: None,
            client: None,
            signals: BTreeMap::new(),
            presets: Vec::new(),
            selector: String::new(),
            role: None,
            statements: Some(StatementSeries::PostgresExporter),
            interval_s: 1.0,
        };
        let source = faultline_sources::open_endpoint(spec, Arc::new(RealClock), book.clone()).unwrap();
        let (calls, texts) = (BTreeMap::new(), BTreeMap::new());
        Self { source, calls, texts, roles: Vec::new(), row: None, last: None }
    }

    async fn poll(&mut self) {
        let polled = self.source.poll(Due::default()).await;
        self.row = polled.health.into_iter().rfind(|row| row.aspect == "primary").or(self.row.take());
        for frame in polled.frames {
            self.roles.extend(frame.about.as_ref().map(|about| about.role));
            self.texts.extend(frame.texts.iter().map(|text| (text.fp.to_string(), text.text.clone())));
            for row in frame.queries.iter().flat_map(|queries| &queries.rows) {
                assert!(row.calls > 0.0 && row.time_ms >= 0.0, "{row:?}");
                *self.calls.entry(row.fp.to_string()).or_default() += row.calls;
            }
            if frame.queries.is_some() {
                self.last = Some(frame);
            }
        }
    }

    /// Polls until it is so.
    async fn until(&mut self, what: &str, so: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !so(self) {
            self.poll().await;
            assert!(began.elapsed() < DEADLINE, "{what} never came: {:?}, {:?}", self.calls, self.row);
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn calls(&self, sql: &str) -> f64 {
        self.calls.get(&fingerprint(sql)).copied().unwrap_or_default()
    }

    fn says(&self, part: &str) -> bool {
        self.row.as_ref().is_some_and(|row| row.message.contains(part))
    }
}

/// The standby reads the text of what runs on it, and so the whole cluster knows it.
async fn known_by_the_standby(pair: &Pair, book: &QueryBook) {
    let mut replica = Replica::open(&pair.standby, "replica-1", book);
    replica.poll().await;
    let mut reader = pair.standby.connect().await.unwrap();
    let began = Instant::now();
    while !replica.knows(SELECT) {
        run(&mut reader, SELECT, 1).await;
        replica.poll().await;
        assert!(began.elapsed() < DEADLINE, "the standby does not know it");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn scenario(pair: &Pair, app: &mut PgConnection, endpoint: &mut Endpoint, book: &QueryBook) {
    run(app, SELECT, 50).await;
    known_by_the_standby(pair, book).await;
    endpoint.until("the first reading", |endpoint| endpoint.says("its next reading is the first")).await;
    run(app, SELECT, 5).await;
    run(app, UPDATE, 7).await;
    // The update was not there before, and all are listed.
    endpoint.until("the select", |endpoint| endpoint.calls(SELECT) >= 5.0).await;
    assert_eq!(endpoint.calls(SELECT), 5.0, "named by the standby");
    let stand_in = endpoint.calls.iter().find(|(fp, calls)| fp.starts_with("queryid:") && **calls == 7.0);
    assert!(stand_in.is_some(), "nobody has the update's text: {:?}", endpoint.calls);
    let stand_in = stand_in.map(|(fp, _)| fp.clone()).unwrap();
    assert!(endpoint.last.as_ref().unwrap().queries.as_ref().unwrap().complete);
    assert!(endpoint.roles.iter().all(|role| *role == Some(Role::Primary)), "{:?}", endpoint.roles);
    // Somebody reads the text: the statement is renamed, and so is its past.
    let mut direct = Replica::open(&pair.primary, "elsewhere", &QueryBook::default());
    direct.poll().await;
    let began = Instant::now();
    while !direct.knows(UPDATE) {
        run(app, UPDATE, 1).await;
        direct.poll().await;
        assert!(began.elapsed() < DEADLINE, "the update has a text");
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let text = direct.text(UPDATE);
    let queryid = stand_in.trim_start_matches("queryid:").parse().unwrap();
    book.write(faultline_sources::BookedQuery { database: "shop".to_owned(), queryid }, text);
    run(app, UPDATE, 3).await;
    endpoint.until("the name", |endpoint| endpoint.calls(UPDATE) >= 3.0).await;
    assert!(
        endpoint.texts.get(&stand_in).is_some_and(|text| text.starts_with("update item")),
        "{:?}",
        endpoint.texts
    );
}

#[tokio::test]
async fn a_scraped_exporter_shows_the_primary() {
    let (pair, mut app) = pair().await;
    let exporter =
        PostgresExporter::start(&pair.primary.url(MONITOR), &queries_yaml(500, false)).await.unwrap();
    let book = QueryBook::default();
    let url = format!("http://{}/metrics", exporter.address());
    let mut endpoint = Endpoint::open(EndpointKind::Scrape, url, &book);
    scenario(&pair, &mut app, &mut endpoint, &book).await;
    assert!(endpoint.says("all of its statements are listed"), "{:?}", endpoint.row);
}

#[tokio::test]
async fn prometheus_shows_the_primary() {
    let (pair, mut app) = pair().await;
    let queries = queries_yaml(500, false);
    let url = pair.primary.url(MONITOR);
    // Two exporters of one server, as pairs of high availability have them: never added up.
    let one = PostgresExporter::start(&url, &queries).await.unwrap();
    let other = PostgresExporter::start(&url, &queries).await.unwrap();
    let folder = Folder::create(None).unwrap();
    let targets = format!("['{}', '{}']", one.address(), other.address());
    let configuration = format!(
        "global: {{ scrape_interval: 2s }}\nscrape_configs:\n  - job_name: postgres\n    static_configs:\n      - targets: {targets}\n"
    );
    let file = folder.write("prometheus.yml", &configuration).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut command = Command::new("prometheus");
    command
        .arg(format!("--config.file={}", file.display()))
        .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
        .arg(format!("--web.listen-address={address}"))
        .arg("--log.level=error");
    let _prometheus = Process::spawn("prometheus", &mut command, Signal::SIGTERM).unwrap();
    let book = QueryBook::default();
    let mut endpoint = Endpoint::open(EndpointKind::Promql, format!("http://{address}"), &book);
    scenario(&pair, &mut app, &mut endpoint, &book).await;
    assert!(endpoint.says("of 2 that show statements one is read"), "{:?}", endpoint.row);
}

#[tokio::test]
async fn the_busiest_of_many_and_what_runs_now_are_listed_with_their_texts() {
    let (pair, mut app) = pair().await;
    for column in 0..60 {
        run(&mut app, &format!("select n as c{column} from item where id = 1"), 1).await;
    }
    let exporter =
        PostgresExporter::start(&pair.primary.url(MONITOR), &queries_yaml(10, true)).await.unwrap();
    let book = QueryBook::default();
    let mut endpoint =
        Endpoint::open(EndpointKind::Scrape, format!("http://{}/metrics", exporter.address()), &book);
    endpoint.until("the first reading", |endpoint| endpoint.says("its next reading is the first")).await;
    // Dear enough to be among the first ten.
    let dear = "select count(*) from item a, item b, item c where a.n < b.n and b.n < c.n";
    run(&mut app, dear, 2).await;
    endpoint.until("a list of the first", |endpoint| endpoint.says("the first 10, not all")).await;
    assert_eq!(endpoint.calls(dear), 0.0, "what comes into the list has a past that is not known");
    run(&mut app, dear, 2).await;
    endpoint.until("the dear one", |endpoint| endpoint.calls.values().any(|calls| *calls == 2.0)).await;
    assert!(!endpoint.last.as_ref().unwrap().queries.as_ref().unwrap().complete, "absence is unknown");
}
