//! When a node is looked at, and for what. Pure: the time is an argument.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use faultline_model::{Due, NodeId, Timestamp};

/// How closely a cluster is watched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Attention {
    /// Nobody looks and nothing happens.
    #[default]
    Quiet,
    /// A window shows the cluster.
    Focused,
    /// Something is wrong, or may be: counters at once and often, so that the first verdict has them.
    Suspicion,
}

/// Seconds between two looks, for each thing that is looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Intervals {
    /// Session samples and one-row counters.
    pub(crate) sessions_s: f64,
    /// Statement counters while quiet.
    pub(crate) counters_s: f64,
    /// Statement counters while a window shows the cluster.
    pub(crate) counters_focused_s: f64,
    /// Statement counters on suspicion.
    pub(crate) counters_suspicion_s: f64,
    /// Slow facts.
    pub(crate) facts_s: f64,
}

impl Intervals {
    fn counters(&self, attention: Attention) -> f64 {
        match attention {
            Attention::Quiet => self.counters_s,
            Attention::Focused => self.counters_focused_s.min(self.counters_s),
            Attention::Suspicion => self.counters_suspicion_s.min(self.counters_s),
        }
    }
}

/// A look may come this much early, so that timers that fire a little soon do not skip a turn. Seconds.
const EARLY_S: f64 = 0.005;

/// The looks at one node. Polls of different nodes are spread over the second by a hash of the node.
#[derive(Debug)]
pub(crate) struct Schedule {
    intervals: Intervals,
    offset_s: f64,
    /// Whether a turn is taken at once when the cluster is watched more closely.
    hurries: bool,
    sessions: Option<Timestamp>,
    counters: Option<Timestamp>,
    facts: Option<Timestamp>,
}

impl Schedule {
    /// A schedule in which everything is due at the node's first turn.
    pub(crate) fn new(node: &NodeId, intervals: Intervals) -> Self {
        Self::spread(node, intervals, true)
    }

    /// A schedule of one pace, at which all is due: that of a metric endpoint, which tells nothing new when it is asked
    /// more often. `name` tells it from the others.
    pub(crate) fn steady(name: &str, interval_s: f64) -> Self {
        let intervals = Intervals {
            sessions_s: interval_s,
            counters_s: interval_s,
            counters_focused_s: interval_s,
            counters_suspicion_s: interval_s,
            facts_s: interval_s,
        };
        Self::spread(name, intervals, false)
    }

    fn spread(name: impl Hash, intervals: Intervals, hurries: bool) -> Self {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        let share = (hasher.finish() % 1_000) as f64 / 1_000.0;
        Self {
            intervals,
            offset_s: share * intervals.sessions_s,
            hurries,
            sessions: None,
            counters: None,
            facts: None,
        }
    }

    /// Whether a turn is taken at once when the cluster is watched more closely.
    pub(crate) fn hurries(&self) -> bool {
        self.hurries
    }

    /// The wait until the node's next turn.
    pub(crate) fn wait(&self, now: Timestamp) -> Duration {
        let step_s = self.intervals.sessions_s;
        let phase_s = (now.as_secs() - self.offset_s).rem_euclid(step_s);
        let wait_s = match self.sessions {
            // The turn that a poll answered a little early is not taken again.
            Some(last)
                if now >= last && now.secs_since(last) < step_s / 2.0 && phase_s > step_s - EARLY_S =>
            {
                2.0 * step_s - phase_s
            }
            _ => step_s - phase_s,
        };
        Duration::from_secs_f64(wait_s.max(0.0))
    }

    /// What is due at `now`, counted as done.
    pub(crate) fn take(&mut self, now: Timestamp, attention: Attention) -> Due {
        let counters_s = self.intervals.counters(attention);
        Due {
            sessions: take(&mut self.sessions, now, 0.0),
            counters: take(&mut self.counters, now, counters_s),
            facts: take(&mut self.facts, now, self.intervals.facts_s),
        }
    }
}

/// Whether `interval_s` has passed since `last`, which then becomes `now`. A clock that was set back makes it due.
fn take(last: &mut Option<Timestamp>, now: Timestamp, interval_s: f64) -> bool {
    let due = match *last {
        None => true,
        Some(last) => now < last || now.secs_since(last) + interval_s.min(1.0) / 2.0 >= interval_s,
    };
    if due {
        *last = Some(now);
    }
    due
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVALS: Intervals = Intervals {
        sessions_s: 1.0,
        counters_s: 15.0,
        counters_focused_s: 5.0,
        counters_suspicion_s: 2.0,
        facts_s: 60.0,
    };

    fn schedule() -> Schedule {
        Schedule::new(&NodeId { cluster: "shop".into(), node: "primary".into() }, INTERVALS)
    }

    /// Seconds at which counters are due within a minute of turns a second apart.
    fn check(attention: Attention, expected: &[u32]) {
        let mut schedule = schedule();
        let due: Vec<u32> = (0..60)
            .filter(|&s| schedule.take(Timestamp::from_secs(1_000.0 + f64::from(s)), attention).counters)
            .collect();
        assert_eq!(due, expected, "{attention:?}");
    }

    #[test]
    fn counters_follow_the_attention() {
        check(Attention::Quiet, &[0, 15, 30, 45]);
        check(Attention::Focused, &[0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55]);
        check(Attention::Suspicion, &(0..60).step_by(2).collect::<Vec<_>>());
    }

    #[test]
    fn an_endpoint_has_one_pace() {
        let mut schedule = Schedule::steady("shop/edge (edge.internal)", 5.0);
        let mut now = Timestamp::from_secs(1_000.0);
        for attention in [Attention::Quiet, Attention::Suspicion, Attention::Focused, Attention::Quiet] {
            now = now + schedule.wait(now).as_secs_f64();
            let due = schedule.take(now, attention);
            assert_eq!(due, Due { sessions: true, counters: true, facts: true }, "{attention:?}");
            let wait = schedule.wait(now + 0.1).as_secs_f64();
            assert!((wait - 4.9).abs() < 1e-3, "{wait}");
        }
    }

    #[test]
    fn a_clock_set_back_does_not_stop_the_polls() {
        let mut schedule = schedule();
        assert!(schedule.take(Timestamp::from_secs(5_000.0), Attention::Quiet).counters);
        assert!(schedule.take(Timestamp::from_secs(1_000.0), Attention::Quiet).counters);
    }

    #[test]
    fn turns_are_one_interval_apart_and_spread() {
        let schedule = schedule();
        let mut now = Timestamp::from_secs(1_000.0);
        now = now + schedule.wait(now).as_secs_f64();
        let step = schedule.wait(now + 0.02).as_secs_f64() + 0.02;
        assert!((step - 1.0).abs() < 1e-3, "{step}");
        let offsets: Vec<f64> = (0..20)
            .map(|n| {
                let node = NodeId { cluster: "shop".into(), node: format!("replica-{n}").into() };
                Schedule::new(&node, INTERVALS).offset_s
            })
            .collect();
        let (low, high) = offsets.iter().fold((1.0_f64, 0.0_f64), |(l, h), &o| (l.min(o), h.max(o)));
        assert!(high - low > 0.5, "{offsets:?}");
    }
}
