//! From the primary's ids of statements to fingerprints, by what the nodes of its cluster know. Not in here: how the
//! counters were read.

use std::collections::{BTreeMap, HashSet};

use faultline_model::{Fingerprint, QueryDelta, QueryText};

use crate::query_book::{BookedQuery, QueryBook};

/// Most statements that are remembered; beyond it the memory starts over, and texts are told again.
const MAX_REMEMBERED: usize = 50_000;

/// What one statement did over an interval. `None` was not observed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Called {
    pub(crate) query: BookedQuery,
    pub(crate) calls: f64,
    pub(crate) time_ms: f64,
    pub(crate) rows: Option<f64>,
    pub(crate) blocks_hit: Option<f64>,
    pub(crate) blocks_read: Option<f64>,
}

/// What several statements did, named.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Named {
    /// One entry a fingerprint, in their order.
    pub(crate) rows: Vec<QueryDelta>,
    /// Texts that were not told yet.
    pub(crate) texts: Vec<QueryText>,
    /// Finished calls of all.
    pub(crate) calls: f64,
    /// Time of all, milliseconds.
    pub(crate) time_ms: f64,
    /// Time of those whose text is known, milliseconds.
    pub(crate) named_ms: f64,
}

/// What was told of the primary's statements so far.
#[derive(Debug, Default)]
pub(crate) struct Naming {
    told: HashSet<Fingerprint>,
    stood_in: HashSet<BookedQuery>,
}

impl Naming {
    /// Names what was called and sums it by fingerprint. What nobody has the text of goes out under a stand-in; once its
    /// text is known it goes out under its fingerprint, and the text is told of the stand-in too, for the time before.
    pub(crate) fn name(&mut self, called: impl IntoIterator<Item = Called>, book: &QueryBook) -> Named {
        let (mut named, mut sums) = (Named::default(), BTreeMap::<Fingerprint, QueryDelta>::new());
        for one in called {
            named.calls += one.calls;
            named.time_ms += one.time_ms;
            let fp = match book.find(&one.query) {
                Some(text) => {
                    named.named_ms += one.time_ms;
                    if self.stood_in.remove(&one.query) {
                        named.texts.push(QueryText { fp: one.query.stand_in(), ..text.clone() });
                    }
                    self.tell(text, &mut named.texts)
                }
                None => {
                    let stand_in = one.query.stand_in();
                    remember(&mut self.stood_in, one.query.clone());
                    stand_in
                }
            };
            add(&mut sums, fp, &one);
        }
        named.rows = sums.into_values().collect();
        named
    }

    /// The fingerprint of a statement that runs; `None` when nobody has its text.
    pub(crate) fn running(
        &mut self,
        query: &BookedQuery,
        book: &QueryBook,
        texts: &mut Vec<QueryText>,
    ) -> Option<Fingerprint> {
        book.find(query).map(|text| self.tell(text, texts))
    }

    fn tell(&mut self, text: QueryText, texts: &mut Vec<QueryText>) -> Fingerprint {
        let fp = text.fp.clone();
        if remember(&mut self.told, fp.clone()) {
            texts.push(text);
        }
        fp
    }
}

/// Whether it is new.
fn remember<T: std::hash::Hash + Eq>(memory: &mut HashSet<T>, one: T) -> bool {
    if memory.len() >= MAX_REMEMBERED {
        memory.clear();
    }
    memory.insert(one)
}

fn add(sums: &mut BTreeMap<Fingerprint, QueryDelta>, fp: Fingerprint, one: &Called) {
    let both = |a: Option<f64>, b: Option<f64>| a.zip(b).map(|(a, b)| a + b);
    sums.entry(fp.clone())
        .and_modify(|sum| {
            sum.calls += one.calls;
            sum.time_ms += one.time_ms;
            sum.rows = both(sum.rows, one.rows);
            sum.blocks_hit = both(sum.blocks_hit, one.blocks_hit);
            sum.blocks_read = both(sum.blocks_read, one.blocks_read);
        })
        .or_insert_with(|| QueryDelta {
            fp,
            calls: one.calls,
            time_ms: one.time_ms,
            rows: one.rows,
            blocks_hit: one.blocks_hit,
            blocks_read: one.blocks_read,
            // Only finished statements are counted.
            errors: None,
        });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(queryid: i64, calls: f64) -> Called {
        let query = BookedQuery { database: "shop".into(), queryid };
        Called { query, calls, time_ms: calls * 2.0, rows: Some(calls), blocks_hit: None, blocks_read: None }
    }

    fn text(fp: &str) -> QueryText {
        QueryText { fp: fp.into(), text: format!("select {fp}"), database: None, user: None }
    }

    fn fps(named: &Named) -> Vec<(&str, f64)> {
        named.rows.iter().map(|row| (row.fp.as_str(), row.calls)).collect()
    }

    #[test]
    fn ids_are_named_by_the_book_and_renamed_when_it_learns() {
        let (book, mut naming) = (QueryBook::default(), Naming::default());
        for id in [1, 2] {
            book.write(called(id, 0.0).query, text("aa"));
        }
        let named = naming.name([called(1, 3.0), called(2, 4.0), called(7, 1.0)], &book);
        assert_eq!(fps(&named), [("aa", 7.0), ("queryid:7", 1.0)], "ids of one statement are summed");
        assert_eq!((named.texts, named.time_ms, named.named_ms), (vec![text("aa")], 16.0, 14.0));
        assert_eq!((named.rows[0].rows, named.rows[0].blocks_hit), (Some(7.0), None));

        book.write(called(7, 0.0).query, text("bb"));
        let named = naming.name([called(7, 5.0), called(1, 1.0)], &book);
        assert_eq!(fps(&named), [("aa", 1.0), ("bb", 5.0)]);
        let told: Vec<_> = named.texts.iter().map(|text| (text.fp.as_str(), text.text.as_str())).collect();
        assert_eq!(
            told,
            [("queryid:7", "select bb"), ("bb", "select bb")],
            "the time before has its name too"
        );
        assert_eq!(naming.name([called(7, 5.0)], &book).texts, [], "told once");
    }

    #[test]
    fn ids_of_other_databases_are_other_statements() {
        let (book, mut naming) = (QueryBook::default(), Naming::default());
        book.write(BookedQuery { database: "other".into(), queryid: 1 }, text("aa"));
        assert_eq!(fps(&naming.name([called(1, 3.0)], &book)), [("queryid:1", 3.0)]);
    }
}
