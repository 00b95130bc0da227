//! Where a line goes: through the masker, then to stderr and the file.

use std::borrow::Cow;
use std::cell::Cell;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing_subscriber::fmt::MakeWriter;

use crate::secrets::Masker;

use super::MAX_LINE_BYTES;
use super::rotating_file::RotatingFile;

thread_local! {
    /// This thread is writing a line at this moment, and may hold the locks of stderr and the file.
    static WRITING: Cell<bool> = const { Cell::new(false) };
}

/// Writes lines. Cheap to clone; clones write to the same places.
#[derive(Clone, Debug)]
pub(super) struct Sink {
    masker: Masker,
    file: Option<Arc<Mutex<Watched>>>,
}

/// The file and how writing to it went the last time.
#[derive(Debug)]
struct Watched {
    file: RotatingFile,
    trouble: Option<String>,
}

impl Sink {
    pub(super) fn new(masker: Masker, file: Option<RotatingFile>) -> Self {
        let watched = |mut file: RotatingFile| {
            let trouble = file.open().err().map(|error| trouble(&file, &error));
            Arc::new(Mutex::new(Watched { file, trouble }))
        };
        Self { masker, file: file.map(watched) }
    }

    /// The line without secrets, its own line breaks indented so that no text from outside looks like a line of the log.
    pub(super) fn masked<'a>(&self, line: &'a [u8]) -> Cow<'a, str> {
        let text = String::from_utf8_lossy(line);
        let masked = match text {
            Cow::Borrowed(text) => self.masker.mask(text),
            Cow::Owned(text) => Cow::Owned(self.masker.mask(&text).into_owned()),
        };
        let body = masked.trim_end_matches('\n');
        if body.contains('\n') { Cow::Owned(format!("{}\n", body.replace('\n', "\n    "))) } else { masked }
    }

    pub(super) fn mask(&self, text: &str) -> String {
        self.masker.mask(text).into_owned()
    }

    pub(super) fn file_path(&self) -> Option<PathBuf> {
        Some(lock(self.file.as_ref()?).file.path().to_owned())
    }

    pub(super) fn file_trouble(&self) -> Option<String> {
        lock(self.file.as_ref()?).trouble.clone()
    }

    /// Whether this thread is within [`Sink::put`]: then it must not log.
    pub(super) fn is_writing() -> bool {
        WRITING.get()
    }

    /// Writes one masked line. Nothing that fails here fails the caller: there is nobody else to tell.
    fn put(&self, line: &str) {
        WRITING.set(true);
        to_stderr(line);
        if let Some(watched) = &self.file {
            let Watched { file, trouble: known } = &mut *lock(watched);
            match file.write_line(line) {
                Ok(()) if known.is_some() => {
                    *known = None;
                    to_stderr("The log file can be written again.\n");
                }
                Ok(()) => {}
                Err(error) => {
                    let trouble = trouble(file, &error);
                    if known.is_none() {
                        to_stderr(&format!("{trouble}\n"));
                    }
                    *known = Some(trouble);
                }
            }
        }
        WRITING.set(false);
    }
}

fn lock(watched: &Arc<Mutex<Watched>>) -> MutexGuard<'_, Watched> {
    watched.lock().unwrap_or_else(PoisonError::into_inner)
}

fn trouble(file: &RotatingFile, error: &io::Error) -> String {
    format!(
        "The log file {} cannot be written ({error}): make room or give access; until then the log is on stderr alone.",
        file.path().display()
    )
}

/// Stderr may be closed: a desktop starts programs without it.
pub(super) fn to_stderr(line: &str) {
    io::stderr().lock().write_all(line.as_bytes()).ok();
}

/// At most so many bytes of the text, at a character's border, saying how much is missing.
pub(super) fn shortened(text: &str, max_bytes: usize) -> Cow<'_, str> {
    if text.len() <= max_bytes {
        return Cow::Borrowed(text);
    }
    let end = text.floor_char_boundary(max_bytes);
    Cow::Owned(format!("{}… ({} more bytes)\n", &text[..end], text.len() - end))
}

impl<'a> MakeWriter<'a> for Sink {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

impl io::Write for &Sink {
    /// Takes a whole line: the formatter writes each event at once.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let masked = self.masked(line);
        // After masking: half a secret would not be recognised.
        self.put(&shortened(&masked, MAX_LINE_BYTES));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
