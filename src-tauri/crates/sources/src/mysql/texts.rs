//! From the server's digests to our fingerprints, and whole texts of statements to explain. Texts are read once for each
//! digest. Memory is bounded; whole texts hold literals, stay in memory and never go out.

use std::collections::{HashMap, HashSet};

use faultline_fingerprint::{Dialect, normalise};
use faultline_model::{Fingerprint, QueryText};

use super::plans;
use super::sql::{self, ALIAS, MARKER, MAX_ACTIVITY_CHARS};
use super::table::Table;
use super::trouble::Trouble;

/// Most digests and fingerprints that are remembered; beyond it the memory starts over.
const MAX_REMEMBERED: usize = 50_000;
/// Most whole texts that are kept; beyond it the memory starts over.
const MAX_SAMPLES: usize = 500;
/// Most texts that are asked for at a time.
pub(super) const MAX_TEXTS_PER_READ: usize = 1_000;
/// What stands for the statements that found no room in the table of digests.
pub(super) const OVERFLOW: &str = "digest:none";
/// What is said of them.
const OVERFLOW_TEXT: &str = "(statements that found no room in the server's table of digests)";

/// What a digest stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// A statement of ours; left out of everything.
    Ours,
    /// A statement.
    Statement(Fingerprint),
}

/// One whole text of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sample {
    /// The default schema that it ran in.
    pub(super) schema: Option<String>,
    /// The text with its literals; it passed [`plans::may_explain`].
    pub(super) text: String,
}

/// The texts of one node.
#[derive(Debug)]
pub(super) struct Texts {
    known: HashMap<String, Known>,
    samples: HashMap<Fingerprint, Sample>,
    /// Fingerprints whose text went out.
    sent: HashSet<Fingerprint>,
    /// Texts that have not gone out yet.
    outbox: Vec<QueryText>,
    /// Fingerprints of those statements of ours in which no name of ours has a place.
    ours: HashSet<Fingerprint>,
    /// Whether a text was cut off by the server.
    truncated: bool,
}

impl Default for Texts {
    fn default() -> Self {
        let nameless = sql::session(true).into_iter().chain(sql::session(false)).map(|query| query.text);
        let shows = ["SHOW ALL SLAVES STATUS", "SHOW REPLICA STATUS", "SHOW SLAVE STATUS"].map(str::to_owned);
        let ours = nameless.chain(shows).map(|text| normalise(&text, Dialect::Mysql).fingerprint).collect();
        Self {
            known: HashMap::new(),
            samples: HashMap::new(),
            sent: HashSet::new(),
            outbox: Vec::new(),
            ours,
            truncated: false,
        }
    }
}

impl Texts {
    /// What the digest stands for, where its text was read.
    pub(super) fn known(&self, digest: &str) -> Option<&Known> {
        self.known.get(digest)
    }

    /// The digests that stand for one of these.
    pub(super) fn digests_of(&self, fingerprints: &[Fingerprint]) -> Vec<String> {
        let is_one = |known: &Known| matches!(known, Known::Statement(found) if fingerprints.contains(found));
        let mut digests: Vec<String> =
            self.known.iter().filter(|(_, known)| is_one(known)).map(|(digest, _)| digest.clone()).collect();
        digests.sort();
        digests
    }

    /// Whether the server cut any text off, so that long statements may share a digest.
    pub(super) fn truncated(&self) -> bool {
        self.truncated
    }

    /// Learns texts from the answer to [`sql::texts`].
    ///
    /// # Errors
    /// [`Trouble::Unreadable`] when a column is missing.
    pub(super) fn learn(&mut self, answer: &Table) -> Result<(), Trouble> {
        for row in answer.rows() {
            let Some(digest) = row.text("digest")? else { continue };
            if self.known.contains_key(digest) {
                continue;
            }
            let schema = row.text("schema_name")?;
            let known = match row.text("text")? {
                Some(text) if self.is_ours(text, schema) => Known::Ours,
                Some(text) => {
                    self.truncated |= text.trim_end().ends_with("...");
                    Known::Statement(self.offer(text, schema, None))
                }
                None => Known::Statement(stand_in(digest)),
            };
            if self.known.len() >= MAX_REMEMBERED {
                self.known.clear();
            }
            self.known.insert(digest.to_owned(), known);
        }
        Ok(())
    }

