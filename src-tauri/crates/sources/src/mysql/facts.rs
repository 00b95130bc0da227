//! Slow facts: sizes of the largest tables, and the definitions of their indexes and columns. Pure, apart from reading the
//! rows.

use std::collections::{BTreeMap, BTreeSet};

use faultline_model::Facts;
use serde_json::Value;

use super::sql_facts::MAX_TABLES;
use super::table::Table;
use super::trouble::Trouble;

/// Most tables whose definitions are followed: the largest, and those that once were.
const MAX_FOLLOWED: usize = 2 * MAX_TABLES;
/// Longest definition that is told, characters.
const MAX_DEFINITION_CHARS: usize = 500;

/// One table's size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Size {
    rows: u64,
    pages: u64,
}

/// A table by its schema and name.
pub(super) type Place = (String, String);

/// The largest tables from the answer to [`super::sql_facts::tables`], partitions added up.
///
/// # Errors
/// [`Trouble::Unreadable`] when a column is missing.
pub(super) fn largest(answer: &Table) -> Result<Vec<(Place, Size)>, Trouble> {
    let mut sizes: BTreeMap<Place, Size> = BTreeMap::new();
    for row in answer.rows() {
        let Some(place) = row.text("name")?.and_then(place) else { continue };
        let size = sizes.entry(place).or_default();
        size.rows = size.rows.saturating_add(row.count("table_rows")?.unwrap_or_default());
        size.pages = size.pages.saturating_add(row.count("pages")?.unwrap_or_default());
    }
    let mut sizes: Vec<_> = sizes.into_iter().collect();
    sizes.sort_by(|(one, small), (other, large)| large.pages.cmp(&small.pages).then(one.cmp(other)));
    sizes.truncate(MAX_TABLES);
    Ok(sizes)
}

/// Schema and table of InnoDB's own name for it: `shop/orders#P#p0`, signs that no file name takes as `@002d`.
fn place(name: &str) -> Option<Place> {
    let (schema, table) = name.split_once('/')?;
    let table = table.split(['#']).next().unwrap_or(table);
    (!table.is_empty()).then(|| (decoded(schema), decoded(table)))
}

fn decoded(name: &str) -> String {
    let mut parts = name.split('@');
    let mut found = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let sign =
            part.get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok()).and_then(char::from_u32);
        match sign {
            Some(sign) => {
                found.push(sign);
                found.push_str(&part[4..]);
            }
            None => {
                found.push('@');
                found.push_str(part);
            }
        }
    }
    found
}

/// What a table is called in facts: bare in the schema that the url names, else with its schema.
fn called(schema: &str, table: &str, home: Option<&str>) -> String {
    if home == Some(schema) { table.to_owned() } else { format!("{schema}.{table}") }
}

/// Rows and bytes of tables as facts.
pub(super) fn sizes(tables: &[(Place, Size)], page_bytes: u64, home: Option<&str>) -> Facts {
    let mut found = Facts::new();
    for ((schema, table), size) in tables {
        let name = called(schema, table, home);
        found.insert(format!("table:{name}:rows"), Value::from(size.rows));
        found.insert(format!("table:{name}:bytes"), Value::from(size.pages.saturating_mul(page_bytes)));
    }
    found
}

/// The tables whose definitions are followed. One that is no longer among the largest may be gone: that is told.
#[derive(Debug, Default)]
pub(super) struct Followed {
    tables: BTreeSet<Place>,
    /// Facts that were found the last time.
    found: BTreeSet<String>,
}

impl Followed {
    /// Adds tables, the largest first, as far as there is room; all that are followed.
    pub(super) fn add(&mut self, tables: &[(Place, Size)]) -> Vec<Place> {
        for (place, _) in tables {
            if self.tables.len() < MAX_FOLLOWED {
                self.tables.insert(place.clone());
            }
        }
        self.tables.iter().cloned().collect()
    }

    /// The definitions as facts, null for those that are gone since the last time. Nothing when no definition at all could
    /// be seen, which is a missing privilege and no dropped database.
    pub(super) fn changes(&mut self, definitions: Facts) -> Facts {
        if definitions.is_empty() {
            return definitions;
        }
        let now: BTreeSet<String> = definitions.keys().cloned().collect();
        let mut facts = definitions;
        for gone in self.found.difference(&now) {
            facts.insert(gone.clone(), Value::Null);
        }
        self.found = now;
        facts
    }
}

/// An index as its rows tell it.
#[derive(Debug, Default)]
struct Index {
    unique: bool,
    /// `btree`, `hash`, `fulltext` or `spatial`.
    kind: String,
    /// The columns by their place.
    columns: BTreeMap<u64, String>,
}

