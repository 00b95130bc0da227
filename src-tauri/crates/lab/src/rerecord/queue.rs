//! What is played next: the rows of a list, or healthy load of several kinds in turns until there are enough hours of
//! it.

use std::collections::VecDeque;

use super::manifest::Planned;

/// Most failures of healthy load before no more is tried: the list of a manifest ends by itself, this does not.
const MAX_HEALTHY_FAILURES: usize = 5;
/// Seconds in an hour.
pub(super) const HOUR_S: f64 = 3_600.0;

/// What is still to be played.
#[derive(Debug)]
pub(super) enum Queue {
    /// These.
    Listed(VecDeque<Planned>),
    /// These kinds in turns, seeds counted up.
    Healthy(Healthy),
}

/// A scenario, and how long its recording will be about, seconds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Kind {
    pub(super) scenario: String,
    pub(super) variant: Option<String>,
    pub(super) length_s: f64,
}

/// Healthy load until it is enough.
#[derive(Debug)]
pub(super) struct Healthy {
    kinds: Vec<Kind>,
    first_seed: u64,
    wanted_s: f64,
    /// Recorded, or being recorded.
    counted_s: f64,
    started: usize,
    failures: usize,
}

impl Healthy {
    pub(super) fn new(kinds: Vec<Kind>, first_seed: u64, wanted_h: f64) -> Self {
        Self { kinds, first_seed, wanted_s: wanted_h * HOUR_S, counted_s: 0.0, started: 0, failures: 0 }
    }

    fn next(&mut self) -> Option<Planned> {
        if self.counted_s >= self.wanted_s || self.failures >= MAX_HEALTHY_FAILURES {
            return None;
        }
        let kind = self.kinds.get(self.started % self.kinds.len().max(1))?;
        let seed = self.first_seed + (self.started / self.kinds.len()) as u64;
        self.started += 1;
        self.counted_s += kind.length_s;
        Some(Planned { scenario: kind.scenario.clone(), variant: kind.variant.clone(), seed })
    }

    fn length_of(&self, planned: &Planned) -> f64 {
        let is_it = |kind: &&Kind| kind.scenario == planned.scenario && kind.variant == planned.variant;
        self.kinds.iter().find(is_it).map_or(0.0, |kind| kind.length_s)
    }
}

impl Queue {
    /// What is to be played next; none when there is enough, or no more sense in it.
    pub(super) fn next(&mut self) -> Option<Planned> {
        match self {
            Self::Listed(list) => list.pop_front(),
            Self::Healthy(healthy) => healthy.next(),
        }
    }

    /// Takes notice of how long a recording has become, seconds; none when it failed.
    pub(super) fn done(&mut self, planned: &Planned, length_s: Option<f64>) {
        if let Self::Healthy(healthy) = self {
            healthy.counted_s += length_s.unwrap_or(0.0) - healthy.length_of(planned);
            healthy.failures += usize::from(length_s.is_none());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn healthy(hours: f64) -> Queue {
        let kind = |scenario: &str, variant: Option<&str>, length_s| Kind {
            scenario: scenario.to_owned(),
            variant: variant.map(str::to_owned),
            length_s,
        };
        Queue::Healthy(Healthy::new(
            vec![kind("quiet", Some("hour"), 3_600.0), kind("busy", None, 1_800.0)],
            5,
            hours,
        ))
    }

    #[test]
    fn kinds_take_turns_until_it_is_enough() {
        for (hours, stems) in [
            (0.0, vec![]),
            (0.1, vec!["quiet-hour-5"]),
            (1.2, vec!["quiet-hour-5", "busy-5"]),
            (2.9, vec!["quiet-hour-5", "busy-5", "quiet-hour-6", "busy-6"]),
        ] {
            let mut queue = healthy(hours);
            let played: Vec<_> = std::iter::from_fn(|| queue.next()).map(|planned| planned.stem()).collect();
            assert_eq!(played, stems, "{hours} h");
        }
    }

    #[test]
    fn what_was_recorded_counts() {
        let mut queue = healthy(1.0);
        let first = queue.next().unwrap();
        assert_eq!(queue.next(), None);
        queue.done(&first, Some(3_000.0));
        let second = queue.next().unwrap();
        queue.done(&second, None);
        assert_eq!(queue.next().unwrap().stem(), "quiet-hour-6");
        assert_eq!(queue.next(), None);
    }

    #[test]
    fn failing_has_an_end() {
        let mut queue = healthy(100.0);
        let mut count = 0;
        while let Some(planned) = queue.next() {
            queue.done(&planned, None);
            count += 1;
        }
        assert_eq!(count, MAX_HEALTHY_FAILURES);
    }
}
