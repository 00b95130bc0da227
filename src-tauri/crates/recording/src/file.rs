//! Recordings as files: plain or zstd by their first bytes when read, by their name when written.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use faultline_model::{Header, Observation};
use tempfile::NamedTempFile;
use zstd::stream::{read::Decoder, write::Encoder};

use crate::{RecordingError, RecordingReader, RecordingWriter};

/// Ending of the name of a compressed recording.
pub const COMPRESSED_EXTENSION: &str = "zst";

/// First bytes of zstd data.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// A recording is about a seventh smaller than at zstd's default, which is 3.
const COMPRESSION_LEVEL: i32 = 9;

/// Size of the read and write buffers, bytes.
const BUFFER_BYTES: usize = 128 * 1024;

/// Opens a recording, compressed or not, whatever its name.
///
/// # Errors
/// When the file cannot be opened or does not begin with the header of a recording.
pub fn open(path: impl AsRef<Path>) -> Result<RecordingReader<Box<dyn BufRead + Send>>, RecordingError> {
    let path = path.as_ref();
    let cannot_open = |source| RecordingError::Open { path: path.to_owned(), source };
    let mut file = BufReader::with_capacity(BUFFER_BYTES, File::open(path).map_err(cannot_open)?);
    let compressed = file.fill_buf().map_err(cannot_open)?.starts_with(&ZSTD_MAGIC);
    let from: Box<dyn BufRead + Send> = if compressed {
        let decoder = Decoder::with_buffer(file).map_err(cannot_open)?;
        Box::new(BufReader::with_capacity(BUFFER_BYTES, decoder))
    } else {
        Box::new(file)
    };
    RecordingReader::new(from)
}

/// Writes a recording into a file that appears whole, with [`RecordingFile::finish`], or not at all.
pub struct RecordingFile {
    writer: RecordingWriter<Sink>,
    path: PathBuf,
}

impl RecordingFile {
    /// Begins a file beside `path`, compressed when `path` ends in `.zst`. A file that is there already stays until
    /// [`RecordingFile::finish`].
    ///
    /// # Errors
    /// When the folder does not take a new file.
    pub fn create(path: impl AsRef<Path>, header: &Header) -> Result<Self, RecordingError> {
        let path = path.as_ref().to_owned();
        let sink =
            Sink::create(&path).map_err(|source| RecordingError::Create { path: path.clone(), source })?;
        Ok(Self { writer: RecordingWriter::new(sink, header)?, path })
    }

    /// Writes one observation, see [`RecordingWriter::write`].
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn write(&mut self, observation: &Observation) -> Result<(), RecordingError> {
        self.writer.write(observation)
    }

    /// Brings everything to the disk and gives the file its name.
    ///
    /// # Errors
    /// When the disk does not take it; then there is no file, or still the one that was there before.
    pub fn finish(self) -> Result<(), RecordingError> {
        let Self { writer, path } = self;
        let sink = writer.finish()?;
        sink.persist(&path).map_err(|source| RecordingError::Create { path, source })
    }
}

/// A file without its name yet.
enum Sink {
    Plain(BufWriter<NamedTempFile>),
    Compressed(Encoder<'static, BufWriter<NamedTempFile>>),
}

impl Sink {
    fn create(path: &Path) -> io::Result<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = tempfile::Builder::new().prefix(".recording-").suffix(".partial").tempfile_in(folder)?;
        let file = BufWriter::with_capacity(BUFFER_BYTES, file);
        if path.extension().is_some_and(|extension| extension == COMPRESSED_EXTENSION) {
            let mut encoder = Encoder::new(file, COMPRESSION_LEVEL)?;
            encoder.include_checksum(true)?;
            Ok(Self::Compressed(encoder))
        } else {
            Ok(Self::Plain(file))
        }
    }

    fn persist(self, path: &Path) -> io::Result<()> {
        let file = match self {
            Self::Plain(file) => file,
            Self::Compressed(encoder) => encoder.finish()?,
        };
        let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.write(bytes),
            Self::Compressed(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.flush(),
            Self::Compressed(encoder) => encoder.flush(),
        }
    }
}