/// Indexes from the answer to [`super::sql_facts::indexes`], `index:TABLE.NAME` and how many each table has.
///
/// # Errors
/// [`Trouble::Unreadable`] when a column is missing.
pub(super) fn indexes(answer: &Table, home: Option<&str>) -> Result<Facts, Trouble> {
    let mut parts: BTreeMap<(String, String), Index> = BTreeMap::new();
    for row in answer.rows() {
        let (Some(schema), Some(table), Some(name)) =
            (row.text("schema_name")?, row.text("table_name")?, row.text("index_name")?)
        else {
            continue;
        };
        let index = parts.entry((called(schema, table, home), name.to_owned())).or_default();
        index.unique = row.count("non_unique")? == Some(0);
        index.kind = row.text("index_type")?.unwrap_or_default().to_ascii_lowercase();
        // An index on an expression (MySQL 8) has no column.
        let column = row.text("column_name")?.unwrap_or("(expression)");
        let column = match row.count("sub_part")? {
            Some(length) => format!("{column}({length})"),
            None => column.to_owned(),
        };
        index.columns.insert(row.count("seq")?.unwrap_or_default(), column);
    }
    let mut facts = Facts::new();
    let mut numbers: BTreeMap<String, u64> = BTreeMap::new();
    for ((table, name), index) in parts {
        *numbers.entry(table.clone()).or_default() += 1;
        let columns = index.columns.into_values().collect::<Vec<_>>().join(", ");
        let definition = format!("{}{} ({columns})", if index.unique { "unique " } else { "" }, index.kind);
        facts.insert(format!("index:{table}.{name}"), short(&definition));
    }
    facts.extend(
        numbers.into_iter().map(|(table, number)| (format!("table:{table}:indexes"), Value::from(number))),
    );
    Ok(facts)
}

/// Columns from the answer to [`super::sql_facts::definitions`], `column:TABLE.NAME`.
///
/// # Errors
/// [`Trouble::Unreadable`] when a column is missing.
pub(super) fn columns(answer: &Table, home: Option<&str>) -> Result<Facts, Trouble> {
    let mut facts = Facts::new();
    for row in answer.rows() {
        let (Some(schema), Some(table), Some(column), Some(kind)) = (
            row.text("schema_name")?,
            row.text("table_name")?,
            row.text("column_name")?,
            row.text("column_type")?,
        ) else {
            continue;
        };
        let needed = row.text("nullable")?.is_some_and(|nullable| nullable.eq_ignore_ascii_case("no"));
        let kind = format!("{kind}{}", if needed { " not null" } else { "" });
        facts.insert(format!("column:{}.{column}", called(schema, table, home)), short(&kind));
    }
    Ok(facts)
}

fn short(text: &str) -> Value {
    Value::String(text.chars().take(MAX_DEFINITION_CHARS).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(columns: &[&str], rows: &[&[&str]]) -> Table {
        let mut table = Table::new(columns.iter().map(|column| (*column).to_owned()).collect());
        for row in rows {
            table.push(row.iter().map(|cell| Some((*cell).to_owned()).filter(|cell| cell != "-")).collect());
        }
        table
    }

    #[test]
    fn partitions_are_added_up_and_names_are_as_sql_has_them() {
        let rows: &[&[&str]] = &[
            &["shop/orders#P#p0", "10", "3"],
            &["shop/orders#p#p1#sp#s", "5", "4"],
            &["my@002dshop/item", "7", "9"],
            &["SYS_FOREIGN", "0", "1"],
        ];
        let found = largest(&table(&["name", "table_rows", "pages"], rows)).unwrap();
        let facts = sizes(&found, 16_384, Some("shop"));
        assert_eq!(facts["table:orders:rows"], Value::from(15));
        assert_eq!(facts["table:orders:bytes"], Value::from(7 * 16_384));
        assert_eq!(facts["table:my-shop.item:rows"], Value::from(7));
        assert_eq!(found[0].0, ("my-shop".to_owned(), "item".to_owned()), "largest first");
    }

    #[test]
    fn definitions_are_told_and_those_that_are_gone_are_null() {
        let names = [
            "schema_name",
            "table_name",
            "index_name",
            "non_unique",
            "seq",
            "column_name",
            "sub_part",
            "index_type",
        ];
        let rows: &[&[&str]] = &[
            &["shop", "item", "by_name", "1", "2", "note", "20", "BTREE"],
            &["shop", "item", "by_name", "1", "1", "name", "-", "BTREE"],
            &["shop", "item", "PRIMARY", "0", "1", "id", "-", "BTREE"],
        ];
        let mut found = indexes(&table(&names, rows), Some("shop")).unwrap();
        assert_eq!(found["index:item.by_name"], "btree (name, note(20))");
        assert_eq!(found["index:item.PRIMARY"], "unique btree (id)");
        assert_eq!(found["table:item:indexes"], Value::from(2));
        let names = ["schema_name", "table_name", "column_name", "column_type", "nullable"];
        let rows: &[&[&str]] = &[&["other", "t", "id", "int(11)", "NO"]];
        let more = columns(&table(&names, rows), Some("shop")).unwrap();
        assert_eq!(more["column:other.t.id"], "int(11) not null");
        found.extend(more);
        let mut followed = Followed::default();
        assert_eq!(followed.changes(found.clone()), found);
        found.remove("index:item.by_name");
        assert_eq!(followed.changes(found.clone())["index:item.by_name"], Value::Null);
        assert!(followed.changes(Facts::new()).is_empty(), "nothing to be seen is not everything gone");
        assert!(!followed.changes(found).contains_key("index:item.by_name"), "told once");
    }
}
