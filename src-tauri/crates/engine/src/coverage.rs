//! How much of a node's load its statements explain: the time that the counters hold, against the sessions that were seen
//! at work. What is missing has not finished, or runs where no counter looks. Pure.

use std::collections::VecDeque;

use faultline_model::{Frame, Timestamp, load, signal};

/// The load of the last seconds is compared.
pub(crate) const WINDOW_S: f64 = 300.0;

/// Fewest seconds that both must have seen.
const SEEN_MIN_S: f64 = 45.0;

/// Fewest seconds of sessions at work: the error of a sampled load is its root, so that 20 leave less than a quarter.
const AT_WORK_MIN_S: f64 = 20.0;

/// Most points of either kind that are kept.
const MAX_POINTS: usize = 1_200;

/// What was compared, average active sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Coverage {
    /// Time of finished statements per second, by the counters.
    pub counted_aas: f64,
    /// Sessions at work, by the samples.
    pub sampled_aas: f64,
}

impl Coverage {
    /// Share of the load that statements explain, 0–1.
    pub fn explained(&self) -> f64 {
        if self.sampled_aas > 0.0 { (self.counted_aas / self.sampled_aas).min(1.0) } else { 1.0 }
    }

    /// Of several nodes together; `None` without any.
    pub fn sum(nodes: impl IntoIterator<Item = Self>) -> Option<Self> {
        nodes.into_iter().reduce(|one, other| Self {
            counted_aas: one.counted_aas + other.counted_aas,
            sampled_aas: one.sampled_aas + other.sampled_aas,
        })
    }
}

#[derive(Clone, Copy, Debug)]
struct Span {
    from: Timestamp,
    to: Timestamp,
    busy_s: f64,
}

/// What one node did lately.
#[derive(Clone, Debug, Default)]
pub(crate) struct CoverageWindow {
    spans: VecDeque<Span>,
    samples: VecDeque<(Timestamp, f64)>,
}

impl CoverageWindow {
    /// Takes in what was seen of the node.
    pub(crate) fn see(&mut self, frame: &Frame) {
        if let Some(queries) = frame.queries.as_ref().filter(|queries| queries.span_s > 0.0) {
            let busy_s = load::counted_total(queries).0 * queries.span_s;
            self.spans.push_back(Span { from: frame.at - queries.span_s, to: frame.at, busy_s });
        }
        let signals = frame.signals.as_ref();
        let told = || signals.and_then(|signals| signals.values.get(signal::ACTIVE_SESSIONS)).copied();
        if let Some(at_work) = frame.sessions.as_ref().map(|groups| load::sampled(groups).0).or_else(told) {
            self.samples.push_back((frame.at, at_work));
        }
        let old = |at: Timestamp| !(0.0..=WINDOW_S).contains(&frame.at.secs_since(at));
        while self.spans.front().is_some_and(|span| old(span.from)) || self.spans.len() > MAX_POINTS {
            self.spans.pop_front();
        }
        while self.samples.front().is_some_and(|(at, _)| old(*at)) || self.samples.len() > MAX_POINTS {
            self.samples.pop_front();
        }
    }

    /// How the two compare over the time that counters cover; `None` where one of them does not tell, or there was too
    /// little load to tell.
    pub(crate) fn coverage(&self) -> Option<Coverage> {
        let counted_s: f64 = self.spans.iter().map(|span| span.to.secs_since(span.from)).sum();
        let is_covered = |at: &Timestamp| self.spans.iter().any(|span| span.from < *at && *at <= span.to);
        let (mut sum, mut count) = (0.0, 0_u32);
        for (_, at_work) in self.samples.iter().filter(|(at, _)| is_covered(at)) {
            sum += at_work;
            count += 1;
        }
        if counted_s < SEEN_MIN_S || count == 0 {
            return None;
        }
        let sampled_aas = sum / f64::from(count);
        let counted_aas = self.spans.iter().map(|span| span.busy_s).sum::<f64>() / counted_s;
        (sampled_aas * counted_s >= AT_WORK_MIN_S).then_some(Coverage { counted_aas, sampled_aas })
    }
}

#[cfg(test)]
mod tests {
    use faultline_model::{QueryDelta, QueryDeltas, SessionGroup};

    use super::*;

    fn sessions(count: u32) -> Vec<SessionGroup> {
        let group = r#"{"fp":"a","state":"active","running_ms":5}"#;
        vec![SessionGroup { count, ..serde_json::from_str(group).unwrap() }]
    }

    /// So many seconds with `at_work` sessions, of which the counters saw `counted_aas`.
    fn window(seconds: u32, at_work: u32, counted_aas: Option<f64>) -> CoverageWindow {
        let mut window = CoverageWindow::default();
        for second in 1..=seconds {
            let mut frame = Frame::new(Timestamp::from_secs(1_000.0 + f64::from(second)), "p".into());
            frame.sessions = Some(sessions(at_work));
            if let Some(aas) = counted_aas.filter(|_| second % 15 == 0) {
                let row = r#"{"fp":"a","calls":10}"#;
                let row = QueryDelta { time_ms: aas * 15_000.0, ..serde_json::from_str(row).unwrap() };
                frame.queries = Some(QueryDeltas { span_s: 15.0, complete: true, rows: vec![row] });
            }
            window.see(&frame);
        }
        window
    }

    #[test]
    fn statements_explain_what_they_hold_of_the_load() {
        for (seconds, at_work, counted, expected) in [
            (120, 2, Some(1.94), Some(0.97)),
            (120, 2, Some(2.4), Some(1.0)),
            (120, 10, Some(0.5), Some(0.05)),
            (900, 2, Some(1.0), Some(0.5)),
            (30, 2, Some(2.0), None),
            (120, 2, None, None),
            (120, 0, Some(0.01), None),
        ] {
            let found = window(seconds, at_work, counted).coverage().map(|found| found.explained());
            let close = match (found, expected) {
                (Some(found), Some(expected)) => (found - expected).abs() < 1e-9,
                (found, expected) => found == expected,
            };
            assert!(close, "{seconds} s, {at_work} at work, {counted:?} counted: {found:?}");
        }
    }

    #[test]
    fn an_old_load_is_forgotten_and_so_is_one_of_another_clock() {
        let mut window = window(120, 5, Some(5.0));
        for at in [9_000.0, 500.0] {
            window.see(&Frame::new(Timestamp::from_secs(at), "p".into()));
            assert_eq!(window.coverage(), None, "{at}");
        }
    }
}
