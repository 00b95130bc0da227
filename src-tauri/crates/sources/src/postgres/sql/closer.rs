//! What is asked when a query is suspected: its generic plan, what the planner knows of the tables in it, and who waits for
//! whom. Never `ANALYZE`: nothing is executed.

use super::{MARKER, MAX_ACTIVITY_CHARS, millis_since, statement};

/// Most sessions of a lock tree.
pub(in crate::postgres) const MAX_LOCK_SESSIONS: usize = 50;
/// Name of the prepared statement by which a statement with parameters is planned. Newer servers have `EXPLAIN
/// (GENERIC_PLAN)`, but not in the extended protocol (it wants values for the parameters), and only that one sees to it that a
/// message is one statement. So every version is asked in the same way.
const PREPARED: &str = "faultline_plan";
/// Between the names of a list that is one parameter; no name has it in it.
pub(in crate::postgres) const SEPARATOR: char = '\u{1f}';

/// Begins the transaction in which a statement is planned.
pub(in crate::postgres) fn begin() -> String {
    format!(
        "{MARKER} BEGIN {MARKER} READ ONLY; {MARKER} SET {MARKER} LOCAL plan_cache_mode = force_generic_plan"
    )
}

/// Ends it, whatever became of it.
pub(in crate::postgres) fn rollback() -> String {
    format!("{MARKER} ROLLBACK {MARKER}")
}

/// Where names are looked up until the transaction ends. One parameter: the path.
pub(in crate::postgres) fn set_path() -> String {
    statement("set_config('search_path', $1, true)::text AS path")
}

/// Prepares a statement, which executes nothing. One message can hold one statement only, which the protocol sees to.
pub(in crate::postgres) fn prepare(text: &str) -> String {
    format!("{MARKER} PREPARE {MARKER} {PREPARED} AS {text}")
}

/// How many parameters the prepared statement has.
pub(in crate::postgres) fn parameters() -> String {
    statement(&format!(
        "coalesce(cardinality(p.parameter_types), 0)::int8 AS parameters FROM pg_prepared_statements p \
         WHERE p.name = '{PREPARED}'"
    ))
}

/// Its generic plan.
pub(in crate::postgres) fn explain_prepared(parameters: usize) -> String {
    let nulls = vec!["NULL"; parameters].join(", ");
    let list = if parameters == 0 { String::new() } else { format!("({nulls})") };
    format!("{MARKER} EXPLAIN {MARKER} (VERBOSE, FORMAT JSON) EXECUTE {PREPARED}{list}")
}

/// Forgets the prepared statement.
pub(in crate::postgres) fn deallocate() -> String {
    format!("{MARKER} DEALLOCATE {MARKER} {PREPARED}")
}

/// The path on which a role finds the names of its statements. Parameters: role, database.
pub(in crate::postgres) fn path_of_role() -> String {
    statement(
        "replace(replace(coalesce( \
           (SELECT substr(c.entry, 13) FROM pg_db_role_setting s, unnest(s.setconfig) AS c(entry) \
             WHERE c.entry LIKE 'search\\_path=%' \
               AND s.setrole IN (0, coalesce((SELECT r.oid FROM pg_roles r WHERE r.rolname = $1), 0)) \
               AND s.setdatabase IN (0, (SELECT d.oid FROM pg_database d WHERE d.datname = $2)) \
             ORDER BY s.setrole <> 0 AND s.setdatabase <> 0 DESC, s.setrole <> 0 DESC, s.setdatabase <> 0 DESC LIMIT 1), \
           '\"$user\", public'), '\"$user\"', quote_ident($1)), '$user', quote_ident($1))::text AS path",
    )
}

/// The schema that has most of some names, the largest of several. One parameter: the names.
pub(in crate::postgres) fn schema_with() -> String {
    statement(&format!(
        "quote_ident(n.nspname)::text AS path, n.nspname::text AS name, count(*) OVER ()::int8 AS schemas \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relname = ANY (string_to_array($1, chr({separator}))) \
           AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%' \
         GROUP BY n.nspname ORDER BY count(*) DESC, sum(c.reltuples) DESC, n.nspname LIMIT 1",
        separator = SEPARATOR as u32,
    ))
}

