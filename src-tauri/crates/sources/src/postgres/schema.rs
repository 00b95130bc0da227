//! What the schema is made of, as facts: sizes of the largest tables, columns and indexes of those that are followed, one hash
//! a schema for all the rest. Pure, apart from reading rows. What is gone is told once, as null; a table that is merely no
//! longer among the largest is followed on.

use std::collections::{BTreeMap, BTreeSet};

use faultline_model::Facts;
use serde_json::Value;
use sqlx::postgres::PgRow;

use super::row::{bool_of, float, int, text};
use super::sql::{MAX_COLUMNS, MAX_INDEXES, MAX_SCHEMAS};
use super::trouble::Trouble;

/// Most tables whose columns and indexes are told.
const MAX_FOLLOWED: usize = 100;
/// Key of the hash that stands for the schemas beyond [`MAX_SCHEMAS`].
const OTHER_SCHEMAS: &str = "ddl:*";

/// One table as read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Table {
    oid: i64,
    /// `table`, or `schema.table` outside of `public`.
    name: String,
    /// Rows as the planner knows them; `None` before the first analysis.
    rows: Option<f64>,
    is_partition: bool,
    indexes: Option<i64>,
}

impl Table {
    /// From a row of the answer to [`super::sql::tables`].
    ///
    /// # Errors
    /// [`Trouble::Unreadable`] when a column is missing.
    pub(super) fn from_row(row: &PgRow) -> Result<Self, Trouble> {
        Ok(Self {
            oid: int(row, "oid")?.unwrap_or_default(),
            name: text(row, "name")?.unwrap_or_default(),
            rows: float(row, "rows")?.filter(|rows| *rows >= 0.0),
            is_partition: bool_of(row, "is_partition")?.unwrap_or(false),
            indexes: int(row, "indexes")?,
        })
    }
}

/// A column or an index as read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part {
    /// Of its table.
    oid: i64,
    name: String,
    definition: String,
}

impl Part {
    /// From a row of one of the answers to [`super::sql::details`].
    ///
    /// # Errors
    /// [`Trouble::Unreadable`] when a column is missing.
    pub(super) fn from_row(row: &PgRow) -> Result<Self, Trouble> {
        Ok(Self {
            oid: int(row, "oid")?.unwrap_or_default(),
            name: text(row, "name")?.unwrap_or_default(),
            definition: text(row, "definition")?.unwrap_or_default(),
        })
    }
}

/// From a row of the answer to [`super::sql::hashes`].
///
/// # Errors
/// [`Trouble::Unreadable`] when a column is missing.
pub(super) fn hash(row: &PgRow) -> Result<(String, i64), Trouble> {
    Ok((text(row, "name")?.unwrap_or_default(), int(row, "hash")?.unwrap_or_default()))
}

/// What of one database's schema was told.
#[derive(Debug, Default)]
pub(super) struct Schema {
    /// Tables whose parts are told, by their ids.
    followed: BTreeMap<i64, String>,
    /// Keys told of the parts of each of them.
    told: BTreeMap<i64, BTreeSet<String>>,
    /// Hashes by schema.
    hashes: BTreeMap<String, i64>,
    /// Whether something may have changed since the parts were read.
    stale: bool,
}

impl Schema {
    /// The tables to ask for besides the largest.
    pub(super) fn followed(&self) -> Vec<i64> {
        self.followed.keys().copied().collect()
    }

    /// Whether columns and indexes must be read.
    pub(super) fn is_stale(&self) -> bool {
        self.stale && !self.followed.is_empty()
    }

    /// The largest tables and the followed ones were read.
    pub(super) fn tables(&mut self, tables: &[Table]) -> Facts {
        let mut facts = Facts::new();
        let found: BTreeMap<i64, &Table> = tables.iter().map(|table| (table.oid, table)).collect();
        for (oid, name) in std::mem::take(&mut self.followed) {
            match found.get(&oid) {
                Some(table) if table.name == name => {
                    self.followed.insert(oid, name);
                }
                // Dropped, or known by another name from now on.
                _ => {
                    self.stale |= found.contains_key(&oid);
                    facts.extend(self.told.remove(&oid).into_iter().flatten().map(|key| (key, Value::Null)));
                    facts.extend(sizes(&name).into_iter().map(|key| (key, Value::Null)));
                }
            }
        }
        for table in tables {
            facts.extend(size(table));
            if !table.is_partition
                && !self.followed.contains_key(&table.oid)
                && self.followed.len() < MAX_FOLLOWED
            {
                self.followed.insert(table.oid, table.name.clone());
                self.stale = true;
            }
        }
        facts
    }

    /// The hashes of all schemas were read.
    pub(super) fn hashes(&mut self, read: Vec<(String, i64)>) -> Facts {
        let mut now: BTreeMap<String, i64> = BTreeMap::new();
        for (at, (name, hash)) in read.into_iter().enumerate() {
            if at < MAX_SCHEMAS {
                now.insert(format!("ddl:{name}"), hash);
            } else {
                *now.entry(OTHER_SCHEMAS.to_owned()).or_default() ^= hash;
            }
        }
        self.stale |= now != self.hashes;
        let gone =
            self.hashes.keys().filter(|key| !now.contains_key(*key)).map(|key| (key.clone(), Value::Null));
        let facts = gone.chain(now.iter().map(|(key, hash)| (key.clone(), hex(*hash)))).collect();
        self.hashes = now;
        facts
    }

    /// The columns and indexes of the followed tables were read.
    pub(super) fn details(&mut self, mut columns: Vec<Part>, mut indexes: Vec<Part>) -> Facts {
        let mut covered: BTreeSet<i64> = self.followed.keys().copied().collect();
        for (parts, limit) in [(&mut columns, MAX_COLUMNS), (&mut indexes, MAX_INDEXES)] {
            if parts.len() > limit {
                // The answer was cut off within a table, which comes after all that are whole.
                let cut = parts[limit].oid;
                covered.retain(|oid| *oid < cut);
            }
        }
        let mut facts = Facts::new();
        let mut told: BTreeMap<i64, BTreeSet<String>> = BTreeMap::new();
        for (kind, part) in
            columns.iter().map(|part| ("column", part)).chain(indexes.iter().map(|part| ("index", part)))
        {
            let Some(table) = self.followed.get(&part.oid).filter(|_| covered.contains(&part.oid)) else {
                continue;
            };
            let key = format!("{kind}:{table}.{}", part.name);
            told.entry(part.oid).or_default().insert(key.clone());
            facts.insert(key, Value::from(part.definition.as_str()));
        }
        for oid in &covered {
            let now = told.remove(oid).unwrap_or_default();
            let before = self.told.insert(*oid, now.clone()).unwrap_or_default();
            facts.extend(before.difference(&now).map(|key| (key.clone(), Value::Null)));
        }
        self.stale = false;
        facts
    }
}

/// The keys under which the sizes of a table are told.
fn sizes(table: &str) -> [String; 2] {
    [format!("table:{table}:rows"), format!("table:{table}:indexes")]
}

fn size(table: &Table) -> Facts {
    let [rows, indexes] = sizes(&table.name);
    let rows = table.rows.map(|number| (rows, Value::from(number as u64)));
    let indexes = table.indexes.map(|number| (indexes, Value::from(number)));
    rows.into_iter().chain(indexes).collect()
}

fn hex(hash: i64) -> Value {
    Value::from(format!("{:016x}", hash.cast_unsigned()))
}

#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;
