//! Which statement a server's own id stands for, shared by the nodes of one cluster: physical replicas know a statement
//! under the id that it has on their primary, so that what one node read the text of, an exporter on another node may name
//! by its id alone. Not in here: who reads the texts.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use faultline_model::QueryText;

/// Most ids that one cluster's book holds; further ones are not taken in, and stay unnamed.
const MAX_BOOKED_QUERIES: usize = 50_000;

/// A server's own id of a statement, within one cluster of physical replicas.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BookedQuery {
    /// The database by name; ids are unique only within one.
    pub database: String,
    /// `pg_stat_statements.queryid`.
    pub queryid: i64,
}

/// The book of one cluster. Cheap to clone; all clones are one book.
#[derive(Clone, Debug, Default)]
pub struct QueryBook(Arc<Mutex<HashMap<BookedQuery, QueryText>>>);

impl QueryBook {
    /// Writes down what the id stands for. A later word replaces an earlier one.
    pub fn write(&self, query: BookedQuery, text: QueryText) {
        let mut book = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if book.len() < MAX_BOOKED_QUERIES || book.contains_key(&query) {
            book.insert(query, text);
        }
    }

    /// What the id stands for, if any node has read that.
    pub fn find(&self, query: &BookedQuery) -> Option<QueryText> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(query).cloned()
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
        assert_eq!(book.find(&BookedQuery { database: "other".into(), ..here }), None);
    }
}
