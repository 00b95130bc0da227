//! Deploys and the way back, as a deploy system would do them: a marker, some time, the switch (at once or share by
//! share, with its migration), a marker.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::faultline::{Faultctl, Marker};
use super::happened::Happened;
use super::statements::migrate;
use crate::clock::unix_now;
use crate::error::{Error, Result};
use crate::postgres::Pair;
use crate::scenario::{Deploy, DeployKind, RollBack};
use crate::workload::{Load, Workload};

/// Who deploys.
pub(super) struct DeploySystem {
    faultctl: Faultctl,
    load: Arc<Load>,
    pair: Arc<Pair>,
    /// What every service runs, the newest last.
    versions: Mutex<BTreeMap<String, Vec<String>>>,
}

impl DeploySystem {
    pub(super) fn new(faultctl: Faultctl, load: Arc<Load>, pair: Arc<Pair>, workload: &Workload) -> Self {
        let running =
            |service: &crate::workload::Service| (service.name.clone(), vec![service.version.clone()]);
        let versions = Mutex::new(workload.services.iter().map(running).collect());
        Self { faultctl, load, pair, versions }
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
        let previous = self.versions(|versions| {
            let of_service = versions.entry(service.clone()).or_default();
            let previous = of_service.last().cloned().unwrap_or_default();
            of_service.push(version.clone());
            previous
        });
        let started = unix_now();
        let marker = Marker {
            id: format!("{service}-{version}"),
            service: service.clone(),
            version: version.clone(),
            previous,
            kind: kind(deploy.kind),
            status: "started",
            at: started,
        };
        self.faultctl.mark(marker.clone()).await?;
        let served = async {
            if deploy.statements.is_empty() {
                begins(self.load.first_request(service, version).await);
            }
        };
        let rolled_out = async {
            tokio::time::sleep(Duration::from_secs_f64((deploy.takes_s - (unix_now() - started)).max(0.0)))
                .await;
            if !deploy.statements.is_empty() {
                begins(unix_now());
                migrate(&deploy.statements, &self.pair, happened).await?;
            }
            if deploy.stages.is_empty() {
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

    /// Goes back to the version before; when the old one served again, or its migration was undone.
    pub(super) async fn roll_back(&self, back: &RollBack, happened: &Happened) -> Result<f64> {
        let service = &back.service;
        let versions = self.versions(|versions| {
            let of_service = versions.entry(service.clone()).or_default();
            let bad = of_service.pop();
            bad.zip(of_service.last().cloned())
        });
        let Some((bad, good)) = versions else {
            return Err(Error::Wrong { what: format!("there is nothing to roll {service} back to") });
        };
        let marker = Marker {
            id: format!("{service}-{good}-rollback"),
            service: service.clone(),
            version: good.clone(),
            previous: bad,
            kind: "rollback",
            status: "started",
            at: unix_now(),
        };
        self.faultctl.mark(marker.clone()).await?;
        let left_s = back.takes_s - (unix_now() - marker.at);
        tokio::time::sleep(Duration::from_secs_f64(left_s.max(0.0))).await;
        migrate(&back.statements, &self.pair, happened).await?;
        self.load.switch(service, &good, 1.0);
        let undone = unix_now();
        self.faultctl.mark(Marker { status: "succeeded", at: undone, ..marker }).await?;
        Ok(undone)
    }

    fn versions<T>(&self, change: impl FnOnce(&mut BTreeMap<String, Vec<String>>) -> T) -> T {
        change(&mut self.versions.lock().unwrap_or_else(PoisonError::into_inner))
    }
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
