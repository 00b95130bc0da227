//! How far a standby is behind. Pure, apart from reading the row.
//!
//! The age of the last replayed transaction alone lies: it grows on an idle primary. "Received is replayed, so 0" alone
//! lies too: it hides a dead receiver. So: 0 when everything received is replayed *and* the receiver streams; else the
//! age of the last replayed transaction, but no more than the time since we saw the standby receive what it has
//! replayed by now.

use std::collections::VecDeque;

use sqlx::postgres::PgRow;

use super::row::{bool_of, int, text};
use super::trouble::Trouble;

/// Most samples that are remembered; at one a second ten minutes, beyond which the age alone counts.
const MAX_SEEN: usize = 600;

/// One reading of a standby.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Standby {
    /// The server's clock, microseconds.
    pub(super) at_us: i64,
    /// Log received and written, bytes; `None` before anything was streamed.
    pub(super) received: Option<i64>,
    /// Log replayed, bytes.
    pub(super) replayed: Option<i64>,
    /// Commit time of the last replayed transaction, microseconds.
    pub(super) replayed_us: Option<i64>,
    /// Whether replay is paused by hand.
    pub(super) paused: bool,
    /// What the receiver does; `None` when there is none or we may not know.
    pub(super) receiver: Option<String>,
}

impl Standby {
    /// From the answer to [`super::sql::replication`].
    ///
    /// # Errors
    /// [`Trouble::Unreadable`] when a column is missing.
    pub(super) fn from_row(row: &PgRow) -> Result<Self, Trouble> {
        Ok(Self {
            at_us: int(row, "now_us")?.unwrap_or_default(),
            received: int(row, "received")?,
            replayed: int(row, "replayed")?,
            replayed_us: int(row, "replayed_us")?,
            paused: bool_of(row, "paused")?.unwrap_or(false),
            receiver: text(row, "receiver")?,
        })
    }

    /// Whether the standby receives the primary's log as it is written.
    pub(super) fn streams(&self) -> bool {
        self.receiver.as_deref() == Some("streaming")
    }
}

/// How far behind.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Lag {
    /// Seconds; `None` when not known.
    pub(super) seconds: Option<f64>,
    /// Received and not yet replayed; `None` when not known.
    pub(super) bytes: Option<f64>,
}

/// What one standby was seen to receive, and when.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// `(server's clock, received)`, oldest first.
    seen: VecDeque<(i64, i64)>,
}

impl Progress {
    /// The lag at this reading.
    pub(super) fn lag(&mut self, now: &Standby) -> Lag {
        let bytes = now.received.zip(now.replayed).map(|(received, replayed)| (received - replayed).max(0));
        let age_s = now.replayed_us.map(|at| ((now.at_us - at) as f64 / 1e6).max(0.0));
        let received_then_s = now.replayed.and_then(|replayed| self.received_by(replayed)).map(|at| {
            // What has been replayed by now had all been received by then.
            ((now.at_us - at) as f64 / 1e6).max(0.0)
        });
        let seconds = match bytes {
            Some(0) if now.streams() => Some(0.0),
            // Nothing is left to replay, and how much there is to receive is not known: only the age is.
            Some(0) | None => age_s,
            Some(_) => match (age_s, received_then_s) {
                (Some(age), Some(then)) => Some(age.min(then)),
                (age, then) => age.or(then),
            },
        };
        self.remember(now);
        Lag { seconds, bytes: bytes.map(|bytes| bytes as f64) }
    }

    /// When we last saw no more received than this.
    fn received_by(&self, replayed: i64) -> Option<i64> {
        self.seen.iter().rev().find(|(_, received)| *received <= replayed).map(|(at, _)| *at)
    }

    fn remember(&mut self, now: &Standby) {
        let Some(received) = now.received else { return };
        if self.seen.back().is_some_and(|(at, before)| now.at_us < *at || received < *before) {
            // The clock or the log went back: another timeline, or a rewound standby.
            self.seen.clear();
        }
        if self.seen.len() == MAX_SEEN {
            self.seen.pop_front();
        }
        self.seen.push_back((now.at_us, received));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standby(at_s: i64, received: i64, replayed: i64, replayed_s: i64, streams: bool) -> Standby {
        Standby {
            at_us: at_s * 1_000_000,
            received: Some(received),
            replayed: Some(replayed),
            replayed_us: Some(replayed_s * 1_000_000),
            paused: false,
            receiver: streams.then(|| "streaming".to_owned()),
        }
    }

    /// The lag after the last of several readings.
    fn check(what: &str, readings: &[Standby], seconds: Option<f64>, bytes: Option<f64>) {
        let mut progress = Progress::default();
        let lag = readings.iter().map(|now| progress.lag(now)).last().unwrap();
        assert_eq!(lag, Lag { seconds, bytes }, "{what}");
    }

    #[test]
    fn lag() {
        check(
            "all replayed, primary idle for an hour",
            &[standby(4_000, 50, 50, 400, true)],
            Some(0.0),
            Some(0.0),
        );
        check("all replayed, receiver dead", &[standby(4_000, 50, 50, 400, false)], Some(3_600.0), Some(0.0));
        check("behind, first look", &[standby(100, 80, 50, 90, true)], Some(10.0), Some(30.0));
        check(
            "first log after an idle hour is not an hour of lag",
            &[standby(4_000, 50, 50, 400, true), standby(4_001, 60, 50, 400, true)],
            Some(1.0),
            Some(10.0),
        );
        check(
            "replay stands still",
            &[standby(100, 50, 50, 99, true), standby(101, 60, 50, 99, true), standby(110, 90, 50, 99, true)],
            Some(10.0),
            Some(40.0),
        );
        check(
            "replay keeps up, a second behind",
            &[standby(100, 50, 40, 90, true), standby(101, 60, 50, 90, true)],
            Some(1.0),
            Some(10.0),
        );
        check(
            "replayed from the archive past what was received",
            &[standby(100, 40, 50, 98, true)],
            Some(0.0),
            Some(0.0),
        );
        let never = Standby { received: None, replayed_us: None, ..standby(100, 0, 5, 0, false) };
        check("nothing received yet", &[never], None, None);
        check(
            "rewound",
            &[standby(100, 50, 50, 99, true), standby(101, 10, 5, 99, true), standby(102, 20, 5, 99, true)],
            Some(3.0),
            Some(15.0),
        );
    }
}
