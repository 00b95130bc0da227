//! Starts the engine for the desktop: configuration, secrets, notifications.

use std::path::PathBuf;
use std::sync::Arc;

use faultline_api::Desktop;
use faultline_engine::config::{self, ConfigError};
use faultline_engine::secrets::{Masker, Secrets};
use faultline_engine::{
    ConfigSource, DesktopNotifier, Engine, EngineError, EngineOptions, HealthLevel, HealthRow, NoticeAction, Notifier,
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

/// Starts the engine. A configuration that cannot be used is shown in the window, which watches nothing until it is
/// mended.
pub(crate) async fn engine(args: &Args) -> Result<Arc<Engine>, StartError> {
    let paths = config::default_paths()?;
    let is_optional = args.config.is_none();
    let path = args.config.clone().unwrap_or(paths.config_file);
    let config = config::load(&path).unwrap_or_default();
    let data = args.data.clone().or_else(|| config.store.path.clone()).unwrap_or(paths.data_folder);
    let (actions, action_queue) = mpsc::channel(MAX_WAITING_ACTIONS);
    let notifier = Arc::new(DesktopNotifier::start("Faultline", actions));
    let engine = Engine::start(EngineOptions {
        config,
        config_file: Some(ConfigSource { path, is_optional }),
        data,
        secrets: Secrets::system(Masker::default()),
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

async fn answer_notifications(engine: Arc<Engine>, mut actions: mpsc::Receiver<NoticeAction>) {
    while let Some(action) = actions.recv().await {
        engine.on_notice_action(action).await;
    }
}

/// The desktop that the window stands on.
pub(crate) struct Shell;

impl Desktop for Shell {
    fn open_page(&self, url: &str) -> Result<(), String> {
        open::that_detached(url).map_err(|error| format!("no browser could be started: {error}"))
    }

    fn tray(&self) -> Option<bool> {
        Some(false)
    }

    fn autostart(&self) -> Option<bool> {
        None
    }

    fn set_autostart(&self, _: bool) -> Result<(), String> {
        Err("the desktop cannot be told".to_owned())
    }

    fn about(&self) -> Vec<(String, String)> {
        Vec::new()
    }
}
