//! What the primary writes about itself and a replica reads: from the rows of `faultline.load` (see `table.sql`) to a frame
//! of the primary. Pure. The primary stamps its rows with its own clock and replication brings them late; a frame says when
//! its word came in and how long an interval it is about, and what comes too late for that is no word at all.

use std::collections::BTreeMap;

use faultline_model::{
    About, Engine, Frame, NodeName, Observed, QueryDeltas, QueryText, Role, SessionGroup, SignalName,
    Signals, Timestamp, signal,
};
use serde_json::Value;

use super::naming::{Called, Named, Naming};
use crate::common::Found;
use crate::query_book::{BookedQuery, PrimaryWay, QueryBook};

/// Name of the aspect.
pub(crate) const ASPECT: &str = "primary";
/// What is older says nothing about now, seconds. Ticks that came late together are summed as long as they are younger.
pub(crate) const LONGEST_BACKLOG_S: i64 = 120;
/// Lateness that is worth saying, seconds.
const LATE_S: i64 = 10;
const MICROS_PER_S: i64 = 1_000_000;

/// One row of `faultline.load`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tick {
    /// When it was written, on the primary's clock, microseconds.
    pub(crate) written_us: i64,
    /// Length of the interval that it is about, milliseconds; `None` when it begins one.
    pub(crate) span_ms: Option<f64>,
    /// Whether every statement that was called is listed.
    pub(crate) complete: bool,
    /// JSON: the statements that were called.
    pub(crate) statements: String,
    /// JSON: the counters of the database as they stand.
    pub(crate) counters: String,
    /// JSON: the sessions at work.
    pub(crate) sessions: String,
}

/// How the table stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The first word is a baseline.
    Beginning,
    /// It is how the primary is seen.
    Used {
        /// Interval of the job, seconds.
        every_s: i64,
        /// How late its word comes, seconds; 0 below what is worth saying.
        late_s: i64,
        /// Share of the time whose statements have a name, per cent, in tens.
        named_percent: i64,
    },
    /// Somebody else speaks for the primary.
    Ignored(PrimaryWay),
    /// Nothing new came for so long, minutes.
    Silent {
        /// Since the last tick.
        minutes: i64,
    },
    /// It is there, and our role may not read it.
    Forbidden {
        /// Our role, quoted.
        user: String,
    },
    /// It holds something else than expected.
    Unreadable {
        /// What is wrong.
        reason: String,
    },
}

impl Standing {
    /// The row of the self-test.
    pub(crate) fn found(&self) -> Found {
        let reprint = "print the script again (`faultctl primary table-sql`) and run it on the primary";
        match self {
            Self::Beginning => {
                Found::ok(ASPECT, "the primary writes a table about itself; its next word is the first")
            }
            Self::Used { every_s, late_s, named_percent } => {
                let late = if *late_s > 0 { format!(", {late_s} s late") } else { String::new() };
                let message = format!(
                    "the primary is seen by the table that it fills every {every_s} s{late}; {named_percent} % of its \
                     statements' time has a name"
                );
                if *late_s > 0 {
                    Found::warning(ASPECT, message, "this replica lags, or the clocks of the servers differ")
                } else {
                    Found::ok(ASPECT, message)
                }
            }
            Self::Ignored(way) => {
                let by = match way {
                    PrimaryWay::Direct => "by a session on it",
                    PrimaryWay::Table => "by another replica's reading of its table",
                    PrimaryWay::Exporter => "by an exporter",
                };
                Found::ok(ASPECT, format!("the primary's own table is not needed: it is seen {by}"))
            }
            Self::Silent { minutes } => Found::warning(
                ASPECT,
                format!("the primary has written nothing about itself for {minutes} min"),
                "see whether the job runs on the primary (SELECT * FROM cron.job_run_details ORDER BY start_time DESC \
                 LIMIT 5; with pg_cron), and whether this replica is behind",
            ),
            Self::Forbidden { user } => Found::error(
                ASPECT,
                "the primary writes a table about itself that our role may not read",
                format!(
                    "GRANT USAGE ON SCHEMA faultline TO {user}; GRANT SELECT ON faultline.load, faultline.statement_text \
                     TO {user}; on the primary"
                ),
            ),
            Self::Unreadable { reason } => Found::error(
                ASPECT,
                format!("the primary's table about itself cannot be read: {reason}"),
                reprint,
            ),
        }
    }
}

