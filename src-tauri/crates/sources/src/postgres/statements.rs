//! The statement counters: reading them, holding back what has no text yet, and summing the differences by fingerprint.

use std::collections::{BTreeMap, HashMap};

use faultline_model::{Fingerprint, QueryDelta, QueryDeltas};
use sqlx::postgres::PgRow;

use super::connection::Answer;
use super::delta::{self, Counters, Deltas, Entry, Gap, Key, QueryId, Reading, Step};
use super::jump::Trip;
use super::row::{bool_of, int};
use super::sql::MAX_COUNTER_ROWS;
use super::texts::{Known, Texts, stand_in};
use super::trouble::Trouble;

/// Longest that differences wait for a text, seconds.
const MAX_HELD_S: f64 = 30.0;
/// Microseconds in a millisecond.
const MICROS_PER_MS: f64 = 1e3;
/// Failed readings of texts after which statements go out under a stand-in.
const MAX_TEXT_FAILURES: u32 = 3;

/// A reading from the answer to [`super::sql::counters`].
///
/// # Errors
/// [`Trouble::Unreadable`] when the answer is not complete or a column is missing.
pub(super) fn reading(answer: &Answer, trip: Option<Trip>) -> Result<Reading, Trouble> {
    let unreadable = |reason: &str| Trouble::Unreadable { reason: reason.to_owned() };
    let [clock, rows, account] = answer.as_slice() else {
        return Err(unreadable("three answers were expected"));
    };
    let (Some(clock), Some(account)) = (clock.first(), account.first()) else {
        return Err(unreadable("an answer is empty"));
    };
    if rows.len() > MAX_COUNTER_ROWS {
        // Half a reading would make every entry that it lacks look new the next time.
        return Err(unreadable("there are more than 100,000 statements; lower pg_stat_statements.max"));
    }
    let mut entries: HashMap<Key, Entry> = HashMap::with_capacity(rows.len());
    for row in rows {
        let (key, entry) = entry(row)?;
        // An old extension does not tell nested statements apart and would return both under one key. Where nested ones are
        // counted at all, such an extension is not read (`Capabilities::counters`).
        entries.entry(key).and_modify(|found| found.counters.add(&entry.counters)).or_insert(entry);
    }
    Ok(Reading {
        at_us: int(clock, "now_us")?.unwrap_or_default(),
        trip,
        started_us: int(account, "started_us")?.unwrap_or_default(),
        reset_us: int(account, "reset_us")?,
        dealloc: int(account, "dealloc")?,
        max_backends: int(account, "max_connections")?.unwrap_or(1),
        entries,
    })
}

fn entry(row: &PgRow) -> Result<(Key, Entry), Trouble> {
    let number = |name: &str| int(row, name).map(Option::unwrap_or_default);
    let key = Key {
        userid: number("userid")?,
        dbid: number("dbid")?,
        toplevel: bool_of(row, "toplevel")?.unwrap_or(true),
        queryid: number("queryid")?,
    };
    let counters = Counters {
        calls: number("calls")?,
        // Whole microseconds have fewer digits, which with thousands of rows is what goes over the network.
        time_ms: number("time_us")? as f64 / MICROS_PER_MS,
        rows: number("rows")?,
        hit: number("hit")?,
        read: number("read")?,
    };
    Ok((key, Entry { counters, since_us: int(row, "since_us")? }))
}

/// The counters of one node over time.
#[derive(Debug, Default)]
pub(super) struct Statements {
    before: Option<Reading>,
    /// Interval between the two readings before, microseconds.
    usual_us: i64,
    /// Differences whose text is not known yet, by id.
    held: HashMap<QueryId, Held>,
    text_failures: u32,
}

/// Differences of one statement that wait for its text.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    counters: Counters,
    /// How long they are from, seconds.
    span_s: f64,
}

/// What a reading brought.
#[derive(Debug, PartialEq)]
pub(super) struct Outcome {
    pub(super) queries: QueryDeltas,
    /// Mean time of the finished calls, milliseconds; `None` when there were none.
    pub(super) latency_ms: Option<f64>,
    /// What the server spent on our own statements, milliseconds.
    pub(super) ours_ms: f64,
}

