//! A primary and its streaming hot standby.

use std::time::{Duration, Instant};

use sqlx::Row;

use super::server::START_DEADLINE;
use super::{Flavour, Options, SUPERUSER, Server};
use crate::error::{Error, Result, database, io};
use crate::folder::Folder;

/// How long the standby may take to catch up with the primary.
const CATCH_UP_DEADLINE: Duration = Duration::from_secs(60);
/// How often the standby is asked.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// A primary and its streaming hot standby. Dropping it stops both and removes their data.
#[derive(Debug)]
pub struct Pair {
    /// Ends before the primary does.
    pub standby: Server,
    /// Takes the writes.
    pub primary: Server,
}

impl Pair {
    /// Starts a pair with the lab's settings.
    ///
    /// # Errors
    /// When the packages are missing, a server does not start, or replication does not begin.
    pub async fn start(flavour: impl Into<Flavour>) -> Result<Self> {
        Self::start_with(Options::new(flavour)).await
    }

    /// Starts a pair; both servers have the same settings.
    ///
    /// # Errors
    /// When the packages are missing, a server does not start, or replication does not begin.
    pub async fn start_with(options: Options) -> Result<Self> {
        let mut primary = Server::start(options).await?;
        primary.stop().await;
        let mut standby = copy(&primary).await?;
        primary.start_again().await?;
        follow(&standby, &primary)?;
        standby.start_again().await?;
        let pair = Self { standby, primary };
        pair.streaming().await?;
        Ok(pair)
    }

    /// Waits until the standby has replayed everything that the primary has written by now.
    ///
    /// # Errors
    /// When that takes longer than a minute.
    pub async fn caught_up(&self) -> Result<()> {
        let mut primary = self.primary.connect().await?;
        let written: String = sqlx::query("select pg_current_wal_insert_lsn()::text")
            .fetch_one(&mut primary)
            .await
            .and_then(|row| row.try_get(0))
            .map_err(database("read the primary's position"))?;
        self.until("the standby's catching up", CATCH_UP_DEADLINE, || {
            sqlx::query("select pg_last_wal_replay_lsn() >= $1::text::pg_lsn").bind(written.clone())
        })
        .await
    }

    async fn streaming(&self) -> Result<()> {
        self.until("the start of replication", START_DEADLINE, || {
            sqlx::query("select exists (select from pg_stat_wal_receiver where status = 'streaming')")
        })
        .await
    }

    /// Asks the standby until the answer is yes.
    async fn until<'q>(
        &self,
        what: &str,
        deadline: Duration,
        question: impl Fn() -> sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>,
    ) -> Result<()> {
        let started = Instant::now();
        let mut standby = self.standby.connect().await?;
        loop {
            let yes: Option<bool> = question()
                .fetch_one(&mut standby)
                .await
                .and_then(|row| row.try_get(0))
                .map_err(database(format!("wait for {what}")))?;
            if yes == Some(true) {
                return Ok(());
            }
            if started.elapsed() > deadline {
                return Err(Error::Deadline {
                    what: what.to_owned(),
                    deadline,
                    log: self.standby.log_tail(),
                });
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }
}

/// A second server with the stopped primary's data.
async fn copy(primary: &Server) -> Result<Server> {
    let owner = primary.owner();
    let from = primary.data();
    let copied = tokio::task::spawn_blocking(move || {
        let folder = Folder::create(owner)?;
        folder.copy_in(&from, "data").map(|_data| folder)
    });
    let folder = copied.await.map_err(|error| io("copy the primary")(std::io::Error::other(error)))??;
    Ok(Server::from_parts(folder, primary))
}

/// Makes the copy a standby of the running primary.
fn follow(standby: &Server, primary: &Server) -> Result<()> {
    standby.write("standby.signal", "")?;
    let line = format!(
        "primary_conninfo = 'host=127.0.0.1 port={} user={SUPERUSER} password={} application_name=replica-1'\n",
        primary.port(),
        primary.password()
    );
    let automatic = standby.data().join("postgresql.auto.conf");
    let text = std::fs::read_to_string(&automatic).map_err(io(format!("read {}", automatic.display())))?;
    standby.write("postgresql.auto.conf", &(text + &line))
}
