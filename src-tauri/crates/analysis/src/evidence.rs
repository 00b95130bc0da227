//! Everything a cause or a suspect may be judged by, computed once a verdict: the split of the extra load, traffic,
//! shifts of signals, waits, people. It states facts; it judges nothing.

use std::collections::BTreeMap;

use faultline_model::{Fingerprint, NodeName, Role, Timestamp, signal};

use crate::attribution::{Attribution, attribute};
use crate::config::AnalysisConfig;
use crate::node::Key;
use crate::services::Identity;
use crate::stats::Estimate;
use crate::wait::Wait;
use crate::window::{Window, after, before};
use crate::world::World;

/// What a traffic ratio comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TrafficBasis {
    /// Requests at the edge.
    Requests,
    /// Calls of the queries that were there before.
    Calls,
    /// Statements or transactions finished: more work, or work split finer; a weak witness.
    Throughput,
}

/// Work asked for now, by before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Traffic {
    /// The ratio with its error.
    pub(crate) ratio: Estimate,
    /// What it comes from.
    pub(crate) basis: TrafficBasis,
}

/// How a signal moved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Shift {
    /// Baseline centre.
    pub(crate) before: f64,
    /// Mean since the onset.
    pub(crate) after: f64,
    /// Difference in standard errors of such a mean.
    pub(crate) sigmas: f64,
}

impl Shift {
    /// Now by before; a baseline of zero counts as a small part of what there is now.
    pub(crate) fn ratio(&self) -> f64 {
        if self.after == self.before {
            return 1.0;
        }
        self.after / self.before.abs().max(self.after.abs() * 1e-3).max(f64::MIN_POSITIVE)
    }
}

/// What was seen of the trouble.
#[derive(Clone, Debug)]
pub(crate) struct Evidence<'a> {
    /// Everything that was seen.
    pub(crate) world: &'a World,
    /// Constants.
    pub(crate) config: &'a AnalysisConfig,
    /// Now.
    pub(crate) now: Timestamp,
    /// When it began.
    pub(crate) onset: Timestamp,
    /// The queries before, by node.
    pub(crate) before: &'a BTreeMap<NodeName, Window>,
    /// The queries since, by node.
    pub(crate) after: BTreeMap<NodeName, Window>,
    /// The extra load, split.
    pub(crate) attribution: Attribution,
    /// Work asked for now, by before.
    pub(crate) traffic: Option<Traffic>,
    people: BTreeMap<Fingerprint, BTreeMap<Identity, f64>>,
    unexplained: Vec<(Fingerprint, f64)>,
    /// Shifts by signal; of several nodes the one that moved most.
    pub(crate) shifts: BTreeMap<&'a str, Shift>,
    /// Nodes where something that hurts has changed.
    pub(crate) hurt: Vec<&'a NodeName>,
}

/// The queries of every node before the trouble.
pub(crate) fn windows_before(
    world: &World,
    onset: Timestamp,
    config: &AnalysisConfig,
) -> BTreeMap<NodeName, Window> {
    let to = onset - config.before_margin_s;
    let stretch = |node: &crate::node::Node| {
        let spacing_s = node.counters.back().map_or(0.0, |counted| counted.span_s);
        to - config.before_s.max(20.0 * spacing_s)
    };
    world.nodes.iter().map(|(name, node)| (name.clone(), before(node, stretch(node), to))).collect()
}

impl<'a> Evidence<'a> {
    /// Gathers it.
    pub(crate) fn gather(
        world: &'a World,
        config: &'a AnalysisConfig,
        onset: Timestamp,
        usual: &'a BTreeMap<NodeName, Window>,
        hurt: Vec<&'a NodeName>,
    ) -> Self {
        let now = world.now.unwrap_or(onset);
        let empty = Window::default();
        let now_windows: BTreeMap<NodeName, Window> = world
            .nodes
            .iter()
            .map(|(name, node)| {
                let span_s = node.counters.back().map_or(0.0, |counted| counted.span_s);
                let from = onset.max(now - config.after_s.max(5.0 * span_s));
                (name.clone(), after(node, onset, from, now, usual.get(name).unwrap_or(&empty)))
            })
            .collect();
        let shifts = shifts(world, onset.max(now - config.after_s));
        let requests = shifts.get(signal::REQUESTS_PER_S).copied();
        let is_new = |fp: &Fingerprint| world.is_new(fp, onset, config);
        let attribution = attribute(usual, &now_windows, is_new, requests.map(|shift| shift.ratio()), config);
        let traffic = traffic(&attribution, requests, shifts.get(signal::THROUGHPUT).copied());
        let people = people(&now_windows);
        let unexplained = unexplained(&attribution);
        Self {
            people,
            unexplained,
            world,
            config,
            now,
            onset,
            before: usual,
            after: now_windows,
            attribution,
            traffic,
            shifts,
            hurt,
        }
    }

    /// How a signal moved; `None` where it is not observed.
    pub(crate) fn shift(&self, name: &str) -> Option<Shift> {
        self.shifts.get(name).copied()
    }