impl Statements {
    /// Takes in a reading; the differences to the one before, or why there are none. Nested statements are left out:
    /// their time is in that of the statement that called them.
    pub(super) fn advance(&mut self, now: Reading) -> Result<Deltas, Gap> {
        let step = delta::between(self.before.as_ref(), &now, self.usual_us);
        if let Some(before) = &self.before {
            self.usual_us = (now.at_us - before.at_us).max(0);
        }
        self.before = Some(now);
        match step {
            Step::Deltas(mut deltas) => {
                deltas.rows.retain(|(key, _)| key.toplevel);
                Ok(deltas)
            }
            Step::Gap(gap) => {
                self.held.clear();
                Err(gap)
            }
        }
    }

    /// The ids whose text must be read for these differences (and for those held back), dearest first.
    pub(super) fn unseen(&self, deltas: &Deltas, texts: &Texts) -> Vec<QueryId> {
        let mut times: HashMap<QueryId, f64> =
            self.held.iter().map(|(id, held)| (*id, held.counters.time_ms)).collect();
        for (key, counters) in &deltas.rows {
            *times.entry(key.query()).or_default() += counters.time_ms;
        }
        let mut ids: Vec<_> = times.into_iter().filter(|(id, _)| texts.known(*id).is_none()).collect();
        ids.sort_by(|(id, time), (other_id, other)| other.total_cmp(time).then(id.cmp(other_id)));
        ids.into_iter().map(|(id, _)| id).collect()
    }

    /// The texts of `asked` were read, or could not be. What the server has no text for (evicted meanwhile) goes out
    /// under a stand-in, and so does everything when reading fails again and again.
    pub(super) fn texts_read(&mut self, read: bool) {
        self.text_failures = if read { 0 } else { self.text_failures + 1 };
    }

