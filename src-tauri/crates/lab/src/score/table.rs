//! The report for people: aligned text, plain enough for a file.

use std::fmt::Write as _;

use super::interval::{Share, Spread};
use super::measure::{Answer, Outcome};
use super::report::{Figures, Ranked, Report, Row};

/// Where there is nothing to say.
const NOTHING: &str = "–";
/// Between two columns.
const GAP: &str = "  ";
/// The column of a recording's table from which on there are words.
const RECORDING_WORDS_FROM: usize = 3;

/// The whole report; with `each`, recording by recording too.
pub fn render(report: &Report, each: bool) -> String {
    let mut text = String::new();
    let total = &report.total;
    line(
        &mut text,
        &format!("{} recordings, replayed and measured in {:.1} s", total.recordings, report.took_s),
    );
    block(&mut text, "By scenario (k/n; seconds are medians)", &scenarios(report));
    block(&mut text, "Together (k/n, share, 95 % Wilson interval)", &measures(total));
    let name = "Beside it, lists that were told when the trouble began (Faultline was not)";
    block(&mut text, name, &baselines(report));
    block(&mut text, "Without need", &false_alarms(total));
    if each {
        let title = "Each recording: what was said last, and in brackets what was due instead";
        block_with_words(&mut text, title, &recordings(report), RECORDING_WORDS_FROM);
    }
    listed(&mut text, "Troubles that were not opened", report.missed.iter().cloned());
    let alarms = report.files.iter().flat_map(|row| {
        row.outcome.false_alarms_s.iter().map(|at| format!("{}: {at:.1} s after its begin", row.file))
    });
    listed(&mut text, "False alarms", alarms);
    let problems = report.problems().map(|(file, problem)| format!("{file}: {problem}"));
    listed(&mut text, "Replays that failed count as silence; lines that mean nothing are left out", problems);
    text
}

fn line(text: &mut String, line: &str) {
    text.push_str(line.trim_end());
    text.push('\n');
}

/// A titled table: names to the left, figures to the right.
fn block(text: &mut String, title: &str, rows: &[Vec<String>]) {
    block_with_words(text, title, rows, usize::MAX);
}

/// A titled table: names to the left, then figures to the right, and from column `words_from` on words to the left.
fn block_with_words(text: &mut String, title: &str, rows: &[Vec<String>], words_from: usize) {
    line(text, &format!("\n{title}"));
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let cell = |row: &[String], column: usize| row.get(column).map_or(0, |cell| cell.chars().count());
    let widths: Vec<usize> =
        (0..columns).map(|column| rows.iter().map(|row| cell(row, column)).max().unwrap_or(0)).collect();
    for row in rows {
        let mut out = GAP.to_owned();
        for (index, (cell, width)) in row.iter().zip(&widths).enumerate() {
            // Writing to a string cannot fail.
            let _written = match index {
                0 => write!(out, "{cell:<width$}"),
                words if words >= words_from => write!(out, "{GAP}{cell:<width$}"),
                _ => write!(out, "{GAP}{cell:>width$}"),
            };
        }
        line(text, &out);
    }
}

fn listed(text: &mut String, title: &str, items: impl Iterator<Item = String>) {
    let items: Vec<String> = items.collect();
    if !items.is_empty() {
        line(text, &format!("\n{title}"));
        items.iter().for_each(|item| line(text, &format!("{GAP}{item}")));
    }
}

fn cells<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

fn scenarios(report: &Report) -> Vec<Vec<String>> {
    let heads = [
        "",
        "n",
        "opened",
        "after s",
        "right",
        "after s",
        "cause",
        "in two",
        "deploy",
        "query",
        "false alarms",
    ];
    let row = |name: &str, figures: &Figures| {
        let last = &figures.last_verdict;
        vec![
            name.to_owned(),
            figures.recordings.to_string(),
            fraction(&figures.opened),
            number(figures.delay_s.median),
            fraction(&figures.right),
            number(figures.right_s.median),
            fraction(&last.cause_top1),
            fraction(&last.cause_top2),
            fraction(&last.deploy_top1),
            fraction(&last.query.top1),
            figures.false_alarms.count.to_string(),
        ]
    };
    let scenarios = report.scenarios.iter().map(|(name, figures)| row(name, figures));
    std::iter::once(cells(heads)).chain(scenarios).chain([row("together", &report.total)]).collect()
}

fn measures(total: &Figures) -> Vec<Vec<String>> {
    let share = |name: &str, share: &Share| {
        let mut row = vec![name.to_owned(), fraction(share)];
        row.extend(share.share.map(|value| format!("{value:.3}")));
        row.extend(share.share.map(|_| format!("{:.3}–{:.3}", share.low, share.high)));
        row
    };
    let mut rows = vec![
        share("opened", &total.opened),
        seconds("  delay, s", &total.delay_s),
        share("right: deploy and query, and stays so", &total.right),
        seconds("  time to right, s", &total.right_s),
        share("right, where a deploy or a query is guilty", &total.right_guilty),
        seconds("  time to right, s", &total.right_guilty_s),
    ];
    for (when, named) in [
        ("last verdict", &total.last_verdict),
        ("last verdict, of those opened", &total.when_said),
        ("first verdict", &total.first_verdict),
    ] {
        rows.extend([
            vec![when.to_owned()],
            share("  cause first", &named.cause_top1),
            share("  cause among two", &named.cause_top2),
            share("  deploy first", &named.deploy_top1),
            share("  query first", &named.query.top1),
            share("  query among three", &named.query.top3),
            vec!["  query, mean reciprocal rank".to_owned(), String::new(), number3(named.query.mrr)],
        ]);
    }
    rows.extend([
        vec!["confused".to_owned()],
        share("  query, schema or lock called traffic", &total.query_called_traffic),
        share("  traffic called query, schema or lock", &total.traffic_called_query),
        vec!["blame where none is due".to_owned()],
        share("  anything, where no incident is due", &total.blame_in_health),
        share("  a deploy, for trouble that none brought", &total.blame_for_trouble),
    ]);
    rows
}

