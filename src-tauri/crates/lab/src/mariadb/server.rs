//! One MariaDB server: made, started, stopped, killed, removed.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::unistd::{Uid, User};
use rand::RngExt;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};

use super::{DATABASE, MONITOR, SUPERUSER};
use crate::error::{Error, Result, database, io};
use crate::folder::{Folder, Owner};
use crate::process::Process;

/// Where Debian keeps the server's programs.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// The server refuses to run as root; then it runs under this account.
const UNPRIVILEGED: &str = "nobody";
/// Niceness of the servers.
const SERVER_NICENESS: i32 = 10;
/// How long making the system tables may take (usually one second).
const INSTALL_DEADLINE: Duration = Duration::from_secs(90);
/// How long a server may take until it answers.
const START_DEADLINE: Duration = Duration::from_secs(60);
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
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Options of `mariadbd`, after and over the lab's own.
    pub settings: Vec<(String, String)>,
    /// Number in replication; 1 when left out.
    pub server_id: Option<u32>,
}

impl Options {
    /// Adds an option; names are spelled as in a configuration file, with underscores.
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
    folder: Folder,
    owner: Option<Owner>,
    port: u16,
    password: String,
    options: Options,
}

impl Server {
    /// Makes a server and starts it, with the schema `shop` and the accounts `lab` (which may do everything) and
    /// `faultline`.
    ///
    /// # Errors
    /// When the package `mariadb-server-core` is missing, or the server does not start.
    pub async fn start(options: Options) -> Result<Self> {
        let owner = unprivileged()?;
        let folder = Folder::create(owner)?;
        let password = format!("{:032x}", rand::rng().random::<u128>());
        install(&folder, owner).await?;
        folder.write("init.sql", &accounts(&password))?;
        let mut server = Self { process: None, folder, owner, port: 0, password, options };
        server.start_again().await?;
        Ok(server)
    }

    /// The port on 127.0.0.1; the same for the whole life of the server.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The password of every account that the lab makes on this server. Random.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// Address of the schema `shop` as `account`, without a password.
    pub fn address(&self, account: &str) -> String {
        format!("mariadb://{account}@127.0.0.1:{}/{DATABASE}?ssl-mode=disabled", self.port)
    }

    /// How to connect to the schema `shop` as `account`.
    pub fn connect_options(&self, account: &str) -> MySqlConnectOptions {
        options(account, &self.password, self.port).database(DATABASE)
    }

