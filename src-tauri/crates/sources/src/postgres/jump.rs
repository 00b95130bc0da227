//! Whether the server's clock went as ours did between two readings. Rates are made from the server's own differences of
//! time, which are right however late an answer comes; but a clock that is set forward by half a minute would make every rate
//! of that reading wrong. Pure.

use std::time::Duration;

use tokio::time::Instant;

/// Difference of two clocks that is no jump: they are corrected in steps smaller than this.
const SLACK: Duration = Duration::from_millis(500);
/// Drift of two clocks that is no jump, as a share of the time that passed.
const DRIFT: f64 = 0.01;

/// A round trip on our own clock, which only goes forward; the server read its clock somewhere in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trip {
    pub(super) sent: Instant,
    pub(super) received: Instant,
}

impl Trip {
    /// Whether the server's clock moved on by `server_us` microseconds while ours, from the round trip `before` to this one,
    /// cannot have. Our clock stands still while this machine sleeps, so a sleep is a jump as well.
    pub(super) fn jumped(&self, before: &Self, server_us: i64) -> bool {
        let least = self.sent.saturating_duration_since(before.received).as_secs_f64();
        let most = self.received.saturating_duration_since(before.sent).as_secs_f64();
        let server = server_us as f64 / 1e6;
        let slack = SLACK.as_secs_f64() + most * DRIFT;
        server < least - slack || server > most + slack
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reading sent at 0 s and answered `first_s` later, and one sent at `at_s` and answered `second_s` later.
    fn check(what: &str, first_s: f64, at_s: f64, second_s: f64, server_s: f64, expected: bool) {
        let start = Instant::now();
        let at = |secs: f64| start + Duration::from_secs_f64(secs);
        let before = Trip { sent: at(0.0), received: at(first_s) };
        let now = Trip { sent: at(at_s), received: at(at_s + second_s) };
        assert_eq!(now.jumped(&before, (server_s * 1e6) as i64), expected, "{what}");
    }

    #[test]
    fn a_clock_that_was_set_is_noticed_and_a_slow_answer_is_not() {
        check("as ours", 0.01, 5.0, 0.01, 5.0, false);
        check("corrected by steps", 0.01, 5.0, 0.01, 5.4, false);
        check("set forward", 0.01, 5.0, 0.01, 35.0, true);
        check("set back", 0.01, 5.0, 0.01, 1.0, true);
        check("first answer late", 3.9, 5.0, 0.01, 1.2, false);
        check("second answer late", 0.01, 5.0, 3.9, 8.8, false);
        check("an hour without drift", 0.01, 3_600.0, 0.01, 3_600.0, false);
        check("an hour with drift", 0.01, 3_600.0, 0.01, 3_620.0, false);
        check("this machine slept", 0.01, 5.0, 0.01, 45.0, true);
    }
}
