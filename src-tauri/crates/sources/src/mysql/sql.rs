//! The SQL texts that Faultline sends to MySQL and MariaDB to watch a server; those that look closer are in
//! `sql_facts.rs`. Each starts with the marker, which lists of running statements show, and names its table or column
//! `faultline`, which remains where the server takes comments off (`DIGEST_TEXT`). Nothing is put into a text but numbers,
//! hexadecimal digests and names in quotes.

use super::capabilities::Capabilities;

/// Comment that tells our statements from everybody else's.
pub(super) const MARKER: &str = "/* faultline */";
/// The name that our statements give to what they read.
pub(super) const ALIAS: &str = "faultline";
/// Longest run of a statement of ours on the server, milliseconds.
pub(super) const STATEMENT_TIMEOUT_MS: u32 = 2_000;
/// Longest wait of ours for a lock, seconds; the shortest that the servers know.
const LOCK_TIMEOUT_S: u32 = 1;
/// Most digests that are read; a table of more is reported, not read.
pub(super) const MAX_DIGESTS: usize = 100_000;
/// Most sessions at work that one sample holds.
const MAX_SESSIONS: usize = 5_000;
/// Longest part of a running statement's text that is read, characters.
pub(super) const MAX_ACTIVITY_CHARS: usize = 8_192;
/// Longest part of a digest's text that is read, characters.
const MAX_TEXT_CHARS: usize = 16_384;
/// How far back before the last reading a digest may have been seen and still be read again, seconds: the server's clock
/// is read before the digests, and its dates may be whole seconds.
const SEEN_MARGIN_S: f64 = 2.0;
/// Accounts of the servers themselves and of cloud providers, as an SQL list.
const HOUSEKEEPERS: &str = "'system user','event_scheduler','unauthenticated user','mysql.session','mysql.sys',\
'mysql.infoschema','rdsadmin','rdsrepladmin','rds_superuser_role','cloudsqladmin','cloudsqlimport','azure_superuser'";
/// Commands of threads that are no client's statement, as an SQL list.
const NO_STATEMENT: &str = "'Daemon','Connect','Binlog Dump','Binlog Dump GTID','Slave_IO','Slave_SQL','Slave_worker',\
'Register Slave','Group Replication Data Stream subscriber'";

/// One statement of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Query {
    /// What it asks for; recorded answers are filed under it.
    pub(super) name: &'static str,
    /// The text, marker first.
    pub(super) text: String,
}

/// A statement with the marker in front.
pub(super) fn query(name: &'static str, text: impl AsRef<str>) -> Query {
    Query { name, text: format!("{MARKER} {}", text.as_ref()) }
}

/// Whether a server that calls itself so is MariaDB; else it is MySQL or one of its kin.
pub(super) fn is_mariadb(version: &str) -> bool {
    version.to_ascii_lowercase().contains("mariadb")
}

/// What the server calls itself.
pub(super) fn version() -> Query {
    query("version", format!("SELECT VERSION() AS version, 1 AS {ALIAS}"))
}

/// What makes a session of ours harmless: it reads only, gives up soon, and its dates are in UTC.
pub(super) fn session(is_mariadb: bool) -> Vec<Query> {
    let limit = if is_mariadb {
        format!("max_statement_time = {}", f64::from(STATEMENT_TIMEOUT_MS) / 1_000.0)
    } else {
        format!("max_execution_time = {STATEMENT_TIMEOUT_MS}")
    };
    vec![
        query("session", "SET SESSION TRANSACTION READ ONLY"),
        query(
            "session",
            format!(
                "SET SESSION sql_mode = '', time_zone = '+00:00', lock_wait_timeout = {LOCK_TIMEOUT_S}, \
                 innodb_lock_wait_timeout = {LOCK_TIMEOUT_S}, {limit}"
            ),
        ),
    ]
}

/// The server's clock and how long it has been up, and nothing else.
pub(super) fn clock(is_mariadb: bool) -> Query {
    let status = global_status(is_mariadb);
    query(
        "clock",
        format!(
            "SELECT UNIX_TIMESTAMP(NOW(6)) AS now_s, {ALIAS}.VARIABLE_VALUE AS uptime_s FROM {status} AS {ALIAS} \
             WHERE {ALIAS}.VARIABLE_NAME = 'Uptime'"
        ),
    )
}

fn global_status(is_mariadb: bool) -> &'static str {
    if is_mariadb { "information_schema.GLOBAL_STATUS" } else { "performance_schema.global_status" }
}

