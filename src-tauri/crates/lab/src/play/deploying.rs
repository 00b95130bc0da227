//! Deploys and the way back, as a deploy system would do them: a marker, some time, the switch (at once or share by
//! share, with its migration), a marker.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::faultline::{Faultctl, Marker};
use super::happened::Happened;
use super::stage::Stage;
use super::statements::migrate;
use crate::clock::unix_now;
use crate::error::{Error, Result};
use crate::postgres::Pair;
use crate::scenario::{Deploy, DeployKind, RollBack, Scenario};
use crate::workload::{Load, Service};

/// Who deploys.
pub(super) struct DeploySystem {
    faultctl: Faultctl,
    load: Arc<Load>,
    pair: Arc<Pair>,
    /// Versions that change what a service does, as services with their versions.
    described: Vec<(String, String)>,
    /// What was changed in every service's name, the newest last.
    changes: Mutex<BTreeMap<String, Vec<Change>>>,
}

/// A change in a service's name.
#[derive(Clone, Debug)]
struct Change {
    version: String,
    /// Whether the service's processes run it; nobody runs a migration.
    runs: bool,
}

/// What the processes run after some changes.
fn running(changes: &[Change]) -> Option<&str> {
    changes.iter().rev().find(|change| change.runs).map(|change| change.version.as_str())
}

impl DeploySystem {
    pub(super) fn new(stage: &Stage, scenario: &Scenario) -> Self {
        let first = |service: &Service| {
            (service.name.clone(), vec![Change { version: service.version.clone(), runs: true }])
        };
        let described = scenario.versions.iter().map(|of| (of.service.clone(), of.version.clone()));
        Self {
            faultctl: stage.faultctl.clone(),
            load: Arc::clone(&stage.load),
            pair: Arc::clone(&stage.pair),
            described: described.collect(),
            changes: Mutex::new(stage.workload.services.iter().map(first).collect()),
        }
    }

    /// Deploys. `zero` is what the stages' times count from; `begins` is told when the change begins to act.
    pub(super) async fn deploy(
        &self,
        deploy: &Deploy,
        zero: Instant,
        happened: &Happened,
        begins: impl Fn(f64),
    ) -> Result<()> {
        let (service, version) = (&deploy.service, &deploy.version);
        let is_described = self.described.iter().any(|of| (&of.0, &of.1) == (service, version));
        let runs = deploy.kind == DeployKind::Deploy || is_described;
        let previous = self.of_service(service, |changes| {
            let previous = if runs { running(changes).map(str::to_owned) } else { None };
            changes.push(Change { version: version.clone(), runs });
            previous
        });
        let started = unix_now();
        let marker = Marker {
            id: deploy.id(),
            service: service.clone(),
            version: version.clone(),
            previous,
            kind: kind(deploy.kind),
            status: "started",
            at: started,
        };
        self.faultctl.mark(marker.clone()).await?;
        let served = async {
            if runs && deploy.statements.is_empty() {
                begins(self.load.first_request(service, version).await);
            }
        };
        let rolled_out = async {
            rest_of(deploy.takes_s, started).await;
            if !deploy.statements.is_empty() {
                begins(unix_now());
                migrate(&deploy.statements, &self.pair, happened).await?;
            }
            if runs && deploy.stages.is_empty() {
                self.load.switch(service, version, 1.0);
            }
            for stage in &deploy.stages {
                tokio::time::sleep_until(at(zero, stage.at_s)).await;
                self.load.switch(service, version, stage.share);
            }
            self.faultctl.mark(Marker { status: "succeeded", at: unix_now(), ..marker }).await
        };
        let ((), outcome) = tokio::join!(served, rolled_out);
        outcome
    }

    /// Undoes the last change; when that was done, Unix seconds.
    pub(super) async fn roll_back(&self, back: &RollBack, happened: &Happened) -> Result<f64> {
        let service = &back.service;
        let undone = self.of_service(service, |changes| {
            let bad = changes.pop()?;
            Some((running(changes)?.to_owned(), bad))
        });
        let Some((good, bad)) = undone else {
            return Err(Error::Wrong { what: format!("there is nothing to roll {service} back to") });
        };
        let version = if bad.runs { good.clone() } else { format!("{}-undone", bad.version) };
        let started = unix_now();
        let marker = Marker {
            id: format!("{service}-{version}-rollback"),
            service: service.clone(),
            version,
            previous: Some(bad.version),
            kind: "rollback",
            status: "started",
            at: started,
        };
        self.faultctl.mark(marker.clone()).await?;
        rest_of(back.takes_s, started).await;
        migrate(&back.statements, &self.pair, happened).await?;
        if bad.runs {
            self.load.switch(service, &good, 1.0);
        }
        let undone = unix_now();
        self.faultctl.mark(Marker { status: "succeeded", at: undone, ..marker }).await?;
        Ok(undone)
    }

    fn of_service<T>(&self, service: &str, change: impl FnOnce(&mut Vec<Change>) -> T) -> T {
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        change(changes.entry(service.to_owned()).or_default())
    }
}

/// Waits until something that began at `started` has taken its time.
async fn rest_of(takes_s: f64, started: f64) {
    tokio::time::sleep(Duration::from_secs_f64((takes_s - (unix_now() - started)).max(0.0))).await;
}

/// A moment on the scenario's own scale.
pub(super) fn at(zero: Instant, at_s: f64) -> Instant {
    let distance = Duration::from_secs_f64(at_s.abs());
    if at_s < 0.0 { zero.checked_sub(distance).unwrap_or(zero) } else { zero + distance }
}

/// As `faultctl mark` calls it.
fn kind(kind: DeployKind) -> &'static str {
    match kind {
        DeployKind::Deploy => "deploy",
        DeployKind::Config => "config",
        DeployKind::Schema => "schema",
        DeployKind::Flag => "flag",
        DeployKind::Restart => "restart",
    }
}
