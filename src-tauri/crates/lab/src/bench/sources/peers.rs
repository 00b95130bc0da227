//! Who watches: Faultline, postgres_exporter scraped as often, and pg_activity on a terminal.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::task::JoinHandle;

use crate::configuration::PASSWORD;
use crate::error::{Result, io};
use crate::folder::Folder;
use crate::http;
use crate::postgres::{DATABASE, MONITOR};
use crate::postgres_exporter::PostgresExporter;
use crate::process::Process;

/// Faultline reads the counters this often while quiet; the exporter is scraped as often.
pub(super) const COUNTERS_EVERY: Duration = Duration::from_secs(15);

/// The same counters of the same statements that Faultline reads, without texts.
const QUERIES: &str = r#"
statements:
  query: |
    SELECT userid::text AS userid, dbid::text AS dbid, queryid::text AS queryid, toplevel::text AS toplevel,
      calls AS calls_total, total_exec_time AS milliseconds_total, rows AS rows_total,
      shared_blks_hit AS blocks_hit_total, shared_blks_read AS blocks_read_total
    FROM pg_stat_statements(false) WHERE queryid IS NOT NULL
  metrics:
    - userid: { usage: "LABEL", description: "Role" }
    - dbid: { usage: "LABEL", description: "Database" }
    - queryid: { usage: "LABEL", description: "Id" }
    - toplevel: { usage: "LABEL", description: "Whether it is not nested" }
    - calls_total: { usage: "COUNTER", description: "Calls" }
    - milliseconds_total: { usage: "COUNTER", description: "Time" }
    - rows_total: { usage: "COUNTER", description: "Rows" }
    - blocks_hit_total: { usage: "COUNTER", description: "Pages hit" }
    - blocks_read_total: { usage: "COUNTER", description: "Pages read" }
"#;

/// A running `faultctl watch` with its defaults.
pub(super) struct Faultline {
    _process: Process,
    _folder: Folder,
}

impl Faultline {
    pub(super) fn start(faultctl: &Path, port: u16, password: &str) -> Result<Self> {
        let folder = Folder::create(None)?;
        let config = format!(
            "[[cluster]]\nname = \"bench\"\nenvironment = \"production\"\n\n  [[cluster.node]]\n  name = \"primary\"\n  \
             engine = \"postgres\"\n  url = \"postgres://{MONITOR}@127.0.0.1:{port}/{DATABASE}?sslmode=disable\"\n  \
             password = \"env:{PASSWORD}\"\n"
        );
        let file = folder.write("config.toml", &config)?;
        let log = File::create(folder.path().join("log")).map_err(io("write Faultline's log"))?;
        let mut command = Command::new(faultctl);
        command.arg("watch").arg("--json").arg("--config").arg(file);
        command.arg("--data").arg(folder.path().join("data")).env(PASSWORD, password);
        command.stdout(Stdio::null()).stderr(log);
        Ok(Self {
            _process: Process::spawn("faultctl watch", &mut command, Signal::SIGTERM)?,
            _folder: folder,
        })
    }
}

/// A postgres_exporter, and who scrapes it.
pub(super) struct Scraped {
    scraper: JoinHandle<()>,
    bytes: Arc<AtomicU64>,
    _exporter: PostgresExporter,
}

impl Drop for Scraped {
    fn drop(&mut self) {
        self.scraper.abort();
    }
}

impl Scraped {
    pub(super) async fn start(port: u16, role: &str, password: &str) -> Result<Self> {
        let url = format!("postgres://{role}:{password}@127.0.0.1:{port}/{DATABASE}?sslmode=disable");
        let exporter = PostgresExporter::start(&url, QUERIES).await?;
        let (client, page) = (http::client()?, format!("http://{}/metrics", exporter.address()));
        let bytes = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&bytes);
        let scraper = tokio::spawn(async move {
            let mut turns = tokio::time::interval(COUNTERS_EVERY);
            loop {
                turns.tick().await;
                if let Ok(answer) = client.get(&page).send().await
                    && let Ok(body) = answer.bytes().await
                {
                    counted.fetch_add(body.len() as u64, Ordering::Relaxed);
                }
            }
        });
        Ok(Self { scraper, bytes, _exporter: exporter })
    }

    /// Bytes of its pages so far.
    pub(super) fn page_bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

/// A running pg_activity, as it is installed, on a terminal of its own. It looks every two seconds.
pub(super) struct PgActivity {
    _process: Process,
}

impl PgActivity {
    pub(super) fn start(port: u16, role: &str, password: &str) -> Result<Self> {
        // A terminal of no size is more than it can draw on.
        let line =
            format!("stty rows 50 cols 200; exec pg_activity -h 127.0.0.1 -p {port} -U {role} -d {DATABASE}");
        let mut command = Command::new("script");
        command.args(["-qfc", &line, "/dev/null"]).env("PGPASSWORD", password).env("TERM", "xterm-256color");
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self {
            _process: Process::spawn_reading("pg_activity", &mut command, Signal::SIGTERM, Stdio::piped())?,
        })
    }
}
