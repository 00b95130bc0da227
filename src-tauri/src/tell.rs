//! Tells the window what the engine tells: something changed, ask again. Brings the window to the front when the user
//! asked, by a notification, a link or the tray, to see something.

use std::sync::Arc;

use faultline_api::bindings::CHANGED_EVENT;
use faultline_api::changed;
use faultline_engine::EngineEvent;
use tauri::{AppHandle, Emitter as _, Manager as _};
use tokio::sync::Notify;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::window::bring_to_front;

/// The page in the window is there: it asked for something. It listens before it asks.
#[derive(Clone, Debug, Default)]
pub(crate) struct PageIsThere(Arc<Notify>);

impl PageIsThere {
    /// Said with every question; only the first one matters.
    pub(crate) fn say(&self) {
        self.0.notify_one();
    }
}

/// Passes events on until the engine ends.
pub(crate) fn window(app: AppHandle, mut events: Receiver<EngineEvent>) {
    let page = PageIsThere::default();
    app.manage(page.clone());
    tauri::async_runtime::spawn(async move {
        // Where the program was started to go to, for the page that is still to come: the last one counts.
        let mut waiting = None;
        let mut is_there = false;
        loop {
            let event = tokio::select! {
                event = events.recv() => event,
                () = page.0.notified(), if !is_there => {
                    is_there = true;
                    match waiting.take() {
                        Some(event) => Ok(event),
                        None => continue,
                    }
                }
            };
            match event {
                Ok(event @ EngineEvent::Navigate(_)) if !is_there => {
                    bring_to_front(&app);
                    waiting = Some(event);
                }
                Ok(event) => tell(&app, &event),
                // The next event makes the window ask again for everything that it shows.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    });
}

fn tell(app: &AppHandle, event: &EngineEvent) {
    if matches!(event, EngineEvent::Navigate(_)) {
        bring_to_front(app);
    }
    if let Err(error) = app.emit(CHANGED_EVENT, changed(event)) {
        tracing::warn!(%error, "The window was not told of a change.");
    }
}
