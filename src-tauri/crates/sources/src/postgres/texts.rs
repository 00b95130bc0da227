//! From the server's query ids to our fingerprints. Texts are read once for each id, many at a time, and no more often
//! than the reading is cheap: the server goes through its whole text file for them. Memory is bounded.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use faultline_fingerprint::{Dialect, normalise};
use faultline_model::{Fingerprint, QueryText};
use tokio::time::Instant;

use super::sql::MARKER;

/// Most ids and fingerprints that are remembered; beyond it the memory starts over.
const MAX_REMEMBERED: usize = 50_000;
/// Most texts that are asked for at a time.
pub(super) const MAX_TEXTS_PER_READ: usize = 1_000;
/// Shortest pause between two readings of texts.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause between two readings of texts.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The pause is this many times what the reading before took, so that texts take at most 0.5 % of a core.
const PAUSE_PER_COST: u32 = 200;
/// What the server shows in place of a text that we may not see.
const HIDDEN: &str = "<insufficient privilege>";

/// What an id stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// A statement of ours; left out of everything.
    Ours,
    /// A statement that we may not see; never mixed with others.
    Hidden,
    /// A statement.
    Statement(Fingerprint),
}

/// A statement's text as the server keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) queryid: i64,
    /// `None` when the server lost it.
    pub(super) text: Option<String>,
    pub(super) user: Option<String>,
    pub(super) database: Option<String>,
}

/// The texts of one node.
#[derive(Debug, Default)]
pub(super) struct Texts {
    /// From the statement counters: what is counted under the id is this statement.
    known: HashMap<i64, Known>,
    /// From running statements, whose text may be cut off or hold several statements: good enough until the counters'
    /// own text is read.
    glimpsed: HashMap<i64, Fingerprint>,
    /// Fingerprints whose text went out.
    sent: HashSet<Fingerprint>,
    /// Texts that have not gone out yet.
    outbox: Vec<QueryText>,
    next_read: Option<Instant>,
}

impl Texts {
    /// What the id stands for, where its text was read.
    pub(super) fn known(&self, queryid: i64) -> Option<&Known> {
        self.known.get(&queryid)
    }

    /// Whether texts may be read now.
    pub(super) fn may_read(&self, now: Instant) -> bool {
        self.next_read.is_none_or(|at| now >= at)
    }

    /// A reading took `cost`, or failed after it.
    pub(super) fn was_read(&mut self, now: Instant, cost: Duration) {
        self.next_read = Some(now + (cost * PAUSE_PER_COST).clamp(SHORTEST_PAUSE, LONGEST_PAUSE));
    }

    /// Learns a kept text.
    pub(super) fn learn(&mut self, kept: Kept) {
        let known = match kept.text.as_deref() {
            Some(text) if is_ours(text) => Known::Ours,
            Some(HIDDEN) => Known::Hidden,
            Some(text) => Known::Statement(self.offer(text, kept.database, kept.user)),
            None => Known::Statement(stand_in(kept.queryid)),
        };
        if self.known.len() >= MAX_REMEMBERED {
            self.known.clear();
        }
        self.glimpsed.remove(&kept.queryid);
        self.known.insert(kept.queryid, known);
    }

    /// The fingerprint of a running statement, by its id where that is known, else by its own text. `None` when there
    /// is neither, or when it is hidden from us.
    pub(super) fn running(
        &mut self,
        queryid: Option<i64>,
        text: Option<&str>,
        database: Option<&str>,
        user: Option<&str>,
    ) -> Option<Known> {
        if let Some(known) = queryid.and_then(|id| self.known.get(&id)) {
            return Some(known.clone());
        }
        if let Some(fingerprint) = queryid.and_then(|id| self.glimpsed.get(&id)) {
            return Some(Known::Statement(fingerprint.clone()));
        }
        let text = text.filter(|text| !text.trim().is_empty())?;
        if text == HIDDEN {
            return Some(Known::Hidden);
        }
        if is_ours(text) {
            return Some(Known::Ours);
        }
        let fingerprint = self.offer(text, database.map(str::to_owned), user.map(str::to_owned));
        if let Some(id) = queryid {
            if self.glimpsed.len() >= MAX_REMEMBERED {
                self.glimpsed.clear();
            }
            self.glimpsed.insert(id, fingerprint.clone());
        }
        Some(Known::Statement(fingerprint))
    }

