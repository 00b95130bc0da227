//! A real postgres_exporter, as Debian packages it, in front of one of the lab's PostgreSQL servers.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::error::{Error, Result, io};
use crate::folder::Folder;
use crate::process::Process;

/// How long it may take until it listens.
const START_DEADLINE: Duration = Duration::from_secs(60);
/// How often it is looked whether it does.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A running exporter. Dropping it stops it.
#[derive(Debug)]
pub struct PostgresExporter {
    process: Process,
    port: u16,
    _folder: Folder,
}

impl PostgresExporter {
    /// Starts it on a free port of this machine with nothing but these queries (a file for `--extend.query-path`).
    /// `url` is where its server is, with the password.
    ///
    /// # Errors
    /// When it is not installed or does not start.
    pub async fn start(url: &str, queries: &str) -> Result<Self> {
        let folder = Folder::create(None)?;
        let file = folder.write("queries.yaml", queries)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(io("find a free port"))?;
        let port = listener.local_addr().map_err(io("find a free port"))?.port();
        drop(listener);
        let log = folder.path().join("log");
        let output = File::create(&log).map_err(io(format!("write {}", log.display())))?;
        let again = output.try_clone().map_err(io(format!("write {}", log.display())))?;
        let mut command = Command::new("prometheus-postgres-exporter");
        command
            .env("DATA_SOURCE_NAME", url)
            .arg(format!("--extend.query-path={}", file.display()))
            .args(["--disable-default-metrics", "--disable-settings-metrics", "--no-collector.database"])
            .arg("--no-collector.bgwriter")
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdout(output)
            .stderr(again);
        let process = Process::spawn("prometheus-postgres-exporter", &mut command, Signal::SIGTERM)?;
        let mut exporter = Self { process, port, _folder: folder };
        let started = Instant::now();
        while tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
            let log = || std::fs::read_to_string(&log).unwrap_or_default();
            if let Some(status) = exporter.process.try_wait()? {
                let program = exporter.process.name().to_owned();
                return Err(Error::Ended { program, status: status.to_string(), log: log() });
            }
            if started.elapsed() > START_DEADLINE {
                let what = "the new postgres_exporter".to_owned();
                return Err(Error::Deadline { what, deadline: START_DEADLINE, log: log() });
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(exporter)
    }

    /// `host:port` of its page, which is at `/metrics`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Process number.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }
}
