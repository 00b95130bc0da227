//! Faultline as a user has it: a configuration, a data folder, `faultctl watch --json` running, and `faultctl mark` and
//! `faultctl record` when they are wanted.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::clock::unix_now;
use crate::configuration::PASSWORD;
use crate::error::{Error, Result, io};
use crate::folder::Folder;
use crate::process::Process;

/// How long `mark` may take on a machine whose processor is taken.
const MARK_DEADLINE: Duration = Duration::from_secs(60);
/// How long `record` may take.
const RECORD_DEADLINE: Duration = Duration::from_secs(120);
/// How long `watch` may take to end once it is asked to.
const END_DEADLINE: Duration = Duration::from_secs(60);
/// How much of a log goes into an error, lines.
const LOG_TAIL_LINES: usize = 20;

/// How Faultline's command line is called.
#[derive(Clone, Debug)]
pub(super) struct Faultctl {
    program: PathBuf,
    folder: Arc<Folder>,
    password: String,
}

/// A marker of a deploy.
#[derive(Clone, Debug)]
pub(super) struct Marker {
    pub(super) id: String,
    pub(super) service: String,
    pub(super) version: String,
    pub(super) previous: Option<String>,
    /// `deploy`, `rollback`, …
    pub(super) kind: &'static str,
    /// `started`, `succeeded`.
    pub(super) status: &'static str,
    /// When it got there, Unix seconds.
    pub(super) at: f64,
}

impl Faultctl {
    pub(super) fn new(program: &Path, config: &str, password: &str) -> Result<Self> {
        let folder = Arc::new(Folder::create(None)?);
        folder.write("config.toml", config)?;
        Ok(Self { program: program.to_owned(), folder, password: password.to_owned() })
    }

    fn command(&self, subcommand: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.arg(subcommand).arg("--config").arg(self.folder.path().join("config.toml"));
        command.arg("--data").arg(self.folder.path().join("data")).env(PASSWORD, &self.password);
        command
    }

    /// Starts watching.
    pub(super) fn watch(&self) -> Result<Watch> {
        let log = self.folder.path().join("watch.log");
        let errors = File::create(&log).map_err(io(format!("write {}", log.display())))?;
        let mut command = self.command("watch");
        command.arg("--json").stdout(Stdio::piped()).stderr(errors);
        let mut process = Process::spawn("faultctl watch", &mut command, Signal::SIGTERM)?;
        let lines = Arc::new(Mutex::new(Vec::new()));
        if let Some(stdout) = process.take_stdout() {
            let heard = Arc::clone(&lines);
            std::thread::spawn(move || {
                for line in BufReader::new(stdout).lines().map_while(std::io::Result::ok) {
                    heard.lock().unwrap_or_else(PoisonError::into_inner).push((unix_now(), line));
                }
            });
        }
        Ok(Watch { process, lines, log })
    }

    /// Marks a deploy.
    pub(super) async fn mark(&self, marker: Marker) -> Result<()> {
        let mut command = self.command("mark");
        command.args(["--service", &marker.service, "--version", &marker.version]);
        if let Some(previous) = &marker.previous {
            command.args(["--previous", previous]);
        }
        command.args(["--id", &marker.id]);
        command.args(["--kind", marker.kind, "--status", marker.status]);
        command.args(["--at", &format!("{:.3}", marker.at)]);
        self.run("faultctl mark", command, MARK_DEADLINE).await
    }

    /// Writes what was seen between two times, Unix seconds, to a file.
    pub(super) async fn record(&self, from: f64, to: f64, file: &Path) -> Result<()> {
        let mut command = self.command("record");
        command.args(["--from", &format!("{from:.3}"), "--to", &format!("{to:.3}"), "-o"]).arg(file);
        self.run("faultctl record", command, RECORD_DEADLINE).await
    }

    async fn run(&self, name: &'static str, mut command: Command, deadline: Duration) -> Result<()> {
        // A log of its own for each: several can run at a time.
        let log = tempfile::Builder::new()
            .prefix("run-")
            .tempfile_in(self.folder.path())
            .map_err(io("write a log"))?;
        let errors = log.reopen().map_err(io("write a log"))?;
        command.stdout(Stdio::null()).stderr(errors);
        let mut process = Process::spawn(name, &mut command, Signal::SIGTERM)?;
        let waited = tokio::task::spawn_blocking(move || process.wait(deadline)).await;
        let status = waited.map_err(|error| io(format!("run {name}"))(std::io::Error::other(error)))??;
        match status {
            Some(status) if status.success() => Ok(()),
            Some(status) => {
                let (program, log) = (name.to_owned(), tail(log.path()));
                Err(Error::Ended { program, status: status.to_string(), log })
            }
            None => {
                Err(Error::Deadline { what: format!("the end of {name}"), deadline, log: tail(log.path()) })
            }
        }
    }
}

/// A running `faultctl watch --json`.
#[derive(Debug)]
pub(super) struct Watch {
    process: Process,
    lines: Arc<Mutex<Vec<(f64, String)>>>,
    log: PathBuf,
}

impl Watch {
    /// What was printed since the last time, with the time at which it came.
    pub(super) fn new_lines(&self) -> Vec<(f64, String)> {
        std::mem::take(&mut *self.lines.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// An error with its last words when it has ended.
    pub(super) fn check_running(&mut self) -> Result<()> {
        match self.process.try_wait()? {
            None => Ok(()),
            Some(status) => Err(self.ended(&status)),
        }
    }

    /// Asks it to end and waits for that; ending otherwise than well is an error.
    pub(super) async fn end(mut self) -> Result<()> {
        let ended = tokio::task::spawn_blocking(move || {
            self.process.signal(Signal::SIGTERM);
            match self.process.wait(END_DEADLINE)? {
                Some(status) if status.success() => Ok(()),
                Some(status) => Err(self.ended(&status)),
                None => Err(Error::Deadline {
                    what: "the end of faultctl watch".to_owned(),
                    deadline: END_DEADLINE,
                    log: tail(&self.log),
                }),
            }
        });
        ended.await.map_err(|error| io("end faultctl watch")(std::io::Error::other(error)))?
    }

    fn ended(&self, status: &std::process::ExitStatus) -> Error {
        let program = "faultctl watch".to_owned();
        Error::Ended { program, status: status.to_string(), log: tail(&self.log) }
    }
}

/// The end of a log.
fn tail(path: &Path) -> String {
    let text = String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n")
}
