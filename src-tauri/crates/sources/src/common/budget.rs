//! What our own statements may cost. When they cost more, fewer of the polls that are asked for are made; never so few
//! that an incident would be missed: an overloaded server answers slowly, and that is when it must be watched.

use faultline_model::Due;

/// Share of one core that our statements may take.
pub(crate) const SHARE: f64 = 0.005;
/// Cost is judged over this long, seconds.
const WINDOW_S: f64 = 30.0;
/// The pace goes up again below this share of the budget.
const RELIEF: f64 = 0.4;
/// Sessions are sampled every so many-th time at the most, by level.
const SESSIONS_EVERY: [u32; 4] = [1, 2, 3, 5];
/// Counters are read every so many-th time at the most, by level.
const COUNTERS_EVERY: [u32; 4] = [1, 1, 2, 3];

/// The account of one node.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    level: usize,
    spent_ms: f64,
    elapsed_s: f64,
    sessions: u32,
    counters: u32,
    share: f64,
}

impl Budget {
    /// What of the due is done at the present pace.
    pub(crate) fn admit(&mut self, due: Due) -> Due {
        Due {
            sessions: due.sessions && every(&mut self.sessions, SESSIONS_EVERY[self.level]),
            counters: due.counters && every(&mut self.counters, COUNTERS_EVERY[self.level]),
            facts: due.facts,
        }
    }

    /// A poll cost `cost_ms`, `elapsed_s` after the one before. Whether the pace changed.
    pub(crate) fn spent(&mut self, cost_ms: f64, elapsed_s: f64) -> bool {
        self.spent_ms += cost_ms.max(0.0);
        self.elapsed_s += elapsed_s.clamp(0.0, WINDOW_S);
        if self.elapsed_s < WINDOW_S {
            return false;
        }
        self.share = self.spent_ms / 1_000.0 / self.elapsed_s;
        (self.spent_ms, self.elapsed_s) = (0.0, 0.0);
        let before = self.level;
        if self.share > SHARE {
            self.level = (self.level + 1).min(SESSIONS_EVERY.len() - 1);
        } else if self.share < SHARE * RELIEF {
            self.level = self.level.saturating_sub(1);
        }
        self.level != before
    }

    /// Every how many-th sample of sessions is taken; 1 is all.
    pub(crate) fn pace(&self) -> u32 {
        SESSIONS_EVERY[self.level]
    }

    /// Share of one core that our statements took over the last full window.
    pub(crate) fn share(&self) -> f64 {
        self.share
    }
}

/// Counts, and says yes every `pace`-th time, the first included.
fn every(count: &mut u32, pace: u32) -> bool {
    let yes = *count == 0;
    *count = if *count + 1 >= pace { 0 } else { *count + 1 };
    yes
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Due = Due { sessions: true, counters: true, facts: true };

    /// Polls for `seconds` at a cost; returns how many samples of sessions were taken.
    fn poll(budget: &mut Budget, seconds: u32, cost_ms: f64) -> u32 {
        let mut taken = 0;
        for _ in 0..seconds {
            let due = budget.admit(ALL);
            taken += u32::from(due.sessions);
            budget.spent(if due.sessions { cost_ms } else { 0.0 }, 1.0);
        }
        taken
    }

    #[test]
    fn a_dear_server_is_polled_less_and_a_cheap_one_always() {
        let mut budget = Budget::default();
        assert_eq!(poll(&mut budget, 300, 2.0), 300, "cheap");
        poll(&mut budget, 120, 50.0);
        assert_eq!(budget.pace(), 5, "dear");
        assert!(poll(&mut budget, 100, 50.0) >= 20, "but watched still");
        assert!(budget.share() > SHARE);
        poll(&mut budget, 150, 0.5);
        assert_eq!(budget.pace(), 1, "cheap again");
    }

    #[test]
    fn what_is_not_due_is_not_done() {
        let due = Due { sessions: false, counters: false, facts: true };
        assert_eq!(Budget::default().admit(due), due);
    }
}
