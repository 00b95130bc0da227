//! The body of an observation: a frame or word of a deploy as bytes, exactly.

use std::collections::BTreeSet;

use faultline_model::{
    About, Deploy, Frame, NodeName, Observation, QueryDelta, QueryDeltas, QueryText, SessionGroup, Signals,
    Timestamp,
};

use crate::codec::{BadBody, Dictionary, Reader, Unpacker, Word, Writer};
use crate::limits::MAX_TEXT_BYTES;
use crate::words::Known;

/// Which parts a frame has.
mod part {
    pub(super) const SIGNALS: u8 = 1;
    pub(super) const QUERIES: u8 = 2;
    pub(super) const SESSIONS: u8 = 4;
    pub(super) const ABOUT: u8 = 8;
    pub(super) const FACTS: u8 = 16;
    pub(super) const TEXTS: u8 = 32;
}

/// Takes the measured parts of a frame as they are read.
pub(crate) trait Sink {
    fn signals(&mut self, span_s: f64);
    fn signal(&mut self, name: Word<'_>, value: f64) -> Result<(), BadBody>;
    fn queries(&mut self, span_s: f64, complete: bool);
    fn query(&mut self, query: RawQuery<'_>) -> Result<(), BadBody>;
    fn sessions(&mut self);
    fn session(&mut self, session: RawSession<'_>) -> Result<(), BadBody>;
}

/// One fingerprint's counters, as read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawQuery<'a> {
    pub(crate) fp: Word<'a>,
    pub(crate) calls: f64,
    pub(crate) time_ms: f64,
    /// Rows, blocks hit, blocks read, errors.
    pub(crate) more: [Option<f64>; 4],
}

/// Sessions that were alike, as read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawSession<'a> {
    pub(crate) fp: Option<Word<'a>>,
    pub(crate) wait: Option<Word<'a>>,
    pub(crate) user: Option<Word<'a>>,
    pub(crate) app: Option<Word<'a>>,
    pub(crate) client: Option<Word<'a>>,
    pub(crate) state: Word<'a>,
    pub(crate) running_ms: f64,
    pub(crate) count: u32,
}

/// The strings of a frame that belong into the dictionary.
pub(crate) fn words<'a>(frame: &'a Frame, wanted: &mut BTreeSet<&'a str>) {
    if let Some(signals) = &frame.signals {
        wanted.extend(signals.values.keys().map(faultline_model::SignalName::as_str));
    }
    if let Some(queries) = &frame.queries {
        wanted.extend(queries.rows.iter().map(|row| row.fp.as_str()));
    }
    for group in frame.sessions.iter().flatten() {
        wanted.insert(&group.state);
        wanted.extend(group.fp.as_ref().map(faultline_model::Fingerprint::as_str));
        wanted.extend(
            [&group.wait, &group.user, &group.app, &group.client].into_iter().flatten().map(String::as_str),
        );
    }
}

/// The longest span in a frame, seconds; 0 when it has none.
pub(crate) fn longest_span_s(frame: &Frame) -> f64 {
    let signals = frame.signals.as_ref().map_or(0.0, |signals| signals.span_s);
    let queries = frame.queries.as_ref().map_or(0.0, |queries| queries.span_s);
    signals.max(queries)
}

/// A frame as bytes; time and node stand beside it.
pub(crate) fn encode_frame(frame: &Frame, dictionary: Dictionary<'_>) -> Result<Vec<u8>, BadBody> {
    let mut out = Writer::default();
    let mut parts = 0;
    for (present, flag) in [
        (frame.signals.is_some(), part::SIGNALS),
        (frame.queries.is_some(), part::QUERIES),
        (frame.sessions.is_some(), part::SESSIONS),
        (frame.about.is_some(), part::ABOUT),
        (!frame.facts.is_empty(), part::FACTS),
        (!frame.texts.is_empty(), part::TEXTS),
    ] {
        parts |= if present { flag } else { 0 };
    }
    out.byte(parts);
    if let Some(signals) = &frame.signals {
        write_signals(&mut out, signals, dictionary);
    }
    if let Some(queries) = &frame.queries {
        write_queries(&mut out, queries, dictionary);
    }
    if let Some(sessions) = &frame.sessions {
        write_sessions(&mut out, sessions, dictionary);
    }
    if let Some(about) = &frame.about {
        // JSON knows no NaN, and the skew must come back as it was.
        out.bytes(&json(&About { skew_s: None, ..about.clone() })?);
        out.byte(u8::from(about.skew_s.is_some()));
        out.number(about.skew_s.unwrap_or(0.0));
    }
    if !frame.facts.is_empty() {
        out.bytes(&json(&frame.facts)?);
    }
    if !frame.texts.is_empty() {
        out.whole(frame.texts.len() as u64);
        for text in &frame.texts {
            out.bytes(&json(&QueryText { text: cut(&text.text).to_owned(), ..text.clone() })?);
        }
    }
    out.finish()
}

