//! The whole source on answers of MySQL 8, which are written by hand (`tests/recorded/mysql8/README.md`), and each statement
//! against the columns that MySQL 8 has.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use faultline_model::{
    Clock, Due, Engine, Facts, Fingerprint, Frame, HealthLevel, HealthRow, NodeId, NodeSpec, Role, Source,
    Timestamp,
};
use serde_json::{Value, json};

use super::address::Address;
use super::capabilities::{Capabilities, Columns};
use super::connection::{Door, Wire};
use super::source::MysqlSource;
use super::sql::{self, Query};
use super::sql_facts;
use super::table::Table;
use super::trouble::Trouble;

const COLUMNS: &str = include_str!("../../../../../tests/recorded/mysql8/columns.txt");
const PRIMARY: &str = include_str!("../../../../../tests/recorded/mysql8/primary.txt");
const REPLICA: &str = include_str!("../../../../../tests/recorded/mysql8/replica.txt");
const DENIED: &str = include_str!("../../../../../tests/recorded/mysql8/denied.txt");

const BOTH: Due = Due { sessions: true, counters: true, facts: false };
const SESSIONS: Due = Due { sessions: true, counters: false, facts: false };
const FACTS: Due = Due { sessions: false, counters: false, facts: true };

type Answer = Result<Table, Trouble>;

/// Answers by the names of the statements, each given once and the last again and again.
#[derive(Clone, Default)]
struct Tape(Arc<Mutex<HashMap<String, VecDeque<Answer>>>>);

impl Tape {
    fn read(text: &str) -> Self {
        let tape = Self::default();
        for part in text.split("== ").skip(1) {
            let mut lines = part.lines().filter(|line| !line.is_empty());
            let title = lines.next().unwrap();
            let (name, answer) = match title.split_once(" ! ") {
                Some((name, error)) => {
                    let (number, message) = error.split_once(' ').unwrap();
                    let number = number.parse().unwrap();
                    (name, Err(Trouble::Server { number, message: message.to_owned() }))
                }
                None => (title, Ok(table(lines))),
            };
            tape.0.lock().unwrap().entry(name.to_owned()).or_default().push_back(answer);
        }
        tape.put("columns", columns_answer());
        tape
    }

    fn put(&self, name: &str, table: Table) {
        self.0.lock().unwrap().insert(name.to_owned(), VecDeque::from([Ok(table)]));
    }
}

fn table<'a>(mut lines: impl Iterator<Item = &'a str>) -> Table {
    let cells = |line: &str| line.split('\t').map(str::to_owned).collect::<Vec<_>>();
    let mut table = Table::new(lines.next().map(cells).unwrap_or_default());
    for line in lines {
        table.push(cells(line).into_iter().map(|cell| Some(cell).filter(|cell| cell != "\\N")).collect());
    }
    table
}

#[async_trait]
impl Door for Tape {
    async fn open(&self, _schema: Option<&str>) -> Result<Box<dyn Wire>, Trouble> {
        Ok(Box::new(self.clone()))
    }
}

#[async_trait]
impl Wire for Tape {
    async fn ask(&mut self, query: &Query) -> Answer {
        let mut answers = self.0.lock().unwrap();
        let left =
            answers.get_mut(query.name).unwrap_or_else(|| panic!("nothing is recorded for {}", query.name));
        if left.len() > 1 { left.pop_front().unwrap() } else { left[0].clone() }
    }

    async fn close(self: Box<Self>) {}
}

struct Still;
impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(1_763_856_000.25)
    }
}

fn source(tape: &Tape) -> MysqlSource {
    let spec = NodeSpec {
        id: NodeId { cluster: "shop".into(), node: "node".into() },
        engine: Engine::Mysql,
        url: "mysql://faultline@127.0.0.1/shop?ssl-mode=disabled".to_owned(),
        password: None,
        role: None,
    };
    let address = Arc::new(Address::parse(&spec).unwrap());
    MysqlSource::behind(Box::new(tape.clone()), address, spec, Arc::new(Still))
}

