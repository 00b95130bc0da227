//! What a server is and has, read once a connection (and again with the facts): the base of every decision on what to
//! ask it and of the self-test.

use std::collections::{BTreeMap, HashMap, HashSet};

use faultline_model::{Engine, Facts};
use serde_json::Value;

use super::sql::is_mariadb;
use super::table::Table;
use super::trouble::Trouble;

/// Version as three numbers, for comparisons.
pub(super) type Version = (u32, u32, u32);

/// Oldest MariaDB that is watched: 10.6 is the oldest long-term series whose privileges and tables these statements know.
pub(super) const OLDEST_MARIADB: Version = (10, 6, 0);
/// Oldest MySQL that is watched: 8.0 brought `data_lock_waits`, histograms and digests of 64 digits.
pub(super) const OLDEST_MYSQL: Version = (8, 0, 0);

/// The columns that the server's own tables have, as far as we may see them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Columns(HashMap<String, HashSet<String>>);

impl Columns {
    /// From the answer to [`super::sql_facts::columns`].
    ///
    /// # Errors
    /// [`Trouble::Unreadable`] when a column is missing.
    pub(super) fn from_table(answer: &Table) -> Result<Self, Trouble> {
        let mut found: HashMap<String, HashSet<String>> = HashMap::new();
        for row in answer.rows() {
            if let (Some(table), Some(column)) = (row.text("table_name")?, row.text("column_name")?) {
                found.entry(table.to_ascii_lowercase()).or_default().insert(column.to_ascii_lowercase());
            }
        }
        Ok(Self(found))
    }

    /// Whether the table is there, may be read, and has the column; neither name's case matters.
    pub(super) fn has(&self, table: &str, column: &str) -> bool {
        self.0
            .get(&table.to_ascii_lowercase())
            .is_some_and(|columns| columns.contains(&column.to_ascii_lowercase()))
    }
}

/// What a server is and has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Capabilities {
    pub(super) mariadb: bool,
    pub(super) version: Version,
    /// As the server prints it.
    pub(super) version_text: String,
    /// `@@version_comment`: who built it, or which proxy answers.
    pub(super) comment: String,
    pub(super) connection_id: u64,
    /// Whether our session reads only and gives up soon; a proxy may swallow that.
    pub(super) session_settings: bool,
    /// Our account as the server matched it: `faultline@%`.
    pub(super) account: String,
    /// Whether other accounts' sessions and InnoDB's tables can be seen.
    pub(super) process: bool,
    pub(super) columns: Columns,
    /// The variables that were asked for.
    pub(super) variables: BTreeMap<String, String>,
    /// What the performance schema keeps, by name; empty where that may not be read.
    pub(super) consumers: BTreeMap<String, bool>,
    /// Whether sessions are sampled from the instrumented threads.
    pub(super) samples_statements: bool,
}

impl Capabilities {
    /// From the answer to [`super::sql_facts::who`]; the rest is filled in by who asks for it.
    ///
    /// # Errors
    /// [`Trouble::Unreadable`] when there is no row or a column is missing.
    pub(super) fn from_who(answer: &Table) -> Result<Self, Trouble> {
        let row = answer.first().ok_or_else(|| Trouble::Unreadable { reason: "no row".to_owned() })?;
        let text = |name: &str| row.text(name).map(|found| found.unwrap_or_default().to_owned());
        let version_text = text("version")?;
        Ok(Self {
            mariadb: is_mariadb(&version_text),
            version: version(&version_text),
            comment: text("comment")?,
            connection_id: row.count("connection_id")?.unwrap_or_default(),
            session_settings: row.count("read_only")? == Some(1)
                && row.float("limit_ms")?.is_some_and(|limit_ms| limit_ms > 0.0),
            account: text("account")?,
            version_text,
            ..Self::default()
        })
    }