/// What a reading brought.
#[derive(Debug, PartialEq)]
pub(crate) struct Taken {
    /// How the table stands.
    pub(crate) standing: Standing,
    /// Word of the primary.
    pub(crate) frame: Option<Frame>,
}

/// The table as one replica has read it so far.
#[derive(Debug, Default)]
pub(crate) struct Table {
    last: Option<Last>,
    stood: Option<Standing>,
    naming: Naming,
    told: Option<About>,
}

#[derive(Clone, Debug)]
struct Last {
    written_us: i64,
    counters: Counters,
}

/// Database, id, role, calls, milliseconds, rows, pages hit, pages read.
type StatementRow = (String, i64, Option<String>, f64, f64, Option<f64>, Option<f64>, Option<f64>);
/// Id, wait, state, milliseconds, role, application, client, count, database.
type SessionRow = (
    Option<i64>,
    Option<String>,
    Option<String>,
    Option<f64>,
    Option<String>,
    Option<String>,
    Option<String>,
    u32,
    Option<String>,
);

#[derive(Clone, Debug, Default)]
struct Counters(BTreeMap<String, Value>);

impl Counters {
    fn number(&self, name: &str) -> Option<f64> {
        self.0.get(name).and_then(Value::as_f64)
    }

    /// How much the sum of these grew; `None` when one is missing or went down.
    fn grown(&self, before: &Self, names: &[&str]) -> Option<f64> {
        names.iter().try_fold(0.0, |sum, name| {
            let difference = self.number(name)? - before.number(name)?;
            (difference >= 0.0).then_some(sum + difference)
        })
    }
}

fn read<T: serde::de::DeserializeOwned>(json: &str) -> Result<T, Standing> {
    serde_json::from_str(json).map_err(|error| Standing::Unreadable { reason: error.to_string() })
}

impl Table {
    /// When the last tick was written, on the primary's clock, microseconds; rows after it are news.
    pub(crate) fn after_us(&self) -> Option<i64> {
        self.last.as_ref().map(|last| last.written_us)
    }