    /// Whether the text of a digest is of a statement of ours. Our sessions have no default schema but to explain.
    fn is_ours(&self, text: &str, schema: Option<&str>) -> bool {
        text.contains(&format!("`{ALIAS}` ."))
            || text.contains(&format!("AS `{ALIAS}`"))
            || text.starts_with("EXPLAIN FORMAT = JSON")
            || (schema.is_none() && self.ours.contains(&normalise(text, Dialect::Mysql).fingerprint))
    }

    /// What a running statement is, by its digest where that is known, else by its own text.
    pub(super) fn running(
        &mut self,
        digest: Option<&str>,
        text: Option<&str>,
        schema: Option<&str>,
        user: Option<&str>,
    ) -> Option<Known> {
        let known = digest.and_then(|digest| self.known.get(digest)).cloned();
        let text = text.filter(|text| !text.trim().is_empty());
        if text.is_some_and(|text| text.starts_with(MARKER)) {
            return Some(Known::Ours);
        }
        let known = match (known, text) {
            (Some(known), _) => known,
            (None, Some(text)) => Known::Statement(self.offer(text, schema, user)),
            (None, None) => return None,
        };
        if let (Known::Statement(fingerprint), Some(text)) = (&known, text) {
            self.keep_sample(fingerprint, text, schema, MAX_ACTIVITY_CHARS);
        }
        Some(known)
    }

    /// Keeps whole texts from the answer to one of [`super::sql_facts::samples`]; the server keeps `limit` bytes of each.
    ///
    /// # Errors
    /// [`Trouble::Unreadable`] when a column is missing.
    pub(super) fn learn_samples(&mut self, answer: &Table, limit: usize) -> Result<(), Trouble> {
        for row in answer.rows() {
            let known = row.text("digest")?.and_then(|digest| self.known.get(digest)).cloned();
            if let (Some(Known::Statement(fingerprint)), Some(text)) = (known, row.text("text")?) {
                self.keep_sample(&fingerprint, text, row.text("schema_name")?, limit);
            }
        }
        Ok(())
    }

    fn keep_sample(&mut self, fingerprint: &Fingerprint, text: &str, schema: Option<&str>, limit: usize) {
        // A text as long as the server keeps them was probably cut off.
        if self.samples.contains_key(fingerprint) || text.len() >= limit || !plans::may_explain(text) {
            return;
        }
        if self.samples.len() >= MAX_SAMPLES {
            self.samples.clear();
        }
        let sample = Sample { schema: schema.map(str::to_owned), text: text.to_owned() };
        self.samples.insert(fingerprint.clone(), sample);
    }

    /// A whole text of the statement, where one was seen.
    pub(super) fn sample(&self, fingerprint: &Fingerprint) -> Option<&Sample> {
        self.samples.get(fingerprint)
    }

    /// What stands for the statements without a digest; its text goes out once.
    pub(super) fn overflow(&mut self) -> Fingerprint {
        let fingerprint = Fingerprint::from(OVERFLOW);
        if self.sent.insert(fingerprint.clone()) {
            let fp = fingerprint.clone();
            self.outbox.push(QueryText { fp, text: OVERFLOW_TEXT.to_owned(), database: None, user: None });
        }
        fingerprint
    }

    /// The texts that go out with the next frame.
    pub(super) fn take(&mut self) -> Vec<QueryText> {
        std::mem::take(&mut self.outbox)
    }

