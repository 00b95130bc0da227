//! A plan as `EXPLAIN (VERBOSE, FORMAT JSON)` prints it: its shape, the scans in it, and one line on it. Pure.

use serde_json::Value;

use super::condition::{Compared, compared};

/// Longest plan that is read, bytes.
pub(super) const MAX_PLAN_BYTES: usize = 1024 * 1024;
/// Deepest plan that is read.
const MAX_DEPTH: usize = 60;
/// Longest line on a plan, characters.
const MAX_SUMMARY_CHARS: usize = 240;
/// Scans that are named in the line.
const MAX_NAMED_SCANS: usize = 4;
/// FNV-1a, 64 bits: <http://www.isthe.com/chongo/tech/comp/fnv/>. A hash that stays the same over versions of the compiler.
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// One plan.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    root: Value,
}

/// A node of the plan that reads a table.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scan {
    /// `Seq Scan`, `Index Scan`, …
    pub(super) kind: String,
    pub(super) schema: String,
    pub(super) table: String,
    pub(super) index: Option<String>,
    /// Columns that its filter compares with a value.
    pub(super) compared: Vec<Compared>,
}

impl Scan {
    /// Whether it reads the whole table.
    pub(super) fn is_full(&self) -> bool {
        self.kind == "Seq Scan"
    }
}

impl Plan {
    /// Reads the server's answer; `None` when it is none that we know.
    pub(super) fn parse(answer: &str) -> Option<Self> {
        if answer.len() > MAX_PLAN_BYTES {
            return None;
        }
        let mut answer: Value = serde_json::from_str(answer).ok()?;
        let root = answer.get_mut(0)?.get_mut("Plan")?.take();
        root.is_object().then_some(Self { root })
    }

    /// What kinds of nodes it has, on which tables and indexes, in which order; no costs, no numbers of rows. 16 hex digits.
    pub(super) fn shape_hash(&self) -> String {
        let shape = shape(&self.root, false, 0);
        let hash =
            shape.bytes().fold(FNV_OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME));
        format!("{hash:016x}")
    }

    /// Every node that reads a table, in the order of the plan.
    pub(super) fn scans(&self) -> Vec<Scan> {
        let mut found = Vec::new();
        gather(&self.root, 0, &mut found);
        found
    }

    /// One line: the join at the top and the scans, each with the rows of its table where `rows` knows them.
    pub(super) fn summary(&self, rows: impl Fn(&Scan) -> Option<f64>) -> String {
        let scans = self.scans();
        let mut named: Vec<String> =
            scans.iter().take(MAX_NAMED_SCANS).map(|scan| described(scan, rows(scan))).collect();
        if scans.len() > MAX_NAMED_SCANS {
            named.push(format!("and {} more", scans.len() - MAX_NAMED_SCANS));
        }
        let text = match (operation(&self.root), named.len()) {
            (Some(name), 0) => name,
            (None, 0) => kind(&self.root).to_owned(),
            (None, 1) => named.remove(0),
            (Some(name), _) => format!("{name} ({})", named.join("; ")),
            (None, _) => named.join("; "),
        };
        text.chars().take(MAX_SUMMARY_CHARS).collect()
    }
}

fn text<'a>(node: &'a Value, key: &str) -> Option<&'a str> {
    node.get(key).and_then(Value::as_str)
}

fn kind(node: &Value) -> &str {
    text(node, "Node Type").unwrap_or("Unknown")
}

fn children(node: &Value) -> impl Iterator<Item = &Value> {
    node.get("Plans").and_then(Value::as_array).into_iter().flatten()
}

/// The uppermost join or change of a table, by name.
fn operation(node: &Value) -> Option<String> {
    let mut node = node;
    for _ in 0..MAX_DEPTH {
        match kind(node) {
            name @ ("Nested Loop" | "Hash Join" | "Merge Join") => return Some(name.to_owned()),
            "ModifyTable" => {
                let operation = text(node, "Operation").unwrap_or("Change");
                return Some(format!("{operation} on {}", text(node, "Relation Name").unwrap_or("a table")));
            }
            _ => node = children(node).next()?,
        }
    }
    None
}

/// The plan without what changes from one day to the next. Below an `Append` the tables are partitions: their numbers are
/// left out and alike ones count as one, so that a new partition is no new plan.
fn shape(node: &Value, among_partitions: bool, depth: usize) -> String {
    let own = |key: &str| {
        let name = text(node, key).unwrap_or_default();
        if among_partitions { without_digits(name) } else { name.to_owned() }
    };
    let parts =
        [kind(node), text(node, "Join Type").unwrap_or_default(), text(node, "Strategy").unwrap_or_default()];
    let mut found = format!("{}|{}|{}", parts.join("|"), own("Relation Name"), own("Index Name"));
    if depth >= MAX_DEPTH {
        return found;
    }
    let appends = matches!(kind(node), "Append" | "Merge Append");
    let mut inner: Vec<String> =
        children(node).map(|child| shape(child, among_partitions || appends, depth + 1)).collect();
    if appends {
        inner.dedup();
    }
    if !inner.is_empty() {
        found.push('(');
        found.push_str(&inner.join(","));
        found.push(')');
    }
    found
}

/// Every run of digits as one `#`.
fn without_digits(name: &str) -> String {
    let mut found = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '0'..='9' if found.ends_with('#') => {}
            '0'..='9' => found.push('#'),
            _ => found.push(c),
        }
    }
    found
}

fn gather(node: &Value, depth: usize, found: &mut Vec<Scan>) {
    let reads = text(node, "Relation Name").filter(|_| kind(node) != "ModifyTable");
    if let Some(table) = reads {
        let alias = text(node, "Alias").unwrap_or(table);
        found.push(Scan {
            kind: kind(node).to_owned(),
            schema: text(node, "Schema").unwrap_or_default().to_owned(),
            table: table.to_owned(),
            index: text(node, "Index Name").or_else(|| bitmap_index(node)).map(str::to_owned),
            compared: compared(text(node, "Filter").unwrap_or_default(), alias),
        });
    }
    if depth < MAX_DEPTH {
        children(node).for_each(|child| gather(child, depth + 1, found));
    }
}

/// The index that tells a bitmap scan which pages to read.
fn bitmap_index(node: &Value) -> Option<&str> {
    children(node)
        .find(|child| kind(child) == "Bitmap Index Scan")
        .and_then(|child| text(child, "Index Name"))
}

fn described(scan: &Scan, rows: Option<f64>) -> String {
    let mut found = format!("{} on {}", scan.kind, scan.table);
    if let Some(index) = &scan.index {
        found.push_str(&format!(" using {index}"));
    }
    if let Some(rows) = rows.filter(|_| scan.is_full()) {
        found.push_str(&format!(", {} row{}", counted(rows), if rows == 1.0 { "" } else { "s" }));
    }
    if scan.is_full() && !scan.compared.is_empty() {
        let columns: Vec<_> = scan.compared.iter().map(|compared| compared.column.as_str()).collect();
        found.push_str(&format!(", filter {}", columns.join(", ")));
    }
    found
}

/// A number of rows as people say it.
pub(super) fn counted(number: f64) -> String {
    match number {
        _ if number >= 1e9 => format!("{:.1} billion", number / 1e9),
        _ if number >= 1e6 => format!("{:.1} million", number / 1e6),
        _ if number >= 1e3 => format!("{},{:03}", (number / 1e3) as u64, (number % 1e3) as u64),
        _ => format!("{number:.0}"),
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
