//! One PostgreSQL server: made, started, stopped, killed, removed.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rand::RngExt;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};

use super::{Binaries, DATABASE, Flavour, MONITOR, SUPERUSER};
use crate::error::{Error, Result, database, io};
use crate::folder::{Folder, Owner};
use crate::process::Process;

/// Niceness of the servers.
const SERVER_NICENESS: i32 = 10;

/// How long `initdb` may take (usually one second).
const INITDB_DEADLINE: Duration = Duration::from_secs(90);
/// How long a server may take until it answers.
pub(super) const START_DEADLINE: Duration = Duration::from_secs(60);
/// How long a polite stop may take before the server is killed.
const STOP_DEADLINE: Duration = Duration::from_secs(20);
/// How long one attempt to connect may take.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
/// How often a starting server is asked.
const ASK_EVERY: Duration = Duration::from_millis(50);
/// A port found free may be taken by somebody else a moment later; that often another one is tried.
const PORT_ATTEMPTS: usize = 4;
/// How much of a log goes into an error, lines.
const LOG_TAIL_LINES: usize = 20;

/// How a server is made.
#[derive(Clone, Debug)]
pub struct Options {
    /// Major version, 14 to 18.
    pub major: u8,
    /// Lines of `postgresql.conf`, after and over the lab's own.
    pub settings: Vec<(String, String)>,
    /// Whether it survives a power cut. Without it set-up is much faster; a killed process is survived anyway.
    pub durable: bool,
    /// Whether the programs are Debian's instead of the npm package's.
    pub of_the_system: bool,
}

impl Options {
    /// Defaults for a server: a major version of the lab's packages (14 to 18), or another's build.
    pub fn new(flavour: impl Into<Flavour>) -> Self {
        let flavour = flavour.into();
        let of_the_system = flavour == Flavour::Debian15;
        Self { major: flavour.major(), settings: Vec::new(), durable: false, of_the_system }
    }

    /// Defaults for Debian's own server of a major version (15 on Debian 12).
    pub fn of_the_system(major: u8) -> Self {
        Self { of_the_system: true, ..Self::new(major) }
    }

    fn binaries(&self) -> Result<Binaries> {
        if self.of_the_system { Binaries::of_the_system(self.major) } else { Binaries::locate(self.major) }
    }

    /// Adds a setting; the value is written in quotes.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A running (or stopped) server. Dropping it stops it and removes its data.
#[derive(Debug)]
pub struct Server {
    /// Stopped before the folder goes.
    process: Option<Process>,
    binaries: Binaries,
    folder: Folder,
    port: u16,
    password: String,
    options: Options,
}

impl Server {
    /// Makes a database cluster and starts it, with the database `shop`, the extension `pg_stat_statements` and the
    /// role `faultline` (in `pg_monitor`, and in `pg_read_all_data`, without which the server shows no plan).
    ///
    /// # Errors
    /// When the packages are missing, or the server does not start.
    pub async fn start(options: Options) -> Result<Self> {
        let binaries = options.binaries()?;
        let folder = Folder::create(binaries.owner())?;
        let password = format!("{:032x}", rand::rng().random::<u128>());
        initdb(&binaries, &folder, &password).await?;
        let mut server = Self { process: None, binaries, folder, port: 0, password, options };
        server.start_again().await?;
        server.set_up().await?;
        Ok(server)
    }

    /// Who owns its files.
    pub(crate) fn owner(&self) -> Option<Owner> {
        self.binaries.owner()
    }

    /// Takes over a copied data folder.
    pub(super) fn from_parts(folder: Folder, of: &Self) -> Self {
        Self {
            process: None,
            binaries: of.binaries.clone(),
            folder,
            port: 0,
            password: of.password.clone(),
            options: of.options.clone(),
        }
    }

    /// The port on 127.0.0.1; the same for the whole life of the server.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Major version.
    pub fn major(&self) -> u8 {
        self.binaries.major()
    }

    /// The password of every role that the lab makes on this server. Random.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// Address of the database `shop` as `role`, without a password.
    pub fn address(&self, role: &str) -> String {
        format!("postgres://{role}@127.0.0.1:{}/{DATABASE}?sslmode=disable", self.port)
    }

    /// Address of the database `shop` as `role`, with the lab's password.
    pub fn url(&self, role: &str) -> String {
        format!("postgres://{role}:{}@127.0.0.1:{}/{DATABASE}?sslmode=disable", self.password, self.port)
    }

    /// Address of the database `shop` as the superuser.
    pub fn superuser_url(&self) -> String {
        self.url(SUPERUSER)
    }