/// Status variables that are read every time.
pub(super) const STATUS: &str = "'Aborted_connects','Bytes_received','Bytes_sent','Com_rollback',\
'Connections','Created_tmp_disk_tables','Created_tmp_tables','Handler_delete','Handler_read_key',\
'Handler_read_rnd_next','Handler_update','Handler_write','Innodb_buffer_pool_pages_dirty',\
'Innodb_buffer_pool_pages_flushed','Innodb_buffer_pool_read_requests','Innodb_data_fsyncs','Innodb_deadlocks',\
'Innodb_log_writes','Innodb_os_log_written','Innodb_pages_read','Innodb_row_lock_current_waits',\
'Innodb_row_lock_time','Innodb_row_lock_waits','Innodb_rows_deleted','Innodb_rows_inserted','Innodb_rows_read',\
'Innodb_rows_updated','Performance_schema_digest_lost','Questions','Rows_read','Select_full_join','Select_scan',\
'Slow_queries','Threads_connected','Threads_running','Uptime'";
/// Those among them in which our own session counts as well.
const OWN_STATUS: &str = "'Bytes_received','Bytes_sent','Created_tmp_disk_tables','Created_tmp_tables',\
'Handler_read_key','Handler_read_rnd_next','Questions','Rows_read','Select_full_join','Select_scan','Slow_queries'";

/// The server's counters as names and values, those of our own session (to be taken out) under `own:`, and the server's
/// clock.
pub(super) fn status(has: &Capabilities) -> Query {
    let (global, session) = if has.mariadb {
        ("information_schema.GLOBAL_STATUS", "information_schema.SESSION_STATUS")
    } else {
        ("performance_schema.global_status", "performance_schema.session_status")
    };
    // MariaDB counts deadlocks among its status variables, MySQL among InnoDB's metrics.
    let deadlocks = if has.mariadb || !has.process {
        ""
    } else {
        " UNION ALL SELECT 'innodb_deadlocks', m.COUNT FROM information_schema.INNODB_METRICS AS m \
         WHERE m.NAME = 'lock_deadlocks' AND m.STATUS = 'enabled'"
    };
    query(
        "status",
        format!(
            "SELECT LOWER({ALIAS}.VARIABLE_NAME) AS name, {ALIAS}.VARIABLE_VALUE AS value FROM {global} AS {ALIAS} \
             WHERE {ALIAS}.VARIABLE_NAME IN ({STATUS}) \
             UNION ALL SELECT CONCAT('own:', LOWER(o.VARIABLE_NAME)), o.VARIABLE_VALUE FROM {session} AS o \
             WHERE o.VARIABLE_NAME IN ({OWN_STATUS}) \
             UNION ALL SELECT 'now_s', UNIX_TIMESTAMP(NOW(6)) \
             UNION ALL SELECT 'connection_id', CONNECTION_ID(){deadlocks}"
        ),
    )
}

/// The digests that were seen since `since_s` on the server's clock; all of them without it. Reading only those loses
/// nothing: an entry's numbers change when it is seen, and every entry says when it was made.
pub(super) fn digests(has: &Capabilities, since_s: Option<f64>) -> Query {
    let optional = |column: &str, name: &str| {
        if has.columns.has("events_statements_summary_by_digest", column) {
            format!("{ALIAS}.{column} AS {name}")
        } else {
            format!("NULL AS {name}")
        }
    };
    let seen = since_s.map_or_else(String::new, |since_s| {
        format!(" WHERE {ALIAS}.LAST_SEEN >= FROM_UNIXTIME({:.6})", since_s - SEEN_MARGIN_S)
    });
    query(
        "digests",
        format!(
            "SELECT {ALIAS}.SCHEMA_NAME AS schema_name, {ALIAS}.DIGEST AS digest, {ALIAS}.COUNT_STAR AS calls, \
             {ALIAS}.SUM_TIMER_WAIT AS time_ps, {ALIAS}.SUM_ERRORS AS errors, {ALIAS}.SUM_ROWS_AFFECTED AS affected, \
             {ALIAS}.SUM_ROWS_SENT AS sent, {ALIAS}.SUM_ROWS_EXAMINED AS examined, {no_index}, \
             UNIX_TIMESTAMP({ALIAS}.FIRST_SEEN) AS first_s \
             FROM performance_schema.events_statements_summary_by_digest AS {ALIAS}{seen} LIMIT {limit}",
            no_index = optional("SUM_NO_INDEX_USED", "no_index"),
            limit = MAX_DIGESTS + 1,
        ),
    )
}

