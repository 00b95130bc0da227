//! What is on the server: thousands of statements with long texts, and a light load.

use std::time::Duration;

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Executor, Row};
use tokio::task::JoinHandle;

use crate::error::{Result, database};
use crate::postgres::Server;

/// Columns of the table that the statements are about.
const COLUMNS: usize = 100;
/// Different statements of the light load.
const BUSY: u32 = 40;
/// Bytes in a megabyte.
const MEGABYTE: usize = 1_000_000;

/// What the server keeps.
pub(super) struct Kept {
    pub(super) statements: i64,
    pub(super) text_bytes: i64,
}

/// Runs so many different statements, with texts of so many megabytes together.
pub(super) async fn fill(server: &Server, statements: usize, texts_mb: usize) -> Result<Kept> {
    let mut session = server.connect().await?;
    let columns: Vec<_> = (0..COLUMNS).map(|column| format!("c{column} int")).collect();
    run(&mut session, &format!("create table wide ({})", columns.join(", "))).await?;
    let length = texts_mb * MEGABYTE / statements.max(1);
    for number in 0..statements {
        // Which columns come in which order makes a statement another one; what they are called does not.
        let (one, other) = (number % COLUMNS, number / COLUMNS % COLUMNS);
        let mut text = format!("select c{one}, c{other}");
        for more in (0..COLUMNS).cycle() {
            if text.len() >= length {
                break;
            }
            text +=
                &format!(", c{more} as an_alias_that_is_as_long_as_generated_ones_{number}_{}", text.len());
        }
        text += " from wide where c0 = 1";
        run(&mut session, &text).await?;
    }
    let question = "select count(*), sum(length(query))::int8 from pg_stat_statements";
    let row = session.fetch_one(question).await.map_err(database("count the statements"))?;
    let number = |index: usize| row.try_get(index).map_err(database("count the statements"));
    Ok(Kept { statements: number(0)?, text_bytes: number(1)? })
}

async fn run(session: &mut PgConnection, text: &str) -> Result<()> {
    session
        .execute(AssertSqlSafe(text))
        .await
        .map_err(database("fill the server with statements"))
        .map(|_done| ())
}

/// Runs a few statements over and over until it is aborted.
pub(super) async fn load(server: &Server, per_s: u32) -> Result<JoinHandle<()>> {
    let mut session = server.connect().await?;
    run(&mut session, "create table busy as select n, n % 10 as m from generate_series(1, 1000) n").await?;
    let pause = Duration::from_secs(1) / per_s.max(1);
    Ok(tokio::spawn(async move {
        let mut turns = tokio::time::interval(pause);
        for number in (0..BUSY).cycle() {
            turns.tick().await;
            let text = format!("select count(*) as c{number} from busy where m = {}", number % 10);
            if session.execute(AssertSqlSafe(text)).await.is_err() {
                return;
            }
        }
    }))
}
