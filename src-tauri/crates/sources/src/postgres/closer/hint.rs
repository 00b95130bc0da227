//! Whether an index would spare a scan of a whole table, and which. Pure. Said only where the server's own statistics say
//! that few rows would be found by it, and no index leads with any of the columns.

use super::plan::counted;

/// Smallest table whose scan is worth an index, rows.
pub(super) const MIN_ROWS: f64 = 10_000.0;
/// Largest share of a table that may be found by the index.
const MAX_SHARE: f64 = 0.05;
/// Rows found, beyond which one more column is taken in.
const FEW_ROWS: f64 = 100.0;
/// Most columns of an index that is advised.
const MAX_COLUMNS: usize = 3;

/// A column that the scan compares with a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Column {
    pub(super) name: String,
    /// Quoted by the server.
    pub(super) quoted: String,
    /// `pg_stats.n_distinct`: a number of values, or, negative, the share of rows that differ. `None` where not known.
    pub(super) n_distinct: Option<f64>,
    /// Whether a usable index begins with it.
    pub(super) leads: bool,
}

/// The table that is read as a whole.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Table {
    /// Schema and name, quoted by the server.
    pub(super) quoted: String,
    pub(super) rows: f64,
    pub(super) is_partition: bool,
    /// Whether we asked a standby, on which no index can be made.
    pub(super) on_standby: bool,
}

/// An index that would help, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hint {
    /// The statement that makes it.
    pub(super) statement: String,
    /// One sentence: what is known that speaks for it.
    pub(super) basis: String,
}

/// The index for one scan, if there is one to advise.
pub(super) fn hint(table: &Table, columns: &[Column]) -> Option<Hint> {
    if table.rows < MIN_ROWS || columns.iter().any(|column| column.leads) {
        return None;
    }
    let mut known: Vec<(f64, &Column)> = columns
        .iter()
        .filter_map(|column| Some((distinct(column.n_distinct?, table.rows)?, column)))
        .collect();
    known.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.name.cmp(&b.1.name)));
    let (most, first) = *known.first()?;
    if 1.0 / most > MAX_SHARE {
        return None;
    }
    let mut found = table.rows / most;
    let mut taken = vec![first];
    for (distinct, column) in known.into_iter().skip(1) {
        if found <= FEW_ROWS || taken.len() == MAX_COLUMNS {
            break;
        }
        found /= distinct;
        taken.push(column);
    }
    let list: Vec<_> = taken.iter().map(|column| column.quoted.as_str()).collect();
    Some(Hint {
        statement: format!("CREATE INDEX CONCURRENTLY ON {} ({});", table.quoted, list.join(", ")),
        basis: basis(table, most, found, &taken),
    })
}

/// How many values a column has.
fn distinct(n_distinct: f64, rows: f64) -> Option<f64> {
    let number = if n_distinct < 0.0 { -n_distinct * rows } else { n_distinct };
    (number >= 1.0).then_some(number)
}

fn basis(table: &Table, distinct: f64, found: f64, taken: &[&Column]) -> String {
    let names: Vec<_> = taken.iter().map(|column| column.name.as_str()).collect();
    let mut text = format!(
        "a Seq Scan reads all {} rows of {} to find about {} by {}; {} has {} different values (pg_stats), and no index \
         leads with {}",
        counted(table.rows),
        table.quoted,
        counted(found.max(1.0)),
        names.join(", "),
        taken[0].name,
        counted(distinct),
        if taken.len() == 1 { "it" } else { "any of them" },
    );
    if table.is_partition {
        text.push_str("; it is one partition of several, and each wants one");
    }
    if table.on_standby {
        text.push_str("; to be made on the primary");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, n_distinct: f64) -> Column {
        Column { name: name.to_owned(), quoted: name.to_owned(), n_distinct: Some(n_distinct), leads: false }
    }

    fn table(rows: f64) -> Table {
        Table { quoted: "public.item".to_owned(), rows, is_partition: false, on_standby: false }
    }

    /// Expects the columns of the advised index.
    fn check(what: &str, rows: f64, columns: &[Column], expected: Option<&str>) {
        let found = hint(&table(rows), columns).map(|hint| hint.statement);
        let expected = expected.map(|list| format!("CREATE INDEX CONCURRENTLY ON public.item ({list});"));
        assert_eq!(found, expected, "{what}");
    }

    #[test]
    fn an_index_is_advised_where_it_finds_few_rows() {
        check("many values", 1e6, &[column("order_id", -0.25)], Some("order_id"));
        check("few values", 1e6, &[column("state", 5.0)], None);
        check("one is enough", 1e6, &[column("state", 5.0), column("order_id", -0.25)], Some("order_id"));
        check("the second narrows it", 1e6, &[column("day", 100.0), column("shop", 40.0)], Some("day, shop"));
        let four: Vec<_> = ["a", "b", "c", "d"].iter().map(|name| column(name, 20.0)).collect();
        check("no more than three", 1e9, &four, Some("a, b, c"));
        check("a small table", 5_000.0, &[column("order_id", -1.0)], None);
        check("an index is there", 1e6, &[Column { leads: true, ..column("order_id", -1.0) }], None);
        check("never analysed", 1e6, &[Column { n_distinct: None, ..column("order_id", 0.0) }], None);
        check("no value known", 1e6, &[column("order_id", 0.0)], None);
        check("nothing compared", 1e6, &[], None);
    }

    #[test]
    fn the_basis_is_in_numbers() {
        let found =
            hint(&Table { on_standby: true, ..table(1.8e6) }, &[column("order_id", 450_000.0)]).unwrap();
        assert_eq!(
            found.basis,
            "a Seq Scan reads all 1.8 million rows of public.item to find about 4 by order_id; order_id has 450,000 \
             different values (pg_stats), and no index leads with it; to be made on the primary"
        );
    }
}