    /// The statements of these ticks that the book does not know.
    ///
    /// # Errors
    /// [`Standing::Unreadable`].
    pub(crate) fn unknown(ticks: &[Tick], book: &QueryBook) -> Result<Vec<i64>, Standing> {
        let mut ids = Vec::new();
        for tick in ticks {
            let rows: Vec<StatementRow> = read(&tick.statements)?;
            let queries = rows.into_iter().map(|row| BookedQuery { database: row.0, queryid: row.1 });
            ids.extend(queries.filter(|query| book.find(query).is_none()).map(|query| query.queryid));
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }

    /// Takes in the ticks that were written since the last one, oldest first, read at `now_us` on the replica's clock.
    /// `name` is the primary's.
    pub(crate) fn take(
        &mut self,
        at: Timestamp,
        name: NodeName,
        now_us: i64,
        ticks: &[Tick],
        book: &QueryBook,
    ) -> Taken {
        let taken = self.try_take(at, name, now_us, ticks, book);
        let taken = taken.unwrap_or_else(|standing| Taken { standing, frame: None });
        self.stood = Some(taken.standing.clone());
        taken
    }

    fn try_take(
        &mut self,
        at: Timestamp,
        name: NodeName,
        now_us: i64,
        ticks: &[Tick],
        book: &QueryBook,
    ) -> Result<Taken, Standing> {
        let Some(newest) = ticks.last() else {
            let age_s = self.after_us().map_or(0, |last_us| (now_us - last_us) / MICROS_PER_S);
            return Err(if age_s > LONGEST_BACKLOG_S {
                Standing::Silent { minutes: age_s / 60 }
            } else {
                // We ask more often than the primary writes.
                self.stood.clone().unwrap_or(Standing::Beginning)
            });
        };
        let counters = Counters(read(&newest.counters)?);
        let last = self.last.replace(Last { written_us: newest.written_us, counters: counters.clone() });
        let age_s = ((now_us - newest.written_us) / MICROS_PER_S).max(0);
        if age_s > LONGEST_BACKLOG_S {
            return Err(Standing::Silent { minutes: age_s / 60 });
        }
        let Some(last) = last else { return Err(Standing::Beginning) };
        let oldest_us = newest.written_us - LONGEST_BACKLOG_S * MICROS_PER_S;
        // After a tick that begins anew there is nothing before it to be summed with.
        let young = ticks
            .iter()
            .rev()
            .take_while(|tick| tick.span_ms.is_some() && tick.written_us > oldest_us)
            .count();
        let span_s =
            ticks[ticks.len() - young..].iter().filter_map(|tick| tick.span_ms).sum::<f64>() / 1_000.0;
        if young == 0 || span_s <= 0.0 {
            return Err(Standing::Beginning);
        }
        let told = &ticks[ticks.len() - young..];
        let before = match ticks.len() - young {
            0 => last,
            older => Last {
                written_us: ticks[older - 1].written_us,
                counters: Counters(read(&ticks[older - 1].counters)?),
            },
        };
        let named = self.named(told, book)?;
        let mut frame = Frame::new(at, name);
        frame.about = self.news(&counters);
        let sessions = self.sessions(newest, book, &mut frame.texts)?;
        frame.texts.extend(named.texts.iter().cloned());
        frame.signals = signals(&before, newest.written_us, &counters, told.len(), &named, &sessions);
        frame.sessions = Some(sessions);
        let named_percent = if named.time_ms > 0.0 { 100.0 * named.named_ms / named.time_ms } else { 100.0 };
        frame.queries =
            Some(QueryDeltas { span_s, complete: told.iter().all(|tick| tick.complete), rows: named.rows });
        let standing = Standing::Used {
            every_s: (newest.span_ms.unwrap_or_default() / 1_000.0).round() as i64,
            late_s: if age_s >= LATE_S { age_s / LATE_S * LATE_S } else { 0 },
            named_percent: (named_percent / 10.0).round() as i64 * 10,
        };
        Ok(Taken { standing, frame: Some(frame.measured()) })
    }

    fn named(&mut self, ticks: &[Tick], book: &QueryBook) -> Result<Named, Standing> {
        let mut sums: BTreeMap<BookedQuery, Called> = BTreeMap::new();
        for tick in ticks {
            for (database, queryid, _, calls, time_ms, rows, hit, pages) in
                read::<Vec<StatementRow>>(&tick.statements)?
            {
                let query = BookedQuery { database, queryid };
                let sum = sums.entry(query.clone()).or_insert_with(|| Called {
                    query,
                    calls: 0.0,
                    time_ms: 0.0,
                    rows: Some(0.0),
                    blocks_hit: Some(0.0),
                    blocks_read: Some(0.0),
                });
                sum.calls += calls;
                sum.time_ms += time_ms;
                sum.rows = sum.rows.zip(rows).map(|(sum, more)| sum + more);
                sum.blocks_hit = sum.blocks_hit.zip(hit).map(|(sum, more)| sum + more);
                sum.blocks_read = sum.blocks_read.zip(pages).map(|(sum, more)| sum + more);
            }
        }
        let possible = |one: &Called| one.calls > 0.0 && one.time_ms >= 0.0;
        Ok(self.naming.name(sums.into_values().filter(possible), book))
    }

    fn sessions(
        &mut self,
        tick: &Tick,
        book: &QueryBook,
        texts: &mut Vec<QueryText>,
    ) -> Result<Vec<SessionGroup>, Standing> {
        let rows: Vec<SessionRow> = read(&tick.sessions)?;
        let group = |(queryid, wait, state, running_ms, user, app, client, count, database): SessionRow| {
            let query = queryid.zip(database).map(|(queryid, database)| BookedQuery { database, queryid });
            SessionGroup {
                fp: query.and_then(|query| {
                    self.naming.running(&query, book, texts).or_else(|| Some(query.stand_in()))
                }),
                wait,
                state: state.unwrap_or_default(),
                running_ms: running_ms.unwrap_or_default().max(0.0),
                user,
                app: app.filter(|app| !app.is_empty()),
                client,
                count,
            }
        };
        Ok(rows.into_iter().map(group).collect())
    }

    /// What the primary is, when that is news.
    fn news(&mut self, counters: &Counters) -> Option<About> {
        let version = counters.0.get("version").and_then(Value::as_str).map(str::to_owned);
        let now = About {
            role: Some(Role::Primary),
            engine: Engine::Postgres,
            version,
            observed: Some(Observed::Metrics),
            ..About::default()
        };
        (self.told.replace(now.clone()).as_ref() != Some(&now)).then_some(now)
    }
}

/// The database's counters over the time between two ticks; `None` when they were reset in between.
fn signals(
    before: &Last,
    written_us: i64,
    now: &Counters,
    own_transactions: usize,
    named: &Named,
    sessions: &[SessionGroup],
) -> Option<Signals> {
    let span_s = (written_us - before.written_us) as f64 / MICROS_PER_S as f64;
    if span_s <= 0.0 || before.counters.0.get("reset_us") != now.0.get("reset_us") {
        return None;
    }
    let mut found = Signals { span_s, ..Signals::default() };
    let mut set = |name: &str, value: Option<f64>| {
        if let Some(value) = value {
            found.values.insert(SignalName::from(name), value);
        }
    };
    let rate = |names: &[&str]| now.grown(&before.counters, names).map(|difference| difference / span_s);
    let own_per_s = own_transactions as f64 / span_s;
    set(signal::THROUGHPUT, rate(&["commits", "rollbacks"]).map(|per_s| (per_s - own_per_s).max(0.0)));
    for (name, columns) in [
        (signal::ROLLBACKS_PER_S, ["rollbacks"].as_slice()),
        (signal::ROWS_READ_PER_S, &["rows_read"]),
        (signal::INDEX_READS_PER_S, &["rows_fetched"]),
        (signal::ROWS_CHANGED_PER_S, &["rows_changed"]),
        (signal::LOGICAL_READS_PER_S, &["hit", "read"]),
        (signal::PHYSICAL_READS_PER_S, &["read"]),
        (signal::TEMP_BYTES_PER_S, &["temp_bytes"]),
        (signal::DEADLOCKS_PER_S, &["deadlocks"]),
        (signal::LOG_BYTES_PER_S, &["log_bytes"]),
    ] {
        set(name, rate(columns));
    }
    let counted = |wanted: &dyn Fn(&SessionGroup) -> bool| {
        let groups = sessions.iter().filter(|group| group.is_active() && wanted(group));
        Some(f64::from(groups.map(|group| group.count).sum::<u32>()))
    };
    set(signal::CONNECTIONS, now.number("connections"));
    set(signal::ACTIVE_SESSIONS, counted(&|_| true));
    set(
        signal::LOCK_WAITING,
        counted(&|group| group.wait.as_deref().is_some_and(|wait| wait.starts_with("Lock:"))),
    );
    set(signal::LATENCY_MS, (named.calls > 0.0).then(|| named.time_ms / named.calls));
    Some(found)
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
