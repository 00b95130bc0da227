//! Every SQL text that Faultline sends to PostgreSQL, assembled from what the server really has. Each statement starts
//! with the marker and carries it inside as well (the server cuts leading comments off the texts that it keeps), and
//! casts what it returns to `int8`, `float8`, `bool` or `text`. Nothing is put into a text but numbers and
//! identifiers that the server itself quoted.

mod closer;
mod schema;

pub(super) use closer::{
    SEPARATOR, begin, columns, deallocate, explain_prepared, locks, parameters, path_of_role, prepare,
    relations, rollback, schema_with, set_path,
};
pub(super) use schema::{MAX_COLUMNS, MAX_INDEXES, MAX_SCHEMAS, details, hashes, tables};

use super::capabilities::Statements;
use super::delta::QueryId;

/// Comment that tells our statements from everybody else's.
pub(super) const MARKER: &str = "/* faultline */";
/// Most statement counters that are read; `pg_stat_statements.max` above it is reported, not read.
pub(super) const MAX_COUNTER_ROWS: usize = 100_000;
/// Most sessions at work that one sample holds.
pub(super) const MAX_SESSIONS: usize = 5_000;
/// Longest part of a running statement's text that is read, characters.
pub(super) const MAX_ACTIVITY_CHARS: usize = 8_192;
/// Longest part of a kept statement's text that is read, characters.
pub(super) const MAX_TEXT_CHARS: usize = 16_384;
/// Longest answer to one reading of texts, characters.
const MAX_TEXT_CHARS_PER_READ: usize = 1024 * 1024;
/// Longest run of the statement that reads texts, milliseconds; the text file can be tens of megabytes.
pub(super) const TEXTS_TIMEOUT_MS: u32 = 8_000;
/// Most tables whose size is read.
const MAX_TABLES: usize = 50;
/// Databases in which cloud providers do their own housekeeping, as an SQL list.
const PROVIDER_DATABASES: &str = "'rdsadmin','cloudsqladmin','alloydbadmin','azure_maintenance','azure_sys'";

/// Settings that are kept as facts, as an SQL list: what a plan, the write path or the number of sessions depends on.
const SETTINGS: &str = "'autovacuum','autovacuum_max_workers','autovacuum_naptime','autovacuum_vacuum_cost_limit',\
'checkpoint_completion_target','checkpoint_timeout','commit_delay','compute_query_id','default_statistics_target',\
'effective_cache_size','effective_io_concurrency','enable_bitmapscan','enable_hashagg','enable_hashjoin',\
'enable_indexonlyscan','enable_indexscan','enable_memoize','enable_mergejoin','enable_nestloop','enable_seqscan',\
'enable_sort','fsync','full_page_writes','hash_mem_multiplier','hot_standby_feedback','huge_pages','io_method',\
'io_workers','jit','maintenance_work_mem','max_connections','max_parallel_workers',\
'max_parallel_workers_per_gather','max_standby_streaming_delay','max_wal_size','max_worker_processes',\
'plan_cache_mode','random_page_cost','seq_page_cost','shared_buffers','shared_preload_libraries',\
'synchronous_commit','synchronous_standby_names','temp_buffers','track_activity_query_size','track_io_timing',\
'wal_buffers','wal_compression','wal_level','work_mem','pg_stat_statements.max','pg_stat_statements.track'";

/// A time of the server as microseconds since the Unix epoch.
pub(in crate::postgres) fn micros(time: &str) -> String {
    format!("(extract(epoch from {time}) * 1000000)::int8")
}

/// How long ago a time of the server was, milliseconds.
fn millis_since(time: &str) -> String {
    format!("(extract(epoch from clock_timestamp() - ({time})) * 1000)::float8")
}

pub(in crate::postgres) fn statement(select_list_and_rest: &str) -> String {
    format!("{MARKER} SELECT {MARKER} {select_list_and_rest}")
}

/// The server's clock, and nothing else: for the skew, and for what the network takes.
pub(super) fn clock() -> String {
    statement(&format!("{} AS now_us", micros("clock_timestamp()")))
}

