//! How one suspected statement is planned: where its names are looked up, the transaction around it, and what the planner
//! knows of the tables that it reads as a whole.

use sqlx::Row;
use sqlx::postgres::PgRow;

use super::super::connection::STATEMENT_DEADLINE;
use super::super::row::{bool_of, float, int, text};
use super::super::selftest;
use super::super::source::PostgresSource;
use super::super::sql;
use super::super::trouble::Trouble;
use super::super::wholes::Whole;
use super::hint::{self, Column, Hint, MIN_ROWS};
use super::plan::{Plan, Scan};
use crate::common::Found;
use faultline_model::Fingerprint;

/// First words of the statements that are planned.
const PLANNED: [&str; 6] = ["select", "with", "insert", "update", "delete", "merge"];
/// Most parameters of a statement that is planned.
const MAX_PARAMETERS: usize = 1_000;
/// Most tables of a plan that are looked up.
const MAX_TABLES: usize = 8;
/// Most names of a statement that are looked for among the tables of all schemas.
const MAX_NAMES: usize = 200;
/// SQLSTATEs that say that a name was not found where it was looked for: table, schema, column, function.
const NOT_FOUND: [&str; 4] = ["42P01", "3F000", "42703", "42883"];

/// What was seen of one plan.
pub(super) struct Seen {
    pub(super) shape: String,
    pub(super) summary: String,
    pub(super) hint: Option<Hint>,
}

/// A table of the plan as the catalogs have it.
struct Relation {
    oid: i64,
    schema: String,
    name: String,
    rows: Option<f64>,
    quoted: String,
    is_partition: bool,
}

impl PostgresSource {
    /// The statement behind a fingerprint; its text is read anew where it was forgotten, and if it is time.
    pub(super) async fn whole(&mut self, fingerprint: &Fingerprint) -> Result<Option<Whole>, Trouble> {
        if self.texts.whole(fingerprint).is_none()
            && let Some(has) = self.has.clone()
            && let Some(extension) = has.counters()
        {
            let ids = self.texts.ids_of(fingerprint);
            self.read_texts(extension, ids).await?;
        }
        Ok(self.texts.whole(fingerprint).cloned())
    }

    /// The plan of one statement; `None` when there is none to be had, which may be a row.
    pub(super) async fn plan(&mut self, whole: &Whole) -> Result<Option<Seen>, Trouble> {
        if !is_planned(&whole.text) {
            return Ok(None);
        }
        let database = self.link.address().database.clone();
        if whole.database != database {
            self.board.set(selftest::plan_elsewhere(&whole.database, &database));
            return Ok(None);
        }
        match self.plan_on_some_path(whole).await {
            Ok((Some(plan), note)) => match self.read(&plan, note).await {
                Ok(seen) => {
                    self.conflicts.remove(selftest::PLANS);
                    self.board.set(Found::ok(selftest::PLANS, "plans of suspected queries are looked at"));
                    Ok(Some(seen))
                }
                Err(trouble) => self.unplanned(trouble).map(|()| None),
            },
            Ok((None, _)) => Ok(None),
            Err(trouble) => self.unplanned(trouble).map(|()| None),
        }
    }

    fn unplanned(&mut self, trouble: Trouble) -> Result<(), Trouble> {
        match &trouble {
            Trouble::Server { code, message } if code == "42501" => {
                let denied = self.has.as_ref().map(|has| selftest::plan_denied(message, has));
                denied.into_iter().for_each(|found| self.board.set(found));
                Ok(())
            }
            // A lock, a timeout, a table that is gone by now, a parameter whose type cannot be told: nothing to mend.
            Trouble::Server { .. } if !trouble.ends_connection() => {
                tracing::debug!(node = %self.spec.id, %trouble, "a statement was not planned");
                Ok(())
            }
            _ => self.failed(selftest::PLANS, trouble),
        }
    }

