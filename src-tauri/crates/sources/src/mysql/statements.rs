//! The digests: reading them, holding back what has no text yet, and summing the differences by fingerprint.

use std::collections::{BTreeMap, HashMap};

use faultline_model::{Fingerprint, QueryDelta, QueryDeltas};

use super::delta::{Counters, Deltas, Entry, Gap, Key, Ledger, Reading};
use super::sql::MAX_DIGESTS;
use super::table::{Row, Table};
use super::texts::{Known, Texts, stand_in};
use super::trouble::Trouble;

/// Failed readings of texts after which statements go out under a stand-in.
const MAX_TEXT_FAILURES: u32 = 3;

/// A reading from the answers to [`super::sql::clock`] and [`super::sql::digests`].
///
/// # Errors
/// [`Trouble::Unreadable`] when an answer is not complete or a column is missing.
pub(super) fn reading(clock: &Table, digests: &Table) -> Result<Reading, Trouble> {
    let unreadable = |reason: &str| Trouble::Unreadable { reason: reason.to_owned() };
    if digests.len() > MAX_DIGESTS {
        // Half a reading would make every entry that it lacks look old the next time.
        return Err(unreadable("there are more than 100,000 digests; lower performance_schema_digests_size"));
    }
    let clock = clock.first().ok_or_else(|| unreadable("the server told no time"))?;
    let time = |name: &str| clock.float(name)?.ok_or_else(|| unreadable("the server told no time"));
    Ok(Reading {
        at_s: time("now_s")?,
        uptime_s: time("uptime_s")?,
        entries: digests.rows().map(entry).collect::<Result<_, _>>()?,
    })
}

fn entry(row: Row<'_>) -> Result<(Key, Entry), Trouble> {
    let number = |name: &str| row.count(name).map(Option::unwrap_or_default);
    let key = Key {
        schema: row.text("schema_name")?.map(str::to_owned),
        digest: row.text("digest")?.map(str::to_owned),
    };
    let counters = Counters {
        calls: number("calls")?,
        time_ps: number("time_ps")?,
        errors: number("errors")?,
        affected: number("affected")?,
        sent: number("sent")?,
        examined: number("examined")?,
        no_index: number("no_index")?,
    };
    Ok((key, Entry { counters, first_s: row.float("first_s")?.filter(|first_s| *first_s > 0.0) }))
}

/// The statement counters of one node over time.
#[derive(Debug, Default)]
pub(super) struct Statements {
    ledger: Ledger,
    /// Differences whose text is not known yet, by digest.
    held: HashMap<String, Counters>,
    text_failures: u32,
}

/// What a reading brought.
#[derive(Debug, PartialEq)]
pub(super) struct Outcome {
    pub(super) queries: QueryDeltas,
    /// Everything but our own statements.
    pub(super) total: Counters,
    /// What the server spent on our own statements, milliseconds.
    pub(super) ours_ms: f64,
    /// Calls that found no room in the table of digests.
    pub(super) overflowed: u64,
}

impl Outcome {
    /// Mean time of the finished calls, milliseconds; `None` when there were none.
    pub(super) fn latency_ms(&self) -> Option<f64> {
        (self.total.calls > 0).then(|| self.total.time_ms() / self.total.calls as f64)
    }
}

impl Statements {
    /// Since when digests must be read again.
    pub(super) fn since_s(&self) -> Option<f64> {
        self.ledger.since_s()
    }

    /// Takes in a reading; the differences to the one before, or why there are none.
    ///
    /// # Errors
    /// Why there are none.
    pub(super) fn advance(&mut self, now: Reading) -> Result<Deltas, Gap> {
        let step = self.ledger.advance(now);
        if step.is_err() {
            self.held.clear();
        }
        step
    }

    /// The digests whose text must be read for these differences (and for those held back), dearest first.
    pub(super) fn unseen(&self, deltas: &Deltas, texts: &Texts) -> Vec<String> {
        let mut times: HashMap<&str, u64> =
            self.held.iter().map(|(digest, counters)| (digest.as_str(), counters.time_ps)).collect();
        for (key, counters) in &deltas.rows {
            if let Some(digest) = &key.digest {
                let time = times.entry(digest).or_default();
                *time = time.saturating_add(counters.time_ps);
            }
        }
        let mut digests: Vec<_> =
            times.into_iter().filter(|(digest, _)| texts.known(digest).is_none()).collect();
        digests.sort_by(|(one, time), (other, more)| more.cmp(time).then(one.cmp(other)));
        digests.into_iter().map(|(digest, _)| digest.to_owned()).collect()
    }

    /// The texts were read, or could not be.
    pub(super) fn texts_read(&mut self, read: bool) {
        self.text_failures = if read { 0 } else { self.text_failures + 1 };
    }

