//! Reading single values out of an answer, with a column that is missing or of another type as an ordinary error.

use sqlx::Row;
use sqlx::postgres::PgRow;

use super::trouble::Trouble;

fn value<'row, T>(row: &'row PgRow, column: &str) -> Result<Option<T>, Trouble>
where
    Option<T>: sqlx::Decode<'row, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    row.try_get(column).map_err(|error| Trouble::Unreadable { reason: error.to_string() })
}

/// An `int8`.
pub(super) fn int(row: &PgRow, column: &str) -> Result<Option<i64>, Trouble> {
    value(row, column)
}

/// A `float8`; one that is not finite is not known.
pub(super) fn float(row: &PgRow, column: &str) -> Result<Option<f64>, Trouble> {
    value(row, column).map(|found| found.filter(|number: &f64| number.is_finite()))
}

/// A `bool`.
pub(super) fn bool_of(row: &PgRow, column: &str) -> Result<Option<bool>, Trouble> {
    value(row, column)
}

/// A `text`.
pub(super) fn text(row: &PgRow, column: &str) -> Result<Option<String>, Trouble> {
    value(row, column)
}
