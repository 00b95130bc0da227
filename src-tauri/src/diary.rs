//! Appends what `faultctl watch --json` would print to a file, for drills and tests that watch the window from outside.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use faultline_engine::EngineEvent;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

/// Opens the file and writes a line for everything that is said, each flushed.
pub(crate) fn keep(file: &Path, mut events: Receiver<EngineEvent>) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(file)?;
    tauri::async_runtime::spawn(async move {
        loop {
            match events.recv().await {
                Ok(event) => {
                    if let Err(error) = write(&mut file, &event) {
                        tracing::error!(%error, "The events file can no longer be written.");
                        return;
                    }
                }
                Err(RecvError::Lagged(missed)) => {
                    tracing::warn!(missed, "The events file misses some lines.")
                }
                Err(RecvError::Closed) => return,
            }
        }
    });
    Ok(())
}

fn write(file: &mut File, event: &EngineEvent) -> io::Result<()> {
    let line = match event {
        EngineEvent::Incident { event, .. } => serde_json::to_string(event)?,
        EngineEvent::Rollback(progress) => serde_json::to_string(progress)?,
        _ => return Ok(()),
    };
    writeln!(file, "{line}")
}
