//! Whole texts of statements as the server keeps them, for a closer look at a few of them; the latest ones, within a bound.

use std::collections::{HashMap, VecDeque};

use faultline_model::Fingerprint;

use super::delta::QueryId;

/// Most text that is kept, bytes. Older ones make room.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Longest text that is kept, bytes; longer ones may have been cut off where they were read.
const MAX_TEXT_BYTES: usize = super::sql::MAX_TEXT_CHARS - 1;

/// One statement, with a place where it ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Whole {
    pub(super) id: QueryId,
    pub(super) database: String,
    pub(super) user: Option<String>,
    /// As the server keeps it: `$1` for literals, nothing cut off.
    pub(super) text: String,
}

impl Whole {
    pub(super) fn new(id: QueryId, database: &str, user: Option<&str>, text: &str) -> Self {
        Self { id, database: database.to_owned(), user: user.map(str::to_owned), text: text.to_owned() }
    }
}

/// The latest statements by fingerprint.
#[derive(Debug, Default)]
pub(super) struct Wholes {
    /// The database that can be asked for plans.
    database: String,
    found: HashMap<Fingerprint, Whole>,
    order: VecDeque<Fingerprint>,
    bytes: usize,
}

impl Wholes {
    /// None yet. Of the same statement in several databases the one in `database` is kept.
    pub(super) fn new(database: String) -> Self {
        Self { database, ..Self::default() }
    }

    /// Keeps one; of several statements with one fingerprint in one database the first, as they are meant to be alike.
    pub(super) fn keep(&mut self, fingerprint: Fingerprint, whole: Whole) {
        if whole.text.len() > MAX_TEXT_BYTES {
            return;
        }
        if let Some(found) = self.found.get_mut(&fingerprint) {
            if found.database != self.database && whole.database == self.database {
                self.bytes = self.bytes - found.text.len() + whole.text.len();
                *found = whole;
            }
            return;
        }
        self.bytes += whole.text.len();
        self.order.push_back(fingerprint.clone());
        self.found.insert(fingerprint, whole);
        while self.bytes > MAX_BYTES {
            let Some(oldest) = self.order.pop_front() else { return };
            self.bytes -= self.found.remove(&oldest).map_or(0, |whole| whole.text.len());
        }
    }

    pub(super) fn get(&self, fingerprint: &Fingerprint) -> Option<&Whole> {
        self.found.get(fingerprint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_kept_within_the_bound() {
        let mut wholes = Wholes::default();
        let keep = |wholes: &mut Wholes, n: usize, length: usize| {
            let id = QueryId { dbid: 1, queryid: 1 };
            wholes.keep(Fingerprint::from(n.to_string()), Whole::new(id, "d", None, &"x".repeat(length)));
        };
        let has = |wholes: &Wholes, n: usize| wholes.get(&Fingerprint::from(n.to_string())).is_some();
        keep(&mut wholes, 0, MAX_TEXT_BYTES + 1);
        assert!(!has(&wholes, 0), "it may have been cut off");
        let fitting = MAX_BYTES / MAX_TEXT_BYTES;
        for n in 1..=fitting + 1 {
            keep(&mut wholes, n, MAX_TEXT_BYTES);
        }
        assert!(!has(&wholes, 1) && has(&wholes, 2) && has(&wholes, fitting + 1));
        assert!(wholes.bytes <= MAX_BYTES);
    }
}
