//! From observations to a verdict: baseline, onset, attribution, causes, suspects, life cycle.
//!
//! Pure and streaming: the time comes in with the observations, and what is said with a time depends on observations
//! up to it only. Not in here: a clock, input or output, a decision about who is notified. `README.md` has the model
//! on one page.

mod attribution;
mod baseline;
mod calm;
mod causes;
mod config;
mod costs;
mod evidence;
mod lifecycle;
mod node;
mod onset;
mod queries;
mod replay;
mod series;
mod services;
mod severity;
mod stats;
mod suspects;
mod track;
mod verdict;
mod wait;
mod watch;
mod window;
mod world;

use faultline_model::{
    ClusterName, EventKind, Fingerprint, Header, IncidentEvent, IncidentId, LoadAas, NodeName, Observation,
    Opened, Timestamp,
};

use crate::evidence::{Evidence, windows_before};
use crate::lifecycle::Incident;
use crate::world::World;

pub use config::AnalysisConfig;
pub use replay::Replay;

/// Where the cluster's life stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Too little was seen to say anything.
    Learning,
    /// Nothing is the matter.
    Quiet,
    /// Something may be the matter.
    Pending,
    /// An incident is open.
    Open,
    /// An incident is open and the load is back, but not for long enough.
    Recovering,
}

/// How far a database has come back: what verification after a rollback asks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recovery {
    /// Load over the last 10 s; `None` where it is not observed.
    pub load: Option<LoadAas>,
    /// Load over the last 10 s by its baseline.
    pub load_ratio: Option<f64>,
    /// Load that the given queries make now, over the last 10 s.
    pub queries_load: LoadAas,
    /// Load that the given queries made before the incident; zero without one.
    pub queries_baseline: LoadAas,
    /// Whether no series that was hurt is off its baseline any more (true without an incident).
    pub calm: bool,
}

/// The analysis of one cluster.
#[derive(Clone, Debug)]
pub struct Analysis {
    config: AnalysisConfig,
    cluster: ClusterName,
    /// Usual time until the next settling, seconds.
    beat_s: f64,
    world: World,
    incident: Option<Incident>,
    settled: Option<Timestamp>,
    next_incident: u64,
}

impl Analysis {
    /// An analysis that has seen nothing yet.
    pub fn new(config: AnalysisConfig, header: &Header) -> Self {
        Self {
            config,
            cluster: header.cluster.clone(),
            beat_s: header.sessions_s.unwrap_or(header.interval_s),
            world: World::default(),
            incident: None,
            settled: None,
            next_incident: 1,
        }
    }

    /// Takes in an observation. History may be fed the same way at start, so that a restart is not blind.
    pub fn observe(&mut self, observation: &Observation) {
        self.world.observe(observation, self.incident.is_some(), &self.config);
    }

    /// Evaluates at the newest time seen. Call it when everything with that time has been observed.
    pub fn settle(&mut self) -> Vec<IncidentEvent> {
        let Some(now) = self.world.now else { return Vec::new() };
        let mut events = Vec::new();
        let gap = self.settled.is_some_and(|settled| now.secs_since(settled) > self.gap_s());
        self.settled = Some(now);
        match self.incident.take() {
            None => self.open(now, &mut events),
            Some(incident) => self.follow(incident, gap, now, &mut events),
        }
        if self.incident.is_some() {
            self.speak(now, &mut events);
        }
        events.into_iter().map(|kind| IncidentEvent { t: now, kind }).collect()
    }

    fn gap_s(&self) -> f64 {
        // Samples may be spread when they cost too much: while the window of "now" holds some, there is no gap.
        (self.config.gap_spans * self.beat_s + self.config.clock_slack_s).max(self.config.load_window_s)
    }

    fn open(&mut self, now: Timestamp, events: &mut Vec<EventKind>) {
        let Some(opening) = lifecycle::opening(&self.world, &self.config) else { return };
        let id = IncidentId::new(self.next_incident.to_string());
        self.next_incident += 1;
        let mut nodes: Vec<NodeName> = opening.hurt.iter().map(|hurt| hurt.node.clone()).collect();
        nodes.dedup();
        events.push(EventKind::Opened(Opened {
            incident: id.clone(),
            cluster: self.cluster.clone(),
            onset: opening.onset,
            severity: severity::severity(&self.world, opening.onset, now, &self.config),
            load_ratio: lifecycle::load_ratio(&self.world, &self.config),
            nodes,
        }));
        let before = windows_before(&self.world, opening.onset, &self.config);
        self.each_track(|track, config| track.forget_since(opening.onset - config.before_margin_s));
        self.incident = Some(Incident {
            id,
            onset: opening.onset,
            opened: now,
            before,
            hurt: opening.hurt,
            said: None,
            judged: None,
            calm_since: None,
            recovering: false,
        });
    }

    fn each_track(&mut self, change: impl Fn(&mut track::Track, &AnalysisConfig)) {
        let config = &self.config;
        self.world
            .nodes
            .values_mut()
            .flat_map(|node| node.tracks.values_mut())
            .for_each(|track| change(track, config));
    }

