//! The program in the tray: the worst state of all clusters as an icon, and a menu with the last incidents.
//!
//! On Linux it is a StatusNotifierItem, spoken over the session bus by `tray-icon`'s feature `ksni`; Tauri's own choice,
//! libappindicator, panics where that library is missing and shows no tooltip.

#[cfg(target_os = "linux")]
mod host;
mod summary;

use std::sync::Arc;
use std::time::Duration;

use faultline_api::Api;
use faultline_engine::{Destination, Engine, EngineEvent};
use tauri::image::Image;
use tauri::menu::{Menu, MenuEvent, MenuItem, PredefinedMenuItem};
use tauri::tray::{MouseButton, MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent};
use tauri::{AppHandle, include_image};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::oneshot;

use crate::desktop::Workstation;
use crate::window;
use summary::{State, Summary};

/// The tray's name on the session bus, and above its tooltip.
const NAME: &str = "Faultline";

/// Menu entries; an incident's is this and its id.
const OPEN: &str = "open";
const QUIT: &str = "quit";
const INCIDENT: &str = "incident:";

/// How often the tray is looked over though nothing is heard: a database that fell silent says nothing.
const LOOK_OVER: Duration = Duration::from_secs(5);

/// Shortest time between two changes of the tray.
const PAUSE: Duration = Duration::from_millis(500);

/// Puts the program into the tray, if there is one, and keeps it true until the engine ends. Without one, a window that
/// was to start hidden is shown.
pub(crate) async fn run(
    app: AppHandle,
    engine: Arc<Engine>,
    api: Arc<Api>,
    workstation: Arc<Workstation>,
    hidden: bool,
) {
    let events = engine.listen();
    let summary = Summary::of(&api).await;
    let made = match wait_for_host(hidden).await {
        Ok(()) => make(&app, &engine, summary.clone()).await,
        Err(reason) => Err(reason),
    };
    match made {
        Ok(tray) => {
            workstation.tray_is_there();
            keep_true(&app, &tray, &api, summary, events).await;
        }
        Err(reason) => {
            tracing::warn!(%reason, "There is no tray here; closing the window ends the program.");
            if hidden {
                window::bring_to_front(&app);
            }
        }
    }
}

/// With the session's start the panel may come later than this program.
#[cfg(target_os = "linux")]
async fn wait_for_host(hidden: bool) -> Result<(), String> {
    if hidden { host::wait().await } else { host::probe().await }
}

/// Elsewhere the system has a tray.
#[cfg(not(target_os = "linux"))]
async fn wait_for_host(_hidden: bool) -> Result<(), String> {
    Ok(())
}

/// Menus and icons are made on the main thread.
async fn make(app: &AppHandle, engine: &Arc<Engine>, summary: Summary) -> Result<TrayIcon, String> {
    let (made, answer) = oneshot::channel();
    let (handle, engine) = (app.clone(), Arc::clone(engine));
    let make = move || {
        // Nobody waits any more when the program ends.
        made.send(build(&handle, engine, &summary).map_err(|error| error.to_string())).ok();
    };
    app.run_on_main_thread(make).map_err(|error| error.to_string())?;
    answer.await.unwrap_or_else(|_| Err("the program ends".to_owned()))
}

fn build(app: &AppHandle, engine: Arc<Engine>, summary: &Summary) -> tauri::Result<TrayIcon> {
    let mut builder = TrayIconBuilder::with_id(NAME)
        .icon(icon(summary.state))
        .tooltip(&summary.tooltip)
        .menu(&menu(app, summary)?)
        .show_menu_on_left_click(cfg!(target_os = "macos"))
        .on_menu_event(move |app, event| choose(app, &engine, &event))
        .on_tray_icon_event(|tray, event| {
            let is_click = matches!(
                event,
                TrayIconEvent::Click { button: MouseButton::Left, button_state: MouseButtonState::Up, .. }
            );
            if is_click && cfg!(not(target_os = "macos")) {
                window::bring_to_front(tray.app_handle());
            }
        });
    // On macOS a title is text in the menu bar.
    if cfg!(target_os = "linux") {
        builder = builder.title(NAME);
    }
    let tray = builder.build(app)?;
    #[cfg(target_os = "linux")]
    // Compiles only while this program and Tauri use one `tray-icon`, so that the choice of `ksni` is Tauri's as well.
    tray.with_inner_tray_icon(|_: &tray_icon::TrayIcon| ())?;
    Ok(tray)
}

fn menu(app: &AppHandle, summary: &Summary) -> tauri::Result<Menu<tauri::Wry>> {
    let entry = |id: &str, label: &str| MenuItem::with_id(app, id, label, true, None::<&str>);
    let menu = Menu::new(app)?;
    menu.append(&entry(OPEN, "Open Faultline")?)?;
    menu.append(&PredefinedMenuItem::separator(app)?)?;
    for incident in &summary.incidents {
        // A single & would underline the next letter.
        let label = incident.label.replace('&', "&&");
        menu.append(&entry(&format!("{INCIDENT}{}", incident.id), &label)?)?;
    }
    if !summary.incidents.is_empty() {
        menu.append(&PredefinedMenuItem::separator(app)?)?;
    }
    menu.append(&entry(QUIT, "Quit")?)?;
    Ok(menu)
}

fn choose(app: &AppHandle, engine: &Engine, event: &MenuEvent) {
    match event.id().as_ref() {
        OPEN => window::bring_to_front(app),
        QUIT => app.exit(0),
        other => {
            if let Some(id) = other.strip_prefix(INCIDENT) {
                engine.navigate(Destination::Incident(id.into()));
            }
        }
    }
}

fn icon(state: State) -> Image<'static> {
    match state {
        State::Ok => include_image!("icons/tray-ok.png"),
        State::NoData => include_image!("icons/tray-no-data.png"),
        State::Suspicious => include_image!("icons/tray-suspicious.png"),
        State::Incident => include_image!("icons/tray-incident.png"),
    }
}

async fn keep_true(
    app: &AppHandle,
    tray: &TrayIcon,
    api: &Arc<Api>,
    mut shown: Summary,
    mut events: Receiver<EngineEvent>,
) {
    let mut look_over = tokio::time::interval(LOOK_OVER);
    loop {
        let event = tokio::select! {
            event = events.recv() => Some(event),
            _ = look_over.tick() => None,
        };
        match event {
            Some(Err(RecvError::Closed)) => return,
            // Frames come with every poll; what they change is seen when the tray is looked over.
            Some(Ok(EngineEvent::Frames { .. })) => continue,
            _ => {}
        }
        tokio::time::sleep(PAUSE).await;
        // Everything that was said meanwhile is in this look.
        events = events.resubscribe();
        let summary = Summary::of(api).await;
        if summary == shown {
            continue;
        }
        if let Err(error) = change(app, tray, &shown, &summary) {
            tracing::warn!(%error, "The tray was not changed.");
        }
        shown = summary;
    }
}

fn change(app: &AppHandle, tray: &TrayIcon, shown: &Summary, summary: &Summary) -> tauri::Result<()> {
    if summary.state != shown.state {
        tray.set_icon(Some(icon(summary.state)))?;
    }
    if summary.tooltip != shown.tooltip {
        tray.set_tooltip(Some(&summary.tooltip))?;
    }
    if summary.incidents != shown.incidents {
        tray.set_menu(Some(menu(app, summary)?))?;
    }
    Ok(())
}
