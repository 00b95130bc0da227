//! One node: its series, its latest session samples and counters. No judgement about the cluster.

use std::collections::{BTreeMap, VecDeque};

use faultline_model::{About, Frame, QueryDelta, QueryDeltas, SessionGroup, SignalName, Timestamp, load};

use crate::config::AnalysisConfig;
use crate::costs::{Costs, error_share};
use crate::series::Point;
use crate::track::Track;
use crate::wait::Wait;
use crate::watch;

/// Session samples that are kept at most: a quarter of an hour at one a second.
const SAMPLES: usize = 900;

/// Counter spans that are kept at most.
const SPANS: usize = 400;

/// Counter spans that are kept however many rows they have.
const SPANS_MIN: usize = 8;

/// What a series is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    /// Load from session samples.
    SampledLoad,
    /// Load from counters.
    CountedLoad,
    /// Cost of calls by the usual cost of the same queries.
    CallCost,
    /// Failed share of calls.
    CallErrors,
    /// Sessions that wait for locks.
    LockWaiters,
    /// A signal.
    Signal(SignalName),
}

/// One sample of the sessions.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    /// When.
    pub(crate) at: Timestamp,
    /// Who was at work.
    pub(crate) groups: Vec<SessionGroup>,
}

/// Counters over one span.
#[derive(Clone, Debug)]
pub(crate) struct Counted {
    /// End of the span.
    pub(crate) at: Timestamp,
    /// Its length, seconds.
    pub(crate) span_s: f64,
    /// What was called.
    pub(crate) rows: Vec<QueryDelta>,
}

/// What was seen of one node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Node {
    /// What it is.
    pub(crate) about: About,
    /// Its series.
    pub(crate) tracks: BTreeMap<Key, Track>,
    /// Its latest session samples, oldest first.
    pub(crate) samples: VecDeque<Sample>,
    /// Its latest counters, oldest first.
    pub(crate) counters: VecDeque<Counted>,
    rows: usize,
    costs: Costs,
}

impl Node {
    /// Takes in what was seen. Each part touches its own series only, so that it does not matter whether the parts
    /// of one time come together or one by one.
    pub(crate) fn see(&mut self, frame: &Frame, frozen: bool, config: &AnalysisConfig) {
        if let Some(about) = &frame.about {
            self.about = about.clone();
        }
        if let Some(signals) = &frame.signals {
            for (name, &value) in &signals.values {
                let point = Point { at: frame.at, value, span_s: signals.span_s };
                self.push(Key::Signal(name.clone()), watch::of_signal(name.as_str()), point, frozen, config);
            }
        }
        if let Some(deltas) = &frame.queries {
            self.count(frame.at, deltas, frozen, config);
        }
        if let Some(sessions) = &frame.sessions {
            self.sample(frame.at, sessions, frozen, config);
        }
    }

    fn push(&mut self, key: Key, watch: watch::Watch, point: Point, frozen: bool, config: &AnalysisConfig) {
        self.tracks.entry(key).or_insert_with(|| Track::new(watch)).push(point, frozen, config);
    }

    fn count(&mut self, at: Timestamp, deltas: &QueryDeltas, frozen: bool, config: &AnalysisConfig) {
        if deltas.span_s <= 0.0 {
            return;
        }
        let value = load::counted_total(deltas).0;
        self.push(
            Key::CountedLoad,
            watch::COUNTED_LOAD,
            Point { at, value, span_s: deltas.span_s },
            frozen,
            config,
        );
        if let Some(value) = self.costs.index(deltas, frozen) {
            self.push(
                Key::CallCost,
                watch::CALL_COST,
                Point { at, value, span_s: deltas.span_s },
                frozen,
                config,
            );
        }
        if let Some(value) = error_share(deltas) {
            self.push(
                Key::CallErrors,
                watch::CALL_ERRORS,
                Point { at, value, span_s: deltas.span_s },
                frozen,
                config,
            );
        }
        self.rows += deltas.rows.len();
        self.counters.push_back(Counted { at, span_s: deltas.span_s, rows: deltas.rows.clone() });
        while self.counters.len() > SPANS
            || (self.rows > config.counter_rows && self.counters.len() > SPANS_MIN)
        {
            let Some(gone) = self.counters.pop_front() else { break };
            self.rows -= gone.rows.len();
        }
    }

    fn sample(&mut self, at: Timestamp, sessions: &[SessionGroup], frozen: bool, config: &AnalysisConfig) {
        let groups: Vec<SessionGroup> = sessions.iter().filter(|group| group.is_active()).cloned().collect();
        let locked: f64 = groups
            .iter()
            .filter(|group| Wait::of(group.wait.as_deref()) == Wait::Lock)
            .map(|group| f64::from(group.count))
            .sum();
        let at_work = load::sampled(&groups).0;
        let point = |value| Point { at, value, span_s: 0.0 };
        self.push(Key::SampledLoad, watch::SAMPLED_LOAD, point(at_work), frozen, config);
        self.push(Key::LockWaiters, watch::LOCK_WAITERS, point(locked), frozen, config);
        if self.samples.len() == SAMPLES {
            self.samples.pop_front();
        }
        self.samples.push_back(Sample { at, groups });
    }

    /// Load over the last `load_window_s`: the sessions seen at work, which holds what has not finished as well; from
    /// counters or the signal where there are no samples. `None` where nothing recent tells.
    pub(crate) fn load_now(&self, now: Timestamp, config: &AnalysisConfig) -> Option<f64> {
        self.load_after(now - config.load_window_s, now, config)
    }

    /// Load after `from`, the same way.
    pub(crate) fn load_after(&self, from: Timestamp, now: Timestamp, config: &AnalysisConfig) -> Option<f64> {
        let of = |key: &Key| {
            let track = self.tracks.get(key)?;
            let last = track.series.last()?;
            let reach_s =
                config.load_window_s.max(config.gap_spans * last.span_s.max(track.series.spacing_s()?));
            let fresh = now.secs_since(last.at) <= reach_s;
            fresh.then(|| track.series.mean_after(from).unwrap_or(last.value))
        };
        of(&Key::SampledLoad)
            .or_else(|| of(&Key::CountedLoad))
            .or_else(|| of(&Key::Signal(faultline_model::signal::ACTIVE_SESSIONS.into())))
    }

    /// The series of a signal.
    pub(crate) fn signal(&self, name: &str) -> Option<&Track> {
        self.tracks.get(&Key::Signal(name.into()))
    }
}
