//! The parts of a session: programs that say where they are, programs that just run, and small ones that end.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::error::{Error, Result, io};
use crate::process::Process;

/// How long a part of the session may take to start.
pub(super) const START_DEADLINE: Duration = Duration::from_secs(20);

/// Starts a program whose first line of output says where it is to be found.
pub(super) async fn speaking(name: &str, command: &mut Command, folder: &Path) -> Result<(Process, String)> {
    let log = log_file(name, folder)?;
    let mut process = Process::spawn(name, command.stdout(Stdio::piped()).stderr(log), Signal::SIGTERM)?;
    let stdout = process.take_stdout();
    let read = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        match stdout {
            Some(stdout) => BufReader::new(stdout).read_line(&mut line).map(|_bytes| line),
            None => Ok(line),
        }
    });
    let failed = || io(format!("read what {name} says"));
    let line = match tokio::time::timeout(START_DEADLINE, read).await {
        Ok(joined) => joined.map_err(|error| failed()(std::io::Error::other(error)))?.map_err(failed())?,
        Err(_elapsed) => String::new(),
    };
    let line = line.trim();
    if line.is_empty() {
        let what = format!("an answer of {name}");
        return Err(Error::Deadline { what, deadline: START_DEADLINE, log: read_log(name, folder) });
    }
    Ok((process, line.to_owned()))
}

/// Starts a program that says nothing.
pub(super) fn quiet(name: &str, command: &mut Command, folder: &Path) -> Result<Process> {
    let log = log_file(name, folder)?;
    let again = log.try_clone().map_err(io(format!("open the log of {name}")))?;
    Process::spawn(name, command.stdout(log).stderr(again), Signal::SIGTERM)
}

/// Runs a program to its end, which must be a good one.
pub(super) async fn finish(
    name: &str,
    command: &mut Command,
    folder: &Path,
    deadline: Duration,
) -> Result<()> {
    let process = quiet(name, command, folder)?;
    end_well(process, folder, deadline).await
}

/// The same, and gives what it says on its standard output.
pub(super) async fn said(
    name: &str,
    command: &mut Command,
    folder: &Path,
    deadline: Duration,
) -> Result<String> {
    let log = log_file(name, folder)?;
    let mut process = Process::spawn(name, command.stdout(Stdio::piped()).stderr(log), Signal::SIGTERM)?;
    let stdout = process.take_stdout();
    let reading = tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        stdout.map_or(Ok(0), |mut stdout| stdout.read_to_string(&mut text)).map(|_bytes| text)
    });
    end_well(process, folder, deadline).await?;
    let failed = || io(format!("read what {name} says"));
    reading.await.map_err(|error| failed()(std::io::Error::other(error)))?.map_err(failed())
}

async fn end_well(mut process: Process, folder: &Path, deadline: Duration) -> Result<()> {
    let name = process.name().to_owned();
    let name = name.as_str();
    let waited = tokio::task::spawn_blocking(move || process.wait(deadline)).await;
    match waited.map_err(|error| io(format!("run {name}"))(std::io::Error::other(error)))?? {
        Some(status) if status.success() => Ok(()),
        Some(status) => {
            let (program, log) = (name.to_owned(), read_log(name, folder));
            Err(Error::Ended { program, status: status.to_string(), log })
        }
        None => {
            Err(Error::Deadline { what: format!("the end of {name}"), deadline, log: read_log(name, folder) })
        }
    }
}

/// What a part has said so far.
pub(super) fn read_log(name: &str, folder: &Path) -> String {
    std::fs::read_to_string(folder.join(format!("{name}.log"))).unwrap_or_default()
}

fn log_file(name: &str, folder: &Path) -> Result<std::fs::File> {
    let path = folder.join(format!("{name}.log"));
    std::fs::File::options()
        .create(true)
        .append(true)
        .open(&path)
        .map_err(io(format!("write {}", path.display())))
}
