//! Starts the engine for the desktop: configuration, secrets, notifications.

use std::path::PathBuf;
use std::sync::Arc;

use faultline_engine::config::{self, Config, ConfigError};
use faultline_engine::secrets::Secrets;
use faultline_engine::{
    DesktopNotifier, Engine, EngineError, EngineOptions, HealthLevel, HealthRow, NoticeAction, Notifier,
    SystemClock,
};
use tokio::sync::mpsc;

use crate::args::Args;

/// Actions that may wait while the engine is busy.
const MAX_WAITING_ACTIONS: usize = 64;

/// Why the program cannot run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// No home folder.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Nothing to run on.
    #[error(transparent)]
    Engine(#[from] EngineError),
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

/// Starts the engine. A configuration that cannot be used is shown in the window, which then watches nothing.
pub(crate) async fn engine(args: &Args) -> Result<Arc<Engine>, StartError> {
    let paths = config::default_paths()?;
    let file = args.config.clone().unwrap_or(paths.config_file);
    let (config, trouble) = match config::load(&file) {
        Ok(config) => (config, None),
        Err(_) if args.config.is_none() && !file.exists() => (Config::default(), None),
        Err(error) => (Config::default(), Some(error)),
    };
    let data = args.data.clone().or_else(|| config.store.path.clone()).unwrap_or(paths.data_folder);
    let (actions, action_queue) = mpsc::channel(MAX_WAITING_ACTIONS);
    let notifier = Arc::new(DesktopNotifier::start("Faultline", actions));
    let engine = Engine::start(EngineOptions {
        config,
        data,
        secrets: Secrets::system(),
        notifier: Arc::clone(&notifier) as Arc<dyn Notifier>,
        clock: Arc::new(SystemClock),
        feeds: true,
    })
    .await?;
    if let Some(error) = trouble {
        tracing::error!(%error, "The configuration cannot be used; nothing is watched.");
        engine.report(
            HealthRow::new("configuration", "file", HealthLevel::Error, error.to_string())
                .with_hint("Mend the file and start Faultline again."),
        );
    }
    if let Err(error) = notifier.probe().await {
        tracing::warn!(%error, "No notification can be shown.");
        engine.report(HealthRow::new("notifications", "server", HealthLevel::Warning, error.to_string()));
    }
    tokio::spawn(answer_notifications(Arc::clone(&engine), action_queue));
    Ok(engine)
}

async fn answer_notifications(engine: Arc<Engine>, mut actions: mpsc::Receiver<NoticeAction>) {
    while let Some(action) = actions.recv().await {
        engine.on_notice_action(action).await;
    }
}

/// Opens a page in the user's browser.
pub(crate) fn open_page(url: &str) -> Result<(), String> {
    open::that_detached(url).map_err(|error| format!("no browser could be started: {error}"))
}
