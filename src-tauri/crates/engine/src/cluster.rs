//! The way of a frame through one cluster: stored, analysed, told. One task a cluster; what it feeds to analysis, and
//! in which order, is exactly what it stores, so that a recording of it replays to the same words.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use faultline_analysis::{Analysis, Recovery};
use faultline_model::{
    ClusterName, Deploy, EventKind, Facts, Fingerprint, Frame, Header, HealthLevel, HealthRow, IncidentEvent,
    IncidentId, NodeName, Observation, TimeRange, Timestamp,
};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::cadence::Attention;
use crate::changes::{self, Changes};
use crate::error::EngineError;
use crate::hub::EngineEvent;
use crate::start::Parts;
use crate::status::ClusterStatus;
use crate::suspicion::Suspicion;
use crate::voices::{Voice, Voices};
use crate::warm_up;
use crate::watcher::{Ask, Report};

/// Reports and requests that may wait for a cluster's task.
pub(crate) const MAX_WAITING_REPORTS: usize = 256;

/// A look at the cluster counts for this long, seconds.
const LOOK_LASTS_S: f64 = 10.0;

/// Reports of different nodes may pass each other by this much; a clock further back was set, seconds.
const SET_BACK_S: f64 = 5.0;

/// Announced changes that began this long before may still explain one that was seen, seconds.
const ANNOUNCED_S: f64 = 6.0 * 3_600.0;

/// What others ask of a cluster's task.
#[derive(Debug)]
pub(crate) enum ClusterRequest {
    /// Word of a deploy came in.
    Deploy(Box<Deploy>),
    /// How far the database has recovered from the given queries.
    Recovery { queries: Vec<Fingerprint>, reply: oneshot::Sender<Recovery> },
    /// A window shows the cluster, and will say so again while it does.
    LookedAt,
}

/// What a cluster's task works with.
pub(crate) struct ClusterTask {
    pub(crate) name: ClusterName,
    pub(crate) environment: String,
    pub(crate) header: Header,
    /// Usual time between two looks at the slow facts, seconds.
    pub(crate) facts_s: f64,
    pub(crate) parts: Parts,
    pub(crate) analysis: Analysis,
    pub(crate) changes: Changes,
    pub(crate) status: Arc<Mutex<ClusterStatus>>,
    pub(crate) attention: watch::Sender<Attention>,
    /// By node, what its source is asked to look closer at.
    pub(crate) asks: HashMap<NodeName, watch::Sender<Ask>>,
    /// What analysis must know of the configuration; part of the first frame, so that a recording has it too.
    pub(crate) service_facts: Facts,
    pub(crate) ids: IncidentIds,
    /// Said by the warm-up of an incident that nobody was told of.
    pub(crate) untold: Vec<IncidentEvent>,
    pub(crate) voices: Voices,
    pub(crate) suspicion: Suspicion,
    /// When the last report came.
    pub(crate) reported: Option<Timestamp>,
}

/// Analysis counts incidents by itself; this says under which id the store knows them.
#[derive(Debug, Default)]
pub(crate) struct IncidentIds(HashMap<IncidentId, IncidentId>);

impl IncidentIds {
    /// States that analysis' `counted` is the store's `stored`.
    pub(crate) fn bind(&mut self, counted: IncidentId, stored: IncidentId) {
        self.0.insert(counted, stored);
    }

    fn stored(&self, counted: &IncidentId) -> Option<IncidentId> {
        self.0.get(counted).cloned()
    }
}

