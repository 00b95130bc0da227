//! The deploy system's books: what runs, what was changed when, and the rollbacks under way. No I/O, no clock.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

/// Who deploys when nobody else does.
pub(super) const ROBOT: &str = "ci";

/// What kind of change a release is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A new version.
    Deploy,
    /// An old version again.
    Rollback,
}

/// How a release stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Under way.
    Started,
    /// Out.
    Succeeded,
}

/// One change of one service. The field names are those that Faultline's webhook takes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Release {
    /// `checkout-142`.
    pub id: String,
    /// `checkout`.
    pub service: String,
    /// What runs afterwards.
    pub version: String,
    /// What ran before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// Always production.
    pub environment: &'static str,
    /// Unix seconds.
    pub started: f64,
    /// Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished: Option<f64>,
    /// How it stands.
    pub status: Status,
    /// What kind of change.
    pub kind: Kind,
    /// Who did it.
    pub actor: String,
}

/// A change that was begun.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The release's id.
    pub id: String,
    /// The service.
    pub service: String,
    /// What it will run.
    pub version: String,
}

/// How a rollback run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Under way.
    Running,
    /// Done.
    Succeeded,
}

/// A rollback that was asked for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Run {
    /// Number, from 1.
    pub id: u64,
    /// The service.
    pub service: String,
    /// The version that it goes back to.
    pub to: String,
    /// How it stands.
    pub status: RunStatus,
    /// One sentence.
    pub message: String,
}

/// Why a rollback was not begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It runs that version already.
    AlreadyThere,
    /// It never ran that version.
    NeverRan,
}

/// A rollback run, and its change if this call began it.
pub(super) type Begun = (Run, Option<Change>);

#[derive(Debug, Default)]
struct Pages {
    releases: Vec<Release>,
    runs: Vec<Run>,
    changes: u64,
    /// Runs by idempotency key.
    keys: HashMap<String, u64>,
}

/// The books of all services.
#[derive(Debug)]
pub(super) struct Books {
    pages: Mutex<Pages>,
}

impl Books {
    /// Books in which every service runs the version given with it.
    pub(super) fn new(running: &[(&str, &str)], now: f64) -> Self {
        let releases = running.iter().map(|(service, version)| Release {
            id: deploy_id(service, version),
            service: (*service).to_owned(),
            version: (*version).to_owned(),
            previous: None,
            environment: "production",
            started: now,
            finished: Some(now),
            status: Status::Succeeded,
            kind: Kind::Deploy,
            actor: ROBOT.to_owned(),
        });
        Self { pages: Mutex::new(Pages { releases: releases.collect(), ..Pages::default() }) }
    }

    /// Writes down that a deploy has begun.
    pub(super) fn begin(&self, service: &str, version: &str, actor: &str, now: f64) -> Change {
        begin(&mut self.pages(), service, version, Kind::Deploy, actor, now)
    }

    /// Begins a rollback, or finds the run that the same key began.
    pub(super) fn begin_rollback(
        &self,
        service: &str,
        to: &str,
        key: Option<&str>,
        now: f64,
    ) -> Result<Begun, Refusal> {
        let mut pages = self.pages();
        if let Some(run) = key.and_then(|key| pages.keys.get(key)).and_then(|id| run(&pages, *id)) {
            return Ok((run, None));
        }
        if !pages.releases.iter().any(|release| release.service == service && release.version == to) {
            return Err(Refusal::NeverRan);
        }
        if current(&pages, service).as_deref() == Some(to) {
            return Err(Refusal::AlreadyThere);
        }
        let change = begin(&mut pages, service, to, Kind::Rollback, ROBOT, now);
        let run = Run {
            id: pages.runs.len() as u64 + 1,
            service: service.to_owned(),
            to: to.to_owned(),
            status: RunStatus::Running,
            message: format!("{service} goes back to {to}"),
        };
        pages.runs.push(run.clone());
        if let Some(key) = key {
            pages.keys.insert(key.to_owned(), run.id);
        }
        Ok((run, Some(change)))
    }

    /// Writes down that a change is out.
    pub(super) fn finish(&self, change: &Change, now: f64) {
        let mut pages = self.pages();
        if let Some(release) = pages.releases.iter_mut().find(|release| release.id == change.id) {
            release.status = Status::Succeeded;
            release.finished = Some(now);
        }
    }

    /// Writes down that a run is done.
    pub(super) fn finish_run(&self, id: u64) {
        let mut pages = self.pages();
        if let Some(run) = pages.runs.iter_mut().find(|run| run.id == id) {
            run.status = RunStatus::Succeeded;
            run.message = format!("{} runs {} again", run.service, run.to);
        }
    }

    /// The run with that number.
    pub(super) fn run(&self, id: u64) -> Option<Run> {
        run(&self.pages(), id)
    }

    /// The release that a change is.
    pub(super) fn release(&self, change: &Change) -> Option<Release> {
        self.pages().releases.iter().find(|release| release.id == change.id).cloned()
    }

    /// What a service runs: its last release that is out. `None` when there is no such service.
    pub(super) fn current(&self, service: &str) -> Option<String> {
        current(&self.pages(), service)
    }

    /// All releases of a service, oldest first.
    pub(super) fn history(&self, service: &str) -> Vec<Release> {
        self.pages().releases.iter().filter(|release| release.service == service).cloned().collect()
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `checkout-142` for `v142` of checkout.
fn deploy_id(service: &str, version: &str) -> String {
    format!("{service}-{}", version.trim_start_matches('v'))
}

fn begin(pages: &mut Pages, service: &str, version: &str, kind: Kind, actor: &str, now: f64) -> Change {
    pages.changes += 1;
    let id = match kind {
        Kind::Deploy => deploy_id(service, version),
        Kind::Rollback => format!("{service}-rollback-{}", pages.changes),
    };
    let release = Release {
        id: id.clone(),
        service: service.to_owned(),
        version: version.to_owned(),
        previous: current(pages, service),
        environment: "production",
        started: now,
        finished: None,
        status: Status::Started,
        kind,
        actor: actor.to_owned(),
    };
    pages.releases.retain(|earlier| earlier.id != id);
    pages.releases.push(release);
    Change { id, service: service.to_owned(), version: version.to_owned() }
}

fn current(pages: &Pages, service: &str) -> Option<String> {
    let out = |release: &&Release| release.service == service && release.status == Status::Succeeded;
    pages.releases.iter().rev().find(out).map(|release| release.version.clone())
}

fn run(pages: &Pages, id: u64) -> Option<Run> {
    pages.runs.iter().find(|run| run.id == id).cloned()
}
