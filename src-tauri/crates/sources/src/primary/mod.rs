//! The primary seen without a login on it: through an exporter's series of single statements, or through a table that it
//! fills about itself and replicates. Physical replicas know statements under the primary's ids, so what they read the
//! texts of gives the primary's statements their names. Not in here: sessions on the primary itself (`postgres/`), and who
//! scrapes or asks.

mod exporter;
mod naming;
mod script;
mod series;
mod steps;
mod table;

pub(crate) use exporter::Exporter;
pub use script::{TableScript, queries_yaml, table_sql};
pub(crate) use table::{ASPECT, LONGEST_BACKLOG_S, Standing, Table, Tick};
