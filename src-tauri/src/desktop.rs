//! The desktop around the program, as the commands and the diagnostics see it.

use std::sync::atomic::{AtomicBool, Ordering};

use faultline_api::Desktop;
use tauri::plugin::TauriPlugin;
use tauri::{AppHandle, Runtime};
use tauri_plugin_autostart::ManagerExt as _;

use crate::args::HIDDEN_FLAG;

/// Lets the program start with the session, in the tray.
pub(crate) fn autostart_plugin<R: Runtime>() -> TauriPlugin<R> {
    tauri_plugin_autostart::Builder::new().app_name("Faultline").arg(HIDDEN_FLAG).build()
}

/// The user's desktop.
pub(crate) struct Workstation {
    app: AppHandle,
    has_tray: AtomicBool,
}

impl Workstation {
    /// Without a tray until one is there.
    pub(crate) fn new(app: AppHandle) -> Self {
        Self { app, has_tray: AtomicBool::new(false) }
    }

    /// Whether the program is in a tray.
    pub(crate) fn has_tray(&self) -> bool {
        self.has_tray.load(Ordering::Relaxed)
    }

    /// The program is in a tray now.
    pub(crate) fn tray_is_there(&self) {
        self.has_tray.store(true, Ordering::Relaxed);
    }
}

impl Desktop for Workstation {
    fn open_page(&self, url: &str) -> Result<(), String> {
        open::that_detached(url).map_err(|error| format!("no browser could be started: {error}"))
    }

    fn tray(&self) -> Option<bool> {
        Some(self.has_tray())
    }

    fn autostart(&self) -> Option<bool> {
        match self.app.autolaunch().is_enabled() {
            Ok(on) => Some(on),
            Err(error) => {
                tracing::warn!(%error, "Whether Faultline starts with the session is not known.");
                None
            }
        }
    }

    fn set_autostart(&self, on: bool) -> Result<(), String> {
        let autostart = self.app.autolaunch();
        let done = if on { autostart.enable() } else { autostart.disable() };
        done.map_err(|error| format!("the session's list of programs cannot be changed: {error}"))
    }

    fn about(&self) -> Vec<(String, String)> {
        let webview = tauri::webview_version().unwrap_or_else(|error| format!("unknown ({error})"));
        [
            ("system", system()),
            ("desktop", environment("XDG_CURRENT_DESKTOP")),
            ("session", environment("XDG_SESSION_TYPE")),
            ("webview", webview),
            ("tauri", tauri::VERSION.to_owned()),
            ("tray", if self.has_tray() { "yes" } else { "no" }.to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }
}

/// Name and version of the operating system, and the processor's kind.
fn system() -> String {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = pretty_name(&release).unwrap_or(std::env::consts::OS);
    format!("{name}, {}", std::env::consts::ARCH)
}

/// The name in the text of an `os-release` file.
fn pretty_name(release: &str) -> Option<&str> {
    release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME=")).map(|name| name.trim_matches('"'))
}

fn environment(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| "unknown".to_owned())
}

#[cfg(test)]
mod tests {
    use super::pretty_name;

    #[test]
    fn the_systems_name_is_read() {
        let release = "ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n";
        assert_eq!(pretty_name(release), Some("Debian GNU/Linux 12 (bookworm)"));
        assert_eq!(pretty_name("ID=debian\n"), None);
    }
}
