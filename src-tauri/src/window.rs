//! The one window: opened where it was left, brought to the front, or hidden in the tray when it is closed.

use std::sync::Arc;

use faultline_engine::Engine;
use tauri::plugin::TauriPlugin;
use tauri::{AppHandle, Manager as _, Runtime, WebviewWindow, WebviewWindowBuilder, WindowEvent};
use tauri_plugin_window_state::{StateFlags, WindowExt as _};

use crate::desktop::Workstation;

/// The window's label, as in `tauri.conf.json` and the capabilities.
pub(crate) const MAIN: &str = "main";

/// Height of the part of a title bar that must be on a screen to drag the window by, pixels.
const GRIP_HEIGHT_PX: i32 = 16;

/// Keeps size and place of the window from one run to the next; not whether it was hidden, lest nobody finds it again.
pub(crate) fn state_plugin<R: Runtime>() -> TauriPlugin<R> {
    tauri_plugin_window_state::Builder::new()
        .with_state_flags(StateFlags::SIZE | StateFlags::POSITION | StateFlags::MAXIMIZED)
        .build()
}

/// Opens the window, visible or not.
pub(crate) fn open(
    app: &AppHandle,
    engine: &Arc<Engine>,
    workstation: &Arc<Workstation>,
    visible: bool,
) -> tauri::Result<()> {
    let windows = &app.config().app.windows;
    let config = windows.iter().find(|window| window.label == MAIN).ok_or(tauri::Error::WindowNotFound)?;
    // Made hidden, so that it does not jump when its last place is restored.
    let window = WebviewWindowBuilder::from_config(app, config)?.visible(false).build()?;
    if !is_reachable(&window)? {
        window.center()?;
    }
    if visible {
        window.show()?;
    }
    hide_instead_of_closing(&window, engine, workstation);
    Ok(())
}

/// Shows the window, wherever it is.
pub(crate) fn bring_to_front(app: &AppHandle) {
    let shown = app.clone();
    // The window's state is locked by the main thread whenever the window moves.
    let done = app.run_on_main_thread(move || {
        if let Some(Err(error)) = shown.get_webview_window(MAIN).map(|window| show(&window)) {
            tracing::warn!(%error, "The window could not be brought to the front.");
        }
    });
    if let Err(error) = done {
        tracing::warn!(%error, "The window could not be brought to the front.");
    }
}

fn show(window: &WebviewWindow) -> tauri::Result<()> {
    if !window.is_visible()? {
        // Window managers place a window that was hidden like a new one.
        window.restore_state(StateFlags::POSITION)?;
    }
    window.unminimize()?;
    window.show()?;
    window.set_focus()
}

fn hide_instead_of_closing(window: &WebviewWindow, engine: &Arc<Engine>, workstation: &Arc<Workstation>) {
    let (closed, engine, workstation) = (window.clone(), Arc::clone(engine), Arc::clone(workstation));
    window.on_window_event(move |event| {
        let WindowEvent::CloseRequested { api, .. } = event else { return };
        if !(workstation.has_tray() && engine.config().desktop.close_to_tray) {
            return;
        }
        match closed.hide() {
            Ok(()) => api.prevent_close(),
            Err(error) => tracing::warn!(%error, "The window cannot be hidden and is closed."),
        }
    });
}

fn is_reachable(window: &WebviewWindow) -> tauri::Result<bool> {
    let (place, size) = (window.outer_position()?, window.outer_size()?);
    let screens: Vec<Area> = window
        .available_monitors()?
        .iter()
        .map(|screen| Area::new(*screen.position(), *screen.size()))
        .collect();
    Ok(is_grip_on_a_screen(Area::new(place, size), &screens))
}

/// Without a known screen nothing can be said, and nothing is moved.
fn is_grip_on_a_screen(window: Area, screens: &[Area]) -> bool {
    let (x, y) = (window.x.saturating_add(window.width / 2), window.y.saturating_add(GRIP_HEIGHT_PX));
    screens.is_empty() || screens.iter().any(|screen| screen.holds(x, y))
}

/// A rectangle on the desktop, pixels.
#[derive(Clone, Copy, Debug)]
struct Area {
    x: i32,
    y: i32,
    width: i32,
    height: i32,
}

impl Area {
    fn new(place: tauri::PhysicalPosition<i32>, size: tauri::PhysicalSize<u32>) -> Self {
        let length = |pixels: u32| i32::try_from(pixels).unwrap_or(i32::MAX);
        Self { x: place.x, y: place.y, width: length(size.width), height: length(size.height) }
    }

    fn holds(&self, x: i32, y: i32) -> bool {
        let within = |at: i32, from: i32, length: i32| at >= from && at < from.saturating_add(length);
        within(x, self.x, self.width) && within(y, self.y, self.height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_that_cannot_be_dragged_back_is_out_of_reach() {
        let area = |x, y, width, height| Area { x, y, width, height };
        let (left, right) = (area(0, 0, 1920, 1080), area(1920, 200, 1280, 800));
        let check = |window: Area, screens: &[Area], reachable: bool| {
            assert_eq!(is_grip_on_a_screen(window, screens), reachable, "{window:?} on {screens:?}");
        };
        check(area(100, 100, 1280, 800), &[left], true);
        check(area(2000, 300, 1000, 600), &[left, right], true);
        // The screen that it was on is gone, or only its lower corner is still visible.
        check(area(2000, 300, 1000, 600), &[left], false);
        check(area(100, -500, 1280, 800), &[left], false);
        check(area(-1200, 100, 1280, 800), &[left], false);
        check(area(i32::MAX, i32::MAX, i32::MAX, i32::MAX), &[left], false);
        check(area(100, 100, 1280, 800), &[], true);
    }
}