    /// Sums the differences by fingerprint. `asked` are the digests whose texts were read just now; of the others, those
    /// without a text are held back until theirs is.
    pub(super) fn fold(&mut self, deltas: Deltas, texts: &mut Texts, asked: &[String]) -> Outcome {
        let mut sums = std::mem::take(&mut self.held);
        for (key, counters) in deltas.rows {
            if let Some(digest) = key.digest {
                sums.entry(digest).or_default().add(&counters);
            }
        }
        let give_up = self.text_failures >= MAX_TEXT_FAILURES;
        let mut by_fingerprint: BTreeMap<Fingerprint, Counters> = BTreeMap::new();
        let (mut total, mut ours_ms) = (Counters::default(), 0.0);
        for (digest, counters) in sums {
            let fingerprint = match texts.known(&digest) {
                Some(Known::Statement(fingerprint)) => fingerprint.clone(),
                Some(Known::Ours) => {
                    ours_ms += counters.time_ms();
                    continue;
                }
                // Its text was gone when it was asked for, or is not to be had at all.
                None if give_up || asked.contains(&digest) => stand_in(&digest),
                None => {
                    self.held.insert(digest, counters);
                    continue;
                }
            };
            total.add(&counters);
            by_fingerprint.entry(fingerprint).or_default().add(&counters);
        }
        if deltas.overflow.calls > 0 {
            total.add(&deltas.overflow);
            by_fingerprint.insert(texts.overflow(), deltas.overflow);
        }
        // Who called a statement that found no room is not known, so who is absent may have been called.
        let complete = self.held.is_empty() && deltas.overflow.calls == 0;
        let rows = by_fingerprint.into_iter().map(|(fp, sum)| row(fp, &sum)).collect();
        Outcome {
            queries: QueryDeltas { span_s: deltas.span_s, complete, rows },
            total,
            ours_ms,
            overflowed: deltas.overflow.calls,
        }
    }
}

fn row(fp: Fingerprint, sum: &Counters) -> QueryDelta {
    QueryDelta {
        fp,
        calls: sum.calls as f64,
        time_ms: sum.time_ms(),
        rows: Some(sum.sent.saturating_add(sum.affected) as f64),
        // The servers count pages for all statements together only.
        blocks_hit: None,
        blocks_read: None,
        errors: Some(sum.errors as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(at_s: f64, entries: &[(Option<&str>, Option<&str>, u64)]) -> Reading {
        let entries = entries.iter().map(|&(schema, digest, calls)| {
            let key = Key { schema: schema.map(str::to_owned), digest: digest.map(str::to_owned) };
            let time_ps = calls * 2_000_000_000;
            let counters = Counters { calls, time_ps, sent: calls, affected: 1, ..Counters::default() };
            (key, Entry { counters, first_s: Some(if at_s > 0.0 { 3.0 } else { -9.0 }) })
        });
        Reading { at_s, uptime_s: at_s + 100.0, entries: entries.collect() }
    }

    fn learn(texts: &mut Texts, digest: &str, text: &str) {
        let mut table = Table::new(["digest", "schema_name", "text"].map(str::to_owned).to_vec());
        table.push(vec![Some(digest.to_owned()), None, Some(text.to_owned())]);
        texts.learn(&table).unwrap();
    }

    #[test]
    fn schemas_and_digests_of_one_statement_are_summed_after_the_difference() {
        let (mut statements, mut texts) = (Statements::default(), Texts::default());
        learn(&mut texts, "a", "SELECT `x` FROM `t` WHERE `id` IN (...)");
        learn(&mut texts, "b", "SELECT `x` FROM `t` WHERE `id` IN (?)");
        learn(&mut texts, "c", "SELECT NOW ( ) AS `faultline`");
        statements.advance(reading(0.0, &[])).unwrap_err();
        let now = [
            (Some("s1"), Some("a"), 10),
            (Some("s2"), Some("a"), 4),
            (None, Some("b"), 1),
            (None, Some("c"), 7),
        ];
        let deltas = statements.advance(reading(5.0, &now)).unwrap();
        let outcome = statements.fold(deltas, &mut texts, &[]);
        assert_eq!(outcome.queries.rows.len(), 1);
        let row = &outcome.queries.rows[0];
        assert_eq!((row.calls, row.time_ms, row.rows, row.errors), (15.0, 30.0, Some(18.0), Some(0.0)));
        assert_eq!((outcome.latency_ms(), outcome.ours_ms), (Some(2.0), 14.0));
        assert!(outcome.queries.complete);
    }

    #[test]
    fn what_has_no_digest_is_an_entry_of_its_own_and_the_rest_is_not_complete() {
        let (mut statements, mut texts) = (Statements::default(), Texts::default());
        statements.advance(reading(0.0, &[])).unwrap_err();
        let deltas = statements.advance(reading(5.0, &[(None, None, 9)])).unwrap();
        let outcome = statements.fold(deltas, &mut texts, &[]);
        assert_eq!(outcome.queries.rows[0].fp, Fingerprint::from("digest:none"));
        assert_eq!((outcome.overflowed, outcome.queries.complete), (9, false));
        assert_eq!(texts.take().len(), 1, "it has a text");
    }

    #[test]
    fn what_has_no_text_yet_is_held_back_and_not_lost() {
        let (mut statements, mut texts) = (Statements::default(), Texts::default());
        statements.advance(reading(0.0, &[])).unwrap_err();
        let deltas =
            statements.advance(reading(5.0, &[(None, Some("a"), 2), (None, Some("b"), 30)])).unwrap();
        assert_eq!(statements.unseen(&deltas, &texts), ["b", "a"], "dearest first");
        let outcome = statements.fold(deltas, &mut texts, &[]);
        assert_eq!((outcome.queries.rows.len(), outcome.queries.complete), (0, false));
        let deltas = statements.advance(reading(10.0, &[(None, Some("b"), 31)])).unwrap();
        learn(&mut texts, "b", "SELECT ?");
        let outcome = statements.fold(deltas, &mut texts, &["a".to_owned(), "b".to_owned()]);
        let mut calls: Vec<f64> = outcome.queries.rows.iter().map(|row| row.calls).collect();
        calls.sort_by(f64::total_cmp);
        assert_eq!(calls, [2.0, 31.0], "the text of one was gone meanwhile, it goes out under a stand-in");
        assert!(outcome.queries.complete);
    }
}
