//! `faultctl primary`: prints what a user installs on or beside the primary so that it can be seen without a login on it.

use clap::Subcommand;
use faultline_engine::primary::{TableScript, queries_yaml, table_sql};

use crate::error::CommandError;
use crate::{EXIT_FINE, output};

/// What to print.
#[derive(Debug, Subcommand)]
pub(crate) enum Print {
    /// Queries for postgres_exporter's --extend.query-path
    QueriesYaml {
        /// Most statements in a scrape; each is six series
        #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(10..=1500))]
        limit: u32,
        /// Texts of the statements too, as a label, for those that no replica runs
        #[arg(long)]
        texts: bool,
    },
    /// SQL script of a table that the primary fills about itself and replicates
    TableSql {
        /// The role that reads it on the replicas, or one that it is in
        #[arg(long, value_name = "ROLE", default_value = "pg_monitor")]
        role: String,
        /// How often the primary writes, seconds
        #[arg(long, value_name = "S", default_value_t = 15, value_parser = clap::value_parser!(u32).range(5..=60))]
        every: u32,
    },
}

/// Prints it.
pub(crate) fn run(print: &Print) -> Result<u8, CommandError> {
    let text = match print {
        Print::QueriesYaml { limit, texts } => queries_yaml(*limit, *texts),
        Print::TableSql { role, every } => table_sql(&TableScript { role: role.clone(), every_s: *every }),
    };
    output::line(text.trim_end())?;
    Ok(EXIT_FINE)
}
