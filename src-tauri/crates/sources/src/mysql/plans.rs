//! What an `EXPLAIN FORMAT=JSON` of MySQL or MariaDB says: the shape of the plan, a sentence on it, and the index that it
//! lacks. Literals of the explained text never leave this file. Pure.

use serde_json::Value;

use super::terms::{Term, terms};

/// How deep a plan is looked into.
const MAX_DEPTH: usize = 64;
/// Most accesses that a sentence names.
const MAX_NAMED: usize = 8;
/// Most columns of a proposed index.
const MAX_INDEX_COLUMNS: usize = 3;
/// Fewest rows of a scan that is worth an index.
const FEWEST_ROWS: f64 = 1_000.0;
/// Longest name of an index that the servers take, characters.
const MAX_NAME_CHARS: usize = 64;
/// What a text must not hold to be explained: a second statement, code in a comment, a place to write to, or a function
/// that a server may run while it plans.
const REFUSED: &[&str] = &[
    "/*!",
    "/*m!",
    "sleep",
    "benchmark",
    "get_lock",
    "release_lock",
    "load_file",
    "nextval",
    "setval",
    "master_pos_wait",
];
/// Steps that are part of the shape of a plan.
const STEPS: &[&str] = &[
    "block-nl-join",
    "buffer_result",
    "duplicates_removal",
    "expression_cache",
    "filesort",
    "grouping_operation",
    "materialized",
    "materialized_from_subquery",
    "ordering_operation",
    "read_sorted_file",
    "recursive_union",
    "subqueries",
    "temporary_table",
    "union_result",
    "window_functions_computation",
];

/// Whether a text can be explained without doing anything else: one whole SELECT that writes nowhere. Anything in doubt is
/// refused, since the text came from others.
pub(super) fn may_explain(text: &str) -> bool {
    let Some(body) = without_leading_comments(text.trim()) else { return false };
    let body = body.strip_suffix(';').unwrap_or(body).trim_end();
    let lower = body.to_ascii_lowercase();
    let selects = ["select", "with"].iter().any(|word| {
        lower.strip_prefix(word).is_some_and(|rest| {
            rest.starts_with(|sign: char| sign.is_ascii_whitespace() || sign == '(' || sign == '*')
        })
    });
    let whole = !lower.contains([';', '\0']) && !body.ends_with("...") && !body.contains('?');
    let words = lower.split(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_');
    let mut words = words.filter(|word| !word.is_empty());
    selects
        && whole
        && !REFUSED.iter().any(|refused| lower.contains(refused))
        && !words.any(|word| matches!(word, "into" | "procedure" | "insert" | "update" | "delete"))
}

/// The text after the comments that tools put in front; `None` when one does not end.
fn without_leading_comments(mut text: &str) -> Option<&str> {
    while let Some(rest) = text.strip_prefix("/*").filter(|rest| !rest.starts_with('!')) {
        text = rest.split_once("*/")?.1.trim_start();
    }
    Some(text)
}

/// One access to one table.
#[derive(Clone, Debug, PartialEq)]
struct Access {
    /// The table, or its alias.
    table: String,
    /// `ALL`, `index`, `range`, `ref`, `eq_ref`, `const`, …
    kind: String,
    key: Option<String>,
    rows: Option<f64>,
    condition: Option<String>,
    has_candidates: bool,
}

/// A plan as far as it is of interest.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Plan {
    accesses: Vec<Access>,
    steps: Vec<String>,
}

/// An index that a plan lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IndexHint {
    /// The statement that makes it.
    pub(super) statement: String,
    /// What it is concluded from.
    pub(super) basis: String,
}

impl Plan {
    /// Reads the answer to an `EXPLAIN FORMAT=JSON`; `None` when it is none.
    pub(super) fn read(json: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(json).ok()?;
        let mut plan = Self::default();
        plan.walk(&value, 0);
        (value.get("query_block").is_some() || !plan.accesses.is_empty()).then_some(plan)
    }

