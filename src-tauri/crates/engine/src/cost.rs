//! What our own statements cost a server, over the last minute. Pure.

use std::collections::VecDeque;

use faultline_model::Timestamp;

/// The cost of the last seconds counts.
const WINDOW_S: f64 = 60.0;

/// Fewest seconds that say anything.
const SEEN_MIN_S: f64 = 5.0;

/// Most polls that are kept.
const MAX_POLLS: usize = 512;

/// The polls of one node over the last minute.
#[derive(Clone, Debug, Default)]
pub(crate) struct CostWindow(VecDeque<(Timestamp, f64)>);

impl CostWindow {
    /// A poll ended at `at` and cost so many milliseconds.
    pub(crate) fn add(&mut self, at: Timestamp, cost_ms: f64) {
        if let Some((last, sum)) = self.0.back_mut().filter(|(last, _)| *last == at) {
            (*last, *sum) = (at, *sum + cost_ms);
        } else {
            self.0.push_back((at, cost_ms));
        }
        let old = |then: Timestamp| !(0.0..=WINDOW_S).contains(&at.secs_since(then));
        while self.0.front().is_some_and(|(then, _)| old(*then)) || self.0.len() > MAX_POLLS {
            self.0.pop_front();
        }
    }

    /// Milliseconds of the server a second; `None` before it can be told.
    pub(crate) fn ms_per_s(&self) -> Option<f64> {
        let ((first, first_ms), (last, _)) = (self.0.front()?, self.0.back()?);
        let seen_s = last.secs_since(*first);
        // The first poll ended when the time that is looked at began.
        let spent_ms: f64 = self.0.iter().map(|(_, cost_ms)| cost_ms).sum::<f64>() - first_ms;
        (seen_s >= SEEN_MIN_S).then(|| spent_ms / seen_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cost_is_that_of_the_last_minute() {
        let mut window = CostWindow::default();
        for (from, to, cost_ms, expected) in [
            (0, 1, 3.0, None),
            (1, 30, 3.0, Some(3.0)),
            (30, 200, 1.0, Some(1.0)),
            (200, 230, 3.0, Some(2.0)),
            (9_000, 9_001, 3.0, None),
            (500, 501, 3.0, None),
        ] {
            for second in from..to {
                window.add(Timestamp::from_secs(f64::from(second)), cost_ms);
            }
            let found = window.ms_per_s();
            let close = match (found, expected) {
                (Some(found), Some(expected)) => f64::abs(found - expected) < 0.05,
                (found, expected) => found == expected,
            };
            assert!(close, "until {to}: {found:?}");
        }
    }
}