    /// How to connect to the database `shop` as `role`.
    pub fn connect_options(&self, role: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(self.port)
            .username(role)
            .password(&self.password)
            .database(DATABASE)
            .ssl_mode(PgSslMode::Disable)
            .disable_statement_logging()
    }

    /// A connection to the database `shop` as the superuser.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn connect(&self) -> Result<PgConnection> {
        connect(&self.connect_options(SUPERUSER)).await.map_err(database("connect as the superuser"))
    }

    /// Runs statements as the superuser. They are the caller's own text, nothing from outside.
    ///
    /// # Errors
    /// When a statement fails.
    pub async fn execute(&self, statements: &str) -> Result<()> {
        let mut connection = self.connect().await?;
        connection
            .execute(AssertSqlSafe(statements))
            .await
            .map_err(database(format!("run {statements:?}")))?;
        Ok(())
    }

    /// Makes a role that may log in with the lab's password and has no other privilege.
    ///
    /// # Errors
    /// When there is one already.
    pub async fn create_role(&self, role: &str) -> Result<()> {
        self.execute(&format!("create role {role} login password '{}'", self.password)).await
    }

    /// Starts a stopped server on its port; nothing happens when it runs.
    ///
    /// # Errors
    /// When it ends at once or does not answer in time.
    pub async fn start_again(&mut self) -> Result<()> {
        if self.is_running() {
            return Ok(());
        }
        for attempt in 1.. {
            let port = if self.port == 0 { free_port()? } else { self.port };
            self.process = Some(self.spawn(port)?);
            match self.answers(port).await {
                Ok(()) => {
                    self.port = port;
                    break;
                }
                Err(Error::Ended { log, .. })
                    if self.port == 0 && attempt < PORT_ATTEMPTS && log.contains("could not bind") => {}
                Err(error) => {
                    self.process = None;
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Stops it the polite way; sessions are ended.
    pub async fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // Waiting for a process blocks; other servers of the same test go on meanwhile.
            let stopped = tokio::task::spawn_blocking(move || {
                process.signal(Signal::SIGINT);
                if !matches!(process.wait(STOP_DEADLINE), Ok(Some(_))) {
                    process.kill();
                }
            });
            if stopped.await.is_err() {
                tracing::warn!("stopping a server was cancelled");
            }
        }
    }

    /// Stops and starts it, on the same port.
    ///
    /// # Errors
    /// When it does not start again.
    pub async fn restart(&mut self) -> Result<()> {
        self.stop().await;
        self.start_again().await
    }

    /// Kills it as a crash would (`kill -9`).
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// Whether the server's process runs.
    pub fn is_running(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| matches!(process.try_wait(), Ok(None)))
    }

    /// Process number of the postmaster, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Process::pid)
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The end of the server's log.
    pub fn log_tail(&self) -> String {
        log_tail(&self.log())
    }

    /// Writes a file into the data folder.
    pub(super) fn write(&self, name: &str, content: &str) -> Result<()> {
        self.folder.write(&format!("data/{name}"), content).map(|_path| ())
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn spawn(&self, port: u16) -> Result<Process> {
        let cannot = || format!("prepare the server in {}", self.folder.path().display());
        let lines = configuration(&self.options, port, self.folder.path());
        self.folder.write("data/lab.conf", &lines)?;
        let log = File::options().create(true).append(true).open(self.log()).map_err(io(cannot()))?;
        let again = log.try_clone().map_err(io(cannot()))?;
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.data()).stdout(log).stderr(again);
        Process::spawn("postgres", &mut command, Signal::SIGQUIT)
    }

    fn command(&self, program: &str) -> Command {
        command(&self.binaries, self.folder.path(), program)
    }

    /// Waits until the server takes connections.
    async fn answers(&mut self, port: u16) -> Result<()> {
        let started = Instant::now();
        let asked = self.connect_options(SUPERUSER).port(port).database("postgres");
        loop {
            if let Some(process) = self.process.as_mut()
                && let Some(status) = process.try_wait()?
            {
                return Err(Error::Ended {
                    program: "postgres".to_owned(),
                    status: status.to_string(),
                    log: self.log_tail(),
                });
            }
            if connect(&asked).await.is_ok() {
                return Ok(());
            }
            if started.elapsed() > START_DEADLINE {
                let what = "an answer of the new PostgreSQL server".to_owned();
                return Err(Error::Deadline { what, deadline: START_DEADLINE, log: self.log_tail() });
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    async fn set_up(&self) -> Result<()> {
        let options = self.connect_options(SUPERUSER).database("postgres");
        let mut connection = connect(&options).await.map_err(database("set up the server"))?;
        for statement in [
            format!("create database {DATABASE}"),
            "create extension pg_stat_statements".to_owned(),
            format!(
                "create role {MONITOR} login password '{}' in role pg_monitor, pg_read_all_data",
                self.password
            ),
        ] {
            connection.execute(AssertSqlSafe(statement)).await.map_err(database("set up the server"))?;
        }
        self.execute("create extension pg_stat_statements").await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process = None;
    }
}

/// A connection within a deadline.
pub(crate) async fn connect(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    match tokio::time::timeout(CONNECT_DEADLINE, options.connect()).await {
        Ok(connected) => connected,
        Err(_elapsed) => Err(sqlx::Error::PoolTimedOut),
    }
}

/// The server's own settings. They go into one file that is written anew at each start.
fn configuration(options: &Options, port: u16, folder: &Path) -> String {
    let on_if = |yes| if yes { "on" } else { "off" };
    let port = port.to_string();
    let sockets = folder.display().to_string();
    let own = [
        ("listen_addresses", "127.0.0.1"),
        ("port", &port),
        ("unix_socket_directories", &sockets),
        ("shared_preload_libraries", "pg_stat_statements"),
        ("track_io_timing", "on"),
        ("max_connections", "100"),
        ("shared_buffers", "128MB"),
        // Two cores are all that the lab may count on: one query, one core.
        ("max_parallel_workers_per_gather", "0"),
        ("jit", "off"),
        ("wal_level", "replica"),
        ("wal_keep_size", "512MB"),
        ("hot_standby", "on"),
        ("hot_standby_feedback", "on"),
        ("wal_receiver_status_interval", "1s"),
        ("fsync", on_if(options.durable)),
        ("synchronous_commit", on_if(options.durable)),
        ("full_page_writes", on_if(options.durable)),
        ("log_line_prefix", "%m [%p] "),
    ];
    let theirs = options.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    own.into_iter()
        .chain(theirs)
        .map(|(name, value)| format!("{name} = '{}'\n", value.replace('\'', "''")))
        .collect()
}

fn command(binaries: &Binaries, folder: &Path, program: &str) -> Command {
    // In life the database is another machine. Here it shares the cores with who watches it, and gives way.
    let mut command = Command::new("/usr/bin/nice");
    command.arg("-n").arg(SERVER_NICENESS.to_string()).arg(binaries.program(program));
    // Nothing of the caller's environment (`PGDATA`, `PGPORT`, `LC_ALL`, …) may reach the server.
    command.env_clear().env("LC_ALL", "C").env("TZ", "UTC").current_dir(folder);
    if let Some(Owner { uid, gid }) = binaries.owner() {
        command.uid(uid).gid(gid);
    }
    command
}

async fn initdb(binaries: &Binaries, folder: &Folder, password: &str) -> Result<()> {
    let secret = folder.write("password", password)?;
    let log = folder.path().join("initdb.log");
    let output = File::create(&log).map_err(io(format!("write {}", log.display())))?;
    let again = output.try_clone().map_err(io(format!("write {}", log.display())))?;
    let data = folder.path().join("data");
    let mut command = command(binaries, folder.path(), "initdb");
    command
        .arg("-D")
        .arg(&data)
        .args([
            "-U",
            SUPERUSER,
            "-A",
            "scram-sha-256",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
            "--no-instructions",
        ])
        .arg(format!("--pwfile={}", secret.display()))
        .stdout(Stdio::from(output))
        .stderr(Stdio::from(again));
    let mut process = Process::spawn("initdb", &mut command, Signal::SIGTERM)?;
    let joined = tokio::task::spawn_blocking(move || process.wait(INITDB_DEADLINE)).await;
    let status = joined.map_err(|error| io("run initdb")(std::io::Error::other(error)))??;
    fs::remove_file(&secret).map_err(io(format!("remove {}", secret.display())))?;
    match status {
        Some(status) if status.success() => {}
        Some(status) => {
            let program = "initdb".to_owned();
            return Err(Error::Ended { program, status: status.to_string(), log: log_tail(&log) });
        }
        None => {
            let what = "the end of initdb".to_owned();
            return Err(Error::Deadline { what, deadline: INITDB_DEADLINE, log: log_tail(&log) });
        }
    }
    let main = data.join("postgresql.conf");
    let mut text = fs::read_to_string(&main).map_err(io(format!("read {}", main.display())))?;
    text.push_str("include = 'lab.conf'\n");
    fs::write(&main, text).map_err(io(format!("write {}", main.display())))
}

pub(crate) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(io("find a free port"))?;
    Ok(listener.local_addr().map_err(io("find a free port"))?.port())
}

fn log_tail(path: &Path) -> String {
    let text = fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n")
}
