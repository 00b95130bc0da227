//! From the server's query ids to our fingerprints. Texts are read once for each id, many at a time, and no more often
//! than the reading is cheap: the server goes through its whole text file for them. Memory is bounded.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use faultline_fingerprint::{Dialect, normalise};
use faultline_model::{Fingerprint, QueryText};
use tokio::time::Instant;

use super::delta::QueryId;
use super::paced::Paced;
use super::sql::MARKER;
use super::wholes::{Whole, Wholes};
use crate::query_book::{BookedQuery, QueryBook};

/// Most ids and fingerprints that are remembered; beyond it the memory starts over.
const MAX_REMEMBERED: usize = 50_000;
/// Most texts that are asked for at a time.
pub(super) const MAX_TEXTS_PER_READ: usize = 1_000;
/// Shortest pause between two readings of texts.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause between two readings of texts.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Bytes that the server may take off a running statement's text beyond its limit, so as not to cut a character in two.
const CUT_CHARACTER_BYTES: usize = 4;
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
    pub(super) id: QueryId,
    /// `None` when the server lost it.
    pub(super) text: Option<String>,
    pub(super) user: Option<String>,
    pub(super) database: Option<String>,
}

/// A running statement as the list of sessions shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Running<'a> {
    pub(super) id: Option<QueryId>,
    pub(super) text: Option<&'a str>,
    pub(super) database: Option<&'a str>,
    pub(super) user: Option<&'a str>,
}

/// The pauses between readings of texts.
#[derive(Debug)]
struct TextsPaced(Paced);

impl Default for TextsPaced {
    fn default() -> Self {
        Self(Paced::new(Duration::ZERO, SHORTEST_PAUSE, LONGEST_PAUSE))
    }
}

/// The texts of one node.
#[derive(Debug, Default)]
pub(super) struct Texts {
    /// What the nodes of the cluster know together.
    book: QueryBook,
    /// The role that we log in as.
    role: String,
    /// Whole texts of the latest statements, for a closer look.
    wholes: Wholes,
    /// From which length on a running statement's text was cut off, bytes; `None` where that is not known.
    activity_bytes: Option<usize>,
    /// Running statements whose text is doubtful (cut off, or one of several), to be read from the counters.
    doubtful: BTreeSet<QueryId>,
    /// From the statement counters: what is counted under the id is this statement.
    known: HashMap<QueryId, Known>,
    /// From running statements, whose text may be cut off or hold several statements: good enough until the counters'
    /// own text is read.
    glimpsed: HashMap<QueryId, Fingerprint>,
    /// Fingerprints whose text went out.
    sent: HashSet<Fingerprint>,
    /// Texts that have not gone out yet.
    outbox: Vec<QueryText>,
    paced: TextsPaced,
}

impl Texts {
    /// No text yet; what is learnt goes into `book` too. `role` and `database` are those that we are connected as and to.
    pub(super) fn new(book: QueryBook, role: String, database: String) -> Self {
        Self { book, role, wholes: Wholes::new(database), ..Self::default() }
    }

    /// What the id stands for, where its text was read.
    pub(super) fn known(&self, id: QueryId) -> Option<&Known> {
        self.known.get(&id)
    }

    /// The statement behind a fingerprint with its whole text, where it is remembered.
    pub(super) fn whole(&self, fingerprint: &Fingerprint) -> Option<&Whole> {
        self.wholes.get(fingerprint)
    }

    /// The ids that are known to stand for a fingerprint, a few of them.
    pub(super) fn ids_of(&self, fingerprint: &Fingerprint) -> Vec<QueryId> {
        const FEW: usize = 3;
        let stands = |known: &Known| matches!(known, Known::Statement(found) if found == fingerprint);
        self.known.iter().filter(|(_, known)| stands(known)).map(|(id, _)| *id).take(FEW).collect()
    }

    /// Takes note of `track_activity_query_size`.
    pub(super) fn cut_at(&mut self, activity_bytes: Option<i64>) {
        self.activity_bytes = activity_bytes.and_then(|bytes| usize::try_from(bytes).ok());
    }

