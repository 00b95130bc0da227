//! Prints what happens as it happens, in seconds since the start, and since the trouble began once that is known.

use std::io::Write;

use crate::clock::unix_now;

/// The timeline on standard output.
pub(crate) struct Timeline {
    started: f64,
    onset: Option<f64>,
}

impl Timeline {
    pub(crate) fn start() -> Self {
        Self { started: unix_now(), onset: None }
    }

    /// From now on times are since then.
    pub(crate) fn onset(&mut self, at: f64) {
        self.onset = Some(at);
    }

    /// When the trouble began, Unix seconds.
    pub(crate) fn onset_at(&self) -> Option<f64> {
        self.onset
    }

    /// One line that happened now.
    pub(crate) fn say(&self, text: &str) {
        self.say_at(unix_now(), text);
    }

    /// One line that happened at a time, Unix seconds.
    pub(crate) fn say_at(&self, at: f64, text: &str) {
        let stamp = match self.onset {
            Some(onset) => format!("onset {:+7.1} s", at - onset),
            None => format!("start {:+7.1} s", at - self.started),
        };
        plain(&format!("{stamp}  {text}"));
    }
}

/// One line without a time. A closed standard output is no reason to stop.
pub(crate) fn plain(text: &str) {
    let mut out = std::io::stdout().lock();
    let _closed = writeln!(out, "{text}").and_then(|()| out.flush());
}
