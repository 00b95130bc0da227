//! Everything that the story needs, set up in order: servers, shop, deploy system, session, the product itself.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::Options;
use super::app::{App, Invocation, check, listens};
use super::events::EventLog;
use super::notices::Notices;
use super::wait::until;
use crate::clock::unix_now;
use crate::configuration::{self, Agreed};
use crate::deploys::{DeploySystem, Webhook};
use crate::desktop::Session;
use crate::edge::Edge;
use crate::error::{Result, io};
use crate::folder::Folder;
use crate::postgres::Pair;
use crate::shop;
use crate::timeline::Timeline;
use crate::workload::Load;

/// How long the program may take until its webhook listens, on a machine that just compiled it.
const APP_DEADLINE: Duration = Duration::from_secs(90);
/// File of the event log under the folder of screenshots.
const EVENTS: &str = "events.jsonl";

/// A private session with its notifications.
pub(super) struct Private {
    pub(super) notices: Notices,
    pub(super) desktop: Session,
}

/// The whole stage. The program ends first, the servers last.
pub(super) struct Stage {
    pub(super) app: App,
    pub(super) events: EventLog,
    /// `None` on the user's own session.
    pub(super) private: Option<Private>,
    pub(super) deploys: DeploySystem,
    pub(super) load: Arc<Load>,
    shots: PathBuf,
    _edge: Edge,
    _pair: Pair,
    _folder: Folder,
}

impl Stage {
    pub(super) async fn set_up(options: &Options, headless: bool, timeline: &Timeline) -> Result<Self> {
        let shots = empty(&options.shots)?;
        let began = unix_now();
        timeline.say(&format!(
            "starting a PostgreSQL {} primary and its streaming hot standby",
            options.postgres
        ));
        let pair = Pair::start(options.postgres).await?;
        timeline.say("filling the shop");
        let load = shop::open(&pair).await?;
        let agreed = Agreed::new()?;
        let webhook = Webhook { url: agreed.webhook_url(), secret: agreed.webhook_secret.clone() };
        let production: Arc<dyn crate::deploys::Production> = load.clone();
        let deploys =
            DeploySystem::start(agreed.deploy_token.clone(), &shop::running(), production, Some(webhook))
                .await?;
        timeline.say(&format!("the shop is open; set up in {:.1} s", unix_now() - began));

        let folder = Folder::create(None)?;
        let private = if headless { Some(private_session().await?) } else { None };
        let edge = Edge::start(Arc::clone(&load)).await?;
        let config = configuration::text(&pair, &agreed, &deploys.url(), &edge.url());
        let invocation =
            invocation(&folder, &config, configuration::secrets(&pair, &agreed), private.as_ref(), &shots)?;
        if let Some(faultctl) = &options.faultctl {
            let fine = check(faultctl, &invocation, &shots.join("check.log")).await?;
            timeline.say(if fine {
                "faultctl check: in order"
            } else {
                "faultctl check found something, see check.log"
            });
        }
        let mut app = App::start(&options.app, &invocation, &shots.join("app.log"))?;
        let port = agreed.webhook_port;
        until("the start of Faultline's webhook", APP_DEADLINE, &mut app, async |_app| {
            Ok(listens(port).await.then_some(()))
        })
        .await?;
        timeline.say("Faultline is watching");
        let events = EventLog::new(shots.join(EVENTS));
        Ok(Self { app, events, private, deploys, load, shots, _edge: edge, _pair: pair, _folder: folder })
    }

    /// Takes a picture of the private screen.
    pub(super) async fn shoot(&self, name: &str, timeline: &Timeline) -> Result<()> {
        let Some(private) = &self.private else { return Ok(()) };
        let path = self.shots.join(name);
        private.desktop.shoot(&path).await?;
        timeline.say(&format!("screenshot {}", path.display()));
        Ok(())
    }
}

async fn private_session() -> Result<Private> {
    let mut desktop = Session::start().await?;
    let notices = Notices::serve(&mut desktop).await?;
    Ok(Private { notices, desktop })
}

fn invocation(
    folder: &Folder,
    config: &str,
    mut variables: Vec<(&'static str, String)>,
    private: Option<&Private>,
    shots: &Path,
) -> Result<Invocation> {
    let config = folder.write("config.toml", config)?;
    variables.push(("FAULTLINE_EVENTS_FILE", shots.join(EVENTS).display().to_string()));
    if let Some(private) = private {
        variables.extend_from_slice(private.desktop.variables());
    }
    Ok(Invocation { config, data: folder.path().join("data"), variables })
}

/// The folder for what is left of a demo, without what an earlier one left. Only the demo's own kinds of files go.
fn empty(folder: &Path) -> Result<PathBuf> {
    let cannot = || format!("prepare {}", folder.display());
    std::fs::create_dir_all(folder).map_err(io(cannot()))?;
    let folder = folder.canonicalize().map_err(io(cannot()))?;
    for entry in std::fs::read_dir(&folder).map_err(io(cannot()))? {
        let path = entry.map_err(io(cannot()))?.path();
        if path.extension().is_some_and(|kind| kind == "png" || kind == "log" || kind == "jsonl") {
            std::fs::remove_file(&path).map_err(io(cannot()))?;
        }
    }
    Ok(folder)
}
