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
    /// Runs a step and says how it went. Whether it went well: a failure keeps no later step from running by itself.
    pub(crate) fn run(&mut self, name: &'static str, step: impl FnOnce() -> Result<(), TaskError>) -> bool {
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
        outcome.is_ok()
    }

    /// Prints what was run, how it went and how long it took, and the count on the last line.
    pub(crate) fn finish(self) -> Result<(), TaskError> {
        for (name, took, ok) in &self.done {
            println!("{} {:>7.1} s  {name}", if *ok { "ok    " } else { "FAILED" }, took.as_secs_f64());
        }
        let all: Duration = self.done.iter().map(|(_, took, _)| *took).sum();
        println!("       {:>7.1} s  together\n", all.as_secs_f64());
        let failed = self.done.iter().filter(|(.., ok)| !ok).count();
        println!("steps: {} passed, {failed} failed", self.done.len() - failed);
        if failed == 0 { Ok(()) } else { Err(TaskError::Steps) }
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