/// The texts of some digests.
pub(super) fn texts(digests: &[String]) -> Query {
    query(
        "texts",
        format!(
            "SELECT {ALIAS}.DIGEST AS digest, {ALIAS}.SCHEMA_NAME AS schema_name, \
             LEFT({ALIAS}.DIGEST_TEXT, {MAX_TEXT_CHARS}) AS text \
             FROM performance_schema.events_statements_summary_by_digest AS {ALIAS} WHERE {ALIAS}.DIGEST IN ({})",
            hex_list(digests)
        ),
    )
}

/// Digests as an SQL list; anything that is no hexadecimal number is left out.
pub(super) fn hex_list(digests: &[String]) -> String {
    let is_hex = |digest: &&String| digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    let list: Vec<String> = digests.iter().filter(is_hex).map(|digest| format!("'{digest}'")).collect();
    if list.is_empty() { "''".to_owned() } else { list.join(",") }
}

/// The client sessions that are at work or hold a transaction open, ourselves left out.
pub(super) fn sessions(has: &Capabilities) -> Query {
    if has.samples_statements { sessions_by_thread(has) } else { sessions_by_process(has) }
}

/// From the instrumented threads: exact times, digests, and what an idle session ran last.
fn sessions_by_thread(has: &Capabilities) -> Query {
    let (wait, waits) = if has.columns.has("events_waits_current", "EVENT_NAME") {
        (
            "w.EVENT_NAME",
            " LEFT JOIN performance_schema.events_waits_current AS w \
             ON w.THREAD_ID = faultline.THREAD_ID AND w.END_EVENT_ID IS NULL",
        )
    } else {
        ("NULL", "")
    };
    query(
        "sessions",
        format!(
            "SELECT {ALIAS}.PROCESSLIST_ID AS id, {ALIAS}.PROCESSLIST_USER AS user, {ALIAS}.PROCESSLIST_HOST AS host, \
             {ALIAS}.PROCESSLIST_DB AS db, {ALIAS}.PROCESSLIST_COMMAND AS command, {ALIAS}.PROCESSLIST_STATE AS state, \
             CASE WHEN s.END_EVENT_ID IS NULL AND s.TIMER_WAIT IS NOT NULL AND {ALIAS}.PROCESSLIST_COMMAND <> 'Sleep' \
               THEN s.TIMER_WAIT / 1000000000 ELSE {ALIAS}.PROCESSLIST_TIME * 1000 END AS running_ms, \
             LEFT(COALESCE(s.SQL_TEXT, {ALIAS}.PROCESSLIST_INFO), {MAX_ACTIVITY_CHARS}) AS query, s.DIGEST AS digest, \
             {trx} AS trx_state, {wait} AS event FROM performance_schema.threads AS {ALIAS} \
             LEFT JOIN performance_schema.events_statements_current AS s \
               ON s.THREAD_ID = {ALIAS}.THREAD_ID AND s.NESTING_EVENT_LEVEL = 0{waits}{join} \
             WHERE {ALIAS}.TYPE = 'FOREGROUND' AND {ALIAS}.PROCESSLIST_ID <> CONNECTION_ID() \
               AND {ALIAS}.PROCESSLIST_COMMAND NOT IN ({NO_STATEMENT}) \
               AND COALESCE({ALIAS}.PROCESSLIST_USER, '') NOT IN ({HOUSEKEEPERS}) \
               AND COALESCE({ALIAS}.PROCESSLIST_INFO, '') NOT LIKE '{MARKER}%' \
               AND ({ALIAS}.PROCESSLIST_COMMAND <> 'Sleep' OR {trx} IS NOT NULL) LIMIT {MAX_SESSIONS}",
            trx = trx_state(has),
            join = trx_join(has, "PROCESSLIST_ID"),
        ),
    )
}

