//! The SQL texts by which Faultline learns what a server is, what is slow to change about it, and, on suspicion, who
//! blocks whom and how a statement would run. The rules for the texts are those of `sql.rs`.

use super::capabilities::Capabilities;
use super::sql::{ALIAS, Query, hex_list, query, quoted};

/// Most tables whose size is read.
pub(super) const MAX_TABLES: usize = 50;
/// Most rows of definitions that are read at a time.
const MAX_DEFINITIONS: usize = 20_000;
/// Most lock waits that are looked at.
const MAX_LOCK_WAITS: usize = 1_000;
/// Most sample texts of suspects that are read.
const MAX_SAMPLES: usize = 50;

/// Tables of the server's own whose columns decide what is asked, as an SQL list.
const ASKED_TABLES: &str = "'events_statements_summary_by_digest','events_statements_current',\
'events_statements_history','events_statements_histogram_global','events_waits_current','threads','setup_consumers',\
'setup_instruments','session_connect_attrs','metadata_locks','data_lock_waits','data_locks',\
'replication_applier_status_by_worker','PROCESSLIST','INNODB_TRX','INNODB_LOCK_WAITS','INNODB_LOCKS',\
'INNODB_SYS_TABLESTATS','INNODB_TABLESTATS','QUERY_RESPONSE_TIME','USER_STATISTICS'";

/// Variables that are kept as facts or decide what is asked, as an SQL list: what a plan, the write path, locks, the number
/// of sessions or replication depends on.
const VARIABLES: &str = "'autocommit','binlog_format','binlog_row_image','character_set_server','collation_server',\
'default_storage_engine','event_scheduler','expire_logs_days','binlog_expire_logs_seconds','gtid_mode',\
'gtid_strict_mode','innodb_adaptive_hash_index','innodb_autoinc_lock_mode','innodb_buffer_pool_instances',\
'innodb_buffer_pool_size','innodb_change_buffering','innodb_deadlock_detect','innodb_doublewrite',\
'innodb_file_per_table','innodb_flush_log_at_trx_commit','innodb_flush_method','innodb_io_capacity',\
'innodb_io_capacity_max','innodb_lock_wait_timeout','innodb_log_buffer_size','innodb_log_file_size',\
'innodb_page_size','innodb_purge_threads','innodb_read_io_threads','innodb_read_only','innodb_redo_log_capacity',\
'innodb_stats_auto_recalc','innodb_stats_persistent','innodb_stats_persistent_sample_pages',\
'innodb_thread_concurrency','innodb_write_io_threads','join_buffer_size','key_buffer_size','lock_wait_timeout',\
'log_bin','long_query_time','max_allowed_packet','max_connections','max_digest_length','max_execution_time',\
'max_heap_table_size','max_statement_time','max_user_connections','optimizer_search_depth','optimizer_switch',\
'optimizer_use_condition_selectivity','performance_schema','performance_schema_digests_size',\
'performance_schema_max_digest_length','performance_schema_max_sql_text_length','query_cache_size','query_cache_type',\
'query_response_time_stats','read_buffer_size','read_only','replica_parallel_type','replica_parallel_workers',\
'slave_parallel_mode','slave_parallel_threads','slave_parallel_workers','slow_query_log','sort_buffer_size',\
'sql_mode','super_read_only','sync_binlog','table_definition_cache','table_open_cache','thread_cache_size',\
'thread_handling','tmp_table_size','transaction_isolation','tx_isolation','use_stat_tables','userstat'";

/// Who answers, and whether our session is as we set it up; one row.
pub(super) fn who(is_mariadb: bool) -> Query {
    let (read_only, limit) = if is_mariadb {
        ("@@session.tx_read_only", "@@session.max_statement_time * 1000")
    } else {
        ("@@session.transaction_read_only", "@@session.max_execution_time")
    };
    query(
        "who",
        format!(
            "SELECT VERSION() AS version, @@version_comment AS comment, CONNECTION_ID() AS connection_id, \
             CURRENT_USER() AS account, {read_only} AS read_only, {limit} AS limit_ms, 1 AS {ALIAS}"
        ),
    )
}

