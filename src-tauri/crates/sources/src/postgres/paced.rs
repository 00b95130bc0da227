//! Something dear that is done seldom: the pause until the next time grows with what the last one cost. Pure.

use std::time::Duration;

use tokio::time::Instant;

/// The pause is this many times the cost, so that what is paced takes at most 0.5 % of a core.
const PAUSE_PER_COST: u32 = 200;

/// When it may be done again.
#[derive(Debug)]
pub(super) struct Paced {
    /// What costs no more than this is not worth a pause beyond the shortest.
    cheap: Duration,
    shortest: Duration,
    longest: Duration,
    next: Option<Instant>,
}

impl Paced {
    /// Due at once; later on after a pause between `shortest` and `longest`, and the shortest where it was `cheap`.
    pub(super) const fn new(cheap: Duration, shortest: Duration, longest: Duration) -> Self {
        Self { cheap, shortest, longest, next: None }
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.next.is_none_or(|at| now >= at)
    }

    /// It was done, or failed, and took `cost`.
    pub(super) fn was_done(&mut self, now: Instant, cost: Duration) {
        let pause = if cost <= self.cheap { self.shortest } else { cost * PAUSE_PER_COST };
        self.next = Some(now + pause.clamp(self.shortest, self.longest));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dear_comes_rarely() {
        let mut paced =
            Paced::new(Duration::from_millis(10), Duration::from_secs(1), Duration::from_secs(60));
        let now = Instant::now();
        assert!(paced.is_due(now));
        for (cost_ms, pause_ms) in [(0, 1_000), (10, 1_000), (11, 2_200), (170, 34_000), (5_000, 60_000)] {
            paced.was_done(now, Duration::from_millis(cost_ms));
            assert!(!paced.is_due(now + Duration::from_millis(pause_ms - 1)), "{cost_ms}");
            assert!(paced.is_due(now + Duration::from_millis(pause_ms)), "{cost_ms}");
        }
    }
}