/// What the server is and has, one row. Works on every version, with no privileges.
pub(super) fn probe() -> String {
    statement(
        "current_setting('server_version_num')::int8 AS version_num, \
         current_setting('server_version')::text AS version, \
         pg_is_in_recovery() AS in_recovery, \
         pg_backend_pid()::int8 AS backend_pid, \
         (SELECT s.setting FROM pg_settings s WHERE s.name = 'statement_timeout')::int8 AS statement_timeout_ms, \
         (SELECT s.setting FROM pg_settings s WHERE s.name = 'lock_timeout')::int8 AS lock_timeout_ms, \
         current_setting('default_transaction_read_only')::text AS read_only, \
         quote_ident(current_user)::text AS quoted_user, \
         quote_ident(current_database())::text AS quoted_database, \
         coalesce((SELECT pg_has_role(current_user, r.oid, 'USAGE') FROM pg_roles r \
                   WHERE r.rolname = 'pg_read_all_stats'), false) AS reads_all_stats, \
         coalesce((SELECT pg_has_role(current_user, r.oid, 'USAGE') FROM pg_roles r \
                   WHERE r.rolname = 'pg_read_all_data'), false) AS reads_all_data, \
         (SELECT s.setting FROM pg_settings s WHERE s.name = 'track_activity_query_size')::int8 AS activity_bytes, \
         host(inet_server_addr())::text AS server_host, inet_server_port()::int8 AS server_port, \
         current_setting('track_io_timing', true)::text AS track_io_timing, \
         current_setting('compute_query_id', true)::text AS compute_query_id, \
         (SELECT s.setting FROM pg_settings s WHERE s.name = 'shared_preload_libraries')::text AS preloaded, \
         (SELECT s.setting FROM pg_settings s WHERE s.name = 'pg_stat_statements.track')::text AS track, \
         (SELECT e.extversion FROM pg_extension e WHERE e.extname = 'pg_stat_statements')::text AS extension_version, \
         (SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace \
           WHERE e.extname = 'pg_stat_statements')::text AS extension_schema, \
         (SELECT array_to_string(p.proargnames, ',') FROM pg_extension e \
            JOIN pg_proc p ON p.pronamespace = e.extnamespace AND p.proname = 'pg_stat_statements' \
           WHERE e.extname = 'pg_stat_statements' LIMIT 1)::text AS extension_columns, \
         (SELECT count(*) > 0 FROM pg_extension e \
            JOIN pg_proc p ON p.pronamespace = e.extnamespace AND p.proname = 'pg_stat_statements_info' \
           WHERE e.extname = 'pg_stat_statements') AS extension_info",
    )
}

/// The counters, three answers in one message: the server's clock *before* the counters are read (so that an entry
/// made afterwards is never dated before them), the counters, and *after* them when they were last reset.
pub(super) fn counters(has: &Statements) -> String {
    let schema = &has.schema;
    let rows = statement(&format!(
        "s.userid::int8 AS userid, s.dbid::int8 AS dbid, s.queryid::int8 AS queryid, \
         {toplevel} AS toplevel, s.calls::int8 AS calls, (s.{time} * 1000)::int8 AS time_us, s.rows::int8 AS rows, \
         s.shared_blks_hit::int8 AS hit, s.shared_blks_read::int8 AS read, {since} AS since_us \
         FROM {schema}.pg_stat_statements(false) s \
         WHERE s.queryid IS NOT NULL AND s.dbid NOT IN \
           (SELECT d.oid FROM pg_database d WHERE d.datname IN ({PROVIDER_DATABASES})) \
         LIMIT {limit}",
        toplevel = if has.toplevel { "s.toplevel" } else { "true" },
        time = has.time_column,
        since = if has.since { micros("s.stats_since") } else { "NULL::int8".to_owned() },
        limit = MAX_COUNTER_ROWS + 1,
    ));
    let (reset, dealloc, from) = if has.info {
        (micros("i.stats_reset"), "i.dealloc::int8", format!(" FROM {schema}.pg_stat_statements_info() i"))
    } else {
        ("NULL::int8".to_owned(), "NULL::int8", String::new())
    };
    let account = statement(&format!(
        "{started} AS started_us, {reset} AS reset_us, {dealloc} AS dealloc, \
         current_setting('max_connections')::int8 AS max_connections{from}",
        started = micros("pg_postmaster_start_time()"),
    ));
    format!("{}; {rows}; {account}", clock())
}

