//! Many recordings together: shares with intervals, delays, scenario by scenario and in total. Printing is in
//! `table.rs`; the report as JSON is these types.

use std::collections::BTreeMap;

use serde::Serialize;

use super::interval::{Share, Spread, poisson_upper};
use super::measure::{Answer, Outcome, within};

/// One recording.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The recording's file, without its folder.
    pub file: String,
    /// Which scenario.
    pub scenario: String,
    /// Which variant.
    pub variant: Option<String>,
    /// Of the random numbers.
    pub seed: u64,
    /// Relative to the scenario without a variant.
    pub intensity: f64,
    /// What was measured.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// What went wrong with the replay, which counts as silence, or with its lines.
    pub problems: Vec<String>,
}

/// The figures of a scenario, or of all.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// How many recordings.
    pub recordings: usize,
    /// Troubles that were opened.
    pub opened: Share,
    /// From when delays count to `opened`, seconds.
    pub delay_s: Spread,
    /// Troubles of which deploy and query were named and stayed named.
    pub right: Share,
    /// From when delays count to there, seconds.
    pub right_s: Spread,
    /// The same, only of troubles of which a deploy or a query is guilty: elsewhere silence on deploys is all it takes.
    pub right_guilty: Share,
    /// From when delays count to there, seconds.
    pub right_guilty_s: Spread,
    /// What the first verdict says.
    pub first_verdict: Named,
    /// What the last verdict of the trouble says.
    pub last_verdict: Named,
    /// The last verdict, only of troubles that had one.
    pub when_said: Named,
    /// Trouble by queries, schema or locks whose first cause is traffic.
    pub query_called_traffic: Share,
    /// The reverse.
    pub traffic_called_query: Share,
    /// Anything blamed where no incident is due.
    pub blame_in_health: Share,
    /// A deploy blamed for trouble that no deploy brought.
    pub blame_for_trouble: Share,
    /// Opened without need.
    pub false_alarms: FalseAlarms,
    /// Troubles that were opened more than once.
    pub reopened: usize,
    /// Incidents opened when the trouble was long over.
    pub afterwards: usize,
}

/// How good a verdict's names are.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Named {
    /// An accepted cause is first.
    pub cause_top1: Share,
    /// An accepted cause is among the first two.
    pub cause_top2: Share,
    /// The guilty deploy is first, where there is one.
    pub deploy_top1: Share,
    /// How good the queries are.
    pub query: Ranked,
}

/// How good a list of queries is, where there is a guilty one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ranked {
    /// A guilty one is first.
    pub top1: Share,
    /// A guilty one is among the first three.
    pub top3: Share,
    /// Mean of 1 ÷ the place of the first guilty one, 0 where there is none.
    pub mrr: Option<f64>,
}

impl Ranked {
    /// From places, where a query is due.
    fn of(places: impl Iterator<Item = Option<Option<usize>>>) -> Self {
        let places: Vec<Option<usize>> = places.flatten().collect();
        let top = |k| Share::of(places.iter().filter(|place| within(k, **place)).count(), places.len());
        // A sum of nothing would be −0.
        let sum = places.iter().flatten().fold(0.0, |sum, place| sum + 1.0 / *place as f64);
        let mrr = (!places.is_empty()).then(|| sum / places.len() as f64);
        Self { top1: top(1), top3: top(3), mrr }
    }
}

/// Incidents where none is due.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FalseAlarms {
    /// How many.
    pub count: usize,
    /// In how much healthy time, hours.
    pub hours: f64,
    /// Exact one-sided upper bound of 95 % on how many there are an hour; none without time.
    pub per_hour_at_most: Option<f64>,
}

/// What a list says in the same cases. It is told when the trouble began.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Baseline {
    /// What it looks at.
    pub name: &'static str,
    /// The guilty deploy is first, where there is one; none for lists of queries.
    pub deploy_top1: Option<Share>,
    /// A deploy blamed for trouble that no deploy brought; none for lists of queries.
    pub blame_for_trouble: Option<Share>,
    /// How good the queries are; none for lists of deploys.
    pub query: Option<Ranked>,
}

/// Everything that was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// How long the replays and the measuring took, seconds.
    pub took_s: f64,
    /// All recordings together.
    pub total: Figures,
    /// By scenario.
    pub scenarios: BTreeMap<String, Figures>,
    /// Beside the total.
    pub baselines: Vec<Baseline>,
    /// Files of troubles that were not opened.
    pub missed: Vec<String>,
    /// Every recording.
    pub files: Vec<Row>,
}

