//! Slow facts: settings and table sizes.

use faultline_model::Facts;
use serde_json::Value;
use sqlx::postgres::PgRow;

use super::row::{float, int, text};
use super::trouble::Trouble;

/// Facts from the answer to [`super::sql::settings`].
///
/// # Errors
/// [`Trouble::Unreadable`] when a column is missing.
pub(super) fn settings(rows: &[PgRow]) -> Result<Facts, Trouble> {
    let mut found = Facts::new();
    for row in rows {
        if let (Some(name), Some(value)) = (text(row, "name")?, text(row, "value")?) {
            found.insert(format!("setting:{name}"), Value::String(value));
        }
    }
    Ok(found)
}

/// Facts from the answer to [`super::sql::tables`]. A table that was never analysed has no known number of rows.
///
/// # Errors
/// [`Trouble::Unreadable`] when a column is missing.
pub(super) fn tables(rows: &[PgRow]) -> Result<Facts, Trouble> {
    let mut found = Facts::new();
    for row in rows {
        let Some(name) = text(row, "name")? else { continue };
        if let Some(number) = float(row, "rows")?.filter(|number| *number >= 0.0) {
            found.insert(format!("table:{name}:rows"), Value::from(number as u64));
        }
        if let Some(number) = int(row, "indexes")? {
            found.insert(format!("table:{name}:indexes"), Value::from(number));
        }
    }
    Ok(found)
}