/// The texts of some statements, with one of the roles and databases that each ran in. What would make the answer larger than
/// [`MAX_TEXT_CHARS_PER_READ`] is put off, the last of `ids` first.
pub(super) fn texts(has: &Statements, ids: &[QueryId]) -> String {
    let list =
        |of: fn(&QueryId) -> i64| ids.iter().map(|id| of(id).to_string()).collect::<Vec<_>>().join(",");
    let read = statement(&format!(
        "t.dbid::int8 AS dbid, t.queryid::int8 AS queryid, t.total > {MAX_TEXT_CHARS_PER_READ} AS put_off, \
         CASE WHEN t.total <= {MAX_TEXT_CHARS_PER_READ} THEN t.text END::text AS query, \
         pg_get_userbyid(t.userid)::text AS user_name, \
         (SELECT d.datname FROM pg_database d WHERE d.oid = t.dbid)::text AS database_name \
         FROM (SELECT f.*, sum(coalesce(length(f.text), 0)) OVER (ORDER BY f.place) AS total \
           FROM (SELECT DISTINCT ON (w.place) w.place, w.dbid, w.queryid, s.userid, left(s.query, {MAX_TEXT_CHARS}) AS text \
             FROM unnest('{{{databases}}}'::oid[], '{{{queries}}}'::int8[]) WITH ORDINALITY AS w(dbid, queryid, place) \
             JOIN {schema}.pg_stat_statements(true) s ON s.dbid = w.dbid AND s.queryid = w.queryid \
             ORDER BY w.place, s.query IS NULL, {nested}s.calls DESC) f) t",
        schema = has.schema,
        // A prepared statement and one within a function can have the same id and differ in the names of their parameters.
        nested = if has.toplevel { "NOT s.toplevel, " } else { "" },
        databases = list(|id| id.dbid),
        queries = list(|id| id.queryid),
    ));
    // Two statements in one message make a transaction of their own, so LOCAL ends with it.
    format!("{MARKER} SET {MARKER} LOCAL statement_timeout = {TEXTS_TIMEOUT_MS}; {read}")
}

/// The client sessions that are at work or hold a transaction open, ourselves left out. The text comes once for each
/// statement id of a database, and always where there is no id.
pub(super) fn sessions() -> String {
    statement(&format!(
        "a.datid::int8 AS datid, a.query_id::int8 AS query_id, a.state::text AS state, \
         (a.wait_event_type || ':' || a.wait_event)::text AS wait, \
         (extract(epoch from clock_timestamp() - \
            CASE WHEN a.state = 'active' THEN a.query_start ELSE a.state_change END) * 1000)::float8 AS running_ms, \
         a.usename::text AS user_name, a.application_name::text AS app, a.datname::text AS database_name, \
         CASE WHEN a.client_addr IS NULL THEN 'local' ELSE host(a.client_addr) END::text AS client, \
         CASE WHEN a.query_id IS NULL OR row_number() OVER (PARTITION BY a.datid, a.query_id ORDER BY a.pid) = 1 \
           THEN left(a.query, {MAX_ACTIVITY_CHARS}) END::text AS query \
         FROM pg_stat_activity a WHERE {} AND a.state NOT IN ('idle', 'disabled') \
           AND coalesce(a.datname, '') NOT IN ({PROVIDER_DATABASES}) \
         LIMIT {MAX_SESSIONS}",
        clients("a"),
    ))
}

/// Client sessions other than ours.
fn clients(alias: &str) -> String {
    format!(
        "{alias}.backend_type = 'client backend' AND {alias}.pid <> pg_backend_pid() \
         AND {alias}.application_name <> 'faultline' AND {alias}.query NOT LIKE '{MARKER}%'"
    )
}