/// The variables that are facts.
pub(super) fn variables(is_mariadb: bool) -> Query {
    let table = if is_mariadb {
        "information_schema.GLOBAL_VARIABLES"
    } else {
        "performance_schema.global_variables"
    };
    query(
        "variables",
        format!(
            "SELECT LOWER({ALIAS}.VARIABLE_NAME) AS name, {ALIAS}.VARIABLE_VALUE AS value FROM {table} AS {ALIAS} \
             WHERE {ALIAS}.VARIABLE_NAME IN ({VARIABLES})"
        ),
    )
}

/// The columns that the server's own tables have, as far as we may see them.
pub(super) fn columns() -> Query {
    query(
        "columns",
        format!(
            "SELECT LOWER({ALIAS}.TABLE_NAME) AS table_name, LOWER({ALIAS}.COLUMN_NAME) AS column_name \
             FROM information_schema.COLUMNS AS {ALIAS} \
             WHERE {ALIAS}.TABLE_SCHEMA IN ('performance_schema', 'information_schema') \
               AND {ALIAS}.TABLE_NAME IN ({ASKED_TABLES})"
        ),
    )
}

/// A row of a table that has some on every server and that only PROCESS opens: without it MySQL refuses, and MariaDB shows
/// the table empty.
pub(super) fn process() -> Query {
    query(
        "process",
        format!("SELECT {ALIAS}.NAME AS name FROM information_schema.INNODB_METRICS AS {ALIAS} LIMIT 1"),
    )
}

/// What the performance schema keeps.
pub(super) fn consumers() -> Query {
    query(
        "consumers",
        format!(
            "SELECT {ALIAS}.NAME AS name, {ALIAS}.ENABLED AS enabled FROM performance_schema.setup_consumers AS {ALIAS} \
             UNION ALL SELECT 'statement_instruments', IF(SUM(i.ENABLED = 'YES' AND i.TIMED = 'YES') > 0, 'YES', 'NO') \
             FROM performance_schema.setup_instruments AS i WHERE i.NAME LIKE 'statement/sql/%'"
        ),
    )
}

/// Rows and pages of the tables that InnoDB has open, largest first; needs no access to any of them.
pub(super) fn tables(is_mariadb: bool) -> Query {
    let (table, known) =
        if is_mariadb { ("INNODB_SYS_TABLESTATS", "1") } else { ("INNODB_TABLESTATS", "'Initialized'") };
    query(
        "tables",
        format!(
            "SELECT {ALIAS}.NAME AS name, {ALIAS}.NUM_ROWS AS table_rows, \
             {ALIAS}.CLUST_INDEX_SIZE + {ALIAS}.OTHER_INDEX_SIZE AS pages FROM information_schema.{table} AS {ALIAS} \
             WHERE {ALIAS}.STATS_INITIALIZED = {known} AND {ALIAS}.NAME LIKE '%/%' \
               AND {ALIAS}.NAME NOT LIKE 'mysql/%' AND {ALIAS}.NAME NOT LIKE 'sys/%' AND {ALIAS}.NAME NOT LIKE 'tmp/%' \
             ORDER BY pages DESC, {ALIAS}.NAME LIMIT {}",
            MAX_TABLES * 4
        ),
    )
}

/// The indexes of some tables, one row a column of an index.
pub(super) fn indexes(tables: &[(String, String)]) -> Query {
    let branch = |schema: &str, table: &str| {
        format!(
            "SELECT {ALIAS}.TABLE_SCHEMA AS schema_name, {ALIAS}.TABLE_NAME AS table_name, \
             {ALIAS}.INDEX_NAME AS index_name, {ALIAS}.NON_UNIQUE AS non_unique, {ALIAS}.SEQ_IN_INDEX AS seq, \
             {ALIAS}.COLUMN_NAME AS column_name, {ALIAS}.SUB_PART AS sub_part, {ALIAS}.INDEX_TYPE AS index_type \
             FROM information_schema.STATISTICS AS {ALIAS} \
             WHERE {ALIAS}.TABLE_SCHEMA = {} AND {ALIAS}.TABLE_NAME = {}",
            quoted(schema),
            quoted(table)
        )
    };
    query("indexes", each(tables, branch))
}

