//! One sample of the sessions at work, alike ones grouped.

use std::collections::{BTreeMap, HashMap};

use faultline_model::SessionGroup;

use super::table::{Row, Table};
use super::texts::{Known, Texts};
use super::trouble::Trouble;
use super::waits;

/// Most sessions whose program is remembered; beyond it the memory starts over.
const MAX_PROGRAMS: usize = 10_000;
/// Most sessions whose program is asked for at a time.
const MAX_PROGRAMS_PER_READ: usize = 500;
/// The command of a session that runs nothing.
const SLEEP: &str = "sleep";
/// What a session does that holds a transaction open and runs nothing.
const IDLE: &str = "idle in transaction";

/// One session as read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Session {
    pub(super) id: u64,
    /// Whether it runs a statement; else it only holds a transaction open.
    pub(super) active: bool,
    pub(super) wait: Option<String>,
    pub(super) running_ms: f64,
    pub(super) user: Option<String>,
    pub(super) client: Option<String>,
    pub(super) schema: Option<String>,
    pub(super) digest: Option<String>,
    pub(super) query: Option<String>,
}

impl Session {
    fn from_row(row: Row<'_>) -> Result<Self, Trouble> {
        let some = |name: &str| row.text(name).map(|found| found.map(str::to_owned));
        let active = !row.text("command")?.unwrap_or_default().eq_ignore_ascii_case(SLEEP);
        let wait = if active {
            waits::of(row.text("trx_state")?, row.text("state")?, row.text("event")?)
        } else {
            Some("Client:idle".to_owned())
        };
        Ok(Self {
            id: row.count("id")?.unwrap_or_default(),
            active,
            wait,
            running_ms: row.float("running_ms")?.unwrap_or_default().max(0.0),
            user: some("user")?,
            client: row.text("host")?.map(without_port),
            schema: some("db")?,
            digest: some("digest")?,
            query: some("query")?,
        })
    }
}

/// A client's address without the port that its process list entry ends with.
fn without_port(host: &str) -> String {
    match host.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => {
            host.to_owned()
        }
        _ => host.to_owned(),
    }
}

/// The sessions from the answer to [`super::sql::sessions`].
///
/// # Errors
/// [`Trouble::Unreadable`] when a column is missing.
pub(super) fn sample(answer: &Table) -> Result<Vec<Session>, Trouble> {
    let mut sessions = answer.rows().map(Session::from_row).collect::<Result<Vec<_>, _>>()?;
    // A server may show a session once for each of its transactions.
    let mut seen = std::collections::HashSet::new();
    sessions.retain(|session| seen.insert(session.id));
    Ok(sessions)
}

/// What the clients call themselves, by session.
#[derive(Debug, Default)]
pub(super) struct Programs {
    known: HashMap<u64, Option<String>>,
}

impl Programs {
    /// The sessions of a sample whose program was not asked for yet.
    pub(super) fn unseen(&self, sessions: &[Session]) -> Vec<u64> {
        let unseen = sessions.iter().map(|session| session.id).filter(|id| !self.known.contains_key(id));
        unseen.take(MAX_PROGRAMS_PER_READ).collect()
    }

    /// Learns from the answer to [`super::sql::programs`] about `asked`; those without an answer have no program.
    ///
    /// # Errors
    /// [`Trouble::Unreadable`] when a column is missing.
    pub(super) fn learn(&mut self, asked: &[u64], answer: &Table) -> Result<(), Trouble> {
        if self.known.len() + asked.len() > MAX_PROGRAMS {
            self.known.clear();
        }
        self.known.extend(asked.iter().map(|id| (*id, None)));
        for row in answer.rows() {
            if let (Some(id), Some(program)) = (row.count("id")?, row.text("program")?) {
                self.known.insert(id, Some(program.to_owned()));
            }
        }
        Ok(())
    }

    /// Forgets everything: a restarted server numbers its sessions anew.
    pub(super) fn forget(&mut self) {
        self.known.clear();
    }

    fn of(&self, id: u64) -> Option<String> {
        self.known.get(&id).cloned().flatten()
    }
}

