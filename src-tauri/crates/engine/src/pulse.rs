//! Whether the machine slept or its clock was set: the wall clock is held against one that never jumps and that stands
//! still while the machine sleeps. Pure but for that second clock.

use faultline_model::Timestamp;
use tokio::time::Instant;

/// A difference between the two clocks that is a jump, seconds. Slewing and a busy machine stay far below it.
const JUMP_S: f64 = 2.0;

/// The two clocks as they were last seen.
#[derive(Debug)]
pub(crate) struct Pulse {
    wall: Timestamp,
    steady: Instant,
}

impl Pulse {
    /// Begins now.
    pub(crate) fn new(wall: Timestamp) -> Self {
        Self { wall, steady: Instant::now() }
    }

    /// Looks at both clocks. By how many seconds the wall clock went ahead (a sleep, or set forward) or back since the
    /// last look, when that is a jump.
    pub(crate) fn beat(&mut self, wall: Timestamp) -> Option<f64> {
        let steady = Instant::now();
        let jump_s = wall.secs_since(self.wall) - (steady - self.steady).as_secs_f64();
        (self.wall, self.steady) = (wall, steady);
        (jump_s.abs() > JUMP_S).then_some(jump_s)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn time_that_passes_is_no_jump_and_time_that_is_missing_is() {
        let start = Timestamp::from_secs(1_000.0);
        let mut pulse = Pulse::new(start);
        let mut wall = start;
        for (steady_s, wall_s, expected) in [
            (1.0, 1.0, None),
            (60.0, 60.4, None),
            (1.0, 3_601.0, Some(3_600.0)),
            (1.0, 1.0, None),
            (1.0, -599.0, Some(-600.0)),
            (0.0, 0.0, None),
        ] {
            tokio::time::advance(Duration::from_secs_f64(steady_s)).await;
            wall = wall + wall_s;
            let found = pulse.beat(wall).map(f64::round);
            assert_eq!(found, expected, "{steady_s} s, {wall_s} s");
        }
    }
}
