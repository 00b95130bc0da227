//! One recording judged: what was printed against what is true, without the process and the files around it.

use faultline_model::{Cause, DeployId, Fingerprint, MAX_VERDICT_QUERIES, Verdict};
use serde::Serialize;

use super::baselines::Guess;
use super::printed::{Incident, Printed};
use super::recorded::Recorded;
use crate::error::{Error, Result};
use crate::scenario::DelayFrom;
use crate::truth::Truth;

/// How long after the trouble an incident may still be opened for it, seconds.
const OPEN_GRACE_S: f64 = 10.0;
/// How long after the trouble a verdict still counts, seconds.
const VERDICT_GRACE_S: f64 = 5.0;
/// From this probability on a deploy is blamed where there is no trouble at all.
const BLAMED_FROM: f64 = 0.5;
/// Seconds in an hour.
const HOUR_S: f64 = 3_600.0;

/// What is called traffic.
const TRAFFIC: &[Cause] = &[Cause::TrafficSurge, Cause::Abuse];
/// What is called a query, in the wide sense: what a deploy can bring.
const QUERY: &[Cause] = &[Cause::QueryRegression, Cause::SchemaDesign, Cause::LockContention];

/// What is due for a recording.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Due {
    /// The cause; none where no incident is due.
    pub cause: Option<Cause>,
    /// Accepted as well.
    pub also: Vec<Cause>,
    /// The guilty deploy.
    pub deploy: Option<DeployId>,
    /// How many queries are guilty.
    pub queries: usize,
}

/// What a verdict says, against the truth.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// When, seconds since delays count.
    pub after_s: f64,
    /// The first cause.
    pub cause: Option<Cause>,
    /// Place of the first cause that is accepted, from 1.
    pub cause_rank: Option<usize>,
    /// The first deploy; none also for "none of them".
    pub deploy: Option<DeployId>,
    /// Its probability, or that of "none of them".
    pub deploy_probability: Option<f64>,
    /// Whether it is the guilty one, or none where none is guilty.
    pub deploy_right: bool,
    /// The first query.
    pub query: Option<Fingerprint>,
    /// Place of the first query that is guilty, from 1.
    pub query_rank: Option<usize>,
}

impl Answer {
    fn new(truth: &Truth, since: f64, (t, verdict): &(f64, Verdict)) -> Self {
        let accepted = |cause| truth.cause == Some(cause) || truth.also.contains(&cause);
        let first = verdict.deploys.first();
        let deploy = first.and_then(|suspect| suspect.id.clone());
        Self {
            after_s: t - since,
            cause: verdict.causes.first().map(|one| one.cause),
            cause_rank: place(verdict.causes.iter().map(|one| accepted(one.cause))),
            deploy_probability: first.map(|suspect| suspect.probability),
            deploy_right: deploy == truth.deploy,
            deploy,
            query: verdict.queries.first().map(|one| one.fp.clone()),
            query_rank: place(verdict.queries.iter().map(|one| is_guilty(truth, &one.fp))),
        }
    }

    /// Whether deploy and query are right; the query only where there is a guilty one.
    fn is_right(&self, truth: &Truth) -> bool {
        self.deploy_right && (truth.queries.is_empty() || self.query_rank == Some(1))
    }
}

fn is_guilty(truth: &Truth, fp: &Fingerprint) -> bool {
    truth.queries.iter().any(|query| query.fp == *fp)
}

/// Place of the first that holds, from 1.
fn place(mut holds: impl Iterator<Item = bool>) -> Option<usize> {
    holds.position(|holds| holds).map(|index| index + 1)
}

/// What one of the lists says, against the truth.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Guessed {
    /// The most recent deploy.
    pub deploy: Option<DeployId>,
    /// Place of the first guilty query by time since the onset, from 1.
    pub total_time: Option<usize>,
    /// The same by the rise of time per second.
    pub time_rise: Option<usize>,
    /// The same by the rise of time per call.
    pub mean_rise: Option<usize>,
}