impl ClusterTask {
    /// Works until `stop`, and then through what has already come in.
    pub(crate) async fn run(
        mut self,
        mut reports: mpsc::Receiver<Report>,
        mut requests: mpsc::Receiver<ClusterRequest>,
        stop: CancellationToken,
    ) {
        let mut looked_at = None;
        let mut last_at = Timestamp::default();
        let untold = std::mem::take(&mut self.untold);
        self.say(untold).await;
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                Some(report) = reports.recv() => self.on_report(report, &mut last_at).await,
                Some(request) = requests.recv() => match request {
                    ClusterRequest::Deploy(deploy) => {
                        let at = next_after(last_at, self.parts.clock.now());
                        last_at = at;
                        self.take_in(Observation::Deploy { at, deploy: *deploy }).await;
                    }
                    ClusterRequest::Recovery { queries, reply } => {
                        reply.send(self.analysis.recovery(&queries)).ok();
                    }
                    ClusterRequest::LookedAt => looked_at = Some(self.parts.clock.now()),
                },
                else => break,
            }
            self.set_attention(looked_at);
        }
    }

    fn set_attention(&self, looked_at: Option<Timestamp>) {
        let age_s = looked_at.map(|at| self.parts.clock.now().secs_since(at).abs());
        let attention = if self.analysis.is_suspicious() {
            Attention::Suspicion
        } else if age_s.is_some_and(|age_s| age_s < LOOK_LASTS_S) {
            Attention::Focused
        } else {
            Attention::Quiet
        };
        self.attention.send_if_modified(|now| std::mem::replace(now, attention) != attention);
    }

    async fn on_report(&mut self, report: Report, last_at: &mut Timestamp) {
        self.mind_the_clock(report.at).await;
        let Report { id, voice, at, facts_due, polled } = report;
        if voice == Voice::Direct {
            self.status().spend(&id.node, at, polled.cost_ms, &polled.health);
        }
        if self.parts.health.update(polled.health) {
            self.parts.hub.tell(EngineEvent::Health);
        }
        let mut seen = false;
        for frame in polled.frames {
            let is_own = frame.node == id.node;
            let voice = if voice == Voice::Direct && !is_own { Voice::Relayed } else { voice };
            let frame = self.voices.hear(voice, frame);
            self.status().see(&frame, voice);
            if !frame.is_empty() {
                self.on_frame(frame, facts_due && is_own, last_at).await;
                seen = true;
            }
        }
        self.ask(&id.node, at);
        if seen {
            self.parts.hub.tell(EngineEvent::Frames { cluster: self.name.clone() });
        }
    }

    fn status(&self) -> std::sync::MutexGuard<'_, ClusterStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A clock that was set back would leave analysis waiting for a time that was there before: it begins anew from what
    /// the store holds up to now.
    async fn mind_the_clock(&mut self, at: Timestamp) {
        let is_set_back = self.reported.is_some_and(|last| last.secs_since(at) > SET_BACK_S);
        self.reported = Some(at);
        if !is_set_back {
            return;
        }
        tracing::warn!(cluster = %self.name, "The clock was set back: analysis begins anew from the store.");
        match warm_up::begin(&self.parts, &self.header, &self.environment, self.facts_s, at).await {
            Ok(begun) => {
                (self.analysis, self.changes, self.ids) = (begun.analysis, begun.changes, begun.ids);
                self.suspicion = Suspicion::default();
                self.note_open(begun.open);
                self.say(begun.untold).await;
            }
            Err(error) => self.report_store(Err(error)),
        }
    }

    /// Tells a node's source what to look closer at, while something is suspected.
    fn ask(&self, node: &NodeName, at: Timestamp) {
        let Some(asks) = self.asks.get(node) else { return };
        let ask = if self.analysis.is_suspicious() { self.suspicion.ask(node, at) } else { None };
        asks.send_if_modified(|now| {
            let differs = *now != ask;
            *now = ask;
            differs
        });
    }

    async fn on_frame(&mut self, mut frame: Frame, facts_due: bool, last_at: &mut Timestamp) {
        // Two observations of one time would be one group in a recording; live they are settled one by one.
        if frame.at == *last_at {
            frame.at = next_after(*last_at, frame.at);
        }
        *last_at = frame.at;
        let markers = self.changes.see(&frame, facts_due);
        self.suspicion.see(&frame);
        frame.facts.append(&mut self.service_facts);
        self.take_in(Observation::Frame(frame)).await;
        for marker in markers {
            let marked = self.mark(&marker).await;
            self.report_store(marked);
        }
    }

    /// Makes a change that nobody announced known as a deploy. It comes back as word of a deploy does, and so is stored
    /// and analysed like one.
    async fn mark(&self, marker: &Deploy) -> Result<(), EngineError> {
        let history = &self.parts.history;
        if let (Some(from), Some(to)) = (marker.started, marker.finished) {
            let range = TimeRange::new(from - ANNOUNCED_S, to + 1.0);
            let announced = history.deploys(range, Some(&self.environment)).await?;
            if announced.iter().any(|announced| changes::explains(announced, marker)) {
                return Ok(());
            }
        }
        tracing::info!(cluster = %self.name, change = marker.title(), "A change was seen that nobody announced.");
        history.put_deploy(marker, self.parts.clock.now()).await?;
        self.parts.deploy_arrived.notify_one();
        Ok(())
    }

    /// Stores the observation, has it analysed, and passes on what analysis says.
    async fn take_in(&mut self, observation: Observation) {
        let stored = self.parts.history.append(&self.name, std::slice::from_ref(&observation)).await;
        self.report_store(stored.map_err(EngineError::from));
        self.analysis.observe(&observation);
        let events = self.analysis.settle();
        self.say(events).await;
        let mut status = self.status();
        status.load = self.analysis.load_now();
        status.load_ratio = self.analysis.recovery(&[]).load_ratio;
        status.suspicious = self.analysis.is_suspicious();
    }

    async fn say(&mut self, events: Vec<IncidentEvent>) {
        for event in events {
            self.suspicion.hear(&event.kind);
            match self.translate(event).await {
                Ok(event) => {
                    self.note_incident(&event.kind);
                    if self.parts.events.send((self.name.clone(), event)).await.is_err() {
                        return;
                    }
                }
                Err(error) => self.report_store(Err(error)),
            }
        }
    }

    fn note_open(&self, incident: Option<IncidentId>) {
        let mut status = self.status();
        status.incident = incident;
        status.recovering = false;
    }

    fn note_incident(&self, event: &EventKind) {
        match event {
            EventKind::Opened(opened) => self.note_open(Some(opened.incident.clone())),
            EventKind::Verdict(_) => self.status().recovering = false,
            EventKind::Recovering { .. } => self.status().recovering = true,
            EventKind::Resolved { .. } => self.note_open(None),
        }
    }

    /// Puts the store's incident id in place of the one that analysis counted.
    async fn translate(&mut self, mut event: IncidentEvent) -> Result<IncidentEvent, EngineError> {
        let counted = event.kind.incident().clone();
        let stored = match self.ids.stored(&counted) {
            Some(stored) => stored,
            None => {
                let stored = IncidentId::from(self.parts.history.next_incident_number().await?.to_string());
                self.ids.bind(counted, stored.clone());
                stored
            }
        };
        match &mut event.kind {
            EventKind::Opened(opened) => opened.incident = stored,
            EventKind::Verdict(verdict) => verdict.incident = stored,
            EventKind::Recovering { incident } | EventKind::Resolved { incident } => *incident = stored,
        }
        Ok(event)
    }

    fn report_store(&self, outcome: Result<(), EngineError>) {
        let row = match outcome {
            Ok(()) => HealthRow::new("store", "writing", HealthLevel::Ok, "Frames are stored."),
            Err(error) => {
                tracing::error!(%error, cluster = %self.name, "Could not write to the store.");
                HealthRow::new("store", "writing", HealthLevel::Error, error.to_string())
                    .with_hint("Watching goes on, but what is seen now is not kept. Free disk space or check the data folder.")
            }
        };
        if self.parts.health.update([row]) {
            self.parts.hub.tell(EngineEvent::Health);
        }
    }
}

/// `at`, or the first time after `last` when they are the same.
fn next_after(last: Timestamp, at: Timestamp) -> Timestamp {
    if at == last { Timestamp::from_micros(last.as_micros() + 1) } else { at }
}

#[cfg(test)]
#[path = "cluster_tests.rs"]
mod tests;
