//! Steps with names and durations, and the only place that prints.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool prints; it does so only here"
)]

use std::io::{BufRead, IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::error::TaskError;

/// Steps that were run.
#[derive(Default)]
pub(crate) struct Steps {
    done: Vec<(&'static str, Duration, bool)>,
}

impl Steps {
    /// Runs a step and says how it went. A failure does not keep later steps from running.
    pub(crate) fn run(&mut self, name: &'static str, step: impl FnOnce() -> Result<(), TaskError>) {
        println!("── {name}");
        let start = Instant::now();
        let outcome = step();
        let took = start.elapsed();
        if let Err(error) = &outcome {
            eprintln!("error: {error}");
        }
        let word = if outcome.is_ok() { "ok" } else { "FAILED" };
        println!("── {name}: {word} in {:.1} s\n", took.as_secs_f64());
        self.done.push((name, took, outcome.is_ok()));
    }

    /// Whether every step so far went well.
    pub(crate) fn all_ok(&self) -> bool {
        self.done.iter().all(|(.., ok)| *ok)
    }

    /// Prints the summary.
    pub(crate) fn finish(self) -> Result<(), TaskError> {
        for (name, took, ok) in &self.done {
            println!("{} {:>7.1} s  {name}", if *ok { "ok    " } else { "FAILED" }, took.as_secs_f64());
        }
        let all: Duration = self.done.iter().map(|(_, took, _)| *took).sum();
        let names: Vec<&str> = self.done.iter().filter(|(.., ok)| !ok).map(|(name, ..)| *name).collect();
        let (failed, total) = (names.len(), self.done.len());
        if failed == 0 {
            println!("all {total} steps passed in {:.1} s", all.as_secs_f64());
            return Ok(());
        }
        Err(TaskError::Steps { failed, total, names: names.join(", ") })
    }
}

/// Prints a line.
pub(crate) fn say(line: &str) {
    println!("{line}");
}

/// Prints an error.
pub(crate) fn say_error(error: &TaskError) {
    eprintln!("error: {error}");
}

/// Asks a question; without a terminal the answer is no.
pub(crate) fn confirm(question: &str) -> bool {
    if !std::io::stdin().is_terminal() {
        return false;
    }
    print!("{question} [y/N] ");
    let mut answer = String::new();
    let asked = std::io::stdout().flush().and_then(|()| std::io::stdin().lock().read_line(&mut answer));
    asked.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
}