async fn poll(source: &mut MysqlSource, due: Due) -> (Frame, Vec<HealthRow>) {
    let polled = source.poll(due).await;
    let frame = polled.frames.into_iter().next().unwrap_or_else(|| panic!("{:#?}", polled.health));
    (frame, polled.health)
}

fn signal(frame: &Frame, name: &str) -> Option<f64> {
    frame.signals.as_ref()?.values.get(name).copied()
}

#[track_caller]
fn expect(rows: &[HealthRow], aspect: &str, level: HealthLevel, hint: &str) {
    let row =
        rows.iter().find(|row| row.aspect == aspect).unwrap_or_else(|| panic!("no {aspect}: {rows:#?}"));
    assert_eq!(row.level, level, "{row:?}");
    assert!(row.hint.as_deref().unwrap_or_default().contains(hint), "{row:?}");
}

#[tokio::test]
async fn a_primary_is_watched() {
    let tape = Tape::read(PRIMARY);
    let mut source = source(&tape);
    let (first, health) = poll(&mut source, BOTH).await;
    let about = first.about.unwrap();
    assert_eq!(
        (about.engine, about.role, about.version.as_deref()),
        (Engine::Mysql, Some(Role::Primary), Some("8.4.3"))
    );
    assert_eq!(first.queries, None, "the first reading is silent");
    for aspect in
        ["connection", "version", "performance_schema", "privileges", "percentiles", "statement_samples"]
    {
        expect(&health, aspect, HealthLevel::Ok, "");
    }
    let (frame, health) = poll(&mut source, BOTH).await;
    for (name, expected) in [
        ("throughput", 100.0),
        ("rows_read_per_s", 2_000.0),
        ("rows_changed_per_s", 200.0),
        ("deadlocks_per_s", 1.0),
        ("connections", 11.0),
        ("active_sessions", 2.0),
        ("lock_waiting", 1.0),
    ] {
        assert_eq!(signal(&frame, name), Some(expected), "{name}");
    }
    let (p95, p99) =
        (signal(&frame, "x_latency_p95_ms").unwrap(), signal(&frame, "x_latency_p99_ms").unwrap());
    assert!((1.4..1.6).contains(&p95) && (1.8..2.0).contains(&p99), "of the ten slow ones: {p95} {p99}");
    let queries = frame.queries.unwrap();
    assert_eq!((queries.span_s, queries.complete), (15.0, false), "something found no room");
    let of = |text: &str| {
        let fp = faultline_fingerprint::normalise(text, faultline_fingerprint::Dialect::Mysql).fingerprint;
        queries.rows.iter().find(|row| row.fp == fp).cloned().unwrap()
    };
    let select = of("select name from item where id = 1");
    assert_eq!((select.calls, select.time_ms, select.errors), (12.0, 13.0, Some(1.0)), "both schemas");
    let update = of("update account set n = n + 5 where id in (1, 2)");
    assert!(update.calls == 3.0 && update.time_ms > 1.8e10, "counters are unsigned: {update:?}");
    let other = queries.rows.iter().find(|row| row.fp.as_str() == "digest:none").unwrap();
    assert_eq!((other.calls, other.time_ms), (4.0, 4.0));
    assert_eq!(
        queries.rows.len(),
        3,
        "neither ours is among them, nor one that is older than our first look"
    );
    expect(&health, "digest_table", HealthLevel::Warning, "performance_schema_digests_size = 20000");
    let mut sessions: Vec<_> =
        frame.sessions.unwrap().into_iter().map(|g| (g.wait, g.state, g.app, g.fp.is_some())).collect();
    sessions.sort();
    let own = |text: &str| Some(text.to_owned());
    assert_eq!(
        sessions,
        [
            (own("Client:idle"), "idle in transaction".to_owned(), None, true),
            (own("IO:innodb_data_file"), "active".to_owned(), None, true),
            (own("Lock:row"), "active".to_owned(), own("checkout@v142"), true),
        ]
    );
}