    fn walk(&mut self, value: &Value, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.walk(item, depth + 1)),
            Value::Object(fields) => {
                if let Some(access) = access(value) {
                    self.steps.push(format!(
                        "{} {} {}",
                        access.kind,
                        access.table,
                        access.key.as_deref().unwrap_or("-")
                    ));
                    self.accesses.push(access);
                }
                for (name, inner) in fields {
                    if STEPS.contains(&name.as_str()) {
                        self.steps.push(name.clone());
                    }
                    if matches!(inner, Value::Bool(true)) && name.starts_with("using_") {
                        self.steps.push(name.clone());
                    }
                    self.walk(inner, depth + 1);
                }
            }
            _ => {}
        }
    }

    /// A hash of the shape: which tables are read by which indexes in which order, and what is sorted or kept aside.
    /// Numbers of rows are no part of it.
    pub(super) fn shape(&self) -> String {
        // FNV-1a, 64 bits: <http://www.isthe.com/chongo/tech/comp/fnv/>
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for byte in self.steps.join("\n").bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        format!("{hash:016x}")
    }

    /// A sentence on how the tables are read.
    pub(super) fn summary(&self) -> String {
        let mut parts: Vec<String> = self.accesses.iter().take(MAX_NAMED).map(Access::words).collect();
        if self.accesses.len() > MAX_NAMED {
            parts.push(format!("{} more", self.accesses.len() - MAX_NAMED));
        }
        let has = |name: &str| self.steps.iter().any(|step| step == name);
        if has("filesort") || has("using_filesort") {
            parts.push("sorts".to_owned());
        }
        if has("temporary_table") || has("using_temporary_table") {
            parts.push("temporary table".to_owned());
        }
        parts.join("; ")
    }

    /// The index that the dearest scan lacks, if its condition names columns and no index was a candidate. `text` is what
    /// was explained, in which aliases are looked up.
    pub(super) fn index_hint(&self, text: &str, schema: Option<&str>) -> Option<IndexHint> {
        let scans = self.accesses.iter().filter(|access| {
            matches!(access.kind.as_str(), "ALL" | "index")
                && !access.has_candidates
                && access.rows.is_some_and(|rows| rows >= FEWEST_ROWS)
        });
        let dearest = scans
            .max_by(|one, other| one.rows.partial_cmp(&other.rows).unwrap_or(std::cmp::Ordering::Equal))?;
        let columns = searched(dearest.condition.as_deref()?, &dearest.table);
        if columns.is_empty() {
            return None;
        }
        let table = table_of(text, &dearest.table)?;
        let mut name = format!("idx_{table}_{}", columns.join("_"));
        if name.chars().count() > MAX_NAME_CHARS {
            name = name.chars().take(MAX_NAME_CHARS).collect();
        }
        let place =
            schema.map_or_else(|| ident(&table), |schema| format!("{}.{}", ident(schema), ident(&table)));
        let list = columns.iter().map(|column| ident(column)).collect::<Vec<_>>().join(", ");
        Some(IndexHint {
            statement: format!(
                "ALTER TABLE {place} ADD INDEX {} ({list}), ALGORITHM=INPLACE, LOCK=NONE;",
                ident(&name)
            ),
            basis: format!(
                "EXPLAIN: all of about {} rows of {table} are read to find some by {}, and no index has that column first",
                about(dearest.rows.unwrap_or_default()),
                columns.join(", ")
            ),
        })
    }
}

impl Access {
    fn words(&self) -> String {
        let rows = self.rows.map_or_else(String::new, |rows| format!(" of about {} rows", about(rows)));
        match (self.kind.as_str(), &self.key) {
            ("ALL", _) => format!("{}: full scan{rows}", self.table),
            ("index", Some(key)) => format!("{}: all of index {key}{rows}", self.table),
            ("range", Some(key)) => format!("{}: range of index {key}", self.table),
            ("const" | "system", _) => format!("{}: one row", self.table),
            (_, Some(key)) => format!("{}: by index {key}", self.table),
            (kind, None) => format!("{}: {kind}", self.table),
        }
    }
}

