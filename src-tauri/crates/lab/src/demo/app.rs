//! The product's programs as child processes.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::net::TcpStream;

use crate::error::{Error, Result, io};
use crate::process::Process;

/// How long `faultctl check` may take.
const CHECK_DEADLINE: Duration = Duration::from_secs(60);
/// How much of the program's log goes into an error, lines.
const LOG_TAIL_LINES: usize = 40;

/// How the product's programs are started.
#[derive(Clone, Debug)]
pub(super) struct Invocation {
    pub(super) config: PathBuf,
    pub(super) data: PathBuf,
    pub(super) variables: Vec<(&'static str, String)>,
}

impl Invocation {
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.envs(self.variables.clone());
        command
    }
}

/// The running desktop program.
pub(super) struct App {
    process: Process,
    log: PathBuf,
}

impl App {
    /// Starts it; what it says goes to `log`.
    pub(super) fn start(program: &Path, invocation: &Invocation, log: &Path) -> Result<Self> {
        let output = std::fs::File::create(log).map_err(io(format!("write {}", log.display())))?;
        let again = output.try_clone().map_err(io(format!("write {}", log.display())))?;
        let mut command = invocation.command(program);
        command.arg("--config").arg(&invocation.config).arg("--data").arg(&invocation.data);
        let process = Process::spawn("faultline", command.stdout(output).stderr(again), Signal::SIGTERM)?;
        Ok(Self { process, log: log.to_owned() })
    }

    /// An error with its last words when it has ended.
    pub(super) fn check_running(&mut self) -> Result<()> {
        match self.process.try_wait()? {
            None => Ok(()),
            Some(status) => {
                let (program, log) = ("faultline".to_owned(), self.log_tail());
                Err(Error::Ended { program, status: status.to_string(), log })
            }
        }
    }

    /// Whether it still runs.
    pub(super) fn is_running(&mut self) -> bool {
        self.check_running().is_ok()
    }

    /// The end of its log.
    pub(super) fn log_tail(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n")
    }
}

/// Whether somebody listens on the port.
pub(super) async fn listens(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_ok()
}

/// Runs `faultctl check`; what it says goes to `log`. Whether it found everything in order.
pub(super) async fn check(faultctl: &Path, invocation: &Invocation, log: &Path) -> Result<bool> {
    let output = std::fs::File::create(log).map_err(io(format!("write {}", log.display())))?;
    let again = output.try_clone().map_err(io(format!("write {}", log.display())))?;
    let mut command = invocation.command(faultctl);
    command.arg("check").arg("--config").arg(&invocation.config).arg("--data").arg(&invocation.data);
    let mut process = Process::spawn("faultctl", command.stdout(output).stderr(again), Signal::SIGTERM)?;
    let waited = tokio::task::spawn_blocking(move || process.wait(CHECK_DEADLINE)).await;
    let status = waited.map_err(|error| io("run faultctl check")(std::io::Error::other(error)))??;
    Ok(status.is_some_and(|status| status.success()))
}
