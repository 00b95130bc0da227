//! Who waits for whom: from the sessions that wait for locks to the one at the root of it. Pure, apart from reading rows.

use std::collections::{BTreeMap, BTreeSet};

use faultline_model::Facts;
use serde_json::{Value, json};
use sqlx::postgres::PgRow;

use super::super::delta::QueryId;
use super::super::row::{float, int, text};
use super::super::texts::{Known, Running, Texts};
use super::super::trouble::Trouble;

/// The facts that are told.
const ROOT: &str = "lock:root";
const TREE: &str = "lock:tree";
const WAITING: &str = "lock:waiting";
/// Longest statement in a sentence, characters.
const MAX_STATEMENT_CHARS: usize = 200;
/// What a blocker is called that has no session.
const PREPARED_TRANSACTION: i64 = 0;

/// A session that waits, or is waited for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Party {
    pub(super) pid: i64,
    pub(super) id: Option<QueryId>,
    pub(super) user: Option<String>,
    pub(super) database: Option<String>,
    pub(super) app: Option<String>,
    pub(super) backend: String,
    pub(super) state: Option<String>,
    /// How long in this state, milliseconds.
    pub(super) running_ms: Option<f64>,
    /// How long its transaction is open, milliseconds.
    pub(super) transaction_ms: Option<f64>,
    pub(super) query: Option<String>,
    pub(super) blocked_by: Vec<i64>,
    /// Kind and mode of the lock waited for.
    pub(super) lock: Option<String>,
    pub(super) relation: Option<String>,
    /// Sessions that wait on the whole server.
    pub(super) waiting: i64,
}

impl Party {
    /// From a row of the answer to [`super::super::sql::locks`].
    ///
    /// # Errors
    /// [`Trouble::Unreadable`] when a column is missing.
    pub(super) fn from_row(row: &PgRow) -> Result<Self, Trouble> {
        let some = |name: &str| text(row, name).map(|found| found.filter(|text| !text.is_empty()));
        let blockers = some("blocked_by")?.unwrap_or_default();
        Ok(Self {
            pid: int(row, "pid")?.unwrap_or_default(),
            id: int(row, "datid")?
                .zip(int(row, "query_id")?)
                .map(|(dbid, queryid)| QueryId { dbid, queryid }),
            user: some("user_name")?,
            database: some("database_name")?,
            app: some("app")?,
            backend: some("backend")?.unwrap_or_default(),
            state: some("state")?,
            running_ms: float(row, "running_ms")?.map(|ms| ms.max(0.0)),
            transaction_ms: float(row, "transaction_ms")?.map(|ms| ms.max(0.0)),
            query: some("query")?,
            blocked_by: blockers.split(',').filter_map(|pid| pid.parse().ok()).collect(),
            lock: some("lock")?,
            relation: some("relation")?,
            waiting: int(row, "waiting")?.unwrap_or_default(),
        })
    }

    fn waits(&self) -> bool {
        !self.blocked_by.is_empty()
    }
}

/// The facts of a lock tree; all null when nobody waits.
pub(super) fn facts(parties: &[Party], texts: &mut Texts) -> Facts {
    let waiting = parties.first().map_or(0, |party| party.waiting);
    if !parties.iter().any(Party::waits) {
        return [ROOT, TREE, WAITING].into_iter().map(|key| (key.to_owned(), Value::Null)).collect();
    }
    let statements: BTreeMap<i64, (Option<String>, Option<String>)> =
        parties.iter().map(|party| (party.pid, statement(party, texts))).collect();
    let root = root(parties);
    let sentence = match &root {
        Some((pid, behind)) => sentence(parties, *pid, behind, &statements),
        None => "sessions wait for each other; the server ends one of them after deadlock_timeout".to_owned(),
    };
    let entries: Vec<Value> = parties.iter().map(|party| entry(party, &statements)).collect();
    let tree = json!({ "root": root.map(|(pid, _)| pid), "sessions": entries });
    Facts::from([
        (ROOT.to_owned(), Value::from(sentence)),
        (TREE.to_owned(), Value::from(tree.to_string())),
        (WAITING.to_owned(), Value::from(waiting)),
    ])
}

/// Fingerprint and text of what a session runs, or ran last.
fn statement(party: &Party, texts: &mut Texts) -> (Option<String>, Option<String>) {
    let running = Running {
        id: party.id,
        text: party.query.as_deref(),
        database: party.database.as_deref(),
        user: party.user.as_deref(),
    };
    match texts.running(running) {
        Some(Known::Statement(fingerprint)) => {
            let text = party.query.as_deref().map(|query| {
                let normalised =
                    faultline_fingerprint::normalise(query, faultline_fingerprint::Dialect::Postgres);
                normalised.text.chars().take(MAX_STATEMENT_CHARS).collect()
            });
            (Some(fingerprint.to_string()), text)
        }
        Some(Known::Ours | Known::Hidden) | None => (None, None),
    }
}

/// Who waits for nobody and is waited for by most, directly or not, with those who wait.
fn root(parties: &[Party]) -> Option<(i64, BTreeSet<i64>)> {
    let waits: BTreeSet<i64> = parties.iter().filter(|party| party.waits()).map(|party| party.pid).collect();
    let blockers: BTreeSet<i64> = parties.iter().flat_map(|party| party.blocked_by.iter().copied()).collect();
    let behind = |root: i64| {
        let mut found = BTreeSet::new();
        let mut reached = vec![root];
        while let Some(pid) = reached.pop() {
            let next = parties.iter().filter(|party| party.blocked_by.contains(&pid)).map(|party| party.pid);
            reached.extend(next.filter(|pid| found.insert(*pid)).collect::<Vec<_>>());
        }
        found
    };
    let roots = blockers.difference(&waits).map(|pid| (*pid, behind(*pid)));
    // Of several the one with the lowest number, so that the same picture gives the same root.
    roots.reduce(|best, next| if next.1.len() > best.1.len() { next } else { best })
}

