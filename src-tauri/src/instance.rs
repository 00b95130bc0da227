//! One program for each data folder: a second start brings the first one to the front, hands over its link, and ends.
//!
//! The meeting place is a name on the session bus. Without a bus a second start is a program of its own, which the lock on
//! the data folder then refuses. On macOS and Windows the plugin knows one meeting place for all data folders.

use std::path::Path;

use clap::Parser as _;
use sha2::{Digest as _, Sha256};
use tauri::plugin::TauriPlugin;
use tauri::{AppHandle, Wry};
use tokio::sync::mpsc;

use faultline_engine::Engine;

use crate::args::Args;
use crate::{links, window};

/// Starts that may wait while the first one gets ready.
const MAX_WAITING_STARTS: usize = 16;

/// The command lines of later starts.
pub(crate) type LaterStarts = mpsc::Receiver<Vec<String>>;

/// The plugin that finds the first program, and what later starts hand over to this one. It ends the process when there
/// is a first program already, so it stands before everything that takes a lock.
pub(crate) fn plugin(data: &Path, default_data: &Path) -> (TauriPlugin<Wry>, LaterStarts) {
    let (started, starts) = mpsc::channel(MAX_WAITING_STARTS);
    let mut builder = tauri_plugin_single_instance::Builder::new().callback(move |_, args, _| {
        if started.try_send(args).is_err() {
            tracing::warn!("Another start was not heard: too many at once.");
        }
    });
    if let Some(name) = bus_name(data, default_data) {
        builder = builder.dbus_id(name);
    }
    (builder.build(), starts)
}

/// Does what later starts were meant for, until the program ends.
pub(crate) async fn answer(app: AppHandle, engine: std::sync::Arc<Engine>, mut starts: LaterStarts) {
    while let Some(line) = starts.recv().await {
        match Args::try_parse_from(line) {
            Ok(Args { link: Some(link), .. }) => {
                window::bring_to_front(&app);
                links::follow(&engine, &link);
            }
            // The session started it once more.
            Ok(Args { hidden: true, .. }) => {}
            Ok(_) => window::bring_to_front(&app),
            Err(error) => tracing::warn!(%error, "Another start has a command line without meaning."),
        }
    }
}

/// A name of its own for a data folder of its own; `None` for the default one, whose name is the application's.
fn bus_name(data: &Path, default_data: &Path) -> Option<String> {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let (data, default_data) = (absolute(data), absolute(default_data));
    if data == default_data {
        return None;
    }
    let digest = Sha256::digest(data.as_os_str().as_encoded_bytes());
    let short: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    // An element of a bus name must not begin with a digit.
    Some(format!("dev.faultline.desktop.data_{short}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_folder_has_a_meeting_place_of_its_own() {
        let name = |data: &str| bus_name(Path::new(data), Path::new("/home/me/.local/share/faultline"));
        assert_eq!(name("/home/me/.local/share/faultline"), None);
        let tried = name("/tmp/try").unwrap();
        assert!(tried.starts_with("dev.faultline.desktop.data_") && tried.len() < 200, "{tried}");
        assert_eq!(name("/tmp/try"), Some(tried.clone()));
        assert_ne!(name("/tmp/other"), Some(tried));
    }
}
