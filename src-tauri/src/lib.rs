//! The desktop shell: window, commands, what the engine tells the window, and the notification's buttons.
//!
//! Thin: everything with logic lives in crates that know nothing of Tauri.

mod args;
pub mod commands;
mod diary;
mod signals;
mod start;
mod tell;

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser as _;
use faultline_api::Api;
use tauri::RunEvent;
use tauri::async_runtime::block_on;

use crate::args::Args;
use crate::start::StartError;

/// Exit code when there is nothing to run on.
const EXIT_CANNOT_RUN: u8 = 2;

/// Runs the desktop program until its window is closed or it is told to end.
pub fn run() -> ExitCode {
    let args = Args::parse();
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::builder()
                .with_default_directive(tracing::Level::INFO.into())
                .with_env_var("FAULTLINE_LOG")
                .from_env_lossy(),
        )
        .with_writer(std::io::stderr)
        .init();
    faultline_engine::install_tls_provider();
    match show(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "Faultline cannot run.");
            writeln!(std::io::stderr().lock(), "faultline: {error}").ok();
            ExitCode::from(EXIT_CANNOT_RUN)
        }
    }
}

fn show(args: &Args) -> Result<(), StartError> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(StartError::Threads)?;
    tauri::async_runtime::set(runtime.handle().clone());
    let engine = block_on(start::engine(args))?;
    let api = Arc::new(Api::new(Arc::clone(&engine), Arc::new(start::Shell), None));
    let mut builder = tauri::Builder::default();
    for plugin in commands::plugins(&api) {
        builder = builder.plugin(plugin);
    }
    let app = builder.build(tauri::generate_context!())?;
    tell::window(app.handle().clone(), engine.listen());
    if let Some(file) = &args.events {
        diary::keep(file, engine.listen())
            .map_err(|source| StartError::Events { file: file.clone(), source })?;
    }
    signals::end_on_request(app.handle().clone());
    app.run(move |_, event| {
        if let RunEvent::Exit = event {
            block_on(engine.shutdown());
        }
    });
    Ok(())
}