    /// The texts that go out with the next frame.
    pub(super) fn take(&mut self) -> Vec<QueryText> {
        std::mem::take(&mut self.outbox)
    }

    fn offer(&mut self, text: &str, database: Option<String>, user: Option<String>) -> Fingerprint {
        let normalised = normalise(text, Dialect::Postgres);
        if self.sent.len() >= MAX_REMEMBERED {
            self.sent.clear();
        }
        if self.sent.insert(normalised.fingerprint.clone()) {
            self.outbox.push(QueryText {
                fp: normalised.fingerprint.clone(),
                text: normalised.text,
                database,
                user,
            });
        }
        normalised.fingerprint
    }
}

/// Stands in for a statement whose text the server lost: opaque, and never equal to a fingerprint.
pub(super) fn stand_in(queryid: i64) -> Fingerprint {
    Fingerprint::from(format!("queryid:{queryid}"))
}

fn is_ours(text: &str) -> bool {
    text.contains(MARKER)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(queryid: i64, text: Option<&str>) -> Kept {
        Kept { queryid, text: text.map(str::to_owned), user: Some("u".into()), database: Some("d".into()) }
    }

    #[test]
    fn ids_of_one_statement_share_a_fingerprint_and_its_text_goes_out_once() {
        let mut texts = Texts::default();
        texts.learn(kept(1, Some("select * from item where id in ($1, $2)")));
        texts.learn(kept(2, Some("SELECT * FROM item WHERE id IN ($1,$2,$3)")));
        assert_eq!(texts.known(1), texts.known(2));
        let sent = texts.take();
        assert_eq!(sent.len(), 1);
        assert_eq!((sent[0].user.as_deref(), sent[0].database.as_deref()), (Some("u"), Some("d")));
        texts.learn(kept(3, Some("select * from item where id in ($1)")));
        assert!(texts.take().is_empty());
    }

    #[test]
    fn ours_hidden_and_lost_texts_are_told_apart() {
        let mut texts = Texts::default();
        let cases = [
            (Some("SELECT /* faultline */ 1"), Known::Ours),
            (Some("<insufficient privilege>"), Known::Hidden),
            (None, Known::Statement(Fingerprint::from("queryid:7"))),
        ];
        for (text, expected) in cases {
            texts.learn(kept(7, text));
            assert_eq!(texts.known(7), Some(&expected), "{text:?}");
        }
        assert!(texts.take().is_empty());
    }

    #[test]
    fn a_running_statement_is_known_by_its_id_or_its_own_text() {
        let mut texts = Texts::default();
        let by_text = texts.running(None, Some("select 1 from t where a = 5"), None, None);
        assert!(matches!(by_text, Some(Known::Statement(_))));
        assert_eq!(texts.running(Some(5), Some("select 1 from t where a = 6"), None, None), by_text);
        assert_eq!(texts.running(Some(5), None, None, None), by_text, "glimpsed before");
        texts.learn(kept(5, Some("select 2 from t")));
        assert_eq!(
            texts.running(Some(5), Some("select 1 from t where a = 6"), None, None).as_ref(),
            texts.known(5)
        );
        assert_eq!(texts.running(Some(6), None, None, None), None);
        assert_eq!(texts.running(None, Some("  "), None, None), None);
        assert_eq!(texts.running(None, Some("<insufficient privilege>"), None, None), Some(Known::Hidden));
    }

    #[test]
    fn dear_readings_come_rarely() {
        let mut texts = Texts::default();
        let now = Instant::now();
        for (cost_ms, pause_ms) in [(0, 1_000), (5, 1_000), (170, 34_000), (5_000, 60_000)] {
            texts.was_read(now, Duration::from_millis(cost_ms));
            assert!(!texts.may_read(now + Duration::from_millis(pause_ms - 1)), "{cost_ms}");
            assert!(texts.may_read(now + Duration::from_millis(pause_ms)), "{cost_ms}");
        }
    }
}
