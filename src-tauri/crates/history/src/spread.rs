//! Adds a frame to the buckets that it reaches into.

use crate::body::{RawQuery, RawSession, Sink, read_measured};
use crate::codec::{BadBody, Unpacker, Word};
use crate::frames::{Filter, Gather, accepts};
use crate::grid::{self, Window};
use crate::words::Known;

/// Spreads one frame's parts over the buckets of a window.
pub(crate) struct Spreader<'a> {
    node: i64,
    at: i64,
    window: Window,
    filter: Option<&'a Filter>,
    gather: &'a mut Gather,
    known: &'a Known,
    /// Buckets that the part being read reaches into: place and seconds.
    places: Vec<(usize, f64)>,
    /// The span of the part being read as far as it counts, seconds.
    span_s: f64,
}

impl<'a> Spreader<'a> {
    pub(crate) fn new(
        node: i64,
        at: i64,
        window: Window,
        filter: Option<&'a Filter>,
        gather: &'a mut Gather,
        known: &'a Known,
    ) -> Self {
        Self { node, at, window, filter, gather, known, places: Vec::new(), span_s: 0.0 }
    }

    /// Finds the buckets that `span_s` seconds up to the frame's time reach into.
    fn reach(&mut self, span_s: f64) {
        self.places.clear();
        self.span_s = grid::counted_s(span_s);
        let step = self.filter.map_or(self.gather.step, |filter| filter.step);
        for (ends, seconds) in grid::spread(self.at, span_s, step) {
            let inside = self.window.after < ends && ends <= self.window.until;
            if inside && accepts(self.filter, (self.node, ends)) {
                let place = self.gather.arena.place(self.node, grid::ends(ends, self.gather.step));
                self.places.push((place, seconds));
            }
        }
    }

    fn saw(&mut self, fp: u64) {
        let seen = self.gather.seen.entry((self.node, fp)).or_insert((self.at, self.at));
        seen.0 = seen.0.min(self.at);
        seen.1 = seen.1.max(self.at);
    }
}

/// Adds the measured parts of a frame's body.
pub(crate) fn add_frame(
    spreader: &mut Spreader<'_>,
    unpacker: &mut Unpacker,
    body: &[u8],
) -> Result<(), BadBody> {
    read_measured(&mut unpacker.open(body)?, spreader).map(|_| ())
}

impl Sink for Spreader<'_> {
    fn signals(&mut self, span_s: f64) {
        self.reach(span_s);
    }

    fn signal(&mut self, name: Word<'_>, value: f64) -> Result<(), BadBody> {
        // A value that is no number was not observed, and a span of nothing has no weight.
        if value.is_finite() && !self.places.is_empty() {
            let name = name.key(self.known, &mut self.gather.interner);
            for (place, seconds) in self.places.iter().filter(|(_, seconds)| *seconds > 0.0) {
                self.gather.arena.sums[*place].1.add_signal(name, value, *seconds);
            }
        }
        Ok(())
    }

    fn queries(&mut self, span_s: f64, complete: bool) {
        self.reach(span_s);
        for (place, seconds) in &self.places {
            self.gather.arena.sums[*place].1.add_queries(*seconds, complete);
        }
    }

    fn query(&mut self, query: RawQuery<'_>) -> Result<(), BadBody> {
        if self.places.is_empty() || !(query.calls + query.time_ms).is_finite() {
            return Ok(());
        }
        let fp = query.fp.key(self.known, &mut self.gather.interner);
        for (place, seconds) in &self.places {
            let share = if self.span_s > 0.0 { seconds / self.span_s } else { 1.0 };
            self.gather.arena.sums[*place].1.add_query(fp, &query, share);
        }
        if query.calls > 0.0 || query.time_ms > 0.0 {
            self.saw(fp);
        }
        Ok(())
    }

    fn sessions(&mut self) {
        self.reach(0.0);
        for (place, _) in &self.places {
            self.gather.arena.sums[*place].1.add_sample();
        }
    }

    fn session(&mut self, session: RawSession<'_>) -> Result<(), BadBody> {
        for (place, _) in &self.places {
            let sums = &mut self.gather.arena.sums[*place].1;
            sums.add_session(&session, self.known, &mut self.gather.interner);
        }
        if let Some(fp) = session.fp.filter(|_| !self.places.is_empty()) {
            let fp = fp.key(self.known, &mut self.gather.interner);
            self.saw(fp);
        }
        Ok(())
    }
}
