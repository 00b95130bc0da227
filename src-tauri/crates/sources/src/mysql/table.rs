//! An answer of the server as text, apart from the driver that brought it: what reads it is the same for a live server and
//! for a recorded one.

use super::trouble::Trouble;

/// Rows under named columns. A cell is `None` where the server said NULL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<Option<String>>>,
}

impl Table {
    /// An answer of these columns, without rows yet.
    pub(super) fn new(columns: Vec<String>) -> Self {
        Self { columns, rows: Vec::new() }
    }

    /// Adds a row; it has as many cells as there are columns.
    pub(super) fn push(&mut self, cells: Vec<Option<String>>) {
        self.rows.push(cells);
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The rows in the order in which the server sent them.
    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|cells| Row { columns: &self.columns, cells })
    }

    /// The first row.
    pub(super) fn first(&self) -> Option<Row<'_>> {
        self.rows().next()
    }
}

/// One row of an answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    columns: &'a [String],
    cells: &'a [Option<String>],
}

impl<'a> Row<'a> {
    /// The cell under the first of these names that the answer has (servers rename columns), as the server wrote it.
    ///
    /// # Errors
    /// [`Trouble::Unreadable`] when none of the columns is there.
    pub(super) fn any(&self, names: &[&str]) -> Result<Option<&'a str>, Trouble> {
        let found = names
            .iter()
            .find_map(|name| self.columns.iter().position(|column| column.eq_ignore_ascii_case(name)));
        match found {
            Some(index) => Ok(self.cells.get(index).and_then(Option::as_deref)),
            None => Err(Trouble::Unreadable { reason: format!("there is no column {}", names.join(" or ")) }),
        }
    }

    /// A text that is not empty.
    ///
    /// # Errors
    /// [`Trouble::Unreadable`] when the column is missing.
    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>, Trouble> {
        Ok(self.any(&[name])?.filter(|text| !text.is_empty()))
    }

    /// A number; one that is not finite is not known.
    ///
    /// # Errors
    /// [`Trouble::Unreadable`] when the column is missing or holds no number.
    pub(super) fn float(&self, name: &str) -> Result<Option<f64>, Trouble> {
        number::<f64>(self.any(&[name])?, name).map(|found| found.filter(|number| number.is_finite()))
    }

    /// A whole number from 0 up, such as a counter.
    ///
    /// # Errors
    /// [`Trouble::Unreadable`] when the column is missing or holds no such number.
    pub(super) fn count(&self, name: &str) -> Result<Option<u64>, Trouble> {
        number(self.any(&[name])?, name)
    }
}

fn number<T: std::str::FromStr>(cell: Option<&str>, name: &str) -> Result<Option<T>, Trouble> {
    match cell.map(str::trim).filter(|text| !text.is_empty()) {
        Some(text) => text.parse().map(Some).map_err(|_no_number| Trouble::Unreadable {
            reason: format!("column {name} holds no number of the expected kind"),
        }),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_read_by_any_of_their_names() {
        let mut table = Table::new(vec!["Slave_IO_Running".into(), "n".into(), "t".into()]);
        table.push(vec![Some("Yes".into()), Some("18446744073709551615".into()), None]);
        let row = table.first().unwrap();
        assert_eq!(row.any(&["Replica_IO_Running", "slave_io_running"]), Ok(Some("Yes")));
        assert_eq!(row.count("n"), Ok(Some(u64::MAX)), "counters are unsigned");
        assert_eq!((row.float("t"), row.text("t")), (Ok(None), Ok(None)));
        assert!(row.float("Slave_IO_Running").unwrap_err().to_string().contains("no number"));
        assert!(row.text("absent").unwrap_err().to_string().contains("no column absent"));
    }
}