    /// Takes in the answer to [`super::sql_facts::variables`].
    ///
    /// # Errors
    /// [`Trouble::Unreadable`] when a column is missing.
    pub(super) fn learn_variables(&mut self, answer: &Table) -> Result<(), Trouble> {
        for row in answer.rows() {
            if let Some(name) = row.text("name")? {
                let value = row.any(&["value"])?.unwrap_or_default();
                self.variables.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(())
    }

    /// Takes in the answer to [`super::sql_facts::consumers`].
    ///
    /// # Errors
    /// [`Trouble::Unreadable`] when a column is missing.
    pub(super) fn learn_consumers(&mut self, answer: &Table) -> Result<(), Trouble> {
        for row in answer.rows() {
            if let (Some(name), Some(enabled)) = (row.text("name")?, row.text("enabled")?) {
                self.consumers.insert(name.to_owned(), enabled.eq_ignore_ascii_case("yes"));
            }
        }
        self.samples_statements = self.performance_schema()
            && self.keeps("events_statements_current")
            && self.columns.has("threads", "PROCESSLIST_ID")
            && self.columns.has("events_statements_current", "NESTING_EVENT_LEVEL");
        Ok(())
    }

    /// The family of the server.
    pub(super) fn engine(&self) -> Engine {
        if self.mariadb { Engine::Mariadb } else { Engine::Mysql }
    }

    /// Whether the performance schema is on.
    pub(super) fn performance_schema(&self) -> bool {
        self.is_on("performance_schema")
    }

    /// Whether a variable is on.
    pub(super) fn is_on(&self, variable: &str) -> bool {
        self.variables
            .get(variable)
            .is_some_and(|value| ["on", "1", "yes"].iter().any(|yes| value.eq_ignore_ascii_case(yes)))
    }

    /// A variable that is a number.
    pub(super) fn number(&self, variable: &str) -> Option<u64> {
        self.variables.get(variable)?.parse().ok()
    }

    /// Whether the performance schema keeps this, as far as we can see.
    pub(super) fn keeps(&self, consumer: &str) -> bool {
        self.consumers.get(consumer).copied().unwrap_or(false)
    }

    /// Whether the digests can be read.
    pub(super) fn reads_digests(&self) -> bool {
        self.performance_schema() && self.columns.has("events_statements_summary_by_digest", "DIGEST")
    }

    /// Whether our account lacks the right to read the performance schema, though that is on.
    pub(super) fn may_not_read_digests(&self) -> bool {
        self.performance_schema() && !self.columns.has("events_statements_summary_by_digest", "DIGEST")
    }

    /// Whether the server takes no writes from clients.
    pub(super) fn read_only(&self) -> bool {
        ["read_only", "super_read_only", "innodb_read_only"].iter().any(|variable| self.is_on(variable))
    }

    /// Our account as GRANT wants it: `'faultline'@'%'`.
    pub(super) fn grantee(&self) -> String {
        let (user, host) = self.account.rsplit_once('@').unwrap_or((self.account.as_str(), "%"));
        let quoted = |part: &str| format!("'{}'", part.replace('\'', "''"));
        format!("{}@{}", quoted(user), quoted(host))
    }

    /// The variables as facts, where the answer of a server to a client is worth keeping.
    pub(super) fn settings(&self) -> Facts {
        self.variables
            .iter()
            .map(|(name, value)| (format!("setting:{name}"), Value::String(value.clone())))
            .collect()
    }
}

/// The leading numbers of a version as a server prints it; MariaDB may prefix `5.5.5-`.
pub(super) fn version(text: &str) -> Version {
    let text = text.strip_prefix("5.5.5-").unwrap_or(text);
    let mut numbers = text
        .split(|sign: char| !sign.is_ascii_digit())
        .map(|number| number.parse::<u32>().unwrap_or_default());
    let mut next = || numbers.next().unwrap_or_default();
    (next(), next(), next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_families_are_told_from_one_text() {
        for (text, numbers, mariadb) in [
            ("10.11.19-MariaDB-0+deb12u1", (10, 11, 19), true),
            ("5.5.5-10.6.12-MariaDB-log", (10, 6, 12), true),
            ("8.0.41", (8, 0, 41), false),
            ("8.4.3-log", (8, 4, 3), false),
            ("5.7.44-48-log", (5, 7, 44), false),
            ("8.0.mysql_aurora.3.05.2", (8, 0, 0), false),
        ] {
            assert_eq!((version(text), is_mariadb(text)), (numbers, mariadb), "{text}");
        }
    }

    #[test]
    fn an_account_is_quoted_as_grant_wants_it() {
        for (account, expected) in [
            ("faultline@%", "'faultline'@'%'"),
            ("a@b@10.0.0.1", "'a@b'@'10.0.0.1'"),
            ("o'hara@h", "'o''hara'@'h'"),
        ] {
            let has = Capabilities { account: account.to_owned(), ..Capabilities::default() };
            assert_eq!(has.grantee(), expected);
        }
    }
}
