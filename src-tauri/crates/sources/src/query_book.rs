//! What the sources of one cluster tell each other: which statement a server's own id stands for (physical replicas know a
//! statement under the id that it has on their primary, so that what one node read the text of, an exporter on another node
//! may name by its id alone), and which of them speaks for the primary. Not in here: who reads the texts.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use faultline_model::{Fingerprint, NodeId, NodeName, QueryText};
use tokio::time::Instant;

/// Most ids that one cluster's book holds; further ones are not taken in, and stay unnamed.
const MAX_BOOKED_QUERIES: usize = 50_000;
/// How long whoever spoke for the primary is waited for before another may.
const SPEAKER_PATIENCE: Duration = Duration::from_secs(60);
/// What the primary is called where the configuration has no name for it.
const PRIMARY: &str = "primary";

/// A server's own id of a statement, within one cluster of physical replicas.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BookedQuery {
    /// The database by name; ids are unique only within one.
    pub database: String,
    /// `pg_stat_statements.queryid`.
    pub queryid: i64,
}

impl BookedQuery {
    /// Stands in for a statement whose text nobody knows: opaque, and never equal to a fingerprint.
    pub fn stand_in(&self) -> Fingerprint {
        Fingerprint::from(format!("queryid:{}", self.queryid))
    }
}

/// How the primary is seen, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PrimaryWay {
    /// By a session on it.
    Direct,
    /// By the table that it fills about itself, read on a replica.
    Table,
    /// By an exporter.
    Exporter,
}

/// The book of one cluster. Cheap to clone; all clones are one book.
#[derive(Clone, Debug, Default)]
pub struct QueryBook(Arc<Mutex<Book>>);

#[derive(Debug, Default)]
struct Book {
    queries: HashMap<BookedQuery, QueryText>,
    /// What the configuration calls the primary.
    configured: Option<NodeName>,
    /// The node that was last seen to be the primary by a session on it.
    seen: Option<NodeName>,
    speaker: Option<Speaker>,
}

#[derive(Debug)]
struct Speaker {
    way: PrimaryWay,
    who: NodeId,
    at: Instant,
}

impl QueryBook {
    /// Writes down what the id stands for. A later word replaces an earlier one.
    pub fn write(&self, query: BookedQuery, text: QueryText) {
        let mut book = self.lock();
        if book.queries.len() < MAX_BOOKED_QUERIES || book.queries.contains_key(&query) {
            book.queries.insert(query, text);
        }
    }

    /// What the id stands for, if any node has read that.
    pub fn find(&self, query: &BookedQuery) -> Option<QueryText> {
        self.lock().queries.get(query).cloned()
    }

    /// The configuration's name of the primary, where it has one without an address to log in to.
    pub fn name_primary(&self, node: NodeName) {
        self.lock().configured = Some(node);
    }

    /// The name under which replicas speak of their primary: the one that a session on it was opened under, else the
    /// configuration's, else `primary`.
    pub fn primary(&self) -> NodeName {
        let book = self.lock();
        book.seen.as_ref().or(book.configured.as_ref()).cloned().unwrap_or_else(|| NodeName::from(PRIMARY))
    }

    /// Asks whether `who` may speak for the primary now. Of several that can, the one with the best way does, and of
    /// equals the one that began; another takes over when nothing was heard for a minute.
    ///
    /// # Errors
    /// The way of the one that speaks.
    pub fn speak_for_primary(&self, way: PrimaryWay, who: &NodeId, now: Instant) -> Result<(), PrimaryWay> {
        let mut book = self.lock();
        if let Some(speaker) = &book.speaker
            && speaker.who != *who
            && speaker.way <= way
            && now.saturating_duration_since(speaker.at) < SPEAKER_PATIENCE
        {
            return Err(speaker.way);
        }
        if way == PrimaryWay::Direct {
            book.seen = Some(who.node.clone());
        }
        book.speaker = Some(Speaker { way, who: who.clone(), at: now });
        Ok(())
    }

    /// A session on the node shows that it is no primary (any more).
    pub fn is_replica(&self, node: &NodeId) {
        let mut book = self.lock();
        if book.seen.as_ref() == Some(&node.node) {
            book.seen = None;
        }
        if book.speaker.as_ref().is_some_and(|one| one.way == PrimaryWay::Direct && one.who == *node) {
            book.speaker = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_known_by_its_database_and_id() {
        let (book, here) = (QueryBook::default(), BookedQuery { database: "shop".into(), queryid: -7 });
        let text = QueryText { fp: "3f".into(), text: "select ?".into(), database: None, user: None };
        book.clone().write(here.clone(), text.clone());
        assert_eq!(book.find(&here), Some(text));
        assert_eq!(book.find(&BookedQuery { database: "other".into(), ..here.clone() }), None);
        assert_eq!(here.stand_in().as_str(), "queryid:-7");
    }

    fn node(name: &str) -> NodeId {
        NodeId { cluster: "shop".into(), node: name.into() }
    }

    #[test]
    fn one_at_a_time_speaks_for_the_primary() {
        use PrimaryWay::{Direct, Exporter, Table};
        let (book, start) = (QueryBook::default(), Instant::now());
        let cases: &[(u64, PrimaryWay, &str, Result<(), PrimaryWay>)] = &[
            (0, Exporter, "edge", Ok(())),
            (1, Table, "replica-1", Ok(())),
            (2, Table, "replica-2", Err(Table)),
            (3, Exporter, "edge", Err(Table)),
            (15, Table, "replica-1", Ok(())),
            (70, Table, "replica-2", Err(Table)),
            (80, Table, "replica-2", Ok(())),
            (81, Table, "replica-1", Err(Table)),
            (82, Direct, "db-1", Ok(())),
            (83, Table, "replica-2", Err(Direct)),
            (142, Table, "replica-2", Ok(())),
            (143, Direct, "db-1", Ok(())),
        ];
        for (at_s, way, who, expected) in cases {
            let said = book.speak_for_primary(*way, &node(who), start + Duration::from_secs(*at_s));
            assert_eq!(said, *expected, "{who} at {at_s}");
        }
    }

    #[test]
    fn the_primary_keeps_its_name() {
        let (book, now) = (QueryBook::default(), Instant::now());
        assert_eq!(book.primary().as_str(), "primary");
        book.name_primary("writer".into());
        assert_eq!(book.primary().as_str(), "writer");
        book.speak_for_primary(PrimaryWay::Direct, &node("db-1"), now).unwrap();
        assert_eq!(book.primary().as_str(), "db-1");
        book.is_replica(&node("db-2"));
        assert_eq!(book.primary().as_str(), "db-1");
        book.is_replica(&node("db-1"));
        assert_eq!(book.primary().as_str(), "writer");
        assert_eq!(
            book.speak_for_primary(PrimaryWay::Table, &node("db-1"), now),
            Ok(()),
            "the primary is another"
        );
    }
}
