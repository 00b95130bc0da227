//! How long to wait before another attempt to connect. Not in here: what is attempted.

use std::time::Duration;

use tokio::time::Instant;

/// First pause after a failed attempt; it doubles with every further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause between attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Pauses between attempts to connect: doubling, bounded.
#[derive(Debug, Default)]
pub(crate) struct Pauses {
    last: Option<(Instant, Duration)>,
}

impl Pauses {
    /// Whether the pause after the last failure is over.
    pub(crate) fn over(&self, now: Instant) -> bool {
        self.last.is_none_or(|(at, pause)| now.saturating_duration_since(at) >= pause)
    }

    /// An attempt failed just now.
    pub(crate) fn failed(&mut self, now: Instant) {
        let pause = self.last.map_or(FIRST_PAUSE, |(_, pause)| (pause * 2).min(LONGEST_PAUSE));
        self.last = Some((now, pause));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_their_limit() {
        let mut pauses = Pauses::default();
        let mut now = Instant::now();
        assert!(pauses.over(now));
        for expected_s in [1, 2, 4, 8, 16, 30, 30] {
            pauses.failed(now);
            let pause = Duration::from_secs(expected_s);
            assert!(!pauses.over(now + pause - Duration::from_millis(1)), "{expected_s}");
            now += pause;
            assert!(pauses.over(now), "{expected_s}");
        }
    }
}