    /// Recovering, resolved, or relapsed.
    fn follow(&mut self, mut incident: Incident, gap: bool, now: Timestamp, events: &mut Vec<EventKind>) {
        let config = &self.config;
        lifecycle::widen(&mut incident, &self.world, config);
        match calm::is_calm(&incident, &self.world, now, config) {
            Some(true) if !gap => {
                incident.calm_since.get_or_insert(now);
            }
            // Nothing seen is neither calm nor trouble: the time does not count.
            _ => incident.calm_since = None,
        }
        let calm_s = incident.calm_since.map(|since| now.secs_since(since));
        let adopted = now.secs_since(incident.opened) >= config.adopt_s.max(100.0 * self.beat_s);
        if adopted || calm_s.is_some_and(|calm_s| calm_s >= config.resolved_s.max(3.0 * self.beat_s)) {
            events.push(EventKind::Resolved { incident: incident.id });
            self.each_track(|track, _| track.settle_down(adopted));
            return;
        }
        match calm_s {
            Some(calm_s) if calm_s >= config.recovering_s && !incident.recovering => {
                incident.recovering = true;
                events.push(EventKind::Recovering { incident: incident.id.clone() });
            }
            None => incident.recovering = false,
            Some(_) => {}
        }
        self.incident = Some(incident);
    }

    /// The first verdict, and a new one when it says something else.
    fn speak(&mut self, now: Timestamp, events: &mut Vec<EventKind>) {
        let Some(incident) = &self.incident else { return };
        let config = &self.config;
        // The longer it has lasted, the less a second more can tell.
        let spacing_s = (config.verdict_spacing_share * now.secs_since(incident.opened))
            .clamp(config.verdict_spacing_s, config.verdict_spacing_max_s);
        let too_soon = incident.judged.is_some_and(|judged| now.secs_since(judged) < spacing_s)
            && incident.said.is_some();
        if too_soon || (incident.said.is_some() && incident.calm_since.is_some()) {
            return;
        }
        let mut hurt: Vec<&NodeName> = incident.hurt.iter().map(|hurt| &hurt.node).collect();
        hurt.sort();
        hurt.dedup();
        let evidence = Evidence::gather(&self.world, config, incident.onset, &incident.before, hurt);
        let waited_s = now.secs_since(incident.opened);
        let counts = self.world.nodes.values().any(|node| !node.counters.is_empty());
        let ready =
            evidence.attribution.is_counted || !counts || waited_s + self.beat_s > config.first_verdict_s;
        let new = (ready || incident.said.is_some()).then(|| verdict::judge(&incident.id, &evidence));
        let says = new.filter(|new| {
            incident.said.as_ref().is_none_or(|old| verdict::differs(old, new, config.verdict_step))
        });
        if let Some(incident) = &mut self.incident {
            incident.judged = Some(now);
            if let Some(verdict) = says {
                incident.said = Some(verdict.clone());
                events.push(EventKind::Verdict(verdict));
            }
        }
    }

    /// Whether something is pending or open: the engine polls counters at once and then every 2 s.
    pub fn is_suspicious(&self) -> bool {
        self.incident.is_some() || lifecycle::is_suspicious(&self.world, &self.config)
    }

    /// The number that the next incident gets, so that ids are unique in a store.
    pub fn set_next_incident(&mut self, number: u64) {
        self.next_incident = number;
    }

    /// Where the cluster's life stands.
    pub fn phase(&self) -> Phase {
        match &self.incident {
            Some(incident) if incident.recovering => Phase::Recovering,
            Some(_) => Phase::Open,
            None if !lifecycle::has_baseline(&self.world) => Phase::Learning,
            None if self.is_suspicious() => Phase::Pending,
            None => Phase::Quiet,
        }
    }

    /// The incident that is open, if any.
    pub fn open_incident(&self) -> Option<IncidentId> {
        self.incident.as_ref().map(|incident| incident.id.clone())
    }

    /// Load over the last 10 s; `None` where it is not observed.
    pub fn load_now(&self) -> Option<LoadAas> {
        self.world.load_now(&self.config).map(LoadAas)
    }

    /// Usual load; `None` before it is known.
    pub fn load_baseline(&self) -> Option<LoadAas> {
        lifecycle::load_baseline(&self.world).map(LoadAas)
    }

    /// How far the database has come back: load now, and what the given queries make of it.
    pub fn recovery(&self, queries: &[Fingerprint]) -> Recovery {
        let now = self.world.now.unwrap_or_default();
        let nodes = self.world.nodes.values();
        let usual = |incident: &Incident| {
            let windows = incident
                .before
                .values()
                .flat_map(|window| queries.iter().filter_map(|fp| window.uses.get(fp)));
            windows.map(|used| if used.counted > 0.0 { used.counted } else { used.sampled }).sum()
        };
        Recovery {
            load: self.load_now(),
            load_ratio: lifecycle::load_ratio(&self.world, &self.config),
            queries_load: LoadAas(nodes.map(|node| window::load_of(node, queries, now, &self.config)).sum()),
            queries_baseline: LoadAas(self.incident.as_ref().map_or(0.0, usual)),
            calm: self
                .incident
                .as_ref()
                .is_none_or(|incident| calm::is_calm(incident, &self.world, now, &self.config) == Some(true)),
        }
    }
}
