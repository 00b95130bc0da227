//! A file that begins anew when it is full, and keeps its last few predecessors as `NAME.1` (newest), `NAME.2`, …
//!
//! Written here because no crate fits: `tracing-appender` rotates by time and knows no limit of size; `file-rotate` and
//! `tracing-rolling-file` know it, but the former panics on a read-only folder and on a file that somebody removed,
//! which must not happen while a panic is being logged, and the latter gives up at the start.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// The file. Opened with the first line, and again after it could not be written.
#[derive(Debug)]
pub(super) struct RotatingFile {
    path: PathBuf,
    max_bytes: u64,
    max_files: usize,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    bytes: u64,
}

impl RotatingFile {
    /// Nothing is opened yet. At most `max_files` files of `max_bytes` each, or of one line if that is longer.
    pub(super) fn new(path: PathBuf, max_bytes: u64, max_files: usize) -> Self {
        Self { path, max_bytes, max_files, open: None }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the file, making its folder.
    pub(super) fn open(&mut self) -> io::Result<()> {
        self.opened().map(|_| ())
    }

    /// Appends a line at once, so that nothing is lost when the program is killed.
    pub(super) fn write_line(&mut self, line: &str) -> io::Result<()> {
        let (length, max_bytes) = (line.len() as u64, self.max_bytes);
        let open = self.opened()?;
        if open.bytes > 0 && open.bytes + length > max_bytes {
            self.rotate()?;
        }
        let open = self.opened()?;
        let written = open.file.write_all(line.as_bytes());
        open.bytes += length;
        if written.is_err() {
            self.open = None;
        }
        written
    }

    fn opened(&mut self) -> io::Result<&mut Open> {
        let open = match self.open.take() {
            Some(open) => open,
            None => {
                if let Some(folder) = self.path.parent() {
                    make_folder(folder)?;
                }
                let file = append_to(&self.path)?;
                Open { bytes: file.metadata()?.len(), file }
            }
        };
        Ok(self.open.insert(open))
    }

    /// Moves every file one further; the oldest is overwritten.
    fn rotate(&mut self) -> io::Result<()> {
        self.open = None;
        for number in (1..self.max_files).rev() {
            let older = self.numbered(number);
            let newer = if number == 1 { self.path.clone() } else { self.numbered(number - 1) };
            match fs::rename(newer, older) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    fn numbered(&self, number: usize) -> PathBuf {
        let mut name = OsString::from(&self.path);
        name.push(format!(".{number}"));
        PathBuf::from(name)
    }
}

/// What is logged concerns only the user: nobody else may read it.
fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn append_to(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX_BYTES: u64 = 100;
    const MAX_FILES: usize = 3;

    fn files(folder: &Path) -> Vec<(String, u64)> {
        let mut files: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                (entry.file_name().into_string().unwrap(), entry.metadata().unwrap().len())
            })
            .collect();
        files.sort();
        files
    }

    #[test]
    fn size_and_number_stay_within_their_limits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/in/x.log");
        let inner = path.parent().unwrap();
        let mut file = RotatingFile::new(path.clone(), MAX_BYTES, MAX_FILES);
        for number in 0..100 {
            file.write_line(&format!("line {number:02} with some text\n")).unwrap();
        }
        let kept = files(inner);
        let names: Vec<_> = kept.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["x.log", "x.log.1", "x.log.2"]);
        assert!(kept.iter().all(|(_, bytes)| *bytes <= MAX_BYTES), "{kept:?}");
        assert!(fs::read_to_string(&path).unwrap().ends_with("line 99 with some text\n"));

        // Another start goes on with the same file and its size.
        let before = files(inner);
        let mut again = RotatingFile::new(path.clone(), MAX_BYTES, MAX_FILES);
        again.write_line(&"y".repeat(90)).unwrap();
        assert_eq!(files(inner)[1].1, before[0].1);

        // A line that is longer than a file has one for itself.
        again.write_line(&"z".repeat(300)).unwrap();
        again.write_line("short\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "short\n");
    }

    #[test]
    fn a_file_that_was_taken_away_comes_again_with_the_next_turn() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.log");
        let mut file = RotatingFile::new(path.clone(), MAX_BYTES, MAX_FILES);
        file.write_line(&"a".repeat(90)).unwrap();
        fs::remove_file(&path).unwrap();
        file.write_line(&"b".repeat(90)).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "b".repeat(90));
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error_until_it_can() {
        let folder = tempfile::tempdir().unwrap();
        let blocked = folder.path().join("log");
        fs::write(&blocked, "a file where the folder should be").unwrap();
        let mut file = RotatingFile::new(blocked.join("x.log"), MAX_BYTES, MAX_FILES);
        assert!(file.open().is_err());
        assert!(file.write_line("lost\n").is_err());
        fs::remove_file(&blocked).unwrap();
        file.write_line("kept\n").unwrap();
        assert_eq!(fs::read_to_string(blocked.join("x.log")).unwrap(), "kept\n");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error_and_no_end() {
        let mut full = RotatingFile::new("/dev/full".into(), MAX_BYTES, MAX_FILES);
        for _ in 0..2 {
            assert_eq!(full.write_line("lost\n").unwrap_err().kind(), io::ErrorKind::StorageFull);
        }
    }

    #[cfg(unix)]
    #[test]
    fn only_the_user_can_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log/x.log");
        RotatingFile::new(path.clone(), MAX_BYTES, MAX_FILES).open().unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