/// The access that this part of a plan is, if it is one.
fn access(value: &Value) -> Option<Access> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let number = |name: &str| value.get(name).and_then(Value::as_f64);
    Some(Access {
        table: text("table_name")?,
        kind: text("access_type")?,
        key: text("key"),
        // MariaDB and MySQL name it each in its own way.
        rows: number("rows").or_else(|| number("rows_examined_per_scan")),
        condition: text("attached_condition"),
        has_candidates: value
            .get("possible_keys")
            .and_then(Value::as_array)
            .is_some_and(|keys| !keys.is_empty()),
    })
}

/// The columns of `table` that a condition searches by: those that must equal something first, then one that lies in a
/// range. Empty when the condition has alternatives.
fn searched(condition: &str, table: &str) -> Vec<String> {
    let terms = terms(condition);
    if terms.iter().any(|term| term.is_word("or") || term.is_word("xor") || term.is_word("not")) {
        return Vec::new();
    }
    let (mut equal, mut ranged) = (Vec::new(), Vec::new());
    for (index, term) in terms.iter().enumerate() {
        let (Term::Name(column), Some(Term::Sign('.')), Some(Term::Name(qualifier))) =
            (term, index.checked_sub(1).map(|at| &terms[at]), index.checked_sub(2).map(|at| &terms[at]))
        else {
            continue;
        };
        if !qualifier.eq_ignore_ascii_case(table) {
            continue;
        }
        match terms.get(index + 1) {
            Some(Term::Sign('=')) => equal.push(column.clone()),
            Some(Term::Sign('<'))
                if matches!(terms.get(index + 2), Some(Term::Sign('=')))
                    && matches!(terms.get(index + 3), Some(Term::Sign('>'))) =>
            {
                equal.push(column.clone());
            }
            Some(term) if term.is_word("in") => equal.push(column.clone()),
            Some(Term::Sign('<' | '>')) => ranged.push(column.clone()),
            Some(term) if term.is_word("between") => ranged.push(column.clone()),
            _ => {}
        }
    }
    equal.extend(ranged.into_iter().take(1));
    let mut columns: Vec<String> = Vec::new();
    for column in equal {
        if !columns.contains(&column) && columns.len() < MAX_INDEX_COLUMNS {
            columns.push(column);
        }
    }
    columns
}

/// The table behind an alias in the text; the name itself where it is used as one.
fn table_of(text: &str, alias: &str) -> Option<String> {
    let terms = terms(text);
    for (index, term) in terms.iter().enumerate() {
        let (Term::Name(name), Some(before)) = (term, index.checked_sub(1).map(|at| &terms[at])) else {
            continue;
        };
        if !name.eq_ignore_ascii_case(alias) || matches!(terms.get(index + 1), Some(Term::Sign('.'))) {
            continue;
        }
        let starts = |term: &Term| {
            ["from", "join", "straight_join"].iter().any(|word| term.is_word(word))
                || matches!(term, Term::Sign(',' | '('))
        };
        match before {
            _ if starts(before) => return Some(name.clone()),
            Term::Sign('.') => {
                // `schema.table`, unless it is a column of something.
                let place = index.checked_sub(3).map(|at| &terms[at]);
                if place.is_some_and(starts) {
                    return Some(name.clone());
                }
            }
            _ if before.is_word("as") => {
                if let Some(Term::Name(table)) = index.checked_sub(2).map(|at| &terms[at]) {
                    return Some(table.clone());
                }
            }
            Term::Name(table) if !before.is_keyword() => return Some(table.clone()),
            _ => {}
        }
    }
    None
}

/// A name as SQL wants it.
fn ident(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A number of rows to one digit, since statistics tremble.
fn about(rows: f64) -> u64 {
    if rows < 10.0 {
        return rows.max(0.0) as u64;
    }
    let scale = 10_f64.powf(rows.log10().floor());
    ((rows / scale).round() * scale) as u64
}

#[cfg(test)]
#[path = "plans_tests.rs"]
mod tests;