    /// Statements that run, and whose text only the counters have whole.
    pub(super) fn doubtful(&self) -> &BTreeSet<QueryId> {
        &self.doubtful
    }

    /// These were asked for; what the counters did not have now is not asked for again.
    pub(super) fn asked(&mut self, ids: &[QueryId]) {
        ids.iter().for_each(|id| {
            self.doubtful.remove(id);
        });
    }

    /// Whether texts may be read now.
    pub(super) fn may_read(&self, now: Instant) -> bool {
        self.paced.0.is_due(now)
    }

    /// A reading took `cost`, or failed after it.
    pub(super) fn was_read(&mut self, now: Instant, cost: Duration) {
        self.paced.0.was_done(now, cost);
    }

    /// Learns a kept text.
    pub(super) fn learn(&mut self, kept: Kept) {
        let known = match kept.text.as_deref() {
            Some(text) if is_ours(text) => Known::Ours,
            Some(HIDDEN) => Known::Hidden,
            Some(text) => Known::Statement(self.learn_text(&kept, text)),
            // Our role is for us alone, so that a statement of its that lost its text is ours.
            None if kept.user.as_ref() == Some(&self.role) => Known::Ours,
            None => Known::Statement(stand_in(kept.id)),
        };
        if self.known.len() >= MAX_REMEMBERED {
            self.known.clear();
        }
        self.glimpsed.remove(&kept.id);
        self.known.insert(kept.id, known);
    }

    fn learn_text(&mut self, kept: &Kept, text: &str) -> Fingerprint {
        let query = self.offer(text, kept.database.as_deref(), kept.user.as_deref());
        let fingerprint = query.fp.clone();
        if let Some(database) = &kept.database {
            self.wholes.keep(fingerprint.clone(), Whole::new(kept.id, database, kept.user.as_deref(), text));
            self.book.write(BookedQuery { database: database.clone(), queryid: kept.id.queryid }, query);
        }
        fingerprint
    }

    /// What a running statement is, by its id where that is known, else by its own text. `None` when there is neither.
    pub(super) fn running(&mut self, running: Running<'_>) -> Option<Known> {
        if let Some(known) = running.id.and_then(|id| self.known.get(&id)) {
            return Some(known.clone());
        }
        if let Some(fingerprint) = running.id.and_then(|id| self.glimpsed.get(&id)) {
            return Some(Known::Statement(fingerprint.clone()));
        }
        let text = running.text.filter(|text| !text.trim().is_empty())?;
        if text == HIDDEN {
            return Some(Known::Hidden);
        }
        if is_ours(text) {
            return Some(Known::Ours);
        }
        let fingerprint = self.offer(text, running.database, running.user).fp;
        if let Some(id) = running.id {
            if self.glimpsed.len() >= MAX_REMEMBERED {
                self.glimpsed.clear();
            }
            self.glimpsed.insert(id, fingerprint.clone());
            if self.is_doubtful(text) && self.doubtful.len() < MAX_TEXTS_PER_READ {
                self.doubtful.insert(id);
            }
        }
        Some(Known::Statement(fingerprint))
    }

    /// Whether a running statement's text may not be the statement's alone, or not all of it.
    fn is_doubtful(&self, text: &str) -> bool {
        let cut = self.activity_bytes.is_some_and(|limit| text.len() + CUT_CHARACTER_BYTES >= limit);
        cut || text.trim_end().trim_end_matches(';').contains(';')
    }

    /// The texts that go out with the next frame.
    pub(super) fn take(&mut self) -> Vec<QueryText> {
        std::mem::take(&mut self.outbox)
    }

