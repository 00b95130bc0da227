//! Bytes → lines, with limits.

use std::io::{self, BufRead};

use crate::RecordingError;

/// Longest line that is read, bytes without the line feed. A line of 5,000 fingerprints has about 0.6 MB.
pub const MAX_LINE_BYTES: usize = 16 * 1024 * 1024;

/// Most bytes of lines that are read from one recording, uncompressed: no file unpacks without end.
pub const MAX_RECORDING_BYTES: u64 = 64 * 1024 * 1024 * 1024;

/// Reads line by line into one buffer.
pub(crate) struct Lines<R> {
    from: R,
    buffer: Vec<u8>,
    /// Number of the line in the buffer, from 1; 0 before the first.
    pub(crate) number: u64,
    read_bytes: u64,
}

/// A line and whether it ended with a line feed.
pub(crate) struct Line<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) number: u64,
    pub(crate) complete: bool,
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(from: R) -> Self {
        Self { from, buffer: Vec::new(), number: 0, read_bytes: 0 }
    }

    /// The next line, `None` at the end of the data.
    pub(crate) fn next(&mut self) -> Result<Option<Line<'_>>, RecordingError> {
        self.buffer.clear();
        self.number += 1;
        let number = self.number;
        loop {
            let available = match self.from.fill_buf() {
                Ok(available) => available,
                Err(source) if source.kind() == io::ErrorKind::Interrupted => continue,
                Err(source) if source.kind() == io::ErrorKind::UnexpectedEof => {
                    return Err(RecordingError::CutOff { line: number });
                }
                Err(source) => return Err(RecordingError::Read { line: number, source }),
            };
            if available.is_empty() {
                let line = Line { bytes: &self.buffer, number, complete: false };
                return Ok((!line.bytes.is_empty()).then_some(line));
            }
            let end = available.iter().position(|byte| *byte == b'\n');
            let part = &available[..end.unwrap_or(available.len())];
            if self.buffer.len() + part.len() > MAX_LINE_BYTES {
                return Err(RecordingError::LineTooLong { line: number, limit_bytes: MAX_LINE_BYTES });
            }
            self.buffer.extend_from_slice(part);
            let used = part.len() + usize::from(end.is_some());
            self.from.consume(used);
            self.read_bytes += used as u64;
            if self.read_bytes > MAX_RECORDING_BYTES {
                return Err(RecordingError::TooLong { line: number, limit_bytes: MAX_RECORDING_BYTES });
            }
            if end.is_some() {
                return Ok(Some(Line { bytes: &self.buffer, number, complete: true }));
            }
        }
    }
}
