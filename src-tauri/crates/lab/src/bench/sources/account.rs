//! What each role cost the server so far, by the server's own account.

use std::collections::BTreeMap;

use sqlx::{Executor, Row};

use super::forwarder::Forwarder;
use crate::error::{Result, database};
use crate::postgres::Server;

const NANOS_PER_S: f64 = 1e9;

/// What one kind of statement cost.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Kind {
    pub(super) calls: f64,
    pub(super) ms: f64,
}

/// What one role cost so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Account {
    role: String,
    kinds: BTreeMap<&'static str, Kind>,
    /// Processor time of its sessions by process number, seconds.
    backends: BTreeMap<i32, f64>,
    bytes: u64,
}

/// What one role cost over some time.
#[derive(Clone, Debug)]
pub(super) struct Cost {
    pub(super) role: String,
    pub(super) kinds: BTreeMap<&'static str, Kind>,
    /// Share of one core that its sessions used.
    pub(super) core: f64,
    /// Whether they were the same sessions all the time.
    pub(super) steady: bool,
    pub(super) bytes_per_s: f64,
    /// How long that was.
    pub(super) seconds: f64,
}

/// What a statement is for.
const KINDS: &str = "case when query like '%pg_stat_statements(%' and query not like '%s.query,%' then 'counters' \
                     when query like '%pg_stat_activity%' then 'sessions' else 'other' end";

impl Account {
    /// Reads the accounts of some roles, each behind a forwarder of its own.
    pub(super) async fn read_all(
        server: &Server,
        roles: &[&str],
        forwarders: &[Forwarder],
    ) -> Result<Vec<Self>> {
        let mut session = server.connect().await?;
        let failed = || database("read what watching costs");
        let mut accounts: Vec<Self> = roles
            .iter()
            .zip(forwarders)
            .map(|(role, forwarder)| Self {
                role: (*role).to_owned(),
                bytes: forwarder.bytes(),
                ..Self::default()
            })
            .collect();
        let question = format!(
            "select r.rolname::text as role, {KINDS} as kind, sum(s.calls)::float8 as calls, \
             sum(s.total_exec_time + s.total_plan_time)::float8 as ms \
             from pg_stat_statements s join pg_roles r on r.oid = s.userid group by 1, 2"
        );
        for row in session.fetch_all(sqlx::AssertSqlSafe(question)).await.map_err(failed())? {
            let (role, kind): (String, String) =
                (row.try_get("role").map_err(failed())?, row.try_get("kind").map_err(failed())?);
            let cost = Kind {
                calls: row.try_get("calls").map_err(failed())?,
                ms: row.try_get("ms").map_err(failed())?,
            };
            let kind = ["counters", "sessions"].into_iter().find(|known| *known == kind).unwrap_or("other");
            if let Some(account) = accounts.iter_mut().find(|account| account.role == role) {
                account.kinds.insert(kind, cost);
            }
        }
        let question = "select usename::text as role, pid from pg_stat_activity where usename is not null";
        for row in session.fetch_all(question).await.map_err(failed())? {
            let (role, pid): (String, i32) =
                (row.try_get("role").map_err(failed())?, row.try_get("pid").map_err(failed())?);
            if let Some(account) = accounts.iter_mut().find(|account| account.role == role) {
                account.backends.insert(pid, ran_s(pid));
            }
        }
        Ok(accounts)
    }

    /// What it cost since `before`, `elapsed_s` seconds ago.
    pub(super) fn since(&self, before: &Self, elapsed_s: f64) -> Cost {
        let kinds = self.kinds.iter().map(|(kind, now)| {
            let old = before.kinds.get(kind).copied().unwrap_or_default();
            (*kind, Kind { calls: now.calls - old.calls, ms: now.ms - old.ms })
        });
        let ran = self
            .backends
            .iter()
            .map(|(pid, now_s)| now_s - before.backends.get(pid).copied().unwrap_or_default());
        Cost {
            role: self.role.clone(),
            kinds: kinds.collect(),
            core: ran.sum::<f64>() / elapsed_s,
            steady: self.backends.keys().eq(before.backends.keys()),
            bytes_per_s: (self.bytes - before.bytes) as f64 / elapsed_s,
            seconds: elapsed_s,
        }
    }
}

/// Processor time that a process has used, seconds: exact, where `stat` counts in hundredths.
fn ran_s(pid: i32) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/schedstat")).unwrap_or_default();
    text.split_whitespace().next().and_then(|nanos| nanos.parse::<f64>().ok()).unwrap_or_default()
        / NANOS_PER_S
}
