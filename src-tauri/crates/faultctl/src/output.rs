//! What is printed: lines and JSON Lines on stdout, each flushed, errors on stderr.

use std::io::{self, Write as _};

use faultline_engine::secrets::Masker;
use serde::Serialize;

use crate::error::CommandError;

/// Prints one line, at once.
pub(crate) fn line(text: &str) -> Result<(), CommandError> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(|source| CommandError::Output { source })
}

/// Prints one JSON object on a line of its own, at once.
pub(crate) fn json(value: &impl Serialize) -> Result<(), CommandError> {
    let text = serde_json::to_string(value).map_err(|error| CommandError::Output { source: error.into() })?;
    line(&text)
}

/// Tells what went wrong, on stderr.
pub(crate) fn error(error: &CommandError) {
    note(&format!("faultctl: {error}"));
}

/// Where log lines go: stderr, without secrets. Each line is written at once.
pub(crate) struct Log(pub(crate) Masker);

impl io::Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        io::stderr().lock().write_all(self.0.mask(&String::from_utf8_lossy(line)).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}

/// Tells something that is no output of the command, on stderr.
pub(crate) fn note(text: &str) {
    // There is nobody left to tell that stderr is closed.
    writeln!(io::stderr().lock(), "{text}").ok();
}