/// One sentence on the root of it all.
fn sentence(
    parties: &[Party],
    root: i64,
    behind: &BTreeSet<i64>,
    statements: &BTreeMap<i64, (Option<String>, Option<String>)>,
) -> String {
    let waits = parties.iter().filter(|party| behind.contains(&party.pid));
    let longest_ms = waits.filter_map(|party| party.running_ms).fold(0.0, f64::max);
    let sessions =
        if behind.len() == 1 { "1 session".to_owned() } else { format!("{} sessions", behind.len()) };
    let blocks = format!("blocks {sessions}, the longest for {}", seconds(longest_ms));
    let Some(party) = parties.iter().find(|party| party.pid == root) else {
        return if root == PREPARED_TRANSACTION {
            format!("a prepared transaction (SELECT * FROM pg_prepared_xacts;) {blocks}")
        } else {
            format!("pid {root} {blocks}")
        };
    };
    let mut text = format!("pid {root} ({}) ", who(party));
    match (party.state.as_deref(), party.running_ms) {
        (Some("active"), Some(ms)) => {
            text.push_str(&format!("has been running its statement for {} and ", seconds(ms)))
        }
        (Some(state), Some(ms)) => text.push_str(&format!("has been {state} for {} and ", seconds(ms))),
        _ => {}
    }
    text.push_str(&blocks);
    if let Some((_, Some(statement))) = statements.get(&root) {
        let which =
            if party.state.as_deref() == Some("active") { "its statement" } else { "its last statement" };
        text.push_str(&format!("; {which}: {statement}"));
    }
    text
}

fn who(party: &Party) -> String {
    let named = [("role", &party.user), ("application", &party.app)];
    let parts: Vec<_> =
        named.iter().filter_map(|(what, name)| name.as_ref().map(|name| format!("{what} {name}"))).collect();
    if parts.is_empty() { party.backend.clone() } else { parts.join(", ") }
}

fn seconds(ms: f64) -> String {
    if ms < 10_000.0 { format!("{:.1} s", ms / 1_000.0) } else { format!("{:.0} s", ms / 1_000.0) }
}

/// A session of the tree; what is not known is left out.
fn entry(party: &Party, statements: &BTreeMap<i64, (Option<String>, Option<String>)>) -> Value {
    let fingerprint = statements.get(&party.pid).and_then(|(fingerprint, _)| fingerprint.clone());
    let waits_for = party.waits().then(|| party.blocked_by.clone());
    let mut entry = json!({
        "pid": party.pid,
        "user": party.user,
        "app": party.app,
        "state": party.state,
        "ms": party.running_ms.map(f64::round),
        "transaction_ms": party.transaction_ms.map(f64::round),
        "fp": fingerprint,
        "waits_for": waits_for,
        "lock": party.lock,
        "relation": party.relation,
    });
    if let Some(fields) = entry.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    fn party(pid: i64, state: &str, ms: f64, blocked_by: &[i64]) -> Party {
        Party {
            pid,
            user: Some("checkout".to_owned()),
            app: Some(format!("app-{pid}")),
            backend: "client backend".to_owned(),
            state: Some(state.to_owned()),
            running_ms: Some(ms),
            query: Some("update account set n = 1 where id = 5".to_owned()),
            blocked_by: blocked_by.to_vec(),
            waiting: 3,
            ..Party::default()
        }
    }

    fn root_of(parties: &[Party]) -> String {
        facts(parties, &mut Texts::default())[ROOT].as_str().unwrap_or_default().to_owned()
    }

    #[test]
    fn the_root_is_who_waits_for_nobody_and_is_waited_for_by_most() {
        let chain = [
            party(7, "idle in transaction", 12_000.0, &[]),
            party(8, "active", 8_200.0, &[7]),
            party(9, "active", 3_000.0, &[8]),
            party(3, "active", 500.0, &[]),
            party(4, "active", 100.0, &[3]),
        ];
        assert_eq!(
            root_of(&chain),
            "pid 7 (role checkout, application app-7) has been idle in transaction for 12 s and blocks 2 sessions, the \
             longest for 8.2 s; its last statement: update account set n = ? where id = ?"
        );
        assert!(
            root_of(&chain[3..])
                .starts_with("pid 3 (role checkout, application app-3) has been running its statement")
        );
        assert!(root_of(&[party(8, "active", 1.0, &[0])]).starts_with("a prepared transaction"));
        assert!(
            root_of(&[party(8, "active", 1.0, &[9]), party(9, "active", 1.0, &[8])]).contains("each other")
        );
        assert!(
            root_of(&[party(8, "active", 1.0, &[5])]).starts_with("pid 5 blocks 1 session"),
            "it left meanwhile"
        );
    }

    #[test]
    fn the_tree_is_text_and_nobody_waiting_is_null() {
        let found = facts(
            &[party(7, "idle in transaction", 12_000.4, &[]), party(8, "active", 1.0, &[7])],
            &mut Texts::default(),
        );
        assert_eq!(found[WAITING], Value::from(3));
        let tree: Value = serde_json::from_str(found[TREE].as_str().unwrap()).unwrap();
        assert_eq!((&tree["root"], &tree["sessions"][0]["ms"]), (&Value::from(7), &Value::from(12_000.0)));
        assert_eq!(tree["sessions"][1]["waits_for"], json!([7]));
        assert!(tree["sessions"][1]["fp"].is_string() && tree["sessions"][0].get("lock").is_none());
        assert!(facts(&[], &mut Texts::default()).values().all(Value::is_null));
    }
}
