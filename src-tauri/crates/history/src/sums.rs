//! Sums over a bucket of time: what frames add up to, as values, as answers and as bytes of a rollup.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use faultline_model::{NodeName, QueryDelta, QueryDeltas, Signals, Timestamp};

use crate::body::{RawQuery, RawSession, read_optional, write_optional};
use crate::codec::{BadBody, Reader, Word, Writer};
use crate::limits::{MAX_BUCKET_QUERIES, MAX_BUCKET_SESSION_GROUPS};
use crate::types::{Bucket, OTHER_FINGERPRINT, SessionLoad};
use crate::words::{Interner, Known};

/// A map by numbers that this process gave out. Nobody outside chooses them, so a quick hash will do; a long range is a
/// million look-ups.
type IdMap<K, V> = HashMap<K, V, BuildHasherDefault<IdHasher>>;

/// Multiplies and rotates.
#[derive(Debug, Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        // The map looks at the top bits and at the bottom ones.
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0.rotate_left(5) ^ value).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn write_isize(&mut self, value: isize) {
        self.write_u64(value as u64);
    }

    fn write_u8(&mut self, value: u8) {
        self.write_u64(u64::from(value));
    }
}

/// What was seen of a node in one bucket. Strings are numbers ([`Interner`]).
#[derive(Clone, Debug, Default)]
pub(crate) struct Sums {
    /// By name: value × seconds, seconds.
    signals: IdMap<u64, (f64, f64)>,
    queries: Option<QuerySums>,
    /// Samples of the sessions, and whether there was one at all.
    samples: u32,
    sampled: bool,
    sessions: IdMap<SessionKey, f64>,
}

#[derive(Clone, Debug)]
struct QuerySums {
    span_s: f64,
    complete: bool,
    rows: IdMap<u64, QuerySum>,
}

#[derive(Clone, Copy, Debug, Default)]
struct QuerySum {
    calls: f64,
    time_ms: f64,
    more: [Option<f64>; 4],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct SessionKey {
    /// Fingerprint, wait, user, application.
    words: [Option<u64>; 4],
    active: bool,
}

impl Sums {
    pub(crate) fn add_signal(&mut self, name: u64, value: f64, seconds: f64) {
        let sum = self.signals.entry(name).or_default();
        sum.0 += value * seconds;
        sum.1 += seconds;
    }

    pub(crate) fn add_queries(&mut self, seconds: f64, complete: bool) {
        let sums = self.queries.get_or_insert_with(|| QuerySums {
            span_s: 0.0,
            complete: true,
            rows: IdMap::default(),
        });
        sums.span_s += seconds;
        sums.complete &= complete;
    }

    pub(crate) fn add_query(&mut self, fp: u64, query: &RawQuery<'_>, share: f64) {
        if let Some(queries) = &mut self.queries {
            let sum = QuerySum { calls: query.calls, time_ms: query.time_ms, more: query.more };
            queries.rows.entry(fp).or_default().add(&sum, share);
        }
    }

    pub(crate) fn add_sample(&mut self) {
        self.samples = self.samples.saturating_add(1);
        self.sampled = true;
    }

    pub(crate) fn add_session(&mut self, session: &RawSession<'_>, known: &Known, interner: &mut Interner) {
        let words = [session.fp, session.wait, session.user, session.app]
            .map(|word| word.map(|word| word.key(known, interner)));
        let active = matches!(session.state.text(known), Ok("active"));
        *self.sessions.entry(SessionKey { words, active }).or_default() += f64::from(session.count);
    }

