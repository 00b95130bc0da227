//! `faultctl check`: a matrix of targets and aspects, and below it what needs something, with the command that fixes it.

use std::collections::BTreeMap;

use faultline_engine::{History, STORE_FILE_NAME};
use faultline_model::{HealthLevel, HealthRow};

use crate::args::{CheckArgs, Places};
use crate::context::Context;
use crate::error::CommandError;
use crate::{EXIT_NEGATIVE, output};

pub(crate) async fn run(places: &Places, args: CheckArgs) -> Result<u8, CommandError> {
    let context = Context::load(places)?;
    // A test makes no store; it looks into one where there is one.
    let history = match context.data.join(STORE_FILE_NAME).exists() {
        true => History::open(&context.data).await.ok(),
        false => None,
    };
    let rows =
        faultline_engine::check(&context.config, &context.secrets, &context.clock, history.as_ref()).await;
    if let Some(history) = history {
        history.close().await;
    }
    if args.json {
        rows.iter().try_for_each(output::json)?;
    } else {
        let lines = matrix(&rows).into_iter().chain(needs(&rows));
        lines.into_iter().try_for_each(|line| output::line(line.trim_end()))?;
    }
    let failed = rows.iter().any(|row| row.level == HealthLevel::Error);
    Ok(if failed { EXIT_NEGATIVE } else { 0 })
}

/// One row a target and one column an aspect; each aspect's name leads down to its column.
fn matrix(rows: &[HealthRow]) -> Vec<String> {
    let (targets, aspects) = (in_order(rows, |row| &row.target), in_order(rows, |row| &row.aspect));
    let width = targets.iter().map(|target| target.chars().count()).max().unwrap_or(0);
    let mut lines: Vec<String> = aspects
        .iter()
        .enumerate()
        .map(|(column, aspect)| format!("{:width$}  {}┌ {aspect}", "", "│ ".repeat(column)))
        .collect();
    let levels: BTreeMap<(&str, &str), HealthLevel> =
        rows.iter().map(|row| ((row.target.as_str(), row.aspect.as_str()), row.level)).collect();
    for target in targets {
        let marks =
            aspects.iter().map(|aspect| levels.get(&(target, *aspect)).map_or(" ", |level| mark(*level)));
        lines.push(format!("{target:width$}  {}", marks.collect::<Vec<_>>().join(" ")));
    }
    lines.push(format!("{:width$}  ✓ ok   ! warning   ✗ error   · not applicable", ""));
    lines
}

/// What needs something, errors first, each with what fixes it; or that nothing does.
fn needs(rows: &[HealthRow]) -> Vec<String> {
    let mut needy: Vec<&HealthRow> = rows.iter().filter(|row| row.level >= HealthLevel::Warning).collect();
    needy.sort_by_key(|row| std::cmp::Reverse(row.level));
    let told = rows.iter().filter(|row| matches!(&*row.aspect, "primary" | "coverage" | "cost"));
    let mut lines = vec![String::new()];
    for row in told.filter(|row| row.level < HealthLevel::Warning) {
        lines.push(format!("{}: {}", row.target, row.message));
    }
    if needy.is_empty() {
        lines.push("nothing needs anything".to_owned());
    }
    for row in needy {
        let mark = if row.level == HealthLevel::Error { "ERROR  " } else { "warning" };
        lines.push(format!("{mark}  {}  {}  {}", row.target, row.aspect, row.message));
        lines.extend(row.hint.iter().flat_map(|hint| hint.lines()).map(|hint| format!("         → {hint}")));
    }
    lines
}

fn mark(level: HealthLevel) -> &'static str {
    match level {
        HealthLevel::Ok => "✓",
        HealthLevel::Warning => "!",
        HealthLevel::Error => "✗",
        HealthLevel::NotApplicable => "·",
    }
}

/// Each value once, in the order in which it first comes.
fn in_order(rows: &[HealthRow], of: fn(&HealthRow) -> &String) -> Vec<&str> {
    let mut values: Vec<&str> = Vec::new();
    for value in rows.iter().map(|row| of(row).as_str()) {
        if !values.contains(&value) {
            values.push(value);
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<HealthRow> {
        use HealthLevel::{Error, NotApplicable, Ok, Warning};
        let row = HealthRow::new;
        vec![
            row("shop/primary", "connection", Ok, "PostgreSQL 18.4"),
            row("shop/primary", "privileges", Ok, "pg_monitor"),
            row("shop/primary", "replication", NotApplicable, "a primary does not replay"),
            row("shop/replica-1", "connection", Ok, "PostgreSQL 18.4"),
            row("shop/replica-1", "privileges", Error, "no pg_monitor")
                .with_hint("GRANT pg_monitor TO faultline;"),
            row("shop/replica-1", "replication", Ok, "streams"),
            row("shop/edge (edge:9100)", "scrape", Warning, "3 signals have no value")
                .with_hint("check the names\ncurl http://edge:9100/metrics"),
            row("shop", "primary", Ok, "the primary is observed by a session on it"),
        ]
    }

    #[test]
    fn every_target_is_a_row_and_what_needs_something_stands_below_with_its_fix() {
        let lines: Vec<String> = matrix(&rows()).into_iter().chain(needs(&rows())).collect();
        let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
        assert_eq!(
            lines,
            [
                "                       ┌ connection",
                "                       │ ┌ privileges",
                "                       │ │ ┌ replication",
                "                       │ │ │ ┌ scrape",
                "                       │ │ │ │ ┌ primary",
                "shop/primary           ✓ ✓ ·",
                "shop/replica-1         ✓ ✗ ✓",
                "shop/edge (edge:9100)        !",
                "shop                           ✓",
                "                       ✓ ok   ! warning   ✗ error   · not applicable",
                "",
                "shop: the primary is observed by a session on it",
                "ERROR    shop/replica-1  privileges  no pg_monitor",
                "         → GRANT pg_monitor TO faultline;",
                "warning  shop/edge (edge:9100)  scrape  3 signals have no value",
                "         → check the names",
                "         → curl http://edge:9100/metrics",
            ]
        );
    }

    #[test]
    fn nothing_to_mend_is_said() {
        let fine = [HealthRow::new("shop/a", "connection", HealthLevel::Ok, "fine")];
        assert_eq!(needs(&fine), ["", "nothing needs anything"]);
    }
}