/// How many sessions are at work, and how many of them wait for a lock.
pub(super) fn counts(sessions: &[Session]) -> (usize, usize) {
    let active = sessions.iter().filter(|session| session.active);
    let waits = |session: &&Session| session.wait.as_deref().is_some_and(|wait| wait.starts_with("Lock:"));
    (active.clone().count(), active.filter(waits).count())
}

/// Groups the sessions, ours left out.
pub(super) fn group(sessions: Vec<Session>, texts: &mut Texts, programs: &Programs) -> Vec<SessionGroup> {
    let mut groups: BTreeMap<_, SessionGroup> = BTreeMap::new();
    for session in sessions {
        let known = texts.running(
            session.digest.as_deref(),
            session.query.as_deref(),
            session.schema.as_deref(),
            session.user.as_deref(),
        );
        let fp = match known {
            Some(Known::Ours) => continue,
            Some(Known::Statement(fingerprint)) => Some(fingerprint),
            None => None,
        };
        let app = programs.of(session.id);
        let alike = (
            fp.as_ref().map(|fp| fp.as_str().to_owned()),
            session.wait.clone(),
            session.active,
            session.user.clone(),
            app.clone(),
            session.client.clone(),
        );
        let group = groups.entry(alike).or_insert(SessionGroup {
            fp,
            wait: session.wait,
            state: if session.active { "active".to_owned() } else { IDLE.to_owned() },
            running_ms: 0.0,
            user: session.user,
            app,
            client: session.client,
            count: 0,
        });
        group.count += 1;
        group.running_ms = group.running_ms.max(session.running_ms);
    }
    groups.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [&str; 11] = [
        "id",
        "user",
        "host",
        "db",
        "command",
        "state",
        "running_ms",
        "query",
        "digest",
        "trx_state",
        "event",
    ];

    fn answer(rows: &[[&str; 11]]) -> Table {
        let mut table = Table::new(COLUMNS.map(str::to_owned).to_vec());
        for row in rows {
            table.push(row.iter().map(|cell| Some((*cell).to_owned()).filter(|cell| cell != "-")).collect());
        }
        table
    }

    #[test]
    fn alike_sessions_are_one_group() {
        let update = "update account set n = 1 where id = 7";
        let rows = [
            [
                "1",
                "shop",
                "10.0.0.7:5000",
                "shop",
                "Query",
                "Updating",
                "840.5",
                update,
                "-",
                "LOCK WAIT",
                "-",
            ],
            ["2", "shop", "10.0.0.7:5001", "shop", "Query", "Updating", "12", update, "-", "LOCK WAIT", "-"],
            ["3", "shop", "10.0.0.7", "shop", "Sleep", "", "35000", "-", "-", "RUNNING", "-"],
            ["4", "shop", "10.0.0.7", "shop", "Query", "Sending data", "1", "select 1", "-", "-", "-"],
            ["4", "shop", "10.0.0.7", "shop", "Query", "Sending data", "1", "select 1", "-", "RUNNING", "-"],
            ["5", "tool", "[::1]:99", "-", "Query", "init", "-1", "/* faultline */ SELECT 1", "-", "-", "-"],
        ];
        let sessions = sample(&answer(&rows)).unwrap();
        assert_eq!(counts(&sessions), (4, 2));
        let mut programs = Programs::default();
        assert_eq!(programs.unseen(&sessions), [1, 2, 3, 4, 5]);
        let mut told = Table::new(vec!["id".into(), "program".into()]);
        told.push(vec![Some("4".into()), Some("cart".into())]);
        programs.learn(&[1, 2, 3, 4, 5], &told).unwrap();
        assert!(programs.unseen(&sessions).is_empty());
        let groups = group(sessions, &mut Texts::default(), &programs);
        let mut found: Vec<_> = groups
            .iter()
            .map(|g| {
                (g.state.as_str(), g.wait.as_deref(), g.count, g.running_ms, g.app.as_deref(), g.fp.is_some())
            })
            .collect();
        found.sort_by(|one, other| one.partial_cmp(other).unwrap());
        assert_eq!(
            found,
            [
                ("active", None, 1, 1.0, Some("cart"), true),
                ("active", Some("Lock:row"), 2, 840.5, None, true),
                ("idle in transaction", Some("Client:idle"), 1, 35_000.0, None, false),
            ]
        );
        assert!(groups.iter().all(|g| g.client.as_deref() == Some("10.0.0.7")));
    }
}