    /// The sums as bytes. Beyond the limits the smallest are added up under one name.
    pub(crate) fn encode(&self, known: &Known, interner: &mut Interner) -> Result<Vec<u8>, BadBody> {
        let limited = self.limited(known, interner);
        let mut out = Writer::default();
        let word = |out: &mut Writer, id: u64| match interner.text(known, id) {
            Some(text) if !Interner::in_dictionary(id) => out.inline_word(text),
            _ => out.whole(id),
        };
        out.whole(self.signals.len() as u64);
        for (name, (sum, seconds)) in &self.signals {
            word(&mut out, *name);
            out.number(*sum);
            out.number(*seconds);
        }
        out.byte(u8::from(limited.queries.is_some()));
        if let Some(queries) = &limited.queries {
            out.number(queries.span_s);
            out.byte(u8::from(queries.complete));
            out.whole(queries.rows.len() as u64);
            for (fp, sum) in &queries.rows {
                word(&mut out, *fp);
                out.number(sum.calls);
                out.number(sum.time_ms);
                write_optional(&mut out, sum.more);
            }
        }
        out.byte(u8::from(self.sampled));
        if self.sampled {
            out.whole(u64::from(self.samples));
            out.whole(limited.sessions.len() as u64);
            for (key, count) in &limited.sessions {
                let present =
                    key.words.iter().enumerate().fold(u8::from(key.active) << 4, |bits, (index, id)| {
                        bits | u8::from(id.is_some()) << index
                    });
                out.byte(present);
                for id in key.words.into_iter().flatten() {
                    word(&mut out, id);
                }
                out.number(*count);
            }
        }
        out.finish()
    }

    /// The same without what is beyond the limits, which is added up as [`OTHER_FINGERPRINT`].
    fn limited(&self, known: &Known, interner: &mut Interner) -> Limited {
        let other = Word::Inline(OTHER_FINGERPRINT).key(known, interner);
        let queries = self.queries.as_ref().map(|queries| {
            let mut rows: Vec<_> = queries.rows.iter().map(|(fp, sum)| (*fp, *sum)).collect();
            if rows.len() > MAX_BUCKET_QUERIES {
                rows.sort_by(|(_, one), (_, two)| two.time_ms.total_cmp(&one.time_ms));
                let mut rest = QuerySum::default();
                rows.drain(MAX_BUCKET_QUERIES - 1..).for_each(|(_, sum)| rest.add(&sum, 1.0));
                rows.push((other, rest));
            }
            LimitedQueries { span_s: queries.span_s, complete: queries.complete, rows }
        });
        let mut sessions: Vec<_> = self.sessions.iter().map(|(key, count)| (*key, *count)).collect();
        if sessions.len() > MAX_BUCKET_SESSION_GROUPS {
            sessions.sort_by(|(_, one), (_, two)| two.total_cmp(one));
            // Two places, since idle sessions must not become load.
            let rest: Vec<_> = sessions.drain(MAX_BUCKET_SESSION_GROUPS - 2..).collect();
            for active in [true, false] {
                let count = rest.iter().filter(|(key, _)| key.active == active).map(|(_, count)| count).sum();
                sessions.push((SessionKey { words: [Some(other), None, None, None], active }, count));
            }
        }
        Limited { queries, sessions }
    }

    /// Adds what [`Sums::encode`] wrote.
    pub(crate) fn add_encoded(
        &mut self,
        reader: &mut Reader<'_>,
        known: &Known,
        interner: &mut Interner,
    ) -> Result<(), BadBody> {
        for _ in 0..reader.count()? {
            let name = reader.word()?.key(known, interner);
            let sum = self.signals.entry(name).or_default();
            sum.0 += reader.number()?;
            sum.1 += reader.number()?;
        }
        if reader.byte()? != 0 {
            let span_s = reader.number()?;
            self.add_queries(span_s, reader.byte()? != 0);
            for _ in 0..reader.count()? {
                let (fp, calls, time_ms) = (reader.word()?, reader.number()?, reader.number()?);
                let query = RawQuery { fp, calls, time_ms, more: read_optional(reader)? };
                self.add_query(fp.key(known, interner), &query, 1.0);
            }
        }
        if reader.byte()? != 0 {
            self.sampled = true;
            let samples = u32::try_from(reader.whole()?).map_err(|_| BadBody("too many samples"))?;
            self.samples = self.samples.saturating_add(samples);
            for _ in 0..reader.count()? {
                let present = reader.byte()?;
                let mut words = [None; 4];
                for (index, word) in words.iter_mut().enumerate() {
                    if present & (1 << index) != 0 {
                        *word = Some(reader.word()?.key(known, interner));
                    }
                }
                let key = SessionKey { words, active: present & (1 << 4) != 0 };
                *self.sessions.entry(key).or_default() += reader.number()?;
            }
        }
        Ok(())
    }