    /// Sums the differences by fingerprint. `asked` are the ids whose texts were read just now; of the others, those
    /// without a text are held back until theirs is.
    pub(super) fn fold(
        &mut self,
        deltas: Deltas,
        texts: &Texts,
        asked: &[QueryId],
        complete: bool,
    ) -> Outcome {
        // What waited too long is let go: told later, it would look like work of one interval.
        self.held.retain(|_, held| held.span_s < MAX_HELD_S);
        let mut sums = std::mem::take(&mut self.held);
        for (key, counters) in &deltas.rows {
            sums.entry(key.query()).or_default().counters.add(counters);
        }
        let give_up = self.text_failures >= MAX_TEXT_FAILURES;
        let mut by_fingerprint: BTreeMap<Fingerprint, Counters> = BTreeMap::new();
        let (mut total, mut ours_ms) = (Counters::default(), 0.0);
        for (id, Held { counters, span_s }) in sums {
            let fingerprint = match texts.known(id) {
                Some(Known::Statement(fingerprint)) => fingerprint.clone(),
                Some(Known::Ours) => {
                    ours_ms += counters.time_ms;
                    continue;
                }
                Some(Known::Hidden) => continue,
                None if give_up || asked.contains(&id) => stand_in(id),
                None => {
                    self.held.insert(id, Held { counters, span_s: span_s + deltas.span_s });
                    continue;
                }
            };
            total.add(&counters);
            by_fingerprint.entry(fingerprint).or_default().add(&counters);
        }
        let rows = by_fingerprint
            .into_iter()
            .map(|(fp, sum)| QueryDelta {
                fp,
                calls: sum.calls as f64,
                time_ms: sum.time_ms,
                rows: Some(sum.rows as f64),
                blocks_hit: Some(sum.hit as f64),
                blocks_read: Some(sum.read as f64),
                // The server counts finished statements only; failures are not in here.
                errors: None,
            })
            .collect();
        Outcome {
            latency_ms: (total.calls > 0).then(|| total.time_ms / total.calls as f64),
            ours_ms,
            queries: QueryDeltas { span_s: deltas.span_s, complete: complete && self.held.is_empty(), rows },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::texts::Kept;
    use super::*;

    const S: i64 = 1_000_000;

    fn reading(at: i64, entries: &[(i64, i64, bool, i64)]) -> Reading {
        let entries = entries.iter().map(|&(queryid, dbid, toplevel, calls)| {
            let counters = Counters { calls, time_ms: calls as f64 * 2.0, rows: calls, hit: calls, read: 0 };
            (Key { userid: 1, dbid, toplevel, queryid }, Entry { counters, since_us: None })
        });
        Reading {
            at_us: at * S,
            started_us: 1,
            max_backends: 100,
            entries: entries.collect(),
            ..Reading::default()
        }
    }

    fn id(queryid: i64) -> QueryId {
        QueryId { dbid: 5, queryid }
    }

    fn learn(texts: &mut Texts, queryid: i64, text: &str) {
        texts.learn(Kept { id: id(queryid), text: Some(text.to_owned()), ..Kept::default() });
    }

    fn calls(outcome: &Outcome) -> Vec<f64> {
        outcome.queries.rows.iter().map(|row| row.calls).collect()
    }

    #[test]
    fn differences_are_summed_by_fingerprint_after_the_difference() {
        let (mut statements, mut texts) = (Statements::default(), Texts::default());
        learn(&mut texts, 1, "select a from t where id in ($1)");
        learn(&mut texts, 2, "select a from t where id in ($1,$2)");
        learn(&mut texts, 3, "SELECT /* faultline */ 1");
        let elsewhere = QueryId { dbid: 6, queryid: 1 };
        let text = Some("select b from another".to_owned());
        texts.learn(Kept { id: elsewhere, text, ..Kept::default() });
        let first = [(1, 5, true, 10), (2, 5, true, 90), (1, 6, true, 4), (3, 5, true, 7), (1, 5, false, 50)];
        assert_eq!(statements.advance(reading(0, &first)), Err(Gap::First));
        let second = [(1, 5, true, 11), (2, 5, true, 3), (1, 6, true, 6), (3, 5, true, 9), (1, 5, false, 70)];
        let deltas = statements.advance(reading(5, &second)).unwrap();
        let outcome = statements.fold(deltas, &texts, &[], true);
        let mut found = calls(&outcome);
        found.sort_by(f64::total_cmp);
        assert_eq!(
            found,
            [2.0, 4.0],
            "1 of the first and 3 of the second, which was evicted and came back; the same id elsewhere is another"
        );
        assert_eq!((outcome.queries.span_s, outcome.queries.complete), (5.0, true));
        assert_eq!(outcome.latency_ms, Some(2.0));
    }

    #[test]
    fn what_has_no_text_yet_is_held_back_and_not_lost() {
        let (mut statements, mut texts) = (Statements::default(), Texts::default());
        statements.advance(reading(0, &[])).unwrap_err();
        let deltas = statements.advance(reading(5, &[(1, 5, true, 2), (2, 5, true, 30)])).unwrap();
        assert_eq!(statements.unseen(&deltas, &texts), [id(2), id(1)], "dearest first");
        let outcome = statements.fold(deltas, &texts, &[], true);
        assert_eq!((calls(&outcome).len(), outcome.queries.complete), (0, false));
        let deltas = statements.advance(reading(10, &[(1, 5, true, 2), (2, 5, true, 31)])).unwrap();
        assert_eq!(statements.unseen(&deltas, &texts), [id(2), id(1)]);
        learn(&mut texts, 2, "select 2 from t");
        let outcome = statements.fold(deltas, &texts, &[id(1), id(2)], true);
        let mut found = calls(&outcome);
        found.sort_by(f64::total_cmp);
        assert_eq!(found, [2.0, 31.0], "1 was evicted meanwhile and goes out under a stand-in");
        assert!(outcome.queries.complete);
    }

    #[test]
    fn what_waited_long_is_not_told_as_the_work_of_one_interval() {
        let (mut statements, mut texts) = (Statements::default(), Texts::default());
        statements.advance(reading(0, &[])).unwrap_err();
        for round in 1..=10 {
            let deltas = statements.advance(reading(round * 5, &[(1, 5, true, round * 7)])).unwrap();
            assert_eq!(statements.unseen(&deltas, &texts), [id(1)], "{round}");
            assert!(!statements.fold(deltas, &texts, &[], true).queries.complete);
        }
        learn(&mut texts, 1, "select 1 from t");
        let deltas = statements.advance(reading(55, &[(1, 5, true, 77)])).unwrap();
        let told = calls(&statements.fold(deltas, &texts, &[id(1)], true));
        assert!(told[0] <= 7.0 * (MAX_HELD_S / 5.0 + 1.0), "{told:?}");
    }

    #[test]
    fn texts_that_never_come_do_not_hold_the_numbers_back_for_ever() {
        let (mut statements, texts) = (Statements::default(), Texts::default());
        statements.advance(reading(0, &[])).unwrap_err();
        for round in 1..=3 {
            statements.texts_read(false);
            let deltas = statements.advance(reading(round * 5, &[(1, 5, true, round)])).unwrap();
            let outcome = statements.fold(deltas, &texts, &[], true);
            assert_eq!(calls(&outcome), if round < 3 { vec![] } else { vec![3.0] }, "{round}");
        }
    }
}