fn baselines(report: &Report) -> Vec<Vec<String>> {
    let percent = |share: Option<&Share>| share.map_or_else(String::new, fraction);
    let row = |name: &str, deploy: Option<&Share>, blame: Option<&Share>, query: Option<&Ranked>| {
        vec![
            name.to_owned(),
            percent(deploy),
            percent(blame),
            percent(query.map(|query| &query.top1)),
            percent(query.map(|query| &query.top3)),
            query.map_or_else(String::new, |query| number3(query.mrr)),
        ]
    };
    let total = &report.total;
    let (last, blame) = (&total.last_verdict, &total.blame_for_trouble);
    let lists = report.baselines.iter().map(|one| {
        row(one.name, one.deploy_top1.as_ref(), one.blame_for_trouble.as_ref(), one.query.as_ref())
    });
    let heads = ["", "deploy", "innocent deploy", "query", "in three", "MRR"];
    std::iter::once(cells(heads))
        .chain([row("Faultline", Some(&last.deploy_top1), Some(blame), Some(&last.query))])
        .chain(lists)
        .collect()
}

fn recordings(report: &Report) -> Vec<Vec<String>> {
    let heads = ["", "after s", "right s", "cause", "deploy", "query", "also"];
    std::iter::once(cells(heads)).chain(report.files.iter().map(recording)).collect()
}

fn recording(row: &Row) -> Vec<String> {
    let outcome = &row.outcome;
    let last = outcome.last.as_ref();
    let said = |said: Option<&str>, is_right: Option<bool>, due: &str| match is_right {
        None | Some(true) => said.unwrap_or(NOTHING).to_owned(),
        Some(false) => format!("{} ({due})", said.unwrap_or(NOTHING)),
    };
    let cause_due = outcome.due.cause.map_or(NOTHING, |cause| cause.name());
    let deploy_due = outcome.due.deploy.as_ref().map_or("none", |id| id.as_str());
    let deploy = last.and_then(|answer| answer.deploy.as_ref()).map(|id| id.as_str());
    let deploy_right = last.map(|answer| answer.deploy_right).or(outcome.deploy_first(None));
    vec![
        row.file.clone(),
        number(outcome.delay_s),
        number(outcome.right_s),
        said(last.and_then(|one| one.cause).map(|one| one.name()), outcome.cause_within(1, last), cause_due),
        said(deploy, deploy_right, deploy_due),
        query_place(outcome, last),
        remarks(outcome),
    ]
}

fn query_place(outcome: &Outcome, last: Option<&Answer>) -> String {
    match outcome.query_place(last) {
        None => NOTHING.to_owned(),
        Some(None) => "not named".to_owned(),
        Some(Some(place)) => format!("place {place}"),
    }
}

fn remarks(outcome: &Outcome) -> String {
    let counted = [
        (outcome.false_alarms_s.len(), "false alarms"),
        (outcome.reopened, "opened again"),
        (outcome.afterwards, "opened afterwards"),
    ];
    let mut remarks: Vec<String> = counted
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{what} {count}"))
        .collect();
    if outcome.hidden {
        remarks.push("hidden by a false alarm".to_owned());
    }
    remarks.join(", ")
}

fn false_alarms(total: &Figures) -> Vec<Vec<String>> {
    let alarms = &total.false_alarms;
    let rate = match alarms.per_hour_at_most {
        Some(rate) => format!("at most {rate:.2} an hour (exact Poisson, 95 %)"),
        None => NOTHING.to_owned(),
    };
    [
        format!("false alarms: {} in {:.2} hours of healthy load, {rate}", alarms.count, alarms.hours),
        format!("troubles opened more than once: {}", total.reopened),
        format!("incidents opened when the trouble was over, which count for nothing: {}", total.afterwards),
    ]
    .map(|text| vec![text])
    .to_vec()
}

fn fraction(share: &Share) -> String {
    if share.n == 0 { NOTHING.to_owned() } else { format!("{}/{}", share.k, share.n) }
}

fn seconds(name: &str, spread: &Spread) -> Vec<String> {
    let text = format!("median {}, p95 {}", number(spread.median), number(spread.p95));
    vec![name.to_owned(), format!("n {}", spread.n), String::new(), text]
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| NOTHING.to_owned(), |value| format!("{value:.1}"))
}

fn number3(value: Option<f64>) -> String {
    value.map_or_else(|| NOTHING.to_owned(), |value| format!("{value:.3}"))
}
