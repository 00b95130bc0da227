//! A private PgBouncer in front of one of the lab's servers. It listens on loopback alone and is gone when dropped.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use sqlx::postgres::PgConnection;

use crate::error::{Error, Result, database, io};
use crate::folder::{Folder, Owner};
use crate::postgres::{MONITOR, SUPERUSER, Server, connect, free_port};
use crate::process::Process;

/// Where Debian's package has it.
const PROGRAM: &str = "/usr/sbin/pgbouncer";
/// How long it may take until it answers.
const START_DEADLINE: Duration = Duration::from_secs(20);
/// How often it is asked.
const ASK_EVERY: Duration = Duration::from_millis(50);
/// A port found free may be taken by somebody else a moment later; that often another one is tried.
const PORT_ATTEMPTS: usize = 4;

/// When a client's server connection goes back to the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolMode {
    /// After each transaction.
    Transaction,
    /// When the client leaves.
    Session,
}

/// How a pooler is made.
#[derive(Clone, Copy, Debug)]
pub struct PoolOptions {
    /// When a connection goes back to the pool.
    pub mode: PoolMode,
    /// Whether it takes session settings at login and forgets them (`ignore_startup_parameters`); by default it refuses them.
    pub ignores_settings: bool,
}

/// A running PgBouncer with one server connection a role, so that all clients of a role share it.
#[derive(Debug)]
pub struct PgBouncer {
    /// Stopped before the folder goes.
    process: Process,
    folder: Folder,
    port: u16,
}

impl PgBouncer {
    /// Starts one in front of a server, for the superuser and the role `faultline`.
    ///
    /// # Errors
    /// When it is not installed or does not start.
    pub async fn start(server: &Server, options: PoolOptions) -> Result<Self> {
        if !Path::new(PROGRAM).is_file() {
            return Err(Error::Spawn {
                program: format!("{PROGRAM} (run `cargo xtask setup`, or `apt-get install pgbouncer`)"),
                source: std::io::ErrorKind::NotFound.into(),
            });
        }
        let mut attempt = 1;
        loop {
            let mut started = Self::spawn(server, options)?;
            match started.answers(server).await {
                Ok(()) => return Ok(started),
                Err(Error::Ended { log, .. }) if attempt < PORT_ATTEMPTS && log.contains("in use") => {
                    attempt += 1
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn spawn(server: &Server, options: PoolOptions) -> Result<Self> {
        let folder = Folder::create(server.owner())?;
        let port = free_port()?;
        let users: String = [SUPERUSER, MONITOR]
            .iter()
            .map(|role| format!("\"{role}\" \"{}\"\n", server.password()))
            .collect();
        folder.write("users", &users)?;
        let file = folder.write("pgbouncer.ini", &configuration(server, options, port, folder.path()))?;
        let cannot = || format!("prepare the pooler in {}", folder.path().display());
        let log = File::create(folder.path().join("log")).map_err(io(cannot()))?;
        let again = log.try_clone().map_err(io(cannot()))?;
        let mut command = Command::new(PROGRAM);
        command.arg(file).env_clear().current_dir(folder.path()).stdout(log).stderr(again);
        if let Some(Owner { uid, gid }) = server.owner() {
            command.uid(uid).gid(gid);
        }
        // SIGINT would wait for the clients to finish.
        let process = Process::spawn("pgbouncer", &mut command, Signal::SIGTERM)?;
        Ok(Self { process, folder, port })
    }

    /// Its port on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Address of the database `shop` through it as `role`, without a password.
    pub fn address(&self, server: &Server, role: &str) -> String {
        server.address(role).replace(&format!(":{}/", server.port()), &format!(":{}/", self.port))
    }

    /// A connection through it as a role that the pooler knows.
    ///
    /// # Errors
    /// When it does not answer, or refuses.
    pub async fn connect(&self, server: &Server, role: &str) -> Result<PgConnection> {
        let options =
            server.connect_options(role).port(self.port).statement_cache_capacity(0).extra_float_digits(None);
        connect(&options).await.map_err(database("connect through the pooler"))
    }

    async fn answers(&mut self, server: &Server) -> Result<()> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait()? {
                let program = "pgbouncer".to_owned();
                return Err(Error::Ended { program, status: status.to_string(), log: self.log() });
            }
            if self.connect(server, SUPERUSER).await.is_ok() {
                return Ok(());
            }
            if started.elapsed() > START_DEADLINE {
                let what = "an answer of the new PgBouncer".to_owned();
                return Err(Error::Deadline { what, deadline: START_DEADLINE, log: self.log() });
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    fn log(&self) -> String {
        std::fs::read(self.folder.path().join("log"))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }
}

/// The pooler's settings.
fn configuration(server: &Server, options: PoolOptions, port: u16, folder: &Path) -> String {
    let mode = match options.mode {
        PoolMode::Transaction => "transaction",
        PoolMode::Session => "session",
    };
    let ignored = if options.ignores_settings { "ignore_startup_parameters = options\n" } else { "" };
    format!(
        "[databases]\n* = host=127.0.0.1 port={server}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
         unix_socket_dir =\nauth_type = scram-sha-256\nauth_file = {folder}/users\npool_mode = {mode}\n\
         default_pool_size = 1\nserver_tls_sslmode = disable\n{ignored}",
        server = server.port(),
        folder = folder.display(),
    )
}