/// From the process list, which every server has.
fn sessions_by_process(has: &Capabilities) -> Query {
    let time = if has.columns.has("processlist", "TIME_MS") { "TIME_MS" } else { "TIME * 1000" };
    query(
        "sessions",
        format!(
            "SELECT {ALIAS}.ID AS id, {ALIAS}.USER AS user, {ALIAS}.HOST AS host, {ALIAS}.DB AS db, \
             {ALIAS}.COMMAND AS command, {ALIAS}.STATE AS state, {ALIAS}.{time} AS running_ms, \
             LEFT({ALIAS}.INFO, {MAX_ACTIVITY_CHARS}) AS query, NULL AS digest, {trx} AS trx_state, NULL AS event \
             FROM information_schema.PROCESSLIST AS {ALIAS}{join} \
             WHERE {ALIAS}.ID <> CONNECTION_ID() AND {ALIAS}.COMMAND NOT IN ({NO_STATEMENT}) \
               AND {ALIAS}.USER NOT IN ({HOUSEKEEPERS}) AND COALESCE({ALIAS}.INFO, '') NOT LIKE '{MARKER}%' \
               AND ({ALIAS}.COMMAND <> 'Sleep' OR {trx} IS NOT NULL) LIMIT {MAX_SESSIONS}",
            trx = trx_state(has),
            join = trx_join(has, "ID"),
        ),
    )
}

fn trx_state(has: &Capabilities) -> &'static str {
    if has.process { "t.trx_state" } else { "NULL" }
}

fn trx_join(has: &Capabilities, id: &str) -> String {
    if !has.process {
        return String::new();
    }
    format!(" LEFT JOIN information_schema.INNODB_TRX AS t ON t.trx_mysql_thread_id = {ALIAS}.{id}")
}

/// What some sessions call themselves.
pub(super) fn programs(ids: &[u64]) -> Query {
    let list = ids.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
    query(
        "programs",
        format!(
            "SELECT {ALIAS}.PROCESSLIST_ID AS id, {ALIAS}.ATTR_VALUE AS program \
             FROM performance_schema.session_connect_attrs AS {ALIAS} \
             WHERE {ALIAS}.ATTR_NAME = 'program_name' AND {ALIAS}.PROCESSLIST_ID IN ({list})"
        ),
    )
}

/// How the node replicates, one row a channel, in the dialect of the server.
pub(super) fn replication(has: &Capabilities) -> Query {
    let text = if has.mariadb {
        "SHOW ALL SLAVES STATUS"
    } else if has.version >= (8, 0, 22) {
        "SHOW REPLICA STATUS"
    } else {
        "SHOW SLAVE STATUS"
    };
    query("replication", text)
}

/// How long ago what the workers apply now was committed on its source (MySQL 8).
pub(super) fn workers() -> Query {
    query(
        "workers",
        format!(
            "SELECT MAX(TIMESTAMPDIFF(MICROSECOND, {ALIAS}.APPLYING_TRANSACTION_ORIGINAL_COMMIT_TIMESTAMP, NOW(6))) \
             / 1000000 AS behind_s FROM performance_schema.replication_applier_status_by_worker AS {ALIAS} \
             WHERE {ALIAS}.APPLYING_TRANSACTION <> '' \
               AND {ALIAS}.APPLYING_TRANSACTION_ORIGINAL_COMMIT_TIMESTAMP > '1971-01-01'"
        ),
    )
}

/// How many statements took how long, in buckets of picoseconds (MySQL 8).
pub(super) fn histogram() -> Query {
    query(
        "histogram",
        format!(
            "SELECT {ALIAS}.BUCKET_TIMER_LOW AS low_ps, {ALIAS}.BUCKET_TIMER_HIGH AS high_ps, \
             {ALIAS}.COUNT_BUCKET AS calls FROM performance_schema.events_statements_histogram_global AS {ALIAS} \
             WHERE {ALIAS}.COUNT_BUCKET > 0"
        ),
    )
}

/// The same of MariaDB's plugin, in buckets that end at so many seconds.
pub(super) fn response_times() -> Query {
    query(
        "response_times",
        format!(
            "SELECT {ALIAS}.TIME AS upto_s, {ALIAS}.COUNT AS calls FROM information_schema.QUERY_RESPONSE_TIME AS {ALIAS}"
        ),
    )
}

/// What MariaDB's user statistics count, ours left out, one row. `account` is the name in `CURRENT_USER()`.
pub(super) fn user_statistics(account: &str) -> Query {
    query(
        "user_statistics",
        format!(
            "SELECT SUM({ALIAS}.BUSY_TIME) AS busy_s, \
             SUM({ALIAS}.SELECT_COMMANDS + {ALIAS}.UPDATE_COMMANDS + {ALIAS}.OTHER_COMMANDS) AS commands \
             FROM information_schema.USER_STATISTICS AS {ALIAS} WHERE {ALIAS}.USER <> {}",
            quoted(account)
        ),
    )
}

/// A text in quotes; our sessions know no other escape than the doubled quote and the backslash.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}