fn write_signals(out: &mut Writer, signals: &Signals, dictionary: Dictionary<'_>) {
    out.number(signals.span_s);
    out.whole(signals.values.len() as u64);
    for (name, value) in &signals.values {
        out.word(name.as_str(), dictionary);
        out.number(*value);
    }
}

fn write_queries(out: &mut Writer, queries: &QueryDeltas, dictionary: Dictionary<'_>) {
    out.number(queries.span_s);
    out.byte(u8::from(queries.complete));
    out.whole(queries.rows.len() as u64);
    for row in &queries.rows {
        out.word(row.fp.as_str(), dictionary);
        out.number(row.calls);
        out.number(row.time_ms);
        write_optional(out, [row.rows, row.blocks_hit, row.blocks_read, row.errors]);
    }
}

/// Four numbers of which some may be missing.
pub(crate) fn write_optional(out: &mut Writer, values: [Option<f64>; 4]) {
    let mut present = 0;
    for (index, value) in values.iter().enumerate() {
        present |= u8::from(value.is_some()) << index;
    }
    out.byte(present);
    for value in values.into_iter().flatten() {
        out.number(value);
    }
}

/// What [`write_optional`] wrote.
pub(crate) fn read_optional(reader: &mut Reader<'_>) -> Result<[Option<f64>; 4], BadBody> {
    let present = reader.byte()?;
    let mut values = [None; 4];
    for (index, value) in values.iter_mut().enumerate() {
        if present & (1 << index) != 0 {
            *value = Some(reader.number()?);
        }
    }
    Ok(values)
}

fn write_sessions(out: &mut Writer, sessions: &[SessionGroup], dictionary: Dictionary<'_>) {
    out.whole(sessions.len() as u64);
    for group in sessions {
        let words = [
            group.fp.as_ref().map(faultline_model::Fingerprint::as_str),
            group.wait.as_deref(),
            group.user.as_deref(),
            group.app.as_deref(),
            group.client.as_deref(),
        ];
        let mut present = 0;
        for (index, word) in words.iter().enumerate() {
            present |= u8::from(word.is_some()) << index;
        }
        out.byte(present);
        for word in words.into_iter().flatten() {
            out.word(word, dictionary);
        }
        out.word(&group.state, dictionary);
        out.number(group.running_ms);
        out.whole(u64::from(group.count));
    }
}

/// Reads the measured parts of a frame; what follows them stays unread. Returns the flags of all parts.
pub(crate) fn read_measured(reader: &mut Reader<'_>, sink: &mut impl Sink) -> Result<u8, BadBody> {
    let parts = reader.byte()?;
    if parts & part::SIGNALS != 0 {
        sink.signals(reader.number()?);
        for _ in 0..reader.count()? {
            let name = reader.word()?;
            sink.signal(name, reader.number()?)?;
        }
    }
    if parts & part::QUERIES != 0 {
        let span_s = reader.number()?;
        sink.queries(span_s, reader.byte()? != 0);
        for _ in 0..reader.count()? {
            let (fp, calls, time_ms) = (reader.word()?, reader.number()?, reader.number()?);
            sink.query(RawQuery { fp, calls, time_ms, more: read_optional(reader)? })?;
        }
    }
    if parts & part::SESSIONS != 0 {
        sink.sessions();
        for _ in 0..reader.count()? {
            sink.session(read_session(reader)?)?;
        }
    }
    Ok(parts)
}

fn read_session<'a>(reader: &mut Reader<'a>) -> Result<RawSession<'a>, BadBody> {
    let present = reader.byte()?;
    let mut words = [None; 5];
    for (index, word) in words.iter_mut().enumerate() {
        if present & (1 << index) != 0 {
            *word = Some(reader.word()?);
        }
    }
    let [fp, wait, user, app, client] = words;
    let (state, running_ms) = (reader.word()?, reader.number()?);
    let count = u32::try_from(reader.whole()?).map_err(|_| BadBody("too many sessions"))?;
    Ok(RawSession { fp, wait, user, app, client, state, running_ms, count })
}

/// A frame from its bytes.
pub(crate) fn decode_frame(
    body: &[u8],
    at: Timestamp,
    node: NodeName,
    known: &Known,
    unpacker: &mut Unpacker,
) -> Result<Frame, BadBody> {
    let mut reader = unpacker.open(body)?;
    let mut builder = Builder { frame: Frame::new(at, node), known };
    let parts = read_measured(&mut reader, &mut builder)?;
    let mut frame = builder.frame;
    read_said(&mut reader, parts, &mut frame)?;
    Ok(frame)
}