    /// The sums as the answer for a bucket.
    pub(crate) fn into_bucket(
        self,
        at: Timestamp,
        node: NodeName,
        known: &Known,
        interner: &Interner,
    ) -> Result<Bucket, BadBody> {
        let text = |id: u64| interner.text(known, id).ok_or(BadBody("a word is missing"));
        let mut signals = Signals::default();
        for (name, (sum, seconds)) in self.signals {
            signals.span_s = signals.span_s.max(seconds);
            signals.values.insert(text(name)?.into(), sum / seconds);
        }
        let queries = self.queries.map(|queries| queries.into_deltas(&text)).transpose()?;
        let mut sessions = Vec::with_capacity(self.sessions.len());
        for (key, count) in self.sessions {
            let [fp, wait, user, app] = key.words.map(|id| id.map(text).transpose());
            sessions.push(SessionLoad {
                fp: fp?.map(Into::into),
                wait: wait?.map(str::to_owned),
                user: user?.map(str::to_owned),
                app: app?.map(str::to_owned),
                active: key.active,
                mean_sessions: count / f64::from(self.samples.max(1)),
            });
        }
        sessions.sort_by(|one, two| {
            let key = |load: &SessionLoad| {
                (load.fp.clone(), load.wait.clone(), load.user.clone(), load.app.clone())
            };
            two.mean_sessions.total_cmp(&one.mean_sessions).then_with(|| key(one).cmp(&key(two)))
        });
        Ok(Bucket {
            at,
            node,
            signals: Some(signals).filter(|signals| !signals.values.is_empty()),
            queries,
            sessions: self.sampled.then_some(sessions),
            samples: self.samples,
        })
    }

    /// Whether nothing was observed.
    pub(crate) fn is_empty(&self) -> bool {
        self.signals.is_empty() && self.queries.is_none() && !self.sampled
    }
}

struct Limited {
    queries: Option<LimitedQueries>,
    sessions: Vec<(SessionKey, f64)>,
}

struct LimitedQueries {
    span_s: f64,
    complete: bool,
    rows: Vec<(u64, QuerySum)>,
}

impl QuerySum {
    fn add(&mut self, other: &Self, share: f64) {
        self.calls += other.calls * share;
        self.time_ms += other.time_ms * share;
        for (sum, value) in self.more.iter_mut().zip(other.more) {
            if let Some(value) = value {
                *sum = Some(sum.unwrap_or(0.0) + value * share);
            }
        }
    }
}

impl QuerySums {
    fn into_deltas<'a>(
        self,
        text: &impl Fn(u64) -> Result<&'a str, BadBody>,
    ) -> Result<QueryDeltas, BadBody> {
        let mut rows = Vec::with_capacity(self.rows.len());
        for (fp, sum) in self.rows {
            let [returned, blocks_hit, blocks_read, errors] = sum.more;
            rows.push(QueryDelta {
                fp: text(fp)?.into(),
                calls: sum.calls,
                time_ms: sum.time_ms,
                rows: returned,
                blocks_hit,
                blocks_read,
                errors,
            });
        }
        rows.sort_by(|one, two| two.time_ms.total_cmp(&one.time_ms).then_with(|| one.fp.cmp(&two.fp)));
        Ok(QueryDeltas { span_s: self.span_s, complete: self.complete, rows })
    }
}
