//! A running `faultctl watch --json` and what it has printed.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use faultline_lab::process::Process;
use nix::sys::signal::Signal;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::Line;

/// How long it may take to end by itself once it is asked to.
const END_DEADLINE: Duration = Duration::from_secs(30);

pub(crate) struct Watch {
    process: Process,
    lines: UnboundedReceiver<Line>,
    /// Everything that was printed so far.
    pub(crate) said: Vec<Line>,
    log: PathBuf,
}

impl Watch {
    pub(crate) fn start(mut command: Command, log: PathBuf) -> Self {
        command.stdout(Stdio::piped()).stderr(File::create(&log).unwrap());
        let mut process = Process::spawn("faultctl watch", &mut command, Signal::SIGTERM).unwrap();
        let stdout = BufReader::new(process.take_stdout().unwrap());
        let (sender, lines) = unbounded_channel();
        std::thread::spawn(move || {
            for line in stdout.lines() {
                // A line that was cut off by a kill is not said.
                let Ok(line) = serde_json::from_str(&line.unwrap()) else { return };
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { process, lines, said: Vec::new(), log }
    }

    /// Waits until a line is as wanted.
    pub(crate) async fn until(&mut self, what: &str, deadline: Duration, wanted: impl Fn(&Line) -> bool) {
        let waited = tokio::time::timeout(deadline, async {
            loop {
                let line = self.lines.recv().await.expect("the end of its output");
                self.said.push(line.clone());
                if wanted(&line) {
                    return;
                }
            }
        });
        if waited.await.is_err() {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            panic!("{what} did not come within {deadline:?}; said: {:#?}\nlog: {log}", self.said);
        }
    }

    /// Lets time pass in which nothing may be said.
    pub(crate) async fn quiet(&mut self, duration: Duration) {
        let said = tokio::time::timeout(duration, self.lines.recv()).await;
        assert!(said.is_err(), "said (or ended) while all was quiet: {said:#?}");
    }

    /// Lets time pass in which anything may be said.
    pub(crate) async fn listen(&mut self, duration: Duration) {
        let end = tokio::time::Instant::now() + duration;
        while let Ok(line) = tokio::time::timeout_at(end, self.lines.recv()).await {
            self.said.push(line.expect("it goes on"));
        }
    }

    /// Asks it to end, which it must do with exit code 0, and returns everything that it said.
    pub(crate) fn end(mut self) -> Vec<Line> {
        self.process.signal(Signal::SIGTERM);
        let status = self.process.wait(END_DEADLINE).unwrap().expect("it ends when it is asked to");
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        assert_eq!(status.code(), Some(0), "{log}");
        self.rest()
    }

    /// Ends it without any chance to tidy up, and returns everything that it said.
    pub(crate) fn crash(mut self) -> Vec<Line> {
        self.process.kill();
        self.rest()
    }

    fn rest(mut self) -> Vec<Line> {
        while let Some(line) = self.lines.blocking_recv() {
            self.said.push(line);
        }
        self.said
    }
}
