//! Tells the window what the engine tells: something changed, ask again. Brings the window to the front when the user
//! asked, by a notification, to see something.

use faultline_api::bindings::CHANGED_EVENT;
use faultline_api::changed;
use faultline_engine::EngineEvent;
use tauri::{AppHandle, Emitter as _, Manager as _};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

/// Passes events on until the engine ends.
pub(crate) fn window(app: AppHandle, mut events: Receiver<EngineEvent>) {
    tauri::async_runtime::spawn(async move {
        loop {
            match events.recv().await {
                Ok(event) => {
                    if matches!(event, EngineEvent::Navigate(_)) {
                        bring_to_front(&app);
                    }
                    if let Err(error) = app.emit(CHANGED_EVENT, changed(&event)) {
                        tracing::warn!(%error, "The window was not told of a change.");
                    }
                }
                // The next event makes the window ask again for everything that it shows.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    });
}

fn bring_to_front(app: &AppHandle) {
    let Some(window) = app.get_webview_window("main") else { return };
    for done in [window.unminimize(), window.show(), window.set_focus()] {
        if let Err(error) = done {
            tracing::warn!(%error, "The window could not be brought to the front.");
        }
    }
}
