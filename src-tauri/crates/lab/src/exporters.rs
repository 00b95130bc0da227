//! Real exporters of metrics, as Debian packages them.

use std::process::Command;

use crate::error::Result;
use crate::folder::Folder;
use crate::prometheus::{Daemon, free_port};

/// A running node_exporter of this machine. Dropping it stops it.
#[derive(Debug)]
pub struct NodeExporter {
    daemon: Daemon,
    _folder: Folder,
}

impl NodeExporter {
    /// Starts it on a free port of this machine.
    ///
    /// # Errors
    /// When it is not installed or does not start.
    pub async fn start() -> Result<Self> {
        let folder = Folder::create(None)?;
        let port = free_port()?;
        let mut command = Command::new("prometheus-node-exporter");
        command.arg(format!("--web.listen-address=127.0.0.1:{port}")).arg("--log.level=error");
        let ready = Some(format!("http://127.0.0.1:{port}/"));
        let log = folder.path().join("log");
        let daemon = Daemon::start("prometheus-node-exporter", command, &log, port, ready).await?;
        Ok(Self { daemon, _folder: folder })
    }

    /// `host:port` of its page, which is at `/metrics`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.daemon.port)
    }
}
