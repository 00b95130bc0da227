//! Frames and deploys ↔ the recording format: UTF-8 JSON Lines, plain or zstd-compressed, the header first.
//!
//! In here: a reader that yields everything before a damage and then says where the damage is, and a writer whose files
//! appear whole or not at all. Not in here: what the observations mean, and a clock.

mod error;
mod file;
mod line;
mod lines;
mod reader;
mod redact;
mod writer;

pub use error::RecordingError;
pub use file::{COMPRESSED_EXTENSION, RecordingFile, open};
pub use lines::{MAX_LINE_BYTES, MAX_RECORDING_BYTES};
pub use reader::RecordingReader;
pub use redact::redact;
pub use writer::RecordingWriter;

/// Version of the format, the value of the header's `faultline_recording`.
pub const FORMAT_VERSION: u64 = 1;
