//! Child processes that do not outlive us: ended when dropped, by the watchdog after a crash, and out of reach of the
//! terminal's Ctrl-C, so that they end in the order that we choose.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use crate::error::{Error, Result, io};
use crate::watchdog::Watched;

/// How long a process may take to end by itself before it is killed.
const GRACE: Duration = Duration::from_secs(5);
/// How often an ending process is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A running child process, leader of its own process group.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    end_signal: Signal,
    ended: bool,
    _watched: Watched,
}

impl Process {
    /// Starts a process; `end_signal` is what asks it to end.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(name: &str, command: &mut Command, end_signal: Signal) -> Result<Self> {
        Self::spawn_reading(name, command, end_signal, Stdio::null())
    }

    /// The same with something to read on its standard input.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn_reading(
        name: &str,
        command: &mut Command,
        end_signal: Signal,
        input: Stdio,
    ) -> Result<Self> {
        let child = command
            .stdin(input)
            .process_group(0)
            .spawn()
            .map_err(|source| Error::Spawn { program: name.to_owned(), source })?;
        let signal = end_signal.as_str().trim_start_matches("SIG");
        let watched = Watched::process_group(child.id(), signal)?;
        Ok(Self { name: name.to_owned(), child, end_signal, ended: false, _watched: watched })
    }

    /// What it is called in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its number, which is its process group's too.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its standard output, once, if it was started with a pipe.
    pub fn take_stdout(&mut self) -> Option<std::process::ChildStdout> {
        self.child.stdout.take()
    }

    /// How it ended, or `None` while it runs.
    ///
    /// # Errors
    /// When the system does not know the process.
    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>> {
        let status = self.child.try_wait().map_err(io(format!("wait for {}", self.name)))?;
        self.ended |= status.is_some();
        Ok(status)
    }

    /// Sends a signal to the process itself; nothing happens if it has ended.
    pub fn signal(&self, signal: Signal) {
        if !self.ended {
            // It may have ended since; it was not waited for, so the number is still its own.
            let _ended = kill(self.raw(), signal);
        }
    }

    /// Waits until it has ended; `None` when it still runs after `deadline`. Blocks the thread.
    ///
    /// # Errors
    /// When the system does not know the process.
    pub fn wait(&mut self, deadline: Duration) -> Result<Option<ExitStatus>> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.try_wait()? {
                return Ok(Some(status));
            }
            if started.elapsed() >= deadline {
                return Ok(None);
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Asks it to end, waits, and kills it and its group when it takes longer than a few seconds. Blocks the thread.
    pub fn end(&mut self) {
        self.signal(self.end_signal);
        if !matches!(self.wait(GRACE), Ok(Some(_))) {
            tracing::warn!(process = self.name, "did not end when asked to; killing it");
            self.kill();
        }
    }

    /// Kills it and its group at once. Blocks the thread until it is gone.
    pub fn kill(&mut self) {
        if !self.ended {
            let _ended = killpg(self.raw(), Signal::SIGKILL);
            let _waited = self.wait(GRACE);
        }
    }

    fn raw(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}
