//! Settings as facts.

use faultline_model::Facts;
use serde_json::Value;
use sqlx::postgres::PgRow;

use super::row::text;
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
