//! `faultctl watch`: the engine without a window, one line for everything that is said, each flushed.

use std::sync::Arc;

use faultline_engine::{Engine, EngineEvent, EngineOptions, SilentNotifier};
use faultline_model::{EventKind, IncidentEvent, Timestamp};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::broadcast::error::RecvError;

use crate::args::{Places, WatchArgs};
use crate::context::Context;
use crate::error::CommandError;
use crate::output;

pub(crate) async fn run(places: &Places, args: WatchArgs) -> Result<u8, CommandError> {
    let mut context = Context::load(places)?;
    context.only(args.cluster.as_deref())?;
    let signals = |source| CommandError::Signals { source };
    let mut terminate = signal(SignalKind::terminate()).map_err(signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(signals)?;
    let engine = start(context).await?;
    let mut events = engine.listen();
    if !args.json {
        output::note(&format!("watching {}", clusters(&engine)));
    }
    let printed = loop {
        let event = tokio::select! {
            _ = terminate.recv() => break Ok(()),
            _ = interrupt.recv() => break Ok(()),
            event = events.recv() => event,
        };
        match event {
            // What is wrong with a file that cannot be used is in the log.
            Ok(EngineEvent::Configuration) if !args.json && engine.config_trouble().is_none() => {
                output::note(&format!("watching {}", clusters(&engine)));
            }
            Ok(event) => {
                if let Err(error) = print(&event, args.json) {
                    break Err(error);
                }
            }
            Err(RecvError::Lagged(missed)) => output::note(&format!("{missed} messages were missed")),
            Err(RecvError::Closed) => break Ok(()),
        }
    };
    engine.shutdown().await;
    printed.map(|()| 0)
}

/// Starts the engine without notifications.
pub(crate) async fn start(context: Context) -> Result<Arc<Engine>, CommandError> {
    let options = EngineOptions {
        config: context.config,
        config_file: context.config_file,
        data: context.data,
        secrets: context.secrets,
        notifier: Arc::new(SilentNotifier),
        clock: context.clock,
        feeds: true,
    };
    Ok(Engine::start(options).await?)
}

fn clusters(engine: &Engine) -> String {
    engine.statuses().iter().map(|status| status.name.to_string()).collect::<Vec<_>>().join(", ")
}

fn print(event: &EngineEvent, json: bool) -> Result<(), CommandError> {
    match event {
        EngineEvent::Incident { event, .. } if json => output::json(event),
        EngineEvent::Incident { event, .. } => {
            sentences(event).iter().try_for_each(|line| output::line(line))
        }
        EngineEvent::Rollback(progress) if json => output::json(progress),
        EngineEvent::Rollback(progress) => output::line(&format!(
            "{}  rollback of {}: {}",
            clock_time(progress.t),
            progress.deploy,
            progress.message
        )),
        EngineEvent::Frames { .. }
        | EngineEvent::Deploys
        | EngineEvent::Health
        | EngineEvent::Configuration
        | EngineEvent::Navigate(_) => Ok(()),
    }
}

/// An event for people.
fn sentences(event: &IncidentEvent) -> Vec<String> {
    let at = clock_time(event.t);
    match &event.kind {
        EventKind::Opened(opened) => {
            let load = opened
                .load_ratio
                .map_or_else(|| "load unknown".to_owned(), |ratio| format!("load ×{ratio:.1}"));
            vec![format!(
                "{at}  INCIDENT {} in {}: {load}, since {}",
                opened.incident,
                opened.cluster,
                clock_time(opened.onset)
            )]
        }
        EventKind::Verdict(verdict) => {
            let mut lines: Vec<String> = verdict
                .causes
                .iter()
                .take(3)
                .map(|cause| format!("{at}    {:?} {}: {}", cause.verdict, cause.cause.name(), cause.why))
                .collect();
            lines.extend(verdict.deploys.iter().take(3).map(|suspect| {
                let name = suspect.id.as_ref().map_or("none of them", |id| id.as_str());
                format!("{at}    deploy {name} {:.0} %", suspect.probability * 100.0)
            }));
            lines.extend(verdict.queries.iter().take(3).map(|query| {
                let text = query.text.as_deref().unwrap_or(query.fp.as_str());
                format!("{at}    query {:.0} % {text}", query.share * 100.0)
            }));
            lines
        }
        EventKind::Recovering { incident } => vec![format!("{at}  incident {incident} is recovering")],
        EventKind::Resolved { incident } => vec![format!("{at}  incident {incident} is resolved")],
    }
}

fn clock_time(at: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(at.as_micros())
        .map(|at| at.to_zoned(jiff::tz::TimeZone::system()).strftime("%H:%M:%S").to_string())
        .unwrap_or_else(|_| at.to_string())
}
