//! Ends the program politely when the system asks it to: SIGTERM or SIGINT.

use tauri::AppHandle;

/// Ends the application at the first such signal.
#[cfg(unix)]
pub(crate) fn end_on_request(app: AppHandle) {
    tauri::async_runtime::spawn(async move {
        match first_signal().await {
            Ok(()) => app.exit(0),
            Err(error) => {
                tracing::warn!(%error, "Signals cannot be caught; close the window to end the program.")
            }
        }
    });
}

#[cfg(unix)]
async fn first_signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// Elsewhere the window is closed by the system.
#[cfg(not(unix))]
pub(crate) fn end_on_request(_app: AppHandle) {}