    /// Normalises a text; it goes out with the next frame if it never did.
    fn offer(&mut self, text: &str, database: Option<&str>, user: Option<&str>) -> QueryText {
        let normalised = normalise(text, Dialect::Postgres);
        let query = QueryText {
            fp: normalised.fingerprint,
            text: normalised.text,
            database: database.map(str::to_owned),
            user: user.map(str::to_owned),
        };
        if self.sent.len() >= MAX_REMEMBERED {
            self.sent.clear();
        }
        if self.sent.insert(query.fp.clone()) {
            self.outbox.push(query.clone());
        }
        query
    }
}

/// Stands in for a statement whose text the server lost: opaque, and never equal to a fingerprint.
pub(super) fn stand_in(id: QueryId) -> Fingerprint {
    Fingerprint::from(format!("queryid:{}", id.queryid))
}

fn is_ours(text: &str) -> bool {
    text.contains(MARKER)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(queryid: i64) -> QueryId {
        QueryId { dbid: 5, queryid }
    }

    fn kept(queryid: i64, text: Option<&str>) -> Kept {
        Kept {
            id: id(queryid),
            text: text.map(str::to_owned),
            user: Some("u".into()),
            database: Some("d".into()),
        }
    }

    fn run(texts: &mut Texts, queryid: Option<i64>, text: Option<&str>) -> Option<Known> {
        texts.running(Running { id: queryid.map(id), text, ..Running::default() })
    }

    #[test]
    fn ids_of_one_statement_share_a_fingerprint_and_its_text_goes_out_once() {
        let mut texts = Texts::default();
        texts.learn(kept(1, Some("select * from item where id in ($1, $2)")));
        texts.learn(kept(2, Some("SELECT * FROM item WHERE id IN ($1,$2,$3)")));
        assert_eq!(texts.known(id(1)), texts.known(id(2)));
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
            assert_eq!(texts.known(id(7)), Some(&expected), "{text:?}");
        }
        assert!(texts.take().is_empty());
    }

    #[test]
    fn a_running_statement_is_known_by_its_id_or_its_own_text() {
        let mut texts = Texts::default();
        let by_text = run(&mut texts, None, Some("select 1 from t where a = 5"));
        assert!(matches!(by_text, Some(Known::Statement(_))));
        assert_eq!(run(&mut texts, Some(5), Some("select 1 from t where a = 6")), by_text);
        assert_eq!(run(&mut texts, Some(5), None), by_text, "glimpsed before");
        texts.learn(kept(5, Some("select 2 from t")));
        let learnt = texts.known(id(5)).cloned();
        assert_eq!(run(&mut texts, Some(5), Some("select 1 from t where a = 6")), learnt);
        assert_eq!(run(&mut texts, Some(6), None), None);
        assert_eq!(run(&mut texts, None, Some("  ")), None);
        assert_eq!(run(&mut texts, None, Some("<insufficient privilege>")), Some(Known::Hidden));
    }

    #[test]
    fn doubtful_texts_are_asked_for_once() {
        let mut texts = Texts::default();
        texts.cut_at(Some(64));
        let long = format!("select {} from t", "a, ".repeat(20));
        for (queryid, text) in
            [(1, "select 1"), (2, "select 1;"), (3, "select 1; select 2"), (4, &long), (4, &long)]
        {
            run(&mut texts, Some(queryid), Some(text));
        }
        assert_eq!(texts.doubtful(), &BTreeSet::from([id(3), id(4)]));
        texts.asked(&[id(3), id(4)]);
        run(&mut texts, Some(4), Some(&long));
        assert_eq!(texts.doubtful(), &BTreeSet::new());
    }

    #[test]
    fn what_is_learnt_is_in_the_clusters_book() {
        let book = QueryBook::default();
        let mut texts = Texts::new(book.clone(), "faultline".to_owned(), "d".to_owned());
        texts.learn(kept(-3, Some("select a from t where b = $1")));
        texts.learn(kept(4, Some("SELECT /* faultline */ 1")));
        let find = |queryid| book.find(&BookedQuery { database: "d".to_owned(), queryid });
        assert_eq!(find(-3).map(|found| found.text).as_deref(), Some("select a from t where b = ?"));
        assert_eq!(find(4), None, "ours");
    }
}
