//! Sessions of a real server by sqlx: text protocol, nothing prepared, set up to read only and to give up soon.

use std::sync::Arc;

use async_trait::async_trait;
use futures::TryStreamExt;
use sqlx::mysql::{MySqlConnection, MySqlRow};
use sqlx::{AssertSqlSafe, Column, ConnectOptions, Connection, Row};

use super::address::Address;
use super::connection::{Door, Wire};
use super::sql::{self, Query};
use super::table::Table;
use super::trouble::Trouble;

/// The door to the server that the url names.
pub(super) struct Network(Arc<Address>);

impl Network {
    pub(super) fn new(address: Arc<Address>) -> Self {
        Self(address)
    }
}

#[async_trait]
impl Door for Network {
    async fn open(&self, schema: Option<&str>) -> Result<Box<dyn Wire>, Trouble> {
        let trouble = |error: sqlx::Error| Trouble::from_sqlx(&error, |text| self.0.mask(text));
        let mut connection = self.0.options(schema).connect().await.map_err(trouble)?;
        let version = gather(&mut connection, &sql::version()).await.map_err(trouble)?;
        let version = version.first().and_then(|row| row.any(&["version"]).ok().flatten().map(str::to_owned));
        let is_mariadb = version.is_some_and(|version| sql::is_mariadb(&version));
        for query in sql::session(is_mariadb) {
            gather(&mut connection, &query).await.map_err(trouble)?;
        }
        Ok(Box::new(Session { connection, address: Arc::clone(&self.0) }))
    }
}

/// One session.
struct Session {
    connection: MySqlConnection,
    address: Arc<Address>,
}

#[async_trait]
impl Wire for Session {
    async fn ask(&mut self, query: &Query) -> Result<Table, Trouble> {
        gather(&mut self.connection, query)
            .await
            .map_err(|error| Trouble::from_sqlx(&error, |text| self.address.mask(text)))
    }

    async fn close(self: Box<Self>) {
        // Whether the farewell arrives makes no difference to us: the socket is closed either way.
        let _ = self.connection.close().await;
    }
}

async fn gather(connection: &mut MySqlConnection, query: &Query) -> Result<Table, sqlx::Error> {
    let mut table = Table::default();
    // Every text comes from `sql.rs`, which puts in nothing but numbers, hexadecimal digests, quoted names and, to
    // explain them, texts that hold one statement only.
    let mut stream = sqlx::raw_sql(AssertSqlSafe(query.text.clone())).fetch(connection);
    while let Some(row) = stream.try_next().await? {
        if table.len() == 0 {
            table = Table::new(row.columns().iter().map(|column| column.name().to_owned()).collect());
        }
        table.push(cells(&row)?);
    }
    Ok(table)
}

/// The cells of a row of the text protocol, in which every value is text; bytes that are none become signs.
fn cells(row: &MySqlRow) -> Result<Vec<Option<String>>, sqlx::Error> {
    (0..row.len())
        .map(|index| {
            row.try_get_unchecked::<Option<&[u8]>, _>(index)
                .map(|cell| cell.map(|bytes| String::from_utf8_lossy(bytes).into_owned()))
        })
        .collect()
}