    /// The plan as the role of the statement would find it, or else in the schema that has most of its names.
    async fn plan_on_some_path(&mut self, whole: &Whole) -> Result<(Option<Plan>, Option<String>), Trouble> {
        let user = whole.user.clone().unwrap_or_default();
        let rows =
            self.link.ask_one(sql::path_of_role(), &[&user, &whole.database], STATEMENT_DEADLINE).await?;
        let path = first_text(&rows, "path")?.unwrap_or_default();
        match self.plan_on(&path, &whole.text).await {
            Err(Trouble::Server { code, message }) if NOT_FOUND.contains(&code.as_str()) => {
                let names = names(&whole.text).join(&sql::SEPARATOR.to_string());
                let rows = self.link.ask_one(sql::schema_with(), &[&names], STATEMENT_DEADLINE).await?;
                let (Some(path), Some(row)) = (first_text(&rows, "path")?, rows.first()) else {
                    return Err(Trouble::Server { code, message });
                };
                let note = match (text(row, "name")?, int(row, "schemas")?) {
                    (Some(name), Some(schemas)) if schemas > 1 => {
                        Some(format!("in schema {name}, the largest of {schemas}"))
                    }
                    (name, _) => name.map(|name| format!("in schema {name}")),
                };
                Ok((self.plan_on(&path, &whole.text).await?, note))
            }
            planned => Ok((planned?, None)),
        }
    }

    /// The plan with names looked up on a path, in a transaction that is rolled back in any case.
    async fn plan_on(&mut self, path: &str, statement: &str) -> Result<Option<Plan>, Trouble> {
        self.link.ask(sql::begin(), STATEMENT_DEADLINE).await?;
        let mut prepared = false;
        let planned = self.explained(path, statement, &mut prepared).await;
        if self.link.is_connected() {
            self.link.ask(sql::rollback(), STATEMENT_DEADLINE).await?;
            if prepared {
                // It outlives the transaction, and a failed transaction takes no DEALLOCATE.
                self.link.ask(sql::deallocate(), STATEMENT_DEADLINE).await?;
            }
        }
        Ok(planned?.as_deref().and_then(Plan::parse))
    }

    async fn explained(
        &mut self,
        path: &str,
        statement: &str,
        prepared: &mut bool,
    ) -> Result<Option<String>, Trouble> {
        self.link.ask_one(sql::set_path(), &[path], STATEMENT_DEADLINE).await?;
        let statement = statement.trim_end().trim_end_matches(';');
        self.link.ask_one(sql::prepare(statement), &[], STATEMENT_DEADLINE).await?;
        *prepared = true;
        self.explained_prepared().await
    }

    async fn explained_prepared(&mut self) -> Result<Option<String>, Trouble> {
        let rows = self.link.ask_one(sql::parameters(), &[], STATEMENT_DEADLINE).await?;
        let parameters = rows.first().map(|row| int(row, "parameters")).transpose()?.flatten();
        let Some(parameters) = parameters.and_then(|number| usize::try_from(number).ok()) else {
            return Ok(None);
        };
        if parameters > MAX_PARAMETERS {
            return Ok(None);
        }
        let rows = self.link.ask_one(sql::explain_prepared(parameters), &[], STATEMENT_DEADLINE).await?;
        answer(&rows)
    }

    /// What a plan says, with what is known of its tables.
    async fn read(&mut self, plan: &Plan, note: Option<String>) -> Result<Seen, Trouble> {
        let scans = plan.scans();
        let relations = self.relations(&scans).await?;
        let find = |scan: &Scan| {
            relations.iter().find(|relation| relation.schema == scan.schema && relation.name == scan.table)
        };
        let mut summary = plan.summary(|scan| find(scan)?.rows);
        if let Some(note) = note {
            summary.push_str(&format!(", {note}"));
        }
        let mut full: Vec<(&Scan, &Relation)> = scans
            .iter()
            .filter(|scan| scan.is_full() && !scan.compared.is_empty())
            .filter_map(|scan| Some((scan, find(scan)?)))
            .filter(|(_, relation)| relation.rows.is_some_and(|rows| rows >= MIN_ROWS))
            .collect();
        full.sort_by(|(_, a), (_, b)| b.rows.unwrap_or_default().total_cmp(&a.rows.unwrap_or_default()));
        let hint = match full.first() {
            Some((scan, relation)) => self.index_hint(scan, relation).await?,
            None => None,
        };
        Ok(Seen { shape: plan.shape_hash(), summary, hint })
    }

    async fn relations(&mut self, scans: &[Scan]) -> Result<Vec<Relation>, Trouble> {
        let mut names: Vec<(&str, &str)> =
            scans.iter().map(|scan| (scan.schema.as_str(), scan.table.as_str())).collect();
        names.sort_unstable();
        names.dedup();
        names.truncate(MAX_TABLES);
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let separator = sql::SEPARATOR.to_string();
        let list =
            |of: fn(&(&str, &str)) -> String| names.iter().map(of).collect::<Vec<_>>().join(&separator);
        let (schemas, tables) = (list(|name| name.0.to_owned()), list(|name| name.1.to_owned()));
        let rows = self.link.ask_one(sql::relations(), &[&schemas, &tables], STATEMENT_DEADLINE).await?;
        rows.iter().map(relation).collect()
    }