/// What the planner knows of some tables. Parameters: their schemas, their names.
pub(in crate::postgres) fn relations() -> String {
    statement(&format!(
        "c.oid::int8 AS oid, n.nspname::text AS schema, c.relname::text AS name, c.reltuples::float8 AS rows, \
         (quote_ident(n.nspname) || '.' || quote_ident(c.relname))::text AS quoted, \
         c.relispartition AS is_partition \
         FROM unnest(string_to_array($1, chr({separator})), string_to_array($2, chr({separator}))) AS w(schema, name) \
         JOIN pg_namespace n ON n.nspname = w.schema JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.name",
        separator = SEPARATOR as u32,
    ))
}

/// What is known of some columns of a table, and whether an index could find rows by them. One parameter: their names.
pub(in crate::postgres) fn columns(table_oid: i64) -> String {
    statement(&format!(
        "a.attname::text AS name, quote_ident(a.attname)::text AS quoted, \
         format_type(a.atttypid, NULL)::text AS type, \
         (SELECT s.n_distinct FROM pg_stats s JOIN pg_class c ON c.oid = a.attrelid \
            JOIN pg_namespace n ON n.oid = c.relnamespace \
           WHERE s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname \
           ORDER BY s.inherited DESC LIMIT 1)::float8 AS n_distinct, \
         EXISTS (SELECT FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam \
           WHERE i.indrelid = a.attrelid AND i.indisvalid AND i.indpred IS NULL AND i.indkey[0] = a.attnum \
             AND m.amname IN ('btree', 'hash')) AS leads \
         FROM pg_attribute a WHERE a.attrelid = {table_oid} AND a.attnum > 0 AND NOT a.attisdropped \
           AND a.attname = ANY (string_to_array($1, chr({separator})))",
        separator = SEPARATOR as u32,
    ))
}

/// The sessions that wait for a lock, and those that they wait for. Replay on a standby is no session to
/// `pg_blocking_pids()`; it waits to lock a table, and whoever has any lock on that is in its way. Asked for only when somebody waits: it looks through all
/// locks of the server.
pub(in crate::postgres) fn locks() -> String {
    format!(
        "{MARKER} WITH {MARKER} waiting AS MATERIALIZED ( \
           SELECT a.pid, a.query_start, a.backend_type FROM pg_stat_activity a \
           WHERE a.wait_event_type = 'Lock' AND a.pid <> pg_backend_pid()), \
         locks AS MATERIALIZED (SELECT * FROM pg_locks), \
         wanted AS MATERIALIZED ( \
           SELECT DISTINCT ON (l.pid) l.pid, l.database, l.relation AS id, l.locktype || ' ' || l.mode AS lock, \
             CASE WHEN l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()) \
               THEN l.relation::regclass::text END AS relation \
           FROM locks l WHERE NOT l.granted ORDER BY l.pid), \
         tree AS MATERIALIZED ( \
           SELECT w.pid, l.lock, l.relation, CASE WHEN w.backend_type <> 'startup' THEN pg_blocking_pids(w.pid) \
             ELSE ARRAY(SELECT DISTINCT g.pid FROM locks g WHERE g.granted AND g.pid <> w.pid \
                          AND g.locktype = 'relation' AND g.database = l.database AND g.relation = l.id) END AS blockers \
           FROM (SELECT pid, backend_type FROM waiting ORDER BY query_start LIMIT {MAX_LOCK_SESSIONS}) w \
           LEFT JOIN wanted l ON l.pid = w.pid) \
         SELECT a.pid::int8 AS pid, a.datid::int8 AS datid, a.query_id::int8 AS query_id, \
           a.usename::text AS user_name, a.datname::text AS database_name, a.application_name::text AS app, \
           a.backend_type::text AS backend, a.state::text AS state, \
           {running} AS running_ms, {transaction} AS transaction_ms, \
           left(a.query, {MAX_ACTIVITY_CHARS})::text AS query, \
           array_to_string(w.blockers, ',')::text AS blocked_by, w.lock::text AS lock, w.relation::text AS relation, \
           (SELECT count(*) FROM waiting)::int8 AS waiting \
         FROM pg_stat_activity a LEFT JOIN tree w ON w.pid = a.pid \
         WHERE a.pid IN (SELECT t.pid FROM tree t UNION SELECT unnest(t.blockers) FROM tree t) \
         ORDER BY w.pid IS NOT NULL, a.pid LIMIT {MAX_LOCK_SESSIONS}",
        running = millis_since("CASE WHEN a.state = 'active' THEN a.query_start ELSE a.state_change END"),
        transaction = millis_since("a.xact_start"),
    )
}