/// What came of one recording.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// What would have been right.
    pub due: Due,
    /// From the onset to `opened`, or from the effect where delays count from there; none when nothing was opened.
    pub delay_s: Option<f64>,
    /// From there to the first verdict whose first deploy and first query are right and stay right.
    pub right_s: Option<f64>,
    /// The first verdict.
    pub first: Option<Answer>,
    /// The last verdict while the trouble lasted.
    pub last: Option<Answer>,
    /// What is blamed though nothing is guilty: the first deploy of the last verdict, and where no incident is due, any
    /// that was at least as likely as not.
    pub blamed: Option<DeployId>,
    /// Incidents opened without need, seconds since the recording began.
    pub false_alarms_s: Vec<f64>,
    /// Whether one of those was still open when the trouble began, which hides it.
    pub hidden: bool,
    /// How often the same trouble was opened again.
    pub reopened: usize,
    /// How many incidents were opened when it was long over; they count neither for nor against.
    pub afterwards: usize,
    /// Time in which no incident is due, hours.
    pub healthy_h: f64,
    /// What the lists say; none where no incident is due.
    pub guessed: Option<Guessed>,
}

impl Outcome {
    /// Judges a replay.
    ///
    /// # Errors
    /// When the truth contradicts itself.
    pub fn new(truth: &Truth, recorded: &Recorded, printed: &Printed) -> Result<Self> {
        let counts_from = truth.counts_from.unwrap_or(f64::NEG_INFINITY);
        let counted: Vec<&Incident> =
            printed.incidents.iter().filter(|incident| incident.opened >= counts_from).collect();
        let healthy_from = recorded.first.max(counts_from);
        match (truth.cause, truth.onset) {
            (None, _) => Ok(Self::of_health(truth, recorded, &counted, healthy_from)),
            (Some(_), Some(onset)) => {
                let trouble = Trouble::new(truth, recorded, onset);
                Ok(trouble.judge(recorded, &counted, healthy_from))
            }
            (Some(cause), None) => {
                let what =
                    format!("the truth of {} says {} but not since when", truth.scenario, cause.name());
                Err(Error::Wrong { what })
            }
        }
    }

    /// Where no incident is due.
    fn of_health(truth: &Truth, recorded: &Recorded, counted: &[&Incident], healthy_from: f64) -> Self {
        let suspects =
            counted.iter().flat_map(|incident| &incident.verdicts).flat_map(|(_, said)| &said.deploys);
        let blamed = suspects.filter(|one| one.probability >= BLAMED_FROM).find_map(|one| one.id.clone());
        Self {
            due: Due::of(truth),
            delay_s: None,
            right_s: None,
            first: None,
            last: None,
            blamed,
            false_alarms_s: counted.iter().map(|incident| incident.opened - recorded.first).collect(),
            hidden: false,
            reopened: 0,
            afterwards: 0,
            healthy_h: (recorded.last - healthy_from).max(0.0) / HOUR_S,
            guessed: None,
        }
    }

    /// Whether an incident is due.
    pub fn is_due(&self) -> bool {
        self.due.cause.is_some()
    }

    /// Whether the trouble was opened; nothing to say where there is none.
    pub fn opened(&self) -> Option<bool> {
        self.is_due().then_some(self.delay_s.is_some())
    }

    /// Whether the right deploy and query were named in the end.
    pub fn right(&self) -> Option<bool> {
        self.is_due().then_some(self.right_s.is_some())
    }

    /// Whether an accepted cause is among the first `k` of an answer; silence is wrong.
    pub fn cause_within(&self, k: usize, answer: Option<&Answer>) -> Option<bool> {
        self.is_due().then(|| within(k, answer.and_then(|answer| answer.cause_rank)))
    }

    /// Whether the guilty deploy comes first; nothing to say where none is guilty.
    pub fn deploy_first(&self, answer: Option<&Answer>) -> Option<bool> {
        self.due.deploy.as_ref().map(|_guilty| answer.is_some_and(|answer| answer.deploy_right))
    }

    /// Place of the first guilty query of an answer; nothing to say where none is guilty.
    pub fn query_place(&self, answer: Option<&Answer>) -> Option<Option<usize>> {
        (self.due.queries > 0).then(|| answer.and_then(|answer| answer.query_rank))
    }

    /// Whether trouble by queries was called traffic; nothing to say elsewhere.
    pub fn query_called_traffic(&self) -> Option<bool> {
        self.confused(QUERY, TRAFFIC)
    }

    /// Whether traffic was called trouble by queries; nothing to say elsewhere.
    pub fn traffic_called_query(&self) -> Option<bool> {
        self.confused(TRAFFIC, QUERY)
    }