/// Of a frame only what was said: about, facts and texts. It needs no word of the dictionary.
pub(crate) fn decode_said(
    body: &[u8],
    at: Timestamp,
    node: NodeName,
    unpacker: &mut Unpacker,
) -> Result<Frame, BadBody> {
    let mut reader = unpacker.open(body)?;
    let parts = read_measured(&mut reader, &mut Skip)?;
    let mut frame = Frame::new(at, node);
    read_said(&mut reader, parts, &mut frame)?;
    Ok(frame)
}

fn read_said(reader: &mut Reader<'_>, parts: u8, frame: &mut Frame) -> Result<(), BadBody> {
    if parts & part::ABOUT != 0 {
        let mut about: About = from_json(reader.bytes()?)?;
        let has_skew = reader.byte()? != 0;
        about.skew_s = Some(reader.number()?).filter(|_| has_skew);
        frame.about = Some(about);
    }
    if parts & part::FACTS != 0 {
        frame.facts = from_json(reader.bytes()?)?;
    }
    if parts & part::TEXTS != 0 {
        for _ in 0..reader.count()? {
            frame.texts.push(from_json(reader.bytes()?)?);
        }
    }
    Ok(())
}

/// Passes over what was measured.
struct Skip;

impl Sink for Skip {
    fn signals(&mut self, _: f64) {}
    fn signal(&mut self, _: Word<'_>, _: f64) -> Result<(), BadBody> {
        Ok(())
    }
    fn queries(&mut self, _: f64, _: bool) {}
    fn query(&mut self, _: RawQuery<'_>) -> Result<(), BadBody> {
        Ok(())
    }
    fn sessions(&mut self) {}
    fn session(&mut self, _: RawSession<'_>) -> Result<(), BadBody> {
        Ok(())
    }
}

struct Builder<'k> {
    frame: Frame,
    known: &'k Known,
}

impl Sink for Builder<'_> {
    fn signals(&mut self, span_s: f64) {
        self.frame.signals = Some(Signals { span_s, ..Signals::default() });
    }

    fn signal(&mut self, name: Word<'_>, value: f64) -> Result<(), BadBody> {
        let name = name.text(self.known)?.into();
        if let Some(signals) = &mut self.frame.signals {
            signals.values.insert(name, value);
        }
        Ok(())
    }

    fn queries(&mut self, span_s: f64, complete: bool) {
        self.frame.queries = Some(QueryDeltas { span_s, complete, rows: Vec::new() });
    }

    fn query(&mut self, query: RawQuery<'_>) -> Result<(), BadBody> {
        let fp = query.fp.text(self.known)?.into();
        let [rows, blocks_hit, blocks_read, errors] = query.more;
        if let Some(queries) = &mut self.frame.queries {
            let RawQuery { calls, time_ms, .. } = query;
            queries.rows.push(QueryDelta { fp, calls, time_ms, rows, blocks_hit, blocks_read, errors });
        }
        Ok(())
    }

    fn sessions(&mut self) {
        self.frame.sessions = Some(Vec::new());
    }

    fn session(&mut self, session: RawSession<'_>) -> Result<(), BadBody> {
        let text =
            |word: Option<Word<'_>>| word.map(|word| word.text(self.known).map(str::to_owned)).transpose();
        let group = SessionGroup {
            fp: session.fp.map(|word| word.text(self.known)).transpose()?.map(Into::into),
            wait: text(session.wait)?,
            state: session.state.text(self.known)?.to_owned(),
            running_ms: session.running_ms,
            user: text(session.user)?,
            app: text(session.app)?,
            client: text(session.client)?,
            count: session.count,
        };
        if let Some(sessions) = &mut self.frame.sessions {
            sessions.push(group);
        }
        Ok(())
    }
}

/// Word of a deploy as bytes.
pub(crate) fn encode_deploy(deploy: &Deploy) -> Result<Vec<u8>, BadBody> {
    let mut out = Writer::default();
    out.bytes(&json(deploy)?);
    out.finish()
}

/// Word of a deploy from its bytes.
pub(crate) fn decode_deploy(
    body: &[u8],
    at: Timestamp,
    unpacker: &mut Unpacker,
) -> Result<Observation, BadBody> {
    let deploy = from_json(unpacker.open(body)?.bytes()?)?;
    Ok(Observation::Deploy { at, deploy })
}

/// A text within [`MAX_TEXT_BYTES`].
pub(crate) fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT_BYTES)]
}

fn json(value: &impl serde::Serialize) -> Result<Vec<u8>, BadBody> {
    serde_json::to_vec(value).map_err(|_| BadBody("cannot be written as JSON"))
}

fn from_json<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, BadBody> {
    serde_json::from_slice(bytes).map_err(|_| BadBody("bad JSON"))
}