    /// A connection to the schema `shop` as the account that may do everything.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn connect(&self) -> Result<MySqlConnection> {
        connect(&self.connect_options(SUPERUSER)).await.map_err(database("connect as the superuser"))
    }

    /// Runs statements as the account that may do everything. They are the caller's own text, nothing from outside.
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

    /// Makes an account that may log in with the lab's password and has no other privilege.
    ///
    /// # Errors
    /// When there is one already.
    pub async fn create_account(&self, account: &str) -> Result<()> {
        self.execute(&format!("create user {account}@'%' identified by '{}'", self.password)).await
    }

    /// Changes the options, from the next start on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.options.settings.push((name.to_owned(), value.to_owned()));
    }

    /// Writes a file that the server may read, and says where it is.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, name: &str, content: &str) -> Result<PathBuf> {
        self.folder.write(name, content)
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
                    if self.port == 0
                        && attempt < PORT_ATTEMPTS
                        && log.contains("Can't start server: Bind") => {}
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
                process.signal(Signal::SIGTERM);
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

    /// Holds it still (`SIGSTOP`), or lets it go on: it takes connections and answers nobody.
    pub fn freeze(&self, still: bool) {
        if let Some(process) = &self.process {
            process.signal(if still { Signal::SIGSTOP } else { Signal::SIGCONT });
        }
    }

    /// Whether the server's process runs.
    pub fn is_running(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| matches!(process.try_wait(), Ok(None)))
    }

    /// The end of the server's log.
    pub fn log_tail(&self) -> String {
        log_tail(&self.log())
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn spawn(&self, port: u16) -> Result<Process> {
        let cannot = || format!("prepare the server in {}", self.folder.path().display());
        let lines = configuration(&self.options, port, self.folder.path());
        let file = self.folder.write("my.cnf", &lines)?;
        let log = File::options().create(true).append(true).open(self.log()).map_err(io(cannot()))?;
        let again = log.try_clone().map_err(io(cannot()))?;
        let mut command = command(self.owner, self.folder.path(), "mariadbd");
        command.arg(format!("--defaults-file={}", file.display())).stdout(log).stderr(again);
        Process::spawn("mariadbd", &mut command, Signal::SIGTERM)
    }

    /// Waits until the server takes connections.
    async fn answers(&mut self, port: u16) -> Result<()> {
        let started = Instant::now();
        let asked = options(SUPERUSER, &self.password, port);
        loop {
            if let Some(process) = self.process.as_mut()
                && let Some(status) = process.try_wait()?
            {
                return Err(Error::Ended {
                    program: "mariadbd".to_owned(),
                    status: status.to_string(),
                    log: self.log_tail(),
                });
            }
            if connect(&asked).await.is_ok() {
                return Ok(());
            }
            if started.elapsed() > START_DEADLINE {
                let what = "an answer of the new MariaDB server".to_owned();
                return Err(Error::Deadline { what, deadline: START_DEADLINE, log: self.log_tail() });
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that was held still could not even end.
        self.freeze(false);
        self.process = None;
    }
}

/// A connection within a deadline.
pub(super) async fn connect(options: &MySqlConnectOptions) -> Result<MySqlConnection, sqlx::Error> {
    match tokio::time::timeout(CONNECT_DEADLINE, options.connect()).await {
        Ok(connected) => connected,
        Err(_elapsed) => Err(sqlx::Error::PoolTimedOut),
    }
}

fn options(account: &str, password: &str, port: u16) -> MySqlConnectOptions {
    MySqlConnectOptions::new()
        .host("127.0.0.1")
        .port(port)
        .username(account)
        .password(password)
        .ssl_mode(MySqlSslMode::Disabled)
        .disable_statement_logging()
}

/// What every start makes sure of; none of it is replicated. One statement a line, as the server wants its init file.
fn accounts(password: &str) -> String {
    [
        "SET SESSION sql_log_bin = 0;".to_owned(),
        format!("CREATE DATABASE IF NOT EXISTS {DATABASE};"),
        format!("CREATE USER IF NOT EXISTS {SUPERUSER}@'%' IDENTIFIED BY '{password}';"),
        format!("GRANT ALL PRIVILEGES ON *.* TO {SUPERUSER}@'%' WITH GRANT OPTION;"),
        format!("CREATE USER IF NOT EXISTS {MONITOR}@'%' IDENTIFIED BY '{password}';"),
        format!("GRANT PROCESS, REPLICA MONITOR, REFERENCES ON *.* TO {MONITOR}@'%';"),
        format!("GRANT SELECT ON performance_schema.* TO {MONITOR}@'%';"),
        format!("GRANT SELECT ON {DATABASE}.* TO {MONITOR}@'%';"),
    ]
    .join("\n")
        + "\n"
}

/// The server's own settings. They go into one file that is written anew at each start.
fn configuration(options: &Options, port: u16, folder: &Path) -> String {
    let at = |name: &str| folder.join(name).display().to_string();
    let own = [
        ("datadir", at("data")),
        ("socket", at("socket")),
        ("pid_file", at("pid")),
        ("tmpdir", folder.display().to_string()),
        ("init_file", at("init.sql")),
        ("bind_address", "127.0.0.1".to_owned()),
        ("port", port.to_string()),
        ("skip_name_resolve", "ON".to_owned()),
        ("server_id", options.server_id.unwrap_or(1).to_string()),
        ("log_bin", at("data/binlog")),
        ("binlog_format", "ROW".to_owned()),
        ("innodb_buffer_pool_size", "32M".to_owned()),
        ("innodb_log_file_size", "16M".to_owned()),
        // A killed process is survived anyway; a power cut need not be.
        ("innodb_flush_log_at_trx_commit", "0".to_owned()),
        ("sync_binlog", "0".to_owned()),
        ("performance_schema", "ON".to_owned()),
        ("performance_schema_consumer_events_statements_current", "ON".to_owned()),
        ("performance_schema_consumer_events_statements_history", "ON".to_owned()),
    ];
    let mut lines = "[mariadbd]\n".to_owned();
    let theirs = options.settings.iter().map(|(name, value)| (name.as_str(), value.clone()));
    for (name, value) in own.into_iter().chain(theirs) {
        lines.push_str(&format!("{name} = {value}\n"));
    }
    lines
}

fn command(owner: Option<Owner>, folder: &Path, program: &str) -> Command {
    // In life the database is another machine. Here it shares the cores with who watches it, and gives way.
    let mut command = Command::new("/usr/bin/nice");
    command.arg("-n").arg(SERVER_NICENESS.to_string()).arg(program);
    // Nothing of the caller's environment (`MYSQL_HOME`, `LC_ALL`, …) may reach the server.
    command.env_clear().env("PATH", PATH).env("LC_ALL", "C").env("TZ", "UTC").current_dir(folder);
    if let Some(Owner { uid, gid }) = owner {
        command.uid(uid).gid(gid);
    }
    command
}

async fn install(folder: &Folder, owner: Option<Owner>) -> Result<()> {
    let log = folder.path().join("install.log");
    let output = File::create(&log).map_err(io(format!("write {}", log.display())))?;
    let again = output.try_clone().map_err(io(format!("write {}", log.display())))?;
    let mut command = command(owner, folder.path(), "mariadb-install-db");
    command
        .arg("--no-defaults")
        .arg(format!("--datadir={}", folder.path().join("data").display()))
        .arg(format!("--tmpdir={}", folder.path().display()))
        .args(["--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"])
        .arg("--innodb-log-file-size=16M")
        .stdout(Stdio::from(output))
        .stderr(Stdio::from(again));
    let mut process = Process::spawn("mariadb-install-db", &mut command, Signal::SIGTERM)?;
    let joined = tokio::task::spawn_blocking(move || process.wait(INSTALL_DEADLINE)).await;
    let status = joined.map_err(|error| io("run mariadb-install-db")(std::io::Error::other(error)))??;
    match status {
        Some(status) if status.success() => Ok(()),
        Some(status) => {
            let program = "mariadb-install-db (Debian package mariadb-server-core)".to_owned();
            Err(Error::Ended { program, status: status.to_string(), log: log_tail(&log) })
        }
        None => {
            let what = "the end of mariadb-install-db".to_owned();
            Err(Error::Deadline { what, deadline: INSTALL_DEADLINE, log: log_tail(&log) })
        }
    }
}

fn unprivileged() -> Result<Option<Owner>> {
    if !Uid::effective().is_root() {
        return Ok(None);
    }
    let missing = Error::NoUnprivilegedUser { name: UNPRIVILEGED };
    let user = User::from_name(UNPRIVILEGED).ok().flatten().ok_or(missing)?;
    Ok(Some(Owner { uid: user.uid.as_raw(), gid: user.gid.as_raw() }))
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(io("find a free port"))?;
    Ok(listener.local_addr().map_err(io("find a free port"))?.port())
}

fn log_tail(path: &Path) -> String {
    let text = fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n")
}
