//! The way of a frame through one cluster: stored, analysed, told. One task a cluster; what it feeds to analysis, and
//! in which order, is exactly what it stores, so that a recording of it replays to the same words.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use faultline_analysis::{Analysis, Recovery};
use faultline_history::History;
use faultline_model::{
    Clock, ClusterName, Deploy, EventKind, Facts, Fingerprint, Frame, HealthLevel, HealthRow, IncidentEvent,
    IncidentId, Observation, Timestamp,
};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::cadence::Attention;
use crate::error::EngineError;
use crate::health::HealthBoard;
use crate::hub::{EngineEvent, Hub};
use crate::node::NodeReport;
use crate::status::ClusterStatus;

/// Reports and requests that may wait for a cluster's task.
pub(crate) const MAX_WAITING_REPORTS: usize = 256;

/// A look at the cluster counts for this long, seconds.
const LOOK_LASTS_S: f64 = 10.0;

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
    pub(crate) analysis: Analysis,
    pub(crate) history: History,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) hub: Hub,
    pub(crate) health: HealthBoard,
    pub(crate) status: Arc<Mutex<ClusterStatus>>,
    pub(crate) attention: watch::Sender<Attention>,
    /// What analysis must know of the configuration; part of the first frame, so that a recording has it too.
    pub(crate) service_facts: Facts,
    pub(crate) ids: IncidentIds,
    /// Said by the warm-up of an incident that nobody was told of.
    pub(crate) untold: Vec<IncidentEvent>,
    pub(crate) events: mpsc::Sender<(ClusterName, IncidentEvent)>,
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
        mut reports: mpsc::Receiver<NodeReport>,
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
                        let at = next_after(last_at, self.clock.now());
                        last_at = at;
                        self.take_in(Observation::Deploy { at, deploy: *deploy }).await;
                    }
                    ClusterRequest::Recovery { queries, reply } => {
                        reply.send(self.analysis.recovery(&queries)).ok();
                    }
                    ClusterRequest::LookedAt => looked_at = Some(self.clock.now()),
                },
                else => break,
            }
            self.set_attention(looked_at);
        }
    }

    fn set_attention(&self, looked_at: Option<Timestamp>) {
        let age_s = looked_at.map(|at| self.clock.now().secs_since(at).abs());
        let attention = if self.analysis.is_suspicious() {
            Attention::Suspicion
        } else if age_s.is_some_and(|age_s| age_s < LOOK_LASTS_S) {
            Attention::Focused
        } else {
            Attention::Quiet
        };
        self.attention.send_if_modified(|now| std::mem::replace(now, attention) != attention);
    }

    async fn on_report(&mut self, report: NodeReport, last_at: &mut Timestamp) {
        if self.health.update(report.polled.health) {
            self.hub.tell(EngineEvent::Health);
        }
        let mut seen = false;
        for frame in report.polled.frames.into_iter().filter(|frame| !frame.is_empty()) {
            self.on_frame(frame, last_at).await;
            seen = true;
        }
        if seen {
            self.hub.tell(EngineEvent::Frames { cluster: self.name.clone() });
        }
    }

    async fn on_frame(&mut self, mut frame: Frame, last_at: &mut Timestamp) {
        // Two observations of one time would be one group in a recording; live they are settled one by one.
        if frame.at == *last_at {
            frame.at = next_after(*last_at, frame.at);
        }
        *last_at = frame.at;
        frame.facts.append(&mut self.service_facts);
        self.see(&frame);
        self.take_in(Observation::Frame(frame)).await;
    }

    fn see(&self, frame: &Frame) {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).see(frame);
    }

    /// Stores the observation, has it analysed, and passes on what analysis says.
    async fn take_in(&mut self, observation: Observation) {
        let stored = self.history.append(&self.name, std::slice::from_ref(&observation)).await;
        self.report_store(stored.map_err(EngineError::from));
        self.analysis.observe(&observation);
        let events = self.analysis.settle();
        self.say(events).await;
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        status.load = self.analysis.load_now();
        status.load_ratio = self.analysis.recovery(&[]).load_ratio;
        status.suspicious = self.analysis.is_suspicious();
    }

    async fn say(&mut self, events: Vec<IncidentEvent>) {
        for event in events {
            match self.translate(event).await {
                Ok(event) => {
                    self.note_incident(&event.kind);
                    if self.events.send((self.name.clone(), event)).await.is_err() {
                        return;
                    }
                }
                Err(error) => self.report_store(Err(error)),
            }
        }
    }

    fn note_incident(&self, event: &EventKind) {
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            EventKind::Opened(opened) => {
                status.incident = Some(opened.incident.clone());
                status.recovering = false;
            }
            EventKind::Verdict(_) => status.recovering = false,
            EventKind::Recovering { .. } => status.recovering = true,
            EventKind::Resolved { .. } => {
                status.incident = None;
                status.recovering = false;
            }
        }
    }

    /// Puts the store's incident id in place of the one that analysis counted.
    async fn translate(&mut self, mut event: IncidentEvent) -> Result<IncidentEvent, EngineError> {
        let counted = event.kind.incident().clone();
        let stored = match self.ids.stored(&counted) {
            Some(stored) => stored,
            None => {
                let stored = IncidentId::from(self.history.next_incident_number().await?.to_string());
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
        if self.health.update([row]) {
            self.hub.tell(EngineEvent::Health);
        }
    }
}

/// `at`, or the first time after `last` when they are the same.
fn next_after(last: Timestamp, at: Timestamp) -> Timestamp {
    if at == last { Timestamp::from_micros(last.as_micros() + 1) } else { at }
}