    fn confused(&self, due: &[Cause], said: &[Cause]) -> Option<bool> {
        due.contains(&self.due.cause?).then(|| {
            let first = self.last.as_ref().and_then(|answer| answer.cause);
            first.is_some_and(|first| said.contains(&first) && !self.due.also.contains(&first))
        })
    }

    /// Whether anything was blamed where nothing is guilty: an incident or a deploy where no incident is due, a deploy
    /// where there is trouble that no deploy brought; nothing to say elsewhere.
    pub fn blames(&self) -> Option<bool> {
        if self.is_due() {
            self.due.deploy.is_none().then_some(self.blamed.is_some())
        } else {
            Some(self.blamed.is_some() || !self.false_alarms_s.is_empty())
        }
    }
}

/// Whether a place is among the first `k`.
pub(super) fn within(k: usize, place: Option<usize>) -> bool {
    place.is_some_and(|place| place <= k)
}

impl Due {
    fn of(truth: &Truth) -> Self {
        Self {
            cause: truth.cause,
            also: truth.also.clone(),
            deploy: truth.deploy.clone(),
            queries: truth.queries.len(),
        }
    }
}

/// A trouble and its times, Unix seconds.
struct Trouble<'a> {
    truth: &'a Truth,
    onset: f64,
    end: f64,
    /// From where delays count.
    since: f64,
}

impl<'a> Trouble<'a> {
    fn new(truth: &'a Truth, recorded: &Recorded, onset: f64) -> Self {
        let since = match truth.delay_from {
            DelayFrom::Onset => onset,
            DelayFrom::Effect => truth.effect.unwrap_or(onset),
        };
        Self { truth, onset, end: truth.end.unwrap_or(recorded.last), since }
    }

    fn judge(&self, recorded: &Recorded, counted: &[&Incident], healthy_from: f64) -> Outcome {
        let early: Vec<&Incident> =
            counted.iter().copied().filter(|incident| incident.opened < self.onset).collect();
        let in_time =
            |incident: &&&Incident| (self.onset..=self.end + OPEN_GRACE_S).contains(&incident.opened);
        let hits: Vec<&Incident> = counted.iter().filter(in_time).copied().collect();
        let hit = hits.first().copied();
        let answer = |said| Answer::new(self.truth, self.since, said);
        let first = hit.and_then(|incident| incident.verdicts.first()).map(answer);
        let last = hit.and_then(|incident| incident.verdict_at(self.end + VERDICT_GRACE_S)).map(answer);
        let innocent = last.as_ref().filter(|_| self.truth.deploy.is_none());
        Outcome {
            due: Due::of(self.truth),
            delay_s: hit.map(|incident| incident.opened - self.since),
            right_s: hit.and_then(|incident| self.right_s(incident)),
            blamed: innocent.and_then(|answer| answer.deploy.clone()),
            first,
            last,
            false_alarms_s: early.iter().map(|incident| incident.opened - recorded.first).collect(),
            hidden: early.iter().any(|incident| incident.resolved.is_none_or(|over| over >= self.onset)),
            reopened: hits.len().saturating_sub(1),
            afterwards: counted.len() - early.len() - hits.len(),
            healthy_h: (self.onset - healthy_from).max(0.0) / HOUR_S,
            guessed: Some(self.guessed(recorded)),
        }
    }

    /// When it was right and stayed so until the end of the incident.
    fn right_s(&self, incident: &Incident) -> Option<f64> {
        let answers = incident.verdicts.iter().map(|said| Answer::new(self.truth, self.since, said));
        let mut since = None;
        for answer in answers {
            since = if answer.is_right(self.truth) { since.or(Some(answer.after_s)) } else { None };
        }
        since
    }

    fn guessed(&self, recorded: &Recorded) -> Guessed {
        let guess = Guess::new(recorded, self.onset, self.end + VERDICT_GRACE_S);
        // As many as a verdict may name.
        let place = |ranked: &[Fingerprint]| {
            place(ranked.iter().take(MAX_VERDICT_QUERIES).map(|fp| is_guilty(self.truth, fp)))
        };
        Guessed {
            total_time: place(&guess.total_time),
            time_rise: place(&guess.time_rise),
            mean_rise: place(&guess.mean_rise),
            deploy: guess.deploy,
        }
    }
}

#[cfg(test)]
#[path = "measure_tests.rs"]
mod tests;