    /// Sampled load by class of wait, before and now, over all nodes.
    pub(crate) fn waiting(&self, wait: Wait) -> (f64, f64) {
        let sum = |windows: &BTreeMap<NodeName, Window>| {
            windows.values().filter_map(|window| window.waits.get(&wait)).sum::<f64>()
        };
        (sum(self.before), sum(&self.after))
    }

    /// Sampled load of all classes, before and now.
    pub(crate) fn at_work(&self) -> (f64, f64) {
        let sum = |windows: &BTreeMap<NodeName, Window>| {
            windows.values().flat_map(|window| window.waits.values()).sum::<f64>()
        };
        (sum(self.before), sum(&self.after))
    }

    /// Whether session samples speak about the trouble.
    pub(crate) fn has_sessions(&self) -> bool {
        self.after.values().any(|window| window.samples > 0)
    }

    /// Who ran a query since the onset, by sampled load; the text's own user where nobody was sampled.
    pub(crate) fn people(&self, fp: &Fingerprint) -> Vec<(Identity, f64)> {
        if let Some(people) = self.people.get(fp) {
            return people.iter().map(|(who, load)| (who.clone(), *load)).collect();
        }
        let user = self.world.texts.get(fp).and_then(|text| text.user.clone());
        user.map(|user| vec![(Identity { user: Some(user), app: None }, 1.0)]).unwrap_or_default()
    }

    /// The queries with most extra load that traffic does not explain, and how much that is; only what is more.
    pub(crate) fn unexplained(&self) -> &[(Fingerprint, f64)] {
        &self.unexplained
    }

    /// How finely the onset can be dated, seconds: the shortest usual distance of what is hurt.
    pub(crate) fn resolution_s(&self) -> f64 {
        let tracks = self
            .hurt
            .iter()
            .filter_map(|name| self.world.nodes.get(*name))
            .flat_map(|node| node.tracks.values());
        tracks.filter_map(|track| track.series.spacing_s()).min_by(f64::total_cmp).unwrap_or(0.0)
    }

    /// Role of a node, where known.
    pub(crate) fn role(&self, node: &NodeName) -> Option<Role> {
        self.world.nodes.get(node).and_then(|node| node.about.role)
    }
}

/// Queries whose extra load is looked at one by one; the rest is small.
const UNEXPLAINED: usize = 64;

fn unexplained(attribution: &Attribution) -> Vec<(Fingerprint, f64)> {
    let mut all: Vec<(&Fingerprint, f64)> = attribution
        .queries
        .iter()
        .map(|(fp, split)| (fp, split.parts.total() - split.parts.traffic.max(0.0)))
        .filter(|(_, extra)| *extra > 0.0)
        .collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    all.into_iter().take(UNEXPLAINED).map(|(fp, extra)| (fp.clone(), extra)).collect()
}

fn people(windows: &BTreeMap<NodeName, Window>) -> BTreeMap<Fingerprint, BTreeMap<Identity, f64>> {
    let mut people: BTreeMap<Fingerprint, BTreeMap<Identity, f64>> = BTreeMap::new();
    for ((fp, who), load) in windows.values().flat_map(|window| &window.people) {
        if let Some(fp) = fp {
            *people.entry(fp.clone()).or_default().entry(who.clone()).or_default() += load;
        }
    }
    people
}

/// Most points of a mean that count as independent.
const INDEPENDENT_POINTS: usize = 9;

fn shifts(world: &World, from: Timestamp) -> BTreeMap<&str, Shift> {
    let mut shifts: BTreeMap<&str, Shift> = BTreeMap::new();
    for (key, track) in world.nodes.values().flat_map(|node| &node.tracks) {
        let Key::Signal(name) = key else { continue };
        let (Some(level), Some(mean)) = (track.level(), track.series.mean_after(from)) else { continue };
        // A mean is surer than a point; but neighbours are alike, so that many count like a few.
        let points = track.series.after(from).count().clamp(1, INDEPENDENT_POINTS) as f64;
        let sigmas = (mean - level.center) / level.scale * points.sqrt();
        let shift = Shift { before: level.center, after: mean, sigmas };
        let known = shifts.entry(name.as_str()).or_insert(shift);
        if shift.sigmas.abs() > known.sigmas.abs() {
            *known = shift;
        }
    }
    shifts
}

/// Relative error that a rate's ratio is given at least.
const RATE_ERROR: f64 = 0.03;

fn traffic(attribution: &Attribution, requests: Option<Shift>, throughput: Option<Shift>) -> Option<Traffic> {
    let of_rate = |shift: Shift| {
        let error = if shift.sigmas == 0.0 {
            0.0
        } else {
            ((shift.after - shift.before) / shift.sigmas / shift.before.max(1e-9)).abs()
        };
        Estimate { value: shift.ratio(), error: error.max(RATE_ERROR), count: 1 }
    };
    let requests = requests.map(|shift| Traffic { ratio: of_rate(shift), basis: TrafficBasis::Requests });
    let calls = attribution.call_ratio.map(|ratio| Traffic { ratio, basis: TrafficBasis::Calls });
    let throughput =
        throughput.map(|shift| Traffic { ratio: of_rate(shift), basis: TrafficBasis::Throughput });
    requests.or(calls).or(throughput)
}
