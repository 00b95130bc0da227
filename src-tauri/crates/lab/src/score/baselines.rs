//! What somebody would say who knows when it began and looks at one list: the most recent deploy; the query with the
//! most time, with the largest rise of its time, with the largest rise of its mean time. Being told when it began
//! flatters them.

use std::collections::BTreeMap;

use faultline_model::{DeployId, Fingerprint};

use super::recorded::{Cost, Recorded};

/// How long after the onset a deploy may be told and still be the most recent one, seconds: a switch and its marker are
/// not at the same moment.
const DEPLOY_GRACE_S: f64 = 10.0;

/// What the lists say.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Guess {
    /// The most recent deploy; none when there was none.
    pub(super) deploy: Option<DeployId>,
    /// Queries by their time since the onset, the most first.
    pub(super) total_time: Vec<Fingerprint>,
    /// Queries by how much more of each second they take than before, the most first.
    pub(super) time_rise: Vec<Fingerprint>,
    /// Queries by how much longer a call takes than before, the most first; a call of a new query took no time before.
    pub(super) mean_rise: Vec<Fingerprint>,
}

impl Guess {
    /// Looks at a recording between the true onset and `until`, against what was before.
    pub(super) fn new(recorded: &Recorded, onset: f64, until: f64) -> Self {
        let begin = recorded.counters.iter().map(|one| one.from).fold(onset, f64::min);
        let (before, after) = (costs(recorded, begin, onset), costs(recorded, onset, until));
        let (before_s, after_s) = ((onset - begin).max(f64::EPSILON), (until - onset).max(f64::EPSILON));
        let old = |fp: &Fingerprint| before.get(fp).copied().unwrap_or_default();
        let ranked = |worth: &dyn Fn(&Fingerprint, &Cost) -> f64| {
            let mut worths: Vec<_> = after.iter().map(|(fp, cost)| (worth(fp, cost), fp)).collect();
            worths.retain(|(worth, _)| *worth > 0.0);
            worths.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
            worths.into_iter().map(|(_, fp)| fp.clone()).collect()
        };
        Self {
            deploy: most_recent(recorded, onset + DEPLOY_GRACE_S),
            total_time: ranked(&|_, cost| cost.time_ms),
            time_rise: ranked(&|fp, cost| cost.time_ms / after_s - old(fp).time_ms / before_s),
            mean_rise: ranked(&|fp, cost| mean_ms(*cost) - mean_ms(old(fp))),
        }
    }
}

fn most_recent(recorded: &Recorded, until: f64) -> Option<DeployId> {
    let known = recorded.deploys.iter().filter(|deploy| deploy.told <= until && deploy.at <= until);
    known.max_by(|a, b| a.at.total_cmp(&b.at)).map(|deploy| deploy.id.clone())
}

fn mean_ms(cost: Cost) -> f64 {
    if cost.calls > 0.0 { cost.time_ms / cost.calls } else { 0.0 }
}

/// The sums between two times, over all nodes. A span that is only partly in between counts by that part.
fn costs(recorded: &Recorded, from: f64, to: f64) -> BTreeMap<Fingerprint, Cost> {
    let mut sums: BTreeMap<Fingerprint, Cost> = BTreeMap::new();
    for counters in &recorded.counters {
        let inside = counters.to.min(to) - counters.from.max(from);
        if inside <= 0.0 {
            continue;
        }
        let part = inside / (counters.to - counters.from);
        for (fp, cost) in &counters.rows {
            let sum = sums.entry(fp.clone()).or_default();
            sum.calls += cost.calls * part;
            sum.time_ms += cost.time_ms * part;
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::super::recorded::{Counters, Deployed};
    use super::*;

    fn counters(to: f64, rows: &[(&str, f64, f64)]) -> Counters {
        let rows =
            rows.iter().map(|(fp, calls, time_ms)| ((*fp).into(), Cost { calls: *calls, time_ms: *time_ms }));
        Counters { from: to - 5.0, to, rows: rows.collect() }
    }

    fn names(ranked: &[Fingerprint]) -> Vec<&str> {
        ranked.iter().map(Fingerprint::as_str).collect()
    }

    #[test]
    fn each_list_has_its_own_first() {
        let recorded = Recorded {
            counters: vec![
                counters(105.0, &[("big", 100.0, 1_000.0), ("grown", 100.0, 100.0), ("calm", 5.0, 50.0)]),
                counters(110.0, &[("big", 100.0, 1_000.0), ("grown", 100.0, 100.0), ("calm", 5.0, 50.0)]),
                counters(
                    115.0,
                    &[
                        ("big", 110.0, 1_100.0),
                        ("grown", 800.0, 800.0),
                        ("slow", 2.0, 300.0),
                        ("calm", 5.0, 40.0),
                    ],
                ),
            ],
            ..Recorded::default()
        };
        let guess = Guess::new(&recorded, 110.0, 115.0);
        assert_eq!(names(&guess.total_time), ["big", "grown", "slow", "calm"]);
        assert_eq!(names(&guess.time_rise), ["grown", "slow", "big"]);
        assert_eq!(names(&guess.mean_rise), ["slow"]);
        // Half of a span is half of its cost.
        assert_eq!(names(&Guess::new(&recorded, 112.5, 115.0).time_rise), ["grown", "slow", "big"]);
        assert_eq!(names(&Guess::new(&recorded, 115.0, 120.0).total_time), Vec::<&str>::new());
    }

    #[test]
    fn the_most_recent_deploy_is_one_that_was_told() {
        let deploy = |id: &str, told: f64, at: f64| Deployed { id: id.into(), told, at };
        let recorded = Recorded {
            deploys: vec![deploy("a", 10.0, 8.0), deploy("b", 30.0, 29.0), deploy("c", 45.0, 35.0)],
            ..Recorded::default()
        };
        for (onset, said) in
            [(0.0, Some("a")), (-5.0, None), (19.0, Some("a")), (20.0, Some("b")), (35.0, Some("c"))]
        {
            let guess = Guess::new(&recorded, onset, onset + 20.0);
            assert_eq!(guess.deploy.as_ref().map(DeployId::as_str), said, "{onset}");
        }
    }
}
