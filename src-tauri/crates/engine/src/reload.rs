//! The configuration while the program runs: read anew when its file changes or a secret comes, edited from the window.
//! What did not change goes on as it is; what cannot be used leaves the last good configuration at work.

use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use faultline_model::{HealthLevel, HealthRow};
use futures::FutureExt as _;
use tokio::sync::broadcast::error::RecvError;

use crate::config::{ClusterConfig, Config, ConfigError, ConfigFile, Edit, Look};
use crate::error::EngineError;
use crate::hub::EngineEvent;
use crate::standing::{Clusters, Standing, Watched};
use crate::start::{Parts, Starter, webhook_target};
use crate::ways_back::{self, WaysBack};

/// Time between two looks at the file.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// After so many looks a webhook or a way back that could not be opened is tried again.
const LOOKS_PER_RETRY: u32 = 30;

/// Most clusters that are started anew, in one run of the program, after their task failed.
const MAX_REVIVALS: u32 = 10;

/// Brings what is watched in line with the configuration.
pub(crate) struct Reloader {
    parts: Parts,
    standing: Standing,
    path: Option<PathBuf>,
    file: Mutex<Option<ConfigFile>>,
    trouble: Mutex<Option<String>>,
    /// Clusters that were started anew after their task failed.
    revivals: AtomicU32,
    /// Changes are made one after the other.
    turn: tokio::sync::Mutex<()>,
}