/// The counters of the current database and of the server's write path, one row.
pub(super) fn database(version_num: i64) -> String {
    let (flushed, from) = if version_num >= 170_000 {
        ("(c.buffers_written + b.buffers_clean)", "pg_stat_bgwriter b, pg_stat_checkpointer c")
    } else {
        ("(b.buffers_checkpoint + b.buffers_clean + b.buffers_backend)", "pg_stat_bgwriter b")
    };
    statement(&format!(
        "{now} AS now_us, {started} AS started_us, {reset} AS reset_us, \
         pg_is_in_recovery() AS in_recovery, pg_backend_pid()::int8 AS backend_pid, \
         d.xact_commit::int8 AS commits, d.xact_rollback::int8 AS rollbacks, \
         d.blks_hit::int8 AS hit, d.blks_read::int8 AS read, \
         d.tup_returned::int8 AS rows_read, d.tup_fetched::int8 AS rows_fetched, \
         (d.tup_inserted + d.tup_updated + d.tup_deleted)::int8 AS rows_changed, \
         d.temp_bytes::int8 AS temp_bytes, d.deadlocks::int8 AS deadlocks, d.conflicts::int8 AS conflicts, \
         {flushed}::int8 AS pages_flushed, \
         CASE WHEN pg_is_in_recovery() THEN NULL \
           ELSE pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::int8 END AS log_bytes, \
         s.connections::int8 AS connections, s.active::int8 AS active, s.lock_waiting::int8 AS lock_waiting, \
         s.vacuums::int8 AS vacuums \
         FROM pg_stat_database d, {from}, \
           (SELECT count(*) FILTER (WHERE {clients}) AS connections, \
              count(*) FILTER (WHERE {clients} AND a.state = 'active') AS active, \
              count(*) FILTER (WHERE {clients} AND a.state = 'active' AND a.wait_event_type = 'Lock') AS lock_waiting, \
              count(*) FILTER (WHERE a.backend_type = 'autovacuum worker') AS vacuums \
            FROM pg_stat_activity a) s \
         WHERE d.datname = current_database()",
        now = micros("clock_timestamp()"),
        started = micros("pg_postmaster_start_time()"),
        reset = micros("d.stats_reset"),
        clients = clients("a"),
    ))
}

/// How far a standby has come, one row.
pub(super) fn replication() -> String {
    statement(&format!(
        "{now} AS now_us, pg_wal_lsn_diff(pg_last_wal_receive_lsn(), '0/0')::int8 AS received, \
         pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::int8 AS replayed, \
         {replayed} AS replayed_us, pg_is_wal_replay_paused() AS paused, \
         (SELECT r.status FROM pg_stat_wal_receiver r LIMIT 1)::text AS receiver \
         WHERE pg_is_in_recovery()",
        now = micros("clock_timestamp()"),
        replayed = micros("pg_last_xact_replay_timestamp()"),
    ))
}

/// The settings that are kept as facts, printed with their units.
pub(super) fn settings() -> String {
    statement(&format!(
        "s.name::text AS name, current_setting(s.name)::text AS value FROM pg_settings s WHERE s.name IN ({SETTINGS})"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids() -> [QueryId; 2] {
        [QueryId { dbid: 5, queryid: 1 }, QueryId { dbid: 6, queryid: -2 }]
    }

    fn has(toplevel: bool, since: bool, info: bool) -> Statements {
        Statements {
            version: "1.12".to_owned(),
            schema: "\"Stats\"".to_owned(),
            time_column: "total_exec_time",
            toplevel,
            since,
            info,
        }
    }

    #[test]
    fn every_statement_starts_with_the_marker_and_carries_it_inside() {
        let (old, new) = (has(false, false, false), has(true, true, true));
        let texts = [
            clock(),
            probe(),
            counters(&old),
            counters(&new),
            texts(&new, &ids()),
            sessions(),
            database(150_000),
            database(180_000),
            replication(),
            settings(),
            tables(&[7]),
            hashes(),
            details(&[7, 8]),
            begin(),
            rollback(),
            set_path(),
            prepare("select 1"),
            parameters(),
            explain_prepared(2),
            deallocate(),
            path_of_role(),
            schema_with(),
            relations(),
            columns(7),
            locks(),
        ];
        for text in texts {
            // The sessions statement names the marker within a pattern; that has no semicolon around it either.
            for part in text.split("; ") {
                assert!(part.starts_with(MARKER), "{part}");
                assert!(
                    part[MARKER.len()..].trim_start().split_once(' ').unwrap().1.starts_with(MARKER),
                    "{part}"
                );
            }
        }
    }

    #[test]
    fn columns_follow_the_extension() {
        insta::assert_snapshot!(format!(
            "{}\n\n{}\n\n{}",
            counters(&has(false, false, false)),
            counters(&has(true, true, true)),
            texts(&has(true, true, true), &ids())
        ));
    }
}
