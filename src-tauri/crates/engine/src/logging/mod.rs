//! What the program writes down of itself: to stderr, to a file that is rotated by size, and the last warnings in memory
//! for the diagnostics. Every line goes through the masker before it is written anywhere; panics are lines as well.
//!
//! Not in here: what is logged, and what the window shows of it.

mod panics;
mod recent;
mod rotating_file;
mod sink;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};

use directories::ProjectDirs;
use tracing::level_filters::LevelFilter;
use tracing::{Level, Subscriber};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{EnvFilter, Layer as _, fmt};

use crate::secrets::Masker;

use recent::Recent;
use rotating_file::RotatingFile;
use sink::Sink;

/// The environment variable that says what is logged, in the form of `tracing`'s `EnvFilter`; `info` without it.
pub const FILTER_VARIABLE: &str = "FAULTLINE_LOG";

/// Largest log file, bytes; the next line begins a new one.
pub const MAX_FILE_BYTES: u64 = 5_000_000;

/// Most log files, with the one that is being written.
pub const MAX_FILES: usize = 5;

/// Longest line, bytes; the rest is left out. Leaves room for a whole backtrace.
pub const MAX_LINE_BYTES: usize = 64 * 1024;

/// Warnings and errors that are kept for the diagnostics.
pub const MAX_RECENT: usize = 50;

/// How the program logs.
#[derive(Clone, Debug, Default)]
pub struct LoggingOptions {
    /// The file's name is this with `.log`: `faultline`, `faultctl`.
    pub program: &'static str,
    /// Where the file is; `None` logs to stderr alone. It is made when it is not there.
    pub folder: Option<PathBuf>,
    /// Takes secrets out of every line.
    pub masker: Masker,
    /// Ends the program with this exit code when its main thread panics, after the panic was logged. `None` leaves it to
    /// the caller: tasks that catch panics run on that thread as well.
    pub main_panic_exit_code: Option<i32>,
}

/// Why nothing can be logged.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// Something else logs already.
    #[error("the log cannot be started: {source}; start it once, before anything else logs")]
    Started {
        /// Why.
        source: TryInitError,
    },
}

/// The running log. Cheap to clone; clones are the same log.
#[derive(Clone, Debug)]
pub struct Logging {
    sink: Sink,
    recent: Recent,
    panics: Arc<Mutex<Option<Receiver<String>>>>,
}

impl Logging {
    /// Starts to log, for the whole process, and logs panics from now on. A log file that cannot be written is a warning.
    ///
    /// # Errors
    /// When something else logs already.
    pub fn start(options: LoggingOptions) -> Result<Self, LoggingError> {
        let filter = EnvFilter::builder()
            .with_default_directive(LevelFilter::INFO.into())
            .with_env_var(FILTER_VARIABLE)
            .from_env_lossy();
        let exit_code = options.main_panic_exit_code;
        let (logging, subscriber) = Self::build(options, filter);
        // Libraries that speak to the `log` crate are heard as well.
        subscriber.try_init().map_err(|source| LoggingError::Started { source })?;
        let waiting = panics::log_them(logging.sink.clone(), exit_code);
        *logging.panics.lock().unwrap_or_else(PoisonError::into_inner) = Some(waiting);
        if let Some(trouble) = logging.file_trouble() {
            tracing::warn!("{trouble}");
        }
        Ok(logging)
    }

    fn build(options: LoggingOptions, filter: EnvFilter) -> (Self, impl Subscriber + Send + Sync) {
        let file = options.folder.map(|folder| {
            RotatingFile::new(folder.join(format!("{}.log", options.program)), MAX_FILE_BYTES, MAX_FILES)
        });
        let sink = Sink::new(options.masker, file);
        let recent = Recent::new(sink.clone());
        // Without colours: what a line says is masked as it stands, and escape sequences within it would hide a secret.
        let written = fmt::layer().with_ansi(false).with_writer(sink.clone()).with_filter(filter);
        let kept = fmt::layer()
            .with_ansi(false)
            .with_writer(recent.clone())
            .with_filter(LevelFilter::from_level(Level::WARN));
        let subscriber = tracing_subscriber::registry().with(written).with(kept);
        (Self { sink, recent, panics: Arc::default() }, subscriber)
    }

    /// The last warnings and errors, oldest first, masked, one line each with its time; at most [`MAX_RECENT`].
    pub fn recent(&self) -> Vec<String> {
        self.recent.lines()
    }

    /// The file that is being written.
    pub fn file(&self) -> Option<PathBuf> {
        self.sink.file_path()
    }

    /// Why the log file cannot be written at this moment, one sentence.
    pub fn file_trouble(&self) -> Option<String> {
        self.sink.file_trouble()
    }

    /// Tells of every panic of any thread, also of those before this call: one masked line with thread, place and
    /// message. The callback runs on a thread of its own, because the one that panicked may hold any lock. There is one
    /// such callback; later ones are not called.
    pub fn on_panic(&self, callback: impl Fn(&str) + Send + 'static) {
        let waiting = self.panics.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(waiting) = waiting else {
            tracing::warn!("Panics are told to the first listener alone.");
            return;
        };
        let tell = move || waiting.iter().for_each(|panic| callback(&panic));
        if let Err(error) = std::thread::Builder::new().name("panics".to_owned()).spawn(tell) {
            tracing::warn!(%error, "Panics are logged, but not told to the window.");
        }
    }
}

/// Where the log is unless another folder is given: on Linux `~/.local/state/faultline/log`, elsewhere in the platform's
/// folder for data that stays on this machine. `None` without a home folder.
pub fn default_folder() -> Option<PathBuf> {
    let folders = ProjectDirs::from("", "", "Faultline")?;
    let state: &Path = folders.state_dir().unwrap_or_else(|| folders.data_local_dir());
    Some(state.join("log"))
}