    fn offer(&mut self, text: &str, schema: Option<&str>, user: Option<&str>) -> Fingerprint {
        let normalised = normalise(text, Dialect::Mysql);
        if self.sent.len() >= MAX_REMEMBERED {
            self.sent.clear();
        }
        if self.sent.insert(normalised.fingerprint.clone()) {
            self.outbox.push(QueryText {
                fp: normalised.fingerprint.clone(),
                text: normalised.text,
                database: schema.map(str::to_owned),
                user: user.map(str::to_owned),
            });
        }
        normalised.fingerprint
    }
}

/// Stands in for a statement whose text the server has no longer.
pub(super) fn stand_in(digest: &str) -> Fingerprint {
    Fingerprint::from(format!("digest:{}", &digest[..digest.len().min(16)]).as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(rows: &[(&str, Option<&str>, Option<&str>)]) -> Table {
        let mut table = Table::new(["digest", "schema_name", "text"].map(str::to_owned).to_vec());
        for (digest, schema, text) in rows {
            table.push(vec![Some((*digest).to_owned()), schema.map(str::to_owned), text.map(str::to_owned)]);
        }
        table
    }

    #[test]
    fn ours_are_known_by_the_name_that_they_give() {
        let mut texts = Texts::default();
        let cases = [
            ("SELECT NOW ( ) AS `faultline`", None, true),
            ("SELECT `faultline` . `DIGEST` AS `digest` , ...", None, true),
            ("SHOW ALL SLAVES STATUS", None, true),
            ("SHOW ALL SLAVES STATUS", Some("shop"), false),
            ("SET SESSION TRANSACTION READ ONLY", None, true),
            ("EXPLAIN FORMAT = JSON SELECT * FROM `item`", Some("shop"), true),
            ("SELECT * FROM `faultline_log`", Some("shop"), false),
            ("SELECT `a` FROM `faultline` WHERE `a` = ?", Some("shop"), false),
        ];
        for (index, (text, schema, ours)) in cases.into_iter().enumerate() {
            let digest = format!("{index:032x}");
            texts.learn(&answer(&[(&digest, schema, Some(text))])).unwrap();
            assert_eq!(texts.known(&digest) == Some(&Known::Ours), ours, "{text}");
        }
    }

    #[test]
    fn a_digest_and_a_running_text_are_one_statement_and_its_text_goes_out_once() {
        let mut texts = Texts::default();
        let running =
            texts.running(None, Some("select * from item where id in (1, 2)"), Some("shop"), Some("u"));
        texts
            .learn(&answer(&[("ab", Some("shop"), Some("SELECT * FROM `item` WHERE ID IN (...)"))]))
            .unwrap();
        assert_eq!(texts.known("ab"), running.as_ref());
        assert_eq!(texts.running(Some("ab"), None, None, None), running);
        let sent = texts.take();
        assert_eq!((sent.len(), sent[0].user.as_deref()), (1, Some("u")));
        let Some(Known::Statement(fingerprint)) = running else { panic!() };
        assert_eq!(texts.digests_of(std::slice::from_ref(&fingerprint)), ["ab"]);
        assert_eq!(texts.sample(&fingerprint).unwrap().text, "select * from item where id in (1, 2)");
        assert_eq!(texts.running(None, Some("/* faultline */ SELECT 1"), None, None), Some(Known::Ours));
        assert_eq!(texts.running(None, Some("  "), None, None), None);
    }

    #[test]
    fn lost_and_truncated_texts_are_told() {
        let mut texts = Texts::default();
        texts.learn(&answer(&[("0123456789abcdef0123", Some("s"), None)])).unwrap();
        let stand_in = Known::Statement(Fingerprint::from("digest:0123456789abcdef"));
        assert_eq!(texts.known("0123456789abcdef0123"), Some(&stand_in));
        texts.learn(&answer(&[("a1", Some("s"), Some("SELECT `a` FROM `t` WHERE `b` IN (...)"))])).unwrap();
        assert!(!texts.truncated(), "a list of values is no cut");
        texts.learn(&answer(&[("a2", Some("s"), Some("SELECT `a` , `b` , `c` , ..."))])).unwrap();
        assert!(texts.truncated());
    }
}
