//! What a server is and has, read once a connection (and again with the facts): the base of every decision on what to
//! ask it and of the self-test.

use faultline_model::Role;
use sqlx::postgres::PgRow;

use super::address::{LOCK_TIMEOUT_MS, STATEMENT_TIMEOUT_MS};
use super::row::{bool_of, int, text};
use super::trouble::Trouble;

/// Oldest server that is watched: 14 brought query ids into the session list.
pub(super) const OLDEST_VERSION_NUM: i64 = 140_000;

/// The statement counters, as the installed version of the extension has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statements {
    /// Version of the extension's SQL objects; an upgraded server may still have old ones.
    pub(super) version: String,
    /// The schema that it lives in, quoted by the server.
    pub(super) schema: String,
    /// Name of the column with the execution time.
    pub(super) time_column: &'static str,
    /// Whether nested statements are told apart.
    pub(super) toplevel: bool,
    /// Whether each entry says since when it counts.
    pub(super) since: bool,
    /// Whether resets and evictions are told.
    pub(super) info: bool,
}

impl Statements {
    /// From the names of the columns that the function really returns; `None` when the needed ones are missing.
    fn from_columns(version: String, schema: String, columns: &str, info: bool) -> Option<Self> {
        let has = |name: &str| columns.split(',').any(|column| column == name);
        let time_column = ["total_exec_time", "total_time"].into_iter().find(|name| has(name))?;
        let needed = ["userid", "dbid", "queryid", "calls", "rows", "shared_blks_hit", "shared_blks_read"];
        needed.into_iter().all(has).then(|| Self {
            version,
            schema,
            time_column,
            toplevel: has("toplevel"),
            since: has("stats_since"),
            info,
        })
    }
}

/// What a server is and has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Capabilities {
    pub(super) version_num: i64,
    pub(super) version: String,
    pub(super) in_recovery: bool,
    pub(super) backend_pid: i64,
    /// Whether our session settings are in force; a pooler swallows them.
    pub(super) session_settings: bool,
    /// `host:port` of the server itself, where the session comes over the network.
    pub(super) server: Option<String>,
    /// Our role, quoted.
    pub(super) user: String,
    /// Our database, quoted.
    pub(super) database: String,
    /// Whether other roles' statements can be seen.
    pub(super) reads_all_stats: bool,
    /// Whether every table can be read, without which plans cannot be seen.
    pub(super) reads_all_data: bool,
    /// `track_activity_query_size`, bytes; texts of running statements are cut off there.
    pub(super) activity_bytes: Option<i64>,
    pub(super) track_io_timing: Option<String>,
    pub(super) compute_query_id: Option<String>,
    /// `shared_preload_libraries`; `None` when we may not know.
    pub(super) preloaded: Option<String>,
    /// `pg_stat_statements.track`; `None` when the library is not loaded.
    pub(super) track: Option<String>,
    /// The statement counters; `None` when the extension is not in this database.
    pub(super) statements: Option<Statements>,
}

impl Capabilities {
    /// From the answer to [`super::sql::probe`].
    ///
    /// # Errors
    /// [`Trouble::Unreadable`] when a column is missing.
    pub(super) fn from_row(row: &PgRow) -> Result<Self, Trouble> {
        let need = |name: &str| text(row, name).map(Option::unwrap_or_default);
        let number = |name: &str| int(row, name).map(Option::unwrap_or_default);
        let limits = (int(row, "statement_timeout_ms")?, int(row, "lock_timeout_ms")?);
        let ours = (Some(i64::from(STATEMENT_TIMEOUT_MS)), Some(i64::from(LOCK_TIMEOUT_MS)));
        let server = (text(row, "server_host")?, int(row, "server_port")?);
        let extension = (text(row, "extension_version")?, text(row, "extension_schema")?);
        let columns = need("extension_columns")?;
        let info = bool_of(row, "extension_info")?.unwrap_or(false);
        Ok(Self {
            version_num: number("version_num")?,
            version: need("version")?,
            in_recovery: bool_of(row, "in_recovery")?.unwrap_or(false),
            backend_pid: number("backend_pid")?,
            session_settings: limits == ours && need("read_only")? == "on",
            server: match server {
                (Some(host), Some(port)) if host.contains(':') => Some(format!("[{host}]:{port}")),
                (Some(host), Some(port)) => Some(format!("{host}:{port}")),
                _ => None,
            },
            user: need("quoted_user")?,
            database: need("quoted_database")?,
            reads_all_stats: bool_of(row, "reads_all_stats")?.unwrap_or(false),
            reads_all_data: bool_of(row, "reads_all_data")?.unwrap_or(false),
            activity_bytes: int(row, "activity_bytes")?,
            track_io_timing: text(row, "track_io_timing")?,
            compute_query_id: text(row, "compute_query_id")?,
            preloaded: text(row, "preloaded")?,
            track: text(row, "track")?,
            statements: match extension {
                (Some(version), Some(schema)) => Statements::from_columns(version, schema, &columns, info),
                _ => None,
            },
        })
    }

    /// The statement counters, where they count and can be added up. An extension that does not tell nested statements from
    /// others is not read while nested ones are counted: their time is in their callers' as well.
    pub(super) fn counters(&self) -> Option<&Statements> {
        let statements = self.statements.as_ref()?;
        match self.track.as_deref()? {
            "none" => None,
            "all" if !statements.toplevel => None,
            _ => Some(statements),
        }
    }

    /// Whether a statement that is not among the counters was certainly not called.
    pub(super) fn counts_everything(&self) -> bool {
        self.reads_all_stats && self.compute_query_id.as_deref() != Some("off")
    }

    /// The role that the server plays.
    pub(super) fn role(&self) -> Role {
        if self.in_recovery { Role::Replica } else { Role::Primary }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(columns: &str, expected: Option<(&str, bool, bool)>) {
        let found = Statements::from_columns("x".into(), "public".into(), columns, true);
        let found = found.as_ref().map(|has| (has.time_column, has.toplevel, has.since));
        assert_eq!(found, expected, "{columns}");
    }

    #[test]
    fn the_columns_decide_and_not_the_version() {
        let base = "showtext,userid,dbid,queryid,query,calls,rows,shared_blks_hit,shared_blks_read";
        check(&format!("{base},total_time"), Some(("total_time", false, false)));
        check(&format!("{base},total_exec_time"), Some(("total_exec_time", false, false)));
        check(&format!("{base},toplevel,total_exec_time"), Some(("total_exec_time", true, false)));
        check(&format!("{base},toplevel,total_exec_time,stats_since"), Some(("total_exec_time", true, true)));
        check(base, None);
        check("", None);
    }
}
