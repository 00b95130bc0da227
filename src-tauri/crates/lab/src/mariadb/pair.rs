//! A primary and its replica, following by GTID.

use std::time::{Duration, Instant};

use sqlx::{Executor, Row};

use super::{Options, SUPERUSER, Server};
use crate::error::{Error, Result, database};

/// How long the replica may take to catch up with the primary.
const CATCH_UP_DEADLINE: Duration = Duration::from_secs(60);
/// How often the replica is asked.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// A primary and its replica. Dropping it stops both and removes their data.
#[derive(Debug)]
pub struct Pair {
    /// Ends before the primary does.
    pub replica: Server,
    /// Takes the writes.
    pub primary: Server,
}

impl Pair {
    /// Starts a pair; both servers have the same options. The replica is read-only.
    ///
    /// # Errors
    /// When the package is missing, a server does not start, or replication does not begin.
    pub async fn start(options: Options) -> Result<Self> {
        let second = Options { server_id: Some(2), ..options.clone() }.setting("read_only", "ON");
        let (primary, replica) = tokio::join!(Server::start(options), Server::start(second));
        let pair = Self { replica: replica?, primary: primary? };
        pair.replica
            .execute(&format!(
                "change master to master_host = '127.0.0.1', master_port = {}, master_user = '{SUPERUSER}', \
                 master_password = '{}', master_connect_retry = 1, master_use_gtid = slave_pos",
                pair.primary.port(),
                pair.primary.password()
            ))
            .await?;
        pair.replica.execute("start slave").await?;
        pair.caught_up().await?;
        Ok(pair)
    }

    /// Waits until the replica receives, and has applied everything that the primary has written by now.
    ///
    /// # Errors
    /// When that takes longer than a minute.
    pub async fn caught_up(&self) -> Result<()> {
        let mut primary = self.primary.connect().await?;
        let written = one(&mut primary, "select @@gtid_binlog_pos", 0).await?;
        let mut replica = self.replica.connect().await?;
        let started = Instant::now();
        loop {
            let receives = one(&mut replica, "show slave status", "Slave_IO_Running").await?;
            let applied = one(&mut replica, "select @@gtid_slave_pos", 0).await?;
            if receives == "Yes" && applied == written {
                return Ok(());
            }
            if started.elapsed() > CATCH_UP_DEADLINE {
                let what = format!("the replica's catching up ({receives}, {applied} of {written})");
                let log = self.replica.log_tail();
                return Err(Error::Deadline { what, deadline: CATCH_UP_DEADLINE, log });
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }
}

/// One value of a one-row answer.
async fn one(
    connection: &mut sqlx::mysql::MySqlConnection,
    statement: &'static str,
    column: impl sqlx::ColumnIndex<sqlx::mysql::MySqlRow>,
) -> Result<String> {
    connection
        .fetch_one(sqlx::raw_sql(statement))
        .await
        .and_then(|row| row.try_get_unchecked(column))
        .map_err(database(format!("ask {statement:?}")))
}