/// The columns of some tables.
pub(super) fn definitions(tables: &[(String, String)]) -> Query {
    let branch = |schema: &str, table: &str| {
        format!(
            "SELECT {ALIAS}.TABLE_SCHEMA AS schema_name, {ALIAS}.TABLE_NAME AS table_name, \
             {ALIAS}.COLUMN_NAME AS column_name, {ALIAS}.COLUMN_TYPE AS column_type, {ALIAS}.IS_NULLABLE AS nullable \
             FROM information_schema.COLUMNS AS {ALIAS} \
             WHERE {ALIAS}.TABLE_SCHEMA = {} AND {ALIAS}.TABLE_NAME = {}",
            quoted(schema),
            quoted(table)
        )
    };
    query("definitions", each(tables, branch))
}

/// One branch a table: both names stated, the server opens that table alone (MariaDB opens all of them otherwise).
fn each(tables: &[(String, String)], branch: impl Fn(&str, &str) -> String) -> String {
    let branches: Vec<String> = tables.iter().map(|(schema, table)| branch(schema, table)).collect();
    format!("{} LIMIT {MAX_DEFINITIONS}", branches.join(" UNION ALL "))
}

/// Who waits for whose row lock: sessions by their ids, and the table.
pub(super) fn row_locks(has: &Capabilities) -> Option<Query> {
    let text = if has.columns.has("data_lock_waits", "BLOCKING_THREAD_ID") {
        format!(
            "SELECT r.PROCESSLIST_ID AS waiting, b.PROCESSLIST_ID AS blocking, \
             CONCAT(l.OBJECT_SCHEMA, '.', l.OBJECT_NAME) AS object FROM performance_schema.data_lock_waits AS {ALIAS} \
             JOIN performance_schema.threads AS r ON r.THREAD_ID = {ALIAS}.REQUESTING_THREAD_ID \
             JOIN performance_schema.threads AS b ON b.THREAD_ID = {ALIAS}.BLOCKING_THREAD_ID \
             LEFT JOIN performance_schema.data_locks AS l ON l.ENGINE_LOCK_ID = {ALIAS}.REQUESTING_ENGINE_LOCK_ID \
             LIMIT {MAX_LOCK_WAITS}"
        )
    } else if has.process && has.columns.has("innodb_lock_waits", "blocking_trx_id") {
        format!(
            "SELECT r.trx_mysql_thread_id AS waiting, b.trx_mysql_thread_id AS blocking, l.lock_table AS object \
             FROM information_schema.INNODB_LOCK_WAITS AS {ALIAS} \
             JOIN information_schema.INNODB_TRX AS r ON r.trx_id = {ALIAS}.requesting_trx_id \
             JOIN information_schema.INNODB_TRX AS b ON b.trx_id = {ALIAS}.blocking_trx_id \
             LEFT JOIN information_schema.INNODB_LOCKS AS l ON l.lock_id = {ALIAS}.requested_lock_id \
             LIMIT {MAX_LOCK_WAITS}"
        )
    } else {
        return None;
    };
    Some(query("row_locks", text))
}

