//! The last warnings and errors, in memory.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tracing_subscriber::fmt::MakeWriter;

use super::MAX_RECENT;
use super::sink::{Sink, shortened};

/// Longest kept line, bytes; it is for being pasted into a message.
const MAX_KEPT_BYTES: usize = 2 * 1024;

/// The last lines. Cheap to clone; clones keep the same lines.
#[derive(Clone, Debug)]
pub(super) struct Recent {
    /// Masks what is kept.
    sink: Sink,
    lines: Arc<Mutex<VecDeque<String>>>,
}

impl Recent {
    pub(super) fn new(sink: Sink) -> Self {
        Self { sink, lines: Arc::default() }
    }

    /// Oldest first.
    pub(super) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

impl<'a> MakeWriter<'a> for Recent {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

impl io::Write for &Recent {
    /// Takes a whole line: the formatter writes each event at once.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let masked = self.sink.masked(line);
        let kept = shortened(masked.trim_end(), MAX_KEPT_BYTES).into_owned();
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == MAX_RECENT {
            lines.pop_front();
        }
        lines.push_back(kept);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