impl Report {
    /// Puts the rows together.
    pub fn new(files: Vec<Row>, took_s: f64) -> Self {
        let all: Vec<&Row> = files.iter().collect();
        let mut by_scenario: BTreeMap<String, Vec<&Row>> = BTreeMap::new();
        for row in &files {
            by_scenario.entry(row.scenario.clone()).or_default().push(row);
        }
        let missed = all.iter().filter(|row| row.outcome.opened() == Some(false));
        Self {
            took_s,
            total: Figures::of(&all),
            scenarios: by_scenario.into_iter().map(|(name, rows)| (name, Figures::of(&rows))).collect(),
            baselines: baselines(&all),
            missed: missed.map(|row| row.file.clone()).collect(),
            files,
        }
    }

    /// Replays that failed or printed what means nothing, with their files.
    pub fn problems(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .flat_map(|row| row.problems.iter().map(|problem| (row.file.as_str(), problem.as_str())))
    }
}

impl Figures {
    fn of(rows: &[&Row]) -> Self {
        let outcomes = || rows.iter().map(|row| &row.outcome);
        let guilty = || outcomes().filter(|one| one.due.deploy.is_some() || one.due.queries > 0);
        let blames =
            |is_due| Share::of_answers(outcomes().filter(|one| one.is_due() == is_due).map(Outcome::blames));
        Self {
            recordings: rows.len(),
            opened: Share::of_answers(outcomes().map(Outcome::opened)),
            delay_s: Spread::of(outcomes().map(|one| one.delay_s)),
            right: Share::of_answers(outcomes().map(Outcome::right)),
            right_s: Spread::of(outcomes().map(|one| one.right_s)),
            right_guilty: Share::of_answers(guilty().map(Outcome::right)),
            right_guilty_s: Spread::of(guilty().map(|one| one.right_s)),
            first_verdict: Named::of(outcomes(), |one| one.first.as_ref()),
            last_verdict: Named::of(outcomes(), |one| one.last.as_ref()),
            when_said: Named::of(outcomes().filter(|one| one.last.is_some()), |one| one.last.as_ref()),
            query_called_traffic: Share::of_answers(outcomes().map(Outcome::query_called_traffic)),
            traffic_called_query: Share::of_answers(outcomes().map(Outcome::traffic_called_query)),
            blame_in_health: blames(false),
            blame_for_trouble: blames(true),
            false_alarms: FalseAlarms::of(outcomes()),
            reopened: outcomes().filter(|one| one.reopened > 0).count(),
            afterwards: outcomes().map(|one| one.afterwards).sum(),
        }
    }
}

impl Named {
    fn of<'a>(
        outcomes: impl Iterator<Item = &'a Outcome> + Clone,
        answer: impl Fn(&Outcome) -> Option<&Answer>,
    ) -> Self {
        let each = || outcomes.clone();
        Self {
            cause_top1: Share::of_answers(each().map(|one| one.cause_within(1, answer(one)))),
            cause_top2: Share::of_answers(each().map(|one| one.cause_within(2, answer(one)))),
            deploy_top1: Share::of_answers(each().map(|one| one.deploy_first(answer(one)))),
            query: Ranked::of(each().map(|one| one.query_place(answer(one)))),
        }
    }
}

impl FalseAlarms {
    fn of<'a>(outcomes: impl Iterator<Item = &'a Outcome>) -> Self {
        let (mut count, mut hours) = (0, 0.0);
        for outcome in outcomes {
            count += outcome.false_alarms_s.len();
            hours += outcome.healthy_h;
        }
        Self { count, hours, per_hour_at_most: (hours > 0.0).then(|| poisson_upper(count) / hours) }
    }
}

fn baselines(rows: &[&Row]) -> Vec<Baseline> {
    let guessed = || rows.iter().filter_map(|row| Some((&row.outcome.due, row.outcome.guessed.as_ref()?)));
    let queries = |name, place: fn(&super::measure::Guessed) -> Option<usize>| Baseline {
        name,
        deploy_top1: None,
        blame_for_trouble: None,
        query: Some(Ranked::of(guessed().map(|(due, guess)| (due.queries > 0).then(|| place(guess))))),
    };
    let right =
        guessed().map(|(due, guess)| due.deploy.as_ref().map(|guilty| guess.deploy.as_ref() == Some(guilty)));
    let blames = guessed().map(|(due, guess)| due.deploy.is_none().then_some(guess.deploy.is_some()));
    vec![
        Baseline {
            name: "most recent deploy",
            deploy_top1: Some(Share::of_answers(right)),
            blame_for_trouble: Some(Share::of_answers(blames)),
            query: None,
        },
        queries("total time", |guess| guess.total_time),
        queries("rise of time per second", |guess| guess.time_rise),
        queries("rise of mean time", |guess| guess.mean_rise),
    ]
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
