//! `faultctl check`: a row for every aspect of every target, with what fixes it.

use faultline_model::{HealthLevel, HealthRow};

use crate::args::{CheckArgs, Places};
use crate::context::Context;
use crate::error::CommandError;
use crate::{EXIT_NEGATIVE, output};

pub(crate) async fn run(places: &Places, args: CheckArgs) -> Result<u8, CommandError> {
    let context = Context::load(places)?;
    let rows = faultline_engine::check(&context.config, &context.secrets, &context.clock).await;
    if args.json {
        rows.iter().try_for_each(output::json)?;
    } else {
        table(&rows).iter().try_for_each(|line| output::line(line))?;
    }
    let failed = rows.iter().any(|row| row.level == HealthLevel::Error);
    Ok(if failed { EXIT_NEGATIVE } else { 0 })
}

/// The rows as aligned lines, hints below their rows.
fn table(rows: &[HealthRow]) -> Vec<String> {
    let width =
        |cell: fn(&HealthRow) -> &str| rows.iter().map(|row| cell(row).chars().count()).max().unwrap_or(0);
    let (target, aspect) = (width(|row| &row.target), width(|row| &row.aspect));
    let mut lines = Vec::new();
    for row in rows {
        let mark = match row.level {
            HealthLevel::Ok => "ok     ",
            HealthLevel::Warning => "warning",
            HealthLevel::Error => "ERROR  ",
            HealthLevel::NotApplicable => "-      ",
        };
        lines.push(format!("{mark}  {:target$}  {:aspect$}  {}", row.target, row.aspect, row.message));
        for hint in row.hint.iter().flat_map(|hint| hint.lines()) {
            lines.push(format!("{:9}{:target$}  {:aspect$}  → {hint}", "", "", ""));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_stand_below_their_rows() {
        let rows = [
            HealthRow::new("shop/replica-1", "connection", HealthLevel::Ok, "PostgreSQL 18.4"),
            HealthRow::new("shop/replica-1", "privileges", HealthLevel::Error, "no pg_monitor")
                .with_hint("GRANT pg_monitor TO faultline;"),
        ];
        assert_eq!(
            table(&rows),
            [
                "ok       shop/replica-1  connection  PostgreSQL 18.4",
                "ERROR    shop/replica-1  privileges  no pg_monitor",
                "                                     → GRANT pg_monitor TO faultline;",
            ]
        );
    }
}
