//! Makes a workload's roles, tables and rows on a pair.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Executor, PgConnection};

use super::Workload;
use super::check::placeholders;
use crate::error::{Error, Result, database};
use crate::postgres::Pair;

/// How long one statement of the set-up may take.
const STATEMENT_DEADLINE: Duration = Duration::from_secs(300);

/// Makes the tables with their rows, and the roles: one for each service, `owner`, who may do anything, and `reporting`
/// and `backup`, who may read everything. Comes back when the standby has all of it.
///
/// # Errors
/// When a statement fails or the standby does not catch up.
pub async fn set_up(pair: &Pair, workload: &Workload, scale: f64) -> Result<()> {
    let workload = workload.with_scale(scale);
    let mut connection = pair.primary.connect().await?;
    let mut statements = vec![
        role(pair, "owner", "superuser"),
        role(pair, "reporting", "in role pg_read_all_data"),
        role(pair, "backup", "in role pg_read_all_data"),
    ];
    let services: Vec<&str> = workload.services.iter().map(|service| service.name.as_str()).collect();
    statements.extend(services.iter().map(|name| role(pair, name, "")));
    let schema = filled_in(&workload);
    statements.extend(schema.split(";\n").filter(|part| says_something(part)).map(str::to_owned));
    let services = services.join(", ");
    statements
        .push(format!("grant select, insert, update, delete on all tables in schema public to {services}"));
    statements.push(format!("grant usage on all sequences in schema public to {services}"));
    statements.push("vacuum analyze".to_owned());
    // What was written for the set-up is not to be written out under load.
    statements.push("checkpoint".to_owned());
    for statement in statements {
        run(&mut connection, statement).await?;
    }
    pair.caught_up().await
}

fn role(pair: &Pair, name: &str, rights: &str) -> String {
    format!("create role {name} login password '{}' {rights}", pair.primary.password())
}

async fn run(connection: &mut PgConnection, statement: String) -> Result<()> {
    // Not the password.
    let shown: String = statement.trim().chars().take(80).collect();
    let shown = shown.split(" password").next().unwrap_or_default();
    let what = format!("set up the workload ({shown})");
    // The text is the workload's own file.
    let done = tokio::time::timeout(STATEMENT_DEADLINE, connection.execute(AssertSqlSafe(statement))).await;
    match done {
        Ok(done) => done.map(drop).map_err(database(what)),
        Err(_elapsed) => Err(Error::Deadline { what, deadline: STATEMENT_DEADLINE, log: String::new() }),
    }
}

/// The schema's text with sizes in place of their names.
fn filled_in(workload: &Workload) -> String {
    let text = &workload.schema_sql;
    let (mut filled, mut at) = (String::with_capacity(text.len()), 0);
    for (offset, name) in placeholders(text) {
        let Some(size) = workload.sizes.get(name) else { continue };
        filled.push_str(&text[at..offset]);
        filled.push_str(&size.to_string());
        at = offset + name.len() + 2;
    }
    filled.push_str(&text[at..]);
    filled
}

/// Whether there is more than comments.
fn says_something(part: &str) -> bool {
    part.lines().any(|line| !line.trim().is_empty() && !line.trim_start().starts_with("--"))
}
