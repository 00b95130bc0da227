//! What is asked about the schema: sizes of the largest tables, one hash a schema, and the columns and indexes of the tables
//! that are followed. Only catalogs are read, which standbys share with their primary.

use super::{MAX_TABLES, statement};

/// Most schemas whose hash is told by itself; the others share one.
pub(in crate::postgres) const MAX_SCHEMAS: usize = 100;
/// Most columns that are read.
pub(in crate::postgres) const MAX_COLUMNS: usize = 1_000;
/// Most indexes that are read.
pub(in crate::postgres) const MAX_INDEXES: usize = 500;
/// Longest definition of an index that is told, characters.
const MAX_DEFINITION_CHARS: usize = 500;

/// Tables, views and the like that somebody made; partitions follow their parent and are left out, because new ones are made
/// every day without anybody changing the schema.
const RELATIONS: &str = "c.relpersistence <> 't' AND NOT c.relispartition \
     AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'";

fn list(oids: &[i64]) -> String {
    oids.iter().map(i64::to_string).collect::<Vec<_>>().join(",")
}

/// Rows (as the planner knows them) and indexes of the largest tables of the database, parents of partitions first, and of
/// those that are followed already.
pub(in crate::postgres) fn tables(followed: &[i64]) -> String {
    let these = "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'";
    statement(&format!(
        "c.oid::int8 AS oid, \
         CASE WHEN n.nspname = 'public' THEN c.relname ELSE n.nspname || '.' || c.relname END::text AS name, \
         c.reltuples::float8 AS rows, c.relispartition AS is_partition, \
         (SELECT count(*) FROM pg_index i WHERE i.indrelid = c.oid AND i.indisvalid)::int8 AS indexes \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.oid = ANY ('{{{followed}}}'::oid[]) OR c.oid = ANY (ARRAY( \
           SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
           WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't' AND {these} \
           ORDER BY c.relkind = 'p' DESC, c.relpages DESC, c.oid LIMIT {MAX_TABLES})) \
         ORDER BY c.oid",
        followed = list(followed),
    ))
}

/// One hash a schema over the definitions of its tables, views, columns, valid indexes and constraints. Everything goes in by
/// name, so that what is merely rewritten (`VACUUM FULL`, `REINDEX CONCURRENTLY`, `TRUNCATE`) changes nothing.
pub(in crate::postgres) fn hashes() -> String {
    statement(&format!(
        "s.name::text AS name, bit_xor(s.hash)::int8 AS hash FROM ( \
         WITH t AS MATERIALIZED (SELECT c.oid, c.relname, n.nspname, c.relkind \
           FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
           WHERE c.relkind IN ('r', 'p', 'm', 'v', 'f') AND {RELATIONS}) \
         SELECT t.nspname AS name, hash_record_extended((t.relname, t.relkind), 1) AS hash FROM t \
         UNION ALL SELECT t.nspname, \
           hash_record_extended((t.relname, a.attname, a.atttypid, a.atttypmod, a.attnotnull), 2) \
           FROM t JOIN pg_attribute a ON a.attrelid = t.oid WHERE a.attnum > 0 AND NOT a.attisdropped \
         UNION ALL SELECT t.nspname, hash_record_extended((t.relname, x.relname, \
             i.indkey::text, i.indisunique, i.indclass::text, pg_get_expr(i.indpred, i.indrelid), pg_get_expr(i.indexprs, i.indrelid)), 3) \
           FROM t JOIN pg_index i ON i.indrelid = t.oid JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indisvalid \
         UNION ALL SELECT t.nspname, hash_record_extended((t.relname, k.conname, k.contype, k.convalidated), 4) \
           FROM t JOIN pg_constraint k ON k.conrelid = t.oid WHERE k.contype IN ('c', 'f', 'u', 'x')) s \
         GROUP BY s.name ORDER BY s.name",
    ))
}

/// Columns and valid indexes of some tables: two answers in one message.
pub(in crate::postgres) fn details(followed: &[i64]) -> String {
    let columns = statement(&format!(
        "a.attrelid::int8 AS oid, a.attname::text AS name, \
         (format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END)::text AS definition \
         FROM pg_attribute a WHERE a.attrelid = ANY ('{{{followed}}}'::oid[]) AND a.attnum > 0 AND NOT a.attisdropped \
         ORDER BY a.attrelid, a.attnum LIMIT {limit}",
        followed = list(followed),
        limit = MAX_COLUMNS + 1,
    ));
    let indexes = statement(&format!(
        "i.indrelid::int8 AS oid, x.relname::text AS name, \
         left(pg_get_indexdef(i.indexrelid), {MAX_DEFINITION_CHARS})::text AS definition \
         FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid \
         WHERE i.indrelid = ANY ('{{{followed}}}'::oid[]) AND i.indisvalid \
         ORDER BY i.indrelid, x.relname LIMIT {limit}",
        followed = list(followed),
        limit = MAX_INDEXES + 1,
    ));
    format!("{columns}; {indexes}")
}
