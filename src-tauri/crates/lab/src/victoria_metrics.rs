//! A real VictoriaMetrics server, which answers as Prometheus does, in its own dialect. Installed from Debian
//! (`victoria-metrics`).

use std::process::Command;

use crate::error::{Error, Result};
use crate::folder::Folder;
use crate::http;
use crate::prometheus::{Daemon, free_port};

/// A running VictoriaMetrics. Dropping it stops it and removes its data.
#[derive(Debug)]
pub struct VictoriaMetrics {
    /// Stopped before the folder goes.
    daemon: Daemon,
    _folder: Folder,
}

impl VictoriaMetrics {
    /// Starts a server on a free port of this machine.
    ///
    /// # Errors
    /// When it is not installed or does not start.
    pub async fn start() -> Result<Self> {
        let folder = Folder::create(None)?;
        let port = free_port()?;
        let mut command = Command::new("victoria-metrics");
        command
            .arg(format!("-storageDataPath={}", folder.path().join("data").display()))
            .arg(format!("-httpListenAddr=127.0.0.1:{port}"))
            .arg("-retentionPeriod=100y")
            .arg("-search.latencyOffset=0s")
            .arg("-memory.allowedBytes=64MB");
        let ready = Some(format!("http://127.0.0.1:{port}/health"));
        let log = folder.path().join("log");
        let daemon = Daemon::start("victoria-metrics", command, &log, port, ready).await?;
        Ok(Self { daemon, _folder: folder })
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.daemon.port)
    }

    /// Gives it samples: the text format, times in milliseconds.
    ///
    /// # Errors
    /// When it does not take them.
    pub async fn import(&self, samples: String) -> Result<()> {
        let url = format!("{}/api/v1/import/prometheus", self.url());
        let wrong = |reason: String| Error::Request { url: url.clone(), reason };
        let answer = http::client()?.post(&url).body(samples).send().await;
        let answer = answer.map_err(|error| wrong(error.to_string()))?;
        if answer.status().is_success() { Ok(()) } else { Err(wrong(answer.status().to_string())) }
    }
}