impl Reloader {
    /// Nothing is watched yet. With a file, that is read anew when it changes.
    pub(crate) fn new(parts: Parts, standing: Standing, file: Option<(PathBuf, bool)>) -> Self {
        let path = file.as_ref().map(|(path, _)| path.clone());
        let file = Mutex::new(file.map(|(path, optional)| ConfigFile::new(path, optional)));
        Self {
            parts,
            standing,
            path,
            file,
            trouble: Mutex::default(),
            revivals: AtomicU32::default(),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// The file.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// What is wrong with the file; the last good configuration is at work meanwhile.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks at the file and listens for secrets until the engine stops.
    pub(crate) async fn run(self: Arc<Self>) {
        let mut secrets = self.parts.secrets.changes();
        let mut looks = 0_u32;
        loop {
            let secret_changed = tokio::select! {
                () = self.parts.stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => false,
                changed = secrets.recv() => match changed {
                    Ok(_) | Err(RecvError::Lagged(_)) => true,
                    Err(RecvError::Closed) => return,
                },
            };
            looks = looks.wrapping_add(1);
            self.revive().await;
            let retry = looks.is_multiple_of(LOOKS_PER_RETRY) && self.standing.now().is_incomplete;
            self.look().await;
            if secret_changed || retry {
                self.open_again().await;
            }
        }
    }

    /// Takes up what the file says now, if it is another than before.
    pub(crate) async fn look(&self) {
        let _turn = self.turn.lock().await;
        self.look_in_turn().await;
    }

    async fn look_in_turn(&self) {
        let Some(mut file) = self.file.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        // A folder on a network that hangs must not hold up a thread of the runtime.
        let looked = tokio::task::spawn_blocking(move || {
            let look = file.look();
            (file, look)
        });
        let Ok((file, look)) = looked.await else {
            tracing::error!("The configuration file can no longer be looked at.");
            return;
        };
        *self.file.lock().unwrap_or_else(PoisonError::into_inner) = Some(file);
        match look {
            Look::Same => {}
            Look::New(Ok(config)) => {
                let was_troubled = self.clear_trouble();
                let changed = *config != *self.standing.now().config;
                if changed {
                    tracing::info!("The configuration has changed and is taken up.");
                    if let Err(error) = self.change(*config).await {
                        self.report(HealthLevel::Error, "taking up", error.to_string(), None);
                    }
                }
                if changed || was_troubled {
                    self.parts.hub.tell(EngineEvent::Configuration);
                }
            }
            Look::New(Err(error)) => self.set_trouble(&error),
        }
    }

    /// Writes the edit into the file and takes it up.
    ///
    /// # Errors
    /// When there is no file, it cannot be written, or it would not be a configuration any more.
    pub(crate) async fn edit(&self, edit: Edit) -> Result<(), ConfigError> {
        let _turn = self.turn.lock().await;
        {
            let file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.as_ref().ok_or(ConfigError::NoFile)?.edit(&edit)?;
        }
        self.look_in_turn().await;
        Ok(())
    }

    fn set_trouble(&self, error: &ConfigError) {
        tracing::error!(%error, "The configuration cannot be used; the last good one goes on working.");
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
        let hint = "Mend the file: it is read again as soon as it is saved. The last good configuration goes on working.";
        self.report(HealthLevel::Error, "file", error.to_string(), Some(hint));
        self.parts.hub.tell(EngineEvent::Configuration);
    }

    /// Forgets what was wrong with the file; says whether anything was.
    fn clear_trouble(&self) -> bool {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take();
        let gone =
            |row: &HealthRow| row.target == "configuration" && matches!(&*row.aspect, "file" | "taking up");
        if self.parts.health.forget(gone) {
            self.parts.hub.tell(EngineEvent::Health);
        }
        trouble.is_some()
    }

    fn report(&self, level: HealthLevel, aspect: &str, message: String, hint: Option<&str>) {
        let row = HealthRow::new("configuration", aspect, level, message);
        let row = match hint {
            Some(hint) => row.with_hint(hint),
            None => row,
        };
        if self.parts.health.update([row]) {
            self.parts.hub.tell(EngineEvent::Health);
        }
    }

    /// Opens webhooks and ways back again, with the secrets of now.
    async fn open_again(&self) {
        let _turn = self.turn.lock().await;
        let old = self.standing.now();
        let ways_back = Arc::new(WaysBack::open(&old.config, &self.parts.secrets, &self.parts.health).await);
        let webhooks = self.webhooks(&old, &old.config).await;
        self.standing.set(Watched {
            config: Arc::clone(&old.config),
            clusters: old.clusters.clone(),
            is_incomplete: is_incomplete(&old.config, &ways_back, webhooks.len(), self.parts.feeds),
            ways_back,
            webhooks,
        });
        self.parts.hub.tell(EngineEvent::Health);
    }

    /// Starts the watch over a cluster anew whose task ended by a fault of our own: what it saw is in the store, and an
    /// open incident goes on. The log has the fault.
    pub(crate) async fn revive(&self) {
        let _turn = self.turn.lock().await;
        let old = self.standing.now();
        let is_dead = |name: &str| old.clusters.get(name).is_some_and(|handle| handle.requests.is_closed());
        let dead = old.config.clusters.iter().filter(|cluster| is_dead(&cluster.name));
        let mut revived = Vec::new();
        for cluster in dead {
            if self.revivals.fetch_add(1, Ordering::Relaxed) >= MAX_REVIVALS {
                let message =
                    format!("{} is not watched any more: its analysis failed too often.", cluster.name);
                let hint = "Copy the diagnostics, report this, and start Faultline again.";
                self.report(HealthLevel::Error, "watching", message, Some(hint));
                return;
            }
            tracing::error!(cluster = cluster.name, "The watch over a cluster failed and begins anew.");
            let starter = Starter { parts: &self.parts, config: &old.config };
            match AssertUnwindSafe(starter.cluster(cluster)).catch_unwind().await {
                Ok(Ok(handle)) => revived.push((cluster.name.as_str().into(), handle)),
                Ok(Err(error)) => self.report(HealthLevel::Error, "watching", error.to_string(), None),
                // The history itself makes it fail; the next look tries again.
                Err(_) => {}
            }
        }
        if !revived.is_empty() {
            let mut clusters = old.clusters.clone();
            clusters.extend(revived);
            self.standing.set(Watched {
                config: Arc::clone(&old.config),
                clusters,
                ways_back: Arc::clone(&old.ways_back),
                webhooks: old.webhooks.clone(),
                is_incomplete: old.is_incomplete,
            });
        }
    }

    /// Watches what `config` says from now on.
    ///
    /// # Errors
    /// When a cluster's history cannot be read; everything else is watched nevertheless.
    pub(crate) async fn change(&self, config: Config) -> Result<(), EngineError> {
        let (parts, old) = (&self.parts, self.standing.now());
        let config = Arc::new(config);
        let starter = Starter { parts, config: &config };
        let mut clusters = Clusters::new();
        for (name, handle) in &old.clusters {
            if goes_on(&old.config, &config, name.as_str()) {
                clusters.insert(name.clone(), handle.clone());
            } else {
                handle.end().await;
                let prefix = format!("{name}/");
                parts.health.forget(|row| row.target.starts_with(&prefix));
                let is_gone = !config.clusters.iter().any(|cluster| cluster.name == name.as_str());
                if is_gone && let Some(incident) = handle.status().incident {
                    parts.incidents.let_go(name, incident, parts.clock.now()).await;
                }
            }
        }
        let mut failed = None;
        for cluster in config.clusters.iter() {
            if !clusters.contains_key(cluster.name.as_str()) {
                match starter.cluster(cluster).await {
                    Ok(handle) => {
                        clusters.insert(cluster.name.as_str().into(), handle);
                    }
                    Err(error) => failed = Some(error),
                }
            }
        }
        let ways_back = if old.config.rollbacks == config.rollbacks && !old.is_incomplete {
            Arc::clone(&old.ways_back)
        } else {
            parts.health.forget(ways_back::is_row);
            Arc::new(WaysBack::open(&config, &parts.secrets, &parts.health).await)
        };
        let webhooks = self.webhooks(&old, &config).await;
        let moved = old.config.store != config.store && *old.config != Config::default();
        self.standing.set(Watched {
            is_incomplete: is_incomplete(&config, &ways_back, webhooks.len(), parts.feeds),
            config,
            clusters,
            ways_back,
            webhooks,
        });
        if moved {
            let message = "Another folder for the store is used from the next start on.".to_owned();
            self.report(HealthLevel::Warning, "store", message, None);
        }
        failed.map_or(Ok(()), Err)
    }

    /// The webhooks of the configuration: those that listen already go on, others end or begin.
    async fn webhooks(&self, old: &Watched, config: &Config) -> Vec<Arc<crate::standing::RunningWebhook>> {
        let mut webhooks = Vec::new();
        if !self.parts.feeds {
            return webhooks;
        }
        for webhook in &old.webhooks {
            if config.deploys.contains(&webhook.config) {
                webhooks.push(Arc::clone(webhook));
            } else {
                webhook.end().await;
            }
        }
        for feed in old.config.deploys.iter().filter(|feed| !config.deploys.contains(feed)) {
            let target = webhook_target(feed);
            self.parts.health.forget(|row| row.target == target);
        }
        let starter = Starter { parts: &self.parts, config };
        for feed in &config.deploys {
            if !webhooks.iter().any(|webhook| webhook.config == *feed)
                && let Some(webhook) = starter.webhook(feed).await
            {
                webhooks.push(Arc::new(webhook));
            }
        }
        webhooks
    }
}

/// Whether the watch over a cluster is the same under both configurations.
fn goes_on(old: &Config, new: &Config, name: &str) -> bool {
    fn find<'a>(config: &'a Config, name: &str) -> Option<&'a ClusterConfig> {
        config.clusters.iter().find(|cluster| cluster.name == name)
    }
    find(old, name) == find(new, name)
        && old.metrics_of(name).eq(new.metrics_of(name))
        && old.services == new.services
        && old.intervals == new.intervals
}

fn is_incomplete(config: &Config, ways_back: &WaysBack, webhooks: usize, feeds: bool) -> bool {
    ways_back.len() < config.rollbacks.len() || (feeds && webhooks < config.deploys.len())
}
