//! What most commands begin with: the configuration, the data folder, the secrets and the clock.

use std::path::PathBuf;
use std::sync::Arc;

use faultline_engine::config::{self, ClusterConfig, Config};
use faultline_engine::secrets::Secrets;
use faultline_engine::{ConfigSource, EngineOptions, SilentNotifier, SystemClock};
use faultline_model::Clock;

use crate::args::Places;
use crate::error::CommandError;

pub(crate) struct Context {
    pub(crate) config: Config,
    /// The file that the configuration came from, as long as it is the whole of it.
    pub(crate) config_file: Option<ConfigSource>,
    pub(crate) data: PathBuf,
    pub(crate) secrets: Secrets,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Context {
    /// Reads the configuration that was named, or the platform's.
    pub(crate) fn load(places: &Places) -> Result<Self, CommandError> {
        let path = config_file(places)?;
        let config = config::load(&path)?;
        Ok(Self {
            config_file: Some(ConfigSource { path, is_optional: false }),
            data: data(places, config.store.path.as_ref())?,
            config,
            secrets: Secrets::system(places.masker.clone()),
            clock: Arc::new(SystemClock),
        })
    }

    /// Keeps one cluster alone, if one is named; then changes of the file are not followed.
    pub(crate) fn only(&mut self, cluster: Option<&str>) -> Result<(), CommandError> {
        if let Some(name) = cluster {
            let known = known(&self.config);
            self.config_file = None;
            self.config.clusters.retain(|cluster| cluster.name == name);
            if self.config.clusters.is_empty() {
                return Err(no_cluster(name, &known));
            }
        }
        Ok(())
    }

    /// The cluster that is named, or the only one.
    pub(crate) fn cluster(&self, name: Option<&str>) -> Result<&ClusterConfig, CommandError> {
        match (name, self.config.clusters.as_slice()) {
            (Some(name), clusters) => clusters
                .iter()
                .find(|cluster| cluster.name == name)
                .ok_or_else(|| no_cluster(name, &known(&self.config))),
            (None, [only]) => Ok(only),
            (None, _) => Err(CommandError::Usage {
                message: format!(
                    "name the cluster with --cluster; the configuration has: {}",
                    known(&self.config)
                ),
            }),
        }
    }
}

fn known(config: &Config) -> String {
    if config.clusters.is_empty() {
        return "none".to_owned();
    }
    config.clusters.iter().map(|cluster| cluster.name.as_str()).collect::<Vec<_>>().join(", ")
}

fn no_cluster(name: &str, known: &str) -> CommandError {
    CommandError::Usage { message: format!("no cluster is called {name}; the configuration has: {known}") }
}

/// The store's folder for a command that needs nothing else of the configuration, and so does without where there is
/// none.
pub(crate) fn store_folder(places: &Places) -> Result<PathBuf, CommandError> {
    if let Some(folder) = &places.data {
        return Ok(folder.clone());
    }
    match config::load(&config_file(places)?) {
        Ok(config) => data(places, config.store.path.as_ref()),
        Err(error) if error.is_not_found() && places.config.is_none() => data(places, None),
        // Another folder than the configured one would be the wrong store.
        Err(error) => Err(error.into()),
    }
}

/// What a program with a window runs on: the file is followed and edited while it runs; a file that cannot be used is
/// said in the window, which watches nothing until it is mended. Notifications and feeds are the caller's choice.
pub(crate) fn for_a_window(places: &Places) -> Result<EngineOptions, CommandError> {
    let source = ConfigSource { path: config_file(places)?, is_optional: places.config.is_none() };
    let config = config::load(&source.path).unwrap_or_default();
    Ok(EngineOptions {
        data: data(places, config.store.path.as_ref())?,
        config,
        config_file: Some(source),
        secrets: Secrets::system(places.masker.clone()),
        notifier: Arc::new(SilentNotifier),
        clock: Arc::new(SystemClock),
        feeds: true,
    })
}

fn config_file(places: &Places) -> Result<PathBuf, CommandError> {
    match &places.config {
        Some(file) => Ok(file.clone()),
        None => Ok(config::default_paths()?.config_file),
    }
}

/// The data folder that was named, or the configured one, or the platform's.
fn data(places: &Places, configured: Option<&PathBuf>) -> Result<PathBuf, CommandError> {
    match places.data.as_ref().or(configured) {
        Some(folder) => Ok(folder.clone()),
        None => Ok(config::default_paths()?.data_folder),
    }
}
