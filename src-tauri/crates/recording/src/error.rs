//! What can go wrong with a recording, in sentences that say what to do.

use std::io;
use std::path::PathBuf;

/// Why a recording could not be read or written. Lines are counted from 1, the header.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The file could not be opened.
    #[error("cannot open the recording {}: {source}; check the path and your permission to read it", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The first line is not the header of a recording.
    #[error(
        "line 1 is not the header of a recording ({problem}); it must begin with {{\"faultline_recording\":1,…}}: \
         is this the right file?"
    )]
    Header {
        /// What is wrong with it.
        problem: String,
    },
    /// The recording was written in a later format.
    #[error(
        "the recording has format version {found}, this program reads up to {supported}; use a newer Faultline"
    )]
    Version {
        /// Version of the recording.
        found: u64,
        /// Latest version that can be read.
        supported: u64,
    },
    /// A line that means nothing.
    #[error(
        "line {line} is damaged: {problem}; everything before it is good, correct the line or cut the file there"
    )]
    Line {
        /// The line.
        line: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// The file ends within a line or within the compressed data.
    #[error(
        "the recording is cut off in line {line}; everything before it is good, fetch the whole file again"
    )]
    CutOff {
        /// The line that is not whole.
        line: u64,
    },
    /// A line that is too long to be one of ours.
    #[error("line {line} is longer than {limit_bytes} bytes; this is no recording, or a damaged one")]
    LineTooLong {
        /// The line.
        line: u64,
        /// Longest line that is read, bytes.
        limit_bytes: usize,
    },
    /// More data than a recording may have.
    #[error(
        "the recording has more than {limit_bytes} bytes of lines (at line {line}); split it into shorter ones"
    )]
    TooLong {
        /// The line that went over the limit.
        line: u64,
        /// Most bytes that are read, uncompressed.
        limit_bytes: u64,
    },
    /// The data could not be read or uncompressed.
    #[error("cannot read the recording at line {line}: {source}; everything before it is good")]
    Read {
        /// The line.
        line: u64,
        /// What the system or zstd says.
        source: io::Error,
    },
    /// The file could not be written.
    #[error("cannot write the recording {}: {source}; check the folder, your permission and the space left", path.display())]
    Create {
        /// The file that was to be written.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A line could not be written.
    #[error("cannot write the recording: {source}; check the space left")]
    Write {
        /// What the system says.
        source: io::Error,
    },
}
