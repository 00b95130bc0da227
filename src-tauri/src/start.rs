//! Starts the engine for the desktop: places, configuration, secrets, notifications.

use std::path::PathBuf;
use std::sync::Arc;

use faultline_engine::config::{self, ConfigError};
use faultline_engine::logging::{Logging, LoggingError};
use faultline_engine::secrets::{Masker, Secrets};
use faultline_engine::{
    ConfigSource, DesktopNotifier, Engine, EngineError, EngineOptions, HealthLevel, HealthRow, NoticeAction,
    Notifier, SystemClock,
};
use tokio::sync::mpsc;

use crate::args::Args;

/// Actions that may wait while the engine is busy.
const MAX_WAITING_ACTIONS: usize = 64;

/// What to do about a panic.
const PANIC_HINT: &str = "Copy diagnostics in the settings and report it with them. Start Faultline again if something \
                          stands still.";

/// Why the program cannot run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// No log.
    #[error(transparent)]
    Log(LoggingError),
    /// No home folder.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Nothing to run on.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// No screen to show a window on.
    #[error(
        "there is no display: start Faultline from the desktop session, set DISPLAY or WAYLAND_DISPLAY, or use \
         faultctl watch"
    )]
    NoDisplay,
    /// No window.
    #[error("the window cannot be opened: {0}")]
    Window(#[from] tauri::Error),
    /// No threads.
    #[error("the program cannot start its threads: {0}")]
    Threads(std::io::Error),
    /// The events file cannot be written.
    #[error("the events file {} cannot be written: {source}", file.display())]
    Events {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Where the program's files are.
pub(crate) struct Places {
    config: ConfigSource,
    /// Folder of the store.
    pub(crate) data: PathBuf,
    /// Folder of the store when nobody names another.
    pub(crate) default_data: PathBuf,
}

impl Places {
    /// As the command line, the configuration and the platform say.
    pub(crate) fn of(args: &Args) -> Result<Self, StartError> {
        let paths = config::default_paths()?;
        let is_optional = args.config.is_none();
        let path = args.config.clone().unwrap_or(paths.config_file);
        // What is wrong with it, the engine says.
        let configured = config::load(&path).ok().and_then(|config| config.store.path);
        let data = args.data.clone().or(configured).unwrap_or_else(|| paths.data_folder.clone());
        Ok(Self { config: ConfigSource { path, is_optional }, data, default_data: paths.data_folder })
    }
}

/// Starts the engine. A configuration that cannot be used is shown in the window, which watches nothing until it is
/// mended.
pub(crate) async fn engine(places: Places, masker: Masker) -> Result<Arc<Engine>, StartError> {
    let (actions, action_queue) = mpsc::channel(MAX_WAITING_ACTIONS);
    let notifier = Arc::new(DesktopNotifier::start("Faultline", actions));
    let engine = Engine::start(EngineOptions {
        config: config::load(&places.config.path).unwrap_or_default(),
        config_file: Some(places.config),
        data: places.data,
        secrets: Secrets::system(masker),
        notifier: Arc::clone(&notifier) as Arc<dyn Notifier>,
        clock: Arc::new(SystemClock),
        feeds: true,
    })
    .await?;
    if let Err(error) = notifier.probe().await {
        tracing::warn!(%error, "No notification can be shown.");
        engine.report(HealthRow::new("notifications", "server", HealthLevel::Warning, error.to_string()));
    }
    tokio::spawn(answer_notifications(Arc::clone(&engine), action_queue));
    Ok(engine)
}

/// Shows in the window what went wrong with the program itself: a log that cannot be written, and every panic.
pub(crate) fn report_on_itself(logging: &Logging, engine: &Arc<Engine>) {
    if let Some(trouble) = logging.file_trouble() {
        engine.report(HealthRow::new("program", "log file", HealthLevel::Warning, trouble));
    }
    let engine = Arc::clone(engine);
    logging.on_panic(move |panic| {
        let message = format!("A part of the program failed: {panic}");
        engine.report(HealthRow::new("program", "panic", HealthLevel::Error, message).with_hint(PANIC_HINT));
    });
}

async fn answer_notifications(engine: Arc<Engine>, mut actions: mpsc::Receiver<NoticeAction>) {
    while let Some(action) = actions.recv().await {
        engine.on_notice_action(action).await;
    }
}

#[cfg(test)]
mod tests {
    use faultline_engine::config::Config;
    use faultline_engine::logging::LoggingOptions;
    use faultline_engine::{EngineEvent, SilentNotifier};

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_panic_and_a_log_that_cannot_be_written_are_shown() {
        faultline_engine::install_tls_provider();
        let data = tempfile::tempdir().unwrap();
        // A file where the folder of the log should be.
        let folder = data.path().join("log");
        std::fs::write(&folder, "").unwrap();
        let secrets = Secrets::in_memory();
        secrets.masker().remember(&"canary-4711".to_owned().into());
        let logging = Logging::start(LoggingOptions {
            program: "test",
            folder: Some(folder),
            masker: secrets.masker().clone(),
            main_panic_exit_code: None,
        })
        .unwrap();
        let engine = Engine::start(EngineOptions {
            config: Config::default(),
            config_file: None,
            data: data.path().to_owned(),
            secrets,
            notifier: Arc::new(SilentNotifier),
            clock: Arc::new(SystemClock),
            feeds: false,
        })
        .await
        .unwrap();
        report_on_itself(&logging, &engine);
        let row = |aspect: &str| engine.health_of("program").into_iter().find(|row| row.aspect == aspect);
        assert!(row("log file").is_some_and(|row| row.message.contains("cannot be written")));

        let mut events = engine.listen();
        let worker = std::thread::spawn(|| panic!("with canary-4711"));
        assert!(worker.join().is_err());
        while row("panic").is_none() {
            assert!(matches!(events.recv().await, Ok(EngineEvent::Health)));
        }
        let panic = row("panic").unwrap();
        assert!(panic.message.contains("start.rs") && panic.message.contains("with •••"), "{panic:?}");
        assert!(panic.hint.is_some_and(|hint| hint.contains("Copy diagnostics")));
        engine.shutdown().await;
    }
}
