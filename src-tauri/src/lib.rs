//! The desktop shell: window, tray, links, commands, what the engine tells the window, and the notification's buttons.
//!
//! Thin: everything with logic lives in crates that know nothing of Tauri.

mod args;
pub mod commands;
mod desktop;
mod diary;
mod instance;
mod links;
mod signals;
mod start;
mod tell;
mod tray;
mod window;

use std::env;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser as _;
use faultline_api::Api;
use faultline_engine::Engine;
use faultline_engine::logging::{self, Logging, LoggingOptions};
use faultline_engine::secrets::Masker;
use tauri::async_runtime::{block_on, spawn};
use tauri::{App, AppHandle, Builder, RunEvent, Runtime};
use tauri_plugin_deep_link::DeepLinkExt as _;

use crate::args::Args;
use crate::desktop::Workstation;
use crate::instance::LaterStarts;
use crate::start::{Places, StartError};

/// Exit code when there is nothing to run on.
const EXIT_CANNOT_RUN: u8 = 2;

/// Runs the desktop program until its window is closed, or the tray says so, or it is told to end.
pub fn run() -> ExitCode {
    let args = Args::parse();
    let masker = Masker::default();
    let logged = Logging::start(LoggingOptions {
        program: "faultline",
        // Beside a store of its own: two programs do not share a log.
        folder: args.data.as_ref().map(|data| data.join("log")).or_else(logging::default_folder),
        masker: masker.clone(),
        main_panic_exit_code: Some(EXIT_CANNOT_RUN.into()),
    });
    faultline_engine::install_tls_provider();
    let shown = logged.map_err(StartError::Log).and_then(|logging| show(args, logging, masker.clone()));
    match shown {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "Faultline cannot run.");
            let said = format!("faultline: {error}\n");
            std::io::stderr().lock().write_all(masker.mask(&said).as_bytes()).ok();
            ExitCode::from(EXIT_CANNOT_RUN)
        }
    }
}

fn show(args: Args, logging: Logging, masker: Masker) -> Result<(), StartError> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(StartError::Threads)?;
    tauri::async_runtime::set(runtime.handle().clone());
    let places = Places::of(&args)?;
    // Before the engine: a second start ends here, and must not meet the first one's lock.
    let (app, later_starts) = build(&places)?;
    let engine = block_on(start::engine(places, masker))?;
    start::report_on_itself(&logging, &engine);
    let workstation = Arc::new(Workstation::new(app.handle().clone()));
    let api = Arc::new(Api::new(Arc::clone(&engine), workstation.clone(), Some(logging)));
    commands::add(app.handle(), &api)?;
    tell::window(app.handle().clone(), engine.listen());
    if let Some(file) = &args.events {
        diary::keep(file, engine.listen())
            .map_err(|source| StartError::Events { file: file.clone(), source })?;
    }
    signals::end_on_request(app.handle().clone());
    follow_links(app.handle(), &engine, args.link.as_deref(), later_starts);
    app.run(move |app, event| match event {
        RunEvent::Ready => open(app, &engine, &api, &workstation, args.hidden),
        RunEvent::Exit => block_on(engine.shutdown()),
        _ => {}
    });
    Ok(())
}

/// The application with everything that needs no engine.
fn build(places: &Places) -> Result<(App, LaterStarts), StartError> {
    // The windowing system's library would panic.
    if cfg!(target_os = "linux")
        && ["DISPLAY", "WAYLAND_DISPLAY"].iter().all(|name| env::var_os(name).is_none())
    {
        return Err(StartError::NoDisplay);
    }
    let (single_instance, later_starts) = instance::plugin(&places.data, &places.default_data);
    let app = with_desktop_plugins(tauri::Builder::default().plugin(single_instance))
        .build(tauri::generate_context!())?;
    Ok((app, later_starts))
}

/// Adds what belongs to the desktop around the window. The window itself may use none of it.
pub fn with_desktop_plugins<R: Runtime>(builder: Builder<R>) -> Builder<R> {
    builder
        .plugin(tauri_plugin_deep_link::init())
        .plugin(window::state_plugin())
        .plugin(desktop::autostart_plugin())
}

/// Links come on the command line, from later starts, and on macOS as an event.
fn follow_links(app: &AppHandle, engine: &Arc<Engine>, link: Option<&str>, later_starts: LaterStarts) {
    if let Some(link) = link {
        links::follow(engine, link);
    }
    spawn(instance::answer(app.clone(), Arc::clone(engine), later_starts));
    let engine = Arc::clone(engine);
    app.deep_link().on_open_url(move |event| {
        event.urls().iter().for_each(|link| links::follow(&engine, link.as_str()));
    });
}

/// Opens the window and the tray.
fn open(app: &AppHandle, engine: &Arc<Engine>, api: &Arc<Api>, workstation: &Arc<Workstation>, hidden: bool) {
    if let Err(error) = window::open(app, engine, workstation, !hidden) {
        tracing::error!(%error, "The window cannot be opened.");
        app.exit(EXIT_CANNOT_RUN.into());
        return;
    }
    spawn(tray::run(app.clone(), Arc::clone(engine), Arc::clone(api), Arc::clone(workstation), hidden));
}