    async fn index_hint(&mut self, scan: &Scan, relation: &Relation) -> Result<Option<Hint>, Trouble> {
        let names: Vec<_> = scan.compared.iter().map(|compared| compared.column.as_str()).collect();
        let names = names.join(&sql::SEPARATOR.to_string());
        let rows = self.link.ask_one(sql::columns(relation.oid), &[&names], STATEMENT_DEADLINE).await?;
        let mut columns = Vec::new();
        for row in &rows {
            let column = Column {
                name: text(row, "name")?.unwrap_or_default(),
                quoted: text(row, "quoted")?.unwrap_or_default(),
                n_distinct: float(row, "n_distinct")?,
                leads: bool_of(row, "leads")?.unwrap_or(false),
            };
            let as_text =
                scan.compared.iter().any(|compared| compared.column == column.name && compared.as_text);
            // Compared as another type than it is kept as, an index on it would not serve.
            if !as_text || matches!(text(row, "type")?.as_deref(), Some("character varying" | "text")) {
                columns.push(column);
            }
        }
        let table = hint::Table {
            quoted: relation.quoted.clone(),
            rows: relation.rows.unwrap_or_default(),
            is_partition: relation.is_partition,
            on_standby: self.has.as_ref().is_some_and(|has| has.in_recovery),
        };
        Ok(hint::hint(&table, &columns))
    }
}

fn relation(row: &PgRow) -> Result<Relation, Trouble> {
    Ok(Relation {
        oid: int(row, "oid")?.unwrap_or_default(),
        schema: text(row, "schema")?.unwrap_or_default(),
        name: text(row, "name")?.unwrap_or_default(),
        rows: float(row, "rows")?.filter(|rows| *rows >= 0.0),
        quoted: text(row, "quoted")?.unwrap_or_default(),
        is_partition: bool_of(row, "is_partition")?.unwrap_or(false),
    })
}

/// The answer to an `EXPLAIN`, which is of the type `json` and the same bytes as its text.
fn answer(rows: &[PgRow]) -> Result<Option<String>, Trouble> {
    rows.first()
        .map(|row| row.try_get_unchecked::<String, _>(0))
        .transpose()
        .map_err(|error| Trouble::Unreadable { reason: error.to_string() })
}

fn first_text(rows: &[PgRow], column: &str) -> Result<Option<String>, Trouble> {
    rows.first().map(|row| text(row, column)).transpose().map(Option::flatten)
}

/// Whether a statement is of a kind that has a plan, comments and parentheses before it left aside.
fn is_planned(statement: &str) -> bool {
    let mut rest = statement.trim_start();
    loop {
        rest = if let Some(line) = rest.strip_prefix("--") {
            line.split_once('\n').map_or("", |(_, rest)| rest)
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/").map_or("", |(_, rest)| rest)
        } else if let Some(inner) = rest.strip_prefix('(') {
            inner
        } else {
            break;
        }
        .trim_start();
    }
    let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
    PLANNED.contains(&rest[..end].to_ascii_lowercase().as_str())
}

/// Every plain name in a statement, each once.
fn names(statement: &str) -> Vec<String> {
    let words = statement.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    let mut names: Vec<String> = words
        .filter(|word| !word.is_empty() && !word.starts_with(|c: char| c.is_ascii_digit()))
        // Unquoted ones are kept in lower case, quoted ones as they are.
        .flat_map(|word| [word.to_owned(), word.to_lowercase()])
        .collect();
    names.sort_unstable();
    names.dedup();
    names.truncate(MAX_NAMES);
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_a_plan_is_planned() {
        for (statement, expected) in [
            ("SELECT 1", true),
            ("/* service=cart */ -- x\n ((select 1) union (select 2))", true),
            ("with a as (select 1) select * from a", true),
            ("MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE", true),
            ("selected", false),
            ("vacuum t", false),
            ("call p()", false),
            ("create table t as select 1", false),
            ("explain analyze select 1", false),
            ("/* never closed", false),
            ("", false),
        ] {
            assert_eq!(is_planned(statement), expected, "{statement}");
        }
    }

    #[test]
    fn names_of_a_statement() {
        assert_eq!(names("select A.b, $1 from Item a, a"), ["A", "Item", "a", "b", "from", "item", "select"]);
    }
}
