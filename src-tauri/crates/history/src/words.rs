//! The dictionary: strings that frames repeat, by number. It only grows, up to a limit; what is not in it stands in the
//! frame itself.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use sqlx::SqliteConnection;

use crate::limits::{MAX_WORD_BYTES, MAX_WORDS};

/// What this process knows of the dictionary.
#[derive(Debug, Default)]
pub(crate) struct Words {
    known: RwLock<Known>,
}

/// Words both ways round.
#[derive(Debug, Default)]
pub(crate) struct Known {
    ids: HashMap<Arc<str>, u64>,
    texts: HashMap<u64, Arc<str>>,
    last: u64,
}

impl Known {
    pub(crate) fn id(&self, text: &str) -> Option<u64> {
        self.ids.get(text).copied()
    }

    pub(crate) fn text(&self, id: u64) -> Option<&Arc<str>> {
        self.texts.get(&id)
    }

    fn learn(&mut self, id: u64, text: Arc<str>) {
        self.ids.insert(Arc::clone(&text), id);
        self.texts.insert(id, text);
        self.last = self.last.max(id);
    }
}

/// Words that a transaction added; they are learnt once it is committed.
pub(crate) type NewWords = HashMap<Arc<str>, u64>;

impl Words {
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Learns what is in the store and not yet known here. After it, every word of the same snapshot is known.
    pub(crate) async fn refresh(&self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        let last = self.read().last;
        let rows: Vec<(i64, String)> = sqlx::query_as("SELECT id, text FROM word WHERE id > ?")
            .bind(last.cast_signed())
            .fetch_all(connection)
            .await?;
        if !rows.is_empty() {
            let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
            for (id, text) in rows {
                known.learn(id.cast_unsigned(), text.into());
            }
        }
        Ok(())
    }

    /// Adds the `wanted` words that are missing, inside a writing transaction. Long words, and all when the
    /// dictionary is full, are left out.
    pub(crate) async fn add(
        &self,
        connection: &mut SqliteConnection,
        wanted: &BTreeSet<&str>,
    ) -> Result<NewWords, sqlx::Error> {
        let mut missing = self.missing(wanted);
        if missing.is_empty() {
            return Ok(NewWords::new());
        }
        self.refresh(&mut *connection).await?;
        missing = self.missing(wanted);
        let mut room = MAX_WORDS.saturating_sub(self.read().texts.len());
        let mut added = NewWords::new();
        for text in missing {
            if room == 0 {
                break;
            }
            room -= 1;
            let id: i64 = sqlx::query_scalar("INSERT INTO word (text) VALUES (?) RETURNING id")
                .bind(text)
                .fetch_one(&mut *connection)
                .await?;
            added.insert(text.into(), id.cast_unsigned());
        }
        Ok(added)
    }

    /// Learns what a committed transaction added.
    pub(crate) fn learn(&self, added: NewWords) {
        if !added.is_empty() {
            let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
            for (text, id) in added {
                known.learn(id, text);
            }
        }
    }

    fn missing<'a>(&self, wanted: &BTreeSet<&'a str>) -> Vec<&'a str> {
        let known = self.read();
        wanted
            .iter()
            .filter(|text| text.len() <= MAX_WORD_BYTES && known.id(text).is_none())
            .copied()
            .collect()
    }
}

/// Strings by number within one answer: the dictionary's, and numbers of its own for strings outside it.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    extra: Vec<Arc<str>>,
    extra_ids: HashMap<Arc<str>, u64>,
}

/// First number of strings outside the dictionary, far above any row id in it.
const EXTRA: u64 = 1 << 40;

impl Interner {
    /// The number of a string outside the dictionary.
    pub(crate) fn intern(&mut self, text: &str) -> u64 {
        if let Some(id) = self.extra_ids.get(text) {
            return *id;
        }
        let id = EXTRA + self.extra.len() as u64;
        let text: Arc<str> = text.into();
        self.extra.push(Arc::clone(&text));
        self.extra_ids.insert(text, id);
        id
    }

    /// The string behind a number.
    pub(crate) fn text<'a>(&'a self, known: &'a Known, id: u64) -> Option<&'a str> {
        match id.checked_sub(EXTRA) {
            Some(index) => self.extra.get(usize::try_from(index).ok()?).map(AsRef::as_ref),
            None => known.text(id).map(AsRef::as_ref),
        }
    }

    /// Whether a number is the dictionary's.
    pub(crate) fn in_dictionary(id: u64) -> bool {
        id < EXTRA
    }
}