/// Who waits for whose metadata lock on a table.
pub(super) fn metadata_locks(has: &Capabilities) -> Option<Query> {
    let there =
        has.columns.has("metadata_locks", "OWNER_THREAD_ID") && has.columns.has("threads", "PROCESSLIST_ID");
    there.then(|| {
        query(
            "metadata_locks",
            format!(
                "SELECT r.PROCESSLIST_ID AS waiting, b.PROCESSLIST_ID AS blocking, \
                 CONCAT({ALIAS}.OBJECT_SCHEMA, '.', {ALIAS}.OBJECT_NAME) AS object \
                 FROM performance_schema.metadata_locks AS {ALIAS} JOIN performance_schema.metadata_locks AS g \
                   ON g.OBJECT_TYPE = {ALIAS}.OBJECT_TYPE AND g.OBJECT_SCHEMA = {ALIAS}.OBJECT_SCHEMA \
                   AND g.OBJECT_NAME = {ALIAS}.OBJECT_NAME AND g.LOCK_STATUS = 'GRANTED' \
                   AND g.OWNER_THREAD_ID <> {ALIAS}.OWNER_THREAD_ID \
                 JOIN performance_schema.threads AS r ON r.THREAD_ID = {ALIAS}.OWNER_THREAD_ID \
                 JOIN performance_schema.threads AS b ON b.THREAD_ID = g.OWNER_THREAD_ID \
                 WHERE {ALIAS}.LOCK_STATUS = 'PENDING' AND {ALIAS}.OBJECT_TYPE = 'TABLE' LIMIT {MAX_LOCK_WAITS}"
            ),
        )
    })
}

/// Whole texts of statements that ran a moment ago, of these digests.
pub(super) fn samples(has: &Capabilities, digests: &[String]) -> Vec<Query> {
    let list = hex_list(digests);
    let mut queries: Vec<Query> = ["events_statements_current", "events_statements_history"]
        .into_iter()
        .filter(|table| has.columns.has(table, "SQL_TEXT"))
        .map(|table| {
            query(
                "samples",
                format!(
                    "SELECT {ALIAS}.DIGEST AS digest, {ALIAS}.CURRENT_SCHEMA AS schema_name, {ALIAS}.SQL_TEXT AS text \
                     FROM performance_schema.{table} AS {ALIAS} WHERE {ALIAS}.DIGEST IN ({list}) LIMIT {MAX_SAMPLES}"
                ),
            )
        })
        .collect();
    if has.columns.has("events_statements_summary_by_digest", "QUERY_SAMPLE_TEXT") {
        queries.push(query(
            "samples",
            format!(
                "SELECT {ALIAS}.DIGEST AS digest, {ALIAS}.SCHEMA_NAME AS schema_name, {ALIAS}.QUERY_SAMPLE_TEXT AS text \
                 FROM performance_schema.events_statements_summary_by_digest AS {ALIAS} \
                 WHERE {ALIAS}.DIGEST IN ({list}) LIMIT {MAX_SAMPLES}"
            ),
        ));
    }
    queries
}

/// How the server would run a statement, which it does not. `select` holds one statement only (`plans.rs` sees to that).
pub(super) fn explain(select: &str) -> Query {
    query("explain", format!("EXPLAIN FORMAT=JSON {select}"))
}

/// One session, whatever it does, with its statement or (where that is kept) its last.
pub(super) fn holder(has: &Capabilities, id: u64) -> Query {
    let text = if has.samples_statements {
        format!(
            "SELECT {ALIAS}.PROCESSLIST_USER AS user, {ALIAS}.PROCESSLIST_HOST AS host, \
             {ALIAS}.PROCESSLIST_COMMAND AS command, {ALIAS}.PROCESSLIST_TIME AS time_s, \
             COALESCE({ALIAS}.PROCESSLIST_INFO, s.SQL_TEXT) AS query FROM performance_schema.threads AS {ALIAS} \
             LEFT JOIN performance_schema.events_statements_current AS s \
               ON s.THREAD_ID = {ALIAS}.THREAD_ID AND s.NESTING_EVENT_LEVEL = 0 \
             WHERE {ALIAS}.PROCESSLIST_ID = {id} LIMIT 1"
        )
    } else {
        format!(
            "SELECT {ALIAS}.USER AS user, {ALIAS}.HOST AS host, {ALIAS}.COMMAND AS command, {ALIAS}.TIME AS time_s, \
             {ALIAS}.INFO AS query FROM information_schema.PROCESSLIST AS {ALIAS} WHERE {ALIAS}.ID = {id} LIMIT 1"
        )
    };
    query("holder", text)
}
