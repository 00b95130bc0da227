//! One sample of the sessions at work, alike ones grouped.

use std::collections::BTreeMap;

use faultline_model::SessionGroup;
use sqlx::postgres::PgRow;

use super::delta::QueryId;
use super::row::{float, int, text};
use super::texts::{Known, Running, Texts};
use super::trouble::Trouble;

/// One session as read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Session {
    pub(super) id: Option<QueryId>,
    pub(super) state: String,
    pub(super) wait: Option<String>,
    pub(super) running_ms: f64,
    pub(super) user: Option<String>,
    pub(super) app: Option<String>,
    pub(super) client: Option<String>,
    pub(super) database: Option<String>,
    /// Text of the statement; absent when another session of the sample has the same id and carries it.
    pub(super) query: Option<String>,
}

impl Session {
    /// From a row of the answer to [`super::sql::sessions`].
    ///
    /// # Errors
    /// [`Trouble::Unreadable`] when a column is missing.
    pub(super) fn from_row(row: &PgRow) -> Result<Self, Trouble> {
        let some = |name: &str| text(row, name).map(|found| found.filter(|text| !text.is_empty()));
        Ok(Self {
            id: int(row, "datid")?
                .zip(int(row, "query_id")?)
                .map(|(dbid, queryid)| QueryId { dbid, queryid }),
            state: some("state")?.unwrap_or_default(),
            wait: some("wait")?,
            running_ms: float(row, "running_ms")?.unwrap_or_default(),
            user: some("user_name")?,
            app: some("app")?,
            client: some("client")?,
            database: some("database_name")?,
            query: some("query")?,
        })
    }
}

/// What makes sessions alike.
type Alike = (Option<String>, Option<String>, String, Option<String>, Option<String>, Option<String>);

/// Groups the sessions, ours left out.
pub(super) fn group(sessions: Vec<Session>, texts: &mut Texts) -> Vec<SessionGroup> {
    // Those that carry a text come first, so that it is known for those that have only its id.
    let (with_text, without): (Vec<_>, Vec<_>) =
        sessions.into_iter().partition(|session| session.query.is_some());
    let mut groups: BTreeMap<Alike, SessionGroup> = BTreeMap::new();
    for session in with_text.into_iter().chain(without) {
        let known = texts.running(Running {
            id: session.id,
            text: session.query.as_deref(),
            database: session.database.as_deref(),
            user: session.user.as_deref(),
        });
        let fp = match known {
            Some(Known::Ours) => continue,
            Some(Known::Statement(fingerprint)) => Some(fingerprint),
            Some(Known::Hidden) | None => None,
        };
        // A function called by its number executes as a statement does.
        let state =
            if session.state == "fastpath function call" { "active".to_owned() } else { session.state };
        let alike = (
            fp.as_ref().map(|fp| fp.as_str().to_owned()),
            session.wait.clone(),
            state.clone(),
            session.user.clone(),
            session.app.clone(),
            session.client.clone(),
        );
        let group = groups.entry(alike).or_insert(SessionGroup {
            fp,
            wait: session.wait,
            state,
            running_ms: 0.0,
            user: session.user,
            app: session.app,
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

    fn session(
        query_id: Option<i64>,
        query: Option<&str>,
        state: &str,
        wait: Option<&str>,
        ms: f64,
    ) -> Session {
        Session {
            id: query_id.map(|queryid| QueryId { dbid: 5, queryid }),
            state: state.to_owned(),
            wait: wait.map(str::to_owned),
            running_ms: ms,
            user: Some("checkout".to_owned()),
            app: Some("checkout@v142".to_owned()),
            client: Some("10.0.0.7".to_owned()),
            database: None,
            query: query.map(str::to_owned),
        }
    }

    #[test]
    fn alike_sessions_are_one_group() {
        let mut texts = Texts::default();
        let groups = group(
            vec![
                session(Some(1), None, "active", None, 5.0),
                session(Some(1), Some("select * from t where id = 1"), "active", None, 40.0),
                session(None, Some("select * from t where id = 77"), "active", None, -3.0),
                session(Some(1), None, "active", Some("Lock:transactionid"), 900.0),
                session(Some(1), None, "idle in transaction", Some("Client:ClientRead"), 70.0),
                session(Some(2), None, "fastpath function call", None, 1.0),
                session(Some(3), Some("SELECT /* faultline */ 1"), "active", None, 1.0),
                session(Some(4), Some("<insufficient privilege>"), "active", None, 1.0),
            ],
            &mut texts,
        );
        let fp = texts.take()[0].fp.clone();
        let found: Vec<_> = groups
            .iter()
            .map(|g| (g.fp.is_some(), g.wait.as_deref(), g.state.as_str(), g.count, g.running_ms))
            .collect();
        assert_eq!(
            found,
            [
                (false, None, "active", 2, 1.0),
                (true, None, "active", 3, 40.0),
                (true, Some("Client:ClientRead"), "idle in transaction", 1, 70.0),
                (true, Some("Lock:transactionid"), "active", 1, 900.0),
            ]
        );
        assert!(groups.iter().all(|g| g.fp.is_none() || g.fp.as_ref() == Some(&fp)));
    }
}
