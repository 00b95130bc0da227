//! `faultctl serve`: the window's command table over HTTP on loopback, with the window's files, so that every view runs
//! in an ordinary browser. Real engine, real drawing, no notifications.
//!
//! Whoever can reach the port can do what the window can do; so only this machine can, and no foreign web page.

mod answer;
mod calls;
mod connections;
mod events;
mod files;
mod guard;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::{get, post};
use faultline_api::{Api, NoDesktop};
use faultline_engine::Engine;
use faultline_engine::logging::{Logging, LoggingOptions};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::args::{Places, ServeArgs};
use crate::context;
use crate::error::CommandError;
use crate::output;

/// Where `npm run build` puts the window's files, from the root of the repository.
const BUILT_UI: &str = "ui/dist";

/// What every request needs.
struct Served {
    api: Arc<Api>,
    events: events::Streams,
    files: files::Files,
}

pub(crate) async fn run(places: &Places, args: ServeArgs) -> Result<u8, CommandError> {
    let address = loopback(args.listen)?;
    let files = files::Files::open(&ui_folder(args.ui)?);
    let signals = |source| CommandError::Signals { source };
    let mut terminate = signal(SignalKind::terminate()).map_err(signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(signals)?;
    let taken = |source| CommandError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(taken)?;
    let address = listener.local_addr().map_err(taken)?;

    let program = env!("CARGO_PKG_NAME");
    let masker = places.masker.clone();
    let logging = Logging::start(LoggingOptions { program, masker, ..LoggingOptions::default() })?;
    let engine = Engine::start(context::for_a_window(places)?).await?;
    let stop = CancellationToken::new();
    let served = Served {
        api: Arc::new(Api::new(Arc::clone(&engine), Arc::new(NoDesktop), Some(logging))),
        events: events::Streams::new(Arc::clone(&engine), stop.clone()),
        files,
    };
    let serving = tokio::spawn(connections::accept(listener, routes(served), stop.clone()));
    let said = output::line(&format!("http://{address}/"));
    if said.is_ok() {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
    stop.cancel();
    if let Err(error) = serving.await {
        tracing::error!(%error, "The server broke off.");
    }
    engine.shutdown().await;
    said.map(|()| 0)
}

/// The commands and events under `/api`, everything else from the window's files.
fn routes(served: Served) -> Router {
    let api = Router::new()
        .route("/api/{domain}/{name}", post(calls::call).fallback(async || answer::Refusal::Method))
        .route("/api/events", get(events::stream).fallback(async || answer::Refusal::Method))
        .layer(from_fn(guard::only_our_own_pages));
    api.fallback(get(files::file).fallback(async || answer::Refusal::Method))
        .layer(from_fn(guard::only_this_machine))
        .layer(from_fn(answer::close_the_page))
        .with_state(Arc::new(served))
}

/// The address, if nobody but this machine can reach it.
fn loopback(address: SocketAddr) -> Result<SocketAddr, CommandError> {
    if address.ip().is_loopback() {
        return Ok(address);
    }
    Err(CommandError::Usage {
        message: format!(
            "{address} can be reached from other machines, and whoever reaches it can roll deploys back; \
             listen on 127.0.0.1 or [::1], and go there through ssh -L from elsewhere"
        ),
    })
}

/// The folder of the window's files: the one that was named, which must be one, or the built one, if there is one.
fn ui_folder(named: Option<PathBuf>) -> Result<PathBuf, CommandError> {
    let has_page = |folder: &Path| folder.join(files::PAGE).is_file();
    match named {
        Some(folder) if !has_page(&folder) => Err(CommandError::Usage {
            message: format!(
                "there is no {} in {}; run `npm run build` in ui, or name another folder with --ui",
                files::PAGE,
                folder.display()
            ),
        }),
        Some(folder) => Ok(folder),
        None => {
            if !has_page(Path::new(BUILT_UI)) {
                output::note(&format!(
                    "there is no {BUILT_UI} here: commands and events alone are served; name the window's files with --ui"
                ));
            }
            Ok(PathBuf::from(BUILT_UI))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_this_machine_are_listened_on() {
        for (address, allowed) in [
            ("127.0.0.1:7788", true),
            ("127.8.9.10:1", true),
            ("[::1]:7788", true),
            ("0.0.0.0:7788", false),
            ("[::]:7788", false),
            ("192.168.1.5:7788", false),
            ("[::ffff:127.0.0.1]:7788", false),
        ] {
            assert_eq!(loopback(address.parse().unwrap()).is_ok(), allowed, "{address}");
        }
    }
}