#[tokio::test]
async fn facts_plans_and_locks_of_a_primary() {
    let tape = Tape::read(PRIMARY);
    let mut source = source(&tape);
    poll(&mut source, BOTH).await;
    poll(&mut source, BOTH).await;
    let (frame, _) = poll(&mut source, FACTS).await;
    for (name, expected) in [
        ("table:item:rows", json!(1980)),
        ("table:orders:rows", json!(15)),
        ("index:item.PRIMARY", json!("unique btree (id)")),
        ("index:item.by_lower", json!("btree ((expression))")),
        ("column:item.id", json!("int not null")),
        ("setting:innodb_buffer_pool_size", json!("134217728")),
    ] {
        assert_eq!(frame.facts.get(name), Some(&expected), "{name}");
    }
    let text = "select name from item where id = 1";
    let suspect: Fingerprint =
        faultline_fingerprint::normalise(text, faultline_fingerprint::Dialect::Mysql).fingerprint;
    let found: Facts = source
        .inspect(std::slice::from_ref(&suspect))
        .await
        .frames
        .into_iter()
        .flat_map(|frame| frame.facts)
        .collect();
    assert_eq!(
        found["lock:root"],
        json!(
            "session 102 of checkout@10.0.0.7 (checkout@v142), idle in transaction for 35 s, blocks 2 sessions on \
             shop.account; its last statement: update account set n = n + ? where id = ?"
        )
    );
    assert_eq!(found["lock:waiting"], json!(2));
    assert_eq!(found[&format!("plan_summary:{suspect}")], json!("item: full scan of about 2000 rows"));
    let hint = found[&format!("index_hint:{suspect}")].as_str().unwrap();
    assert!(hint.starts_with("ALTER TABLE `shop`.`item` ADD INDEX `idx_item_id` (`id`)"), "{hint}");
    tape.put("row_locks", Table::new(["waiting", "blocking", "object"].map(str::to_owned).to_vec()));
    let found = source.inspect(&[]).await.frames.remove(0).facts;
    assert_eq!((&found["lock:root"], &found["lock:waiting"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn a_replica_tells_its_lag_in_the_new_words() {
    let mut source = source(&Tape::read(REPLICA));
    let (first, health) = poll(&mut source, SESSIONS).await;
    assert_eq!(first.about.unwrap().role, Some(Role::Replica));
    expect(&health, "replication", HealthLevel::Ok, "");
    for (what, lag_s, bytes) in [
        ("what the workers apply is older than they think", Some(33.5), Some(4_000.0)),
        ("another file", Some(1.0), None),
    ] {
        let (frame, _) = poll(&mut source, SESSIONS).await;
        assert_eq!(
            (signal(&frame, "replay_lag_s"), signal(&frame, "replay_lag_bytes")),
            (lag_s, bytes),
            "{what}"
        );
    }
    let (frame, health) = poll(&mut source, SESSIONS).await;
    assert!(frame.signals.is_some() && signal(&frame, "replay_lag_s").is_none(), "broken is not 0");
    expect(&health, "replication", HealthLevel::Error, "START REPLICA;");
    assert!(health.iter().any(|row| row.message.contains("Can't find record")), "{health:#?}");
    let (frame, health) = poll(&mut source, SESSIONS).await;
    assert_eq!(signal(&frame, "replay_lag_s"), Some(7.0), "the slower of two channels");
    expect(&health, "replication", HealthLevel::Ok, "");
}

#[tokio::test]
async fn what_mysql_denies_is_a_row_with_its_grant() {
    let mut source = source(&Tape::read(DENIED));
    let (first, health) = poll(&mut source, SESSIONS).await;
    assert_eq!((first.sessions, first.about.unwrap().role), (None, None));
    expect(&health, "privileges", HealthLevel::Error, "GRANT PROCESS ON *.* TO 'faultline'@'%';");
    expect(&health, "replication", HealthLevel::Error, "GRANT REPLICATION CLIENT ON *.* TO 'faultline'@'%';");
    let (frame, _) = poll(&mut source, SESSIONS).await;
    assert_eq!((signal(&frame, "throughput"), signal(&frame, "active_sessions")), (Some(100.0), Some(3.0)));
}

#[tokio::test]
async fn what_cannot_be_watched_is_refused_with_the_reason() {
    for (from, to, aspect) in [
        ("8.4.3\tMySQL", "5.7.44-log\tMySQL", "version"),
        ("8.4.3\tMySQL Community Server - GPL", "8.0.11\t(ProxySQL)", "pooler"),
        ("faultline@%\t1\t2000", "faultline@%\t0\t2000", "pooler"),
        ("faultline@%\t1\t2000", "faultline@%\t1\t0", "pooler"),
    ] {
        let text = PRIMARY.replace(from, to);
        assert_ne!(text, PRIMARY, "{from}");
        let polled = source(&Tape::read(&text)).poll(BOTH).await;
        assert!(polled.frames.is_empty(), "{to}");
        expect(&polled.health, aspect, HealthLevel::Error, "");
    }
}

fn columns_answer() -> Table {
    let mut table = Table::new(["table_name", "column_name"].map(str::to_owned).to_vec());
    for line in COLUMNS.lines() {
        let (name, columns) = line.split_once(": ").unwrap();
        for column in columns.split(' ') {
            table.push(vec![Some(name.to_ascii_lowercase()), Some(column.to_ascii_lowercase())]);
        }
    }
    table
}

#[test]
fn no_statement_asks_for_what_mysql_has_not() {
    let columns = Columns::from_table(&columns_answer()).unwrap();
    let mut has = Capabilities { version: (8, 4, 3), process: true, columns, ..Capabilities::default() };
    has.variables.insert("performance_schema".to_owned(), "ON".to_owned());
    let (digests, places) = (["ab".to_owned()], [("shop".to_owned(), "item".to_owned())]);
    let mut queries = vec![
        sql::clock(false),
        sql::status(&has),
        sql::digests(&has, None),
        sql::texts(&digests),
        sql::sessions(&has),
        sql::sessions(&Capabilities { samples_statements: true, ..has.clone() }),
        sql::programs(&[1]),
        sql::workers(),
        sql::histogram(),
        sql_facts::variables(false),
        sql_facts::columns(),
        sql_facts::process(),
        sql_facts::consumers(),
        sql_facts::tables(false),
        sql_facts::indexes(&places),
        sql_facts::definitions(&places),
        sql_facts::row_locks(&has).unwrap(),
        sql_facts::metadata_locks(&has).unwrap(),
        sql_facts::holder(&has, 1),
        sql_facts::holder(&Capabilities { samples_statements: true, ..has.clone() }, 1),
    ];
    queries.extend(sql_facts::samples(&has, &digests));
    let mut findings = BTreeSet::new();
    for query in &queries {
        assert!(query.text.starts_with("/* faultline */ SELECT "), "{}", query.text);
        assert!(query.text.contains("faultline."), "what remains of a digest: {}", query.text);
        for (table, column) in named(&query.text) {
            if !has.columns.has(&table, &column) {
                findings.insert(format!("{}: {table}.{column}", query.name));
            }
        }
    }
    assert!(findings.is_empty(), "{findings:#?}");
}

/// The columns that a statement names, each with the table behind its alias.
fn named(text: &str) -> Vec<(String, String)> {
    let words: Vec<&str> = text
        .split(|sign: char| !(sign.is_ascii_alphanumeric() || matches!(sign, '_' | '.')))
        .filter(|word| !word.is_empty())
        .collect();
    let aliases: HashMap<&str, String> = words
        .windows(3)
        .filter(|three| three[1] == "AS" && three[0].contains("_schema."))
        .map(|three| (three[2], three[0].split_once('.').unwrap().1.to_owned()))
        .collect();
    words
        .iter()
        .filter_map(|word| word.split_once('.'))
        .filter_map(|(alias, column)| Some((aliases.get(alias)?.clone(), column.to_owned())))
        .collect()
}
