//! Several sources of one node, and who speaks for what. A database that is watched itself and by an exporter would
//! otherwise have two values of one signal in one series, two spans in turn, and its calls counted twice. The best
//! source that speaks of a thing is heard, the next one when that has fallen silent. Pure: the time is an argument.

use std::collections::{BTreeMap, HashMap};

use faultline_model::{About, Engine, Frame, NodeName, SignalName, Timestamp};

/// A source may miss so many of its spans before the next one is heard.
const PATIENCE_SPANS: f64 = 3.0;

/// It has at least this long, seconds.
const PATIENCE_S: f64 = 15.0;

/// Who speaks of a node, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Voice {
    /// A session on the server itself.
    Direct,
    /// Another node of the cluster, which carries word of it: a table that the primary fills about itself.
    Relayed,
    /// A metric endpoint, by its place in the configuration.
    Endpoint(usize),
}

/// A part of frames that one source at a time speaks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Part {
    Queries,
    Sessions,
}

/// Who was last heard, when, and for how long that holds, seconds.
#[derive(Clone, Copy, Debug)]
struct Heard {
    voice: Voice,
    at: Timestamp,
    holds_s: f64,
}

impl Heard {
    /// Whether `voice` may speak at `at`.
    fn yields_to(&self, voice: Voice, at: Timestamp) -> bool {
        voice <= self.voice || at.secs_since(self.at).abs() > self.holds_s
    }
}

#[derive(Debug, Default)]
struct NodeVoices {
    signals: HashMap<SignalName, Heard>,
    parts: HashMap<Part, Heard>,
    facts: HashMap<String, Voice>,
    abouts: BTreeMap<Voice, About>,
    told: Option<About>,
}

/// The sources of the nodes of a cluster.
#[derive(Debug, Default)]
pub(crate) struct Voices(HashMap<NodeName, NodeVoices>);

impl Voices {
    /// What of the frame counts. What a better source says of the same node is left out.
    pub(crate) fn hear(&mut self, voice: Voice, mut frame: Frame) -> Frame {
        let node = self.0.entry(frame.node.clone()).or_default();
        let at = frame.at;
        if let Some(signals) = &mut frame.signals {
            let holds_s = holds_s(signals.span_s);
            signals.values.retain(|name, _| speaks(&mut node.signals, name, Heard { voice, at, holds_s }));
        }
        frame.signals = frame.signals.take().filter(|signals| !signals.values.is_empty());
        frame.queries = frame.queries.take().filter(|queries| {
            let holds_s = holds_s(queries.span_s);
            speaks(&mut node.parts, &Part::Queries, Heard { voice, at, holds_s })
        });
        frame.sessions = frame
            .sessions
            .take()
            .filter(|_| speaks(&mut node.parts, &Part::Sessions, Heard { voice, at, holds_s: PATIENCE_S }));
        frame.facts.retain(|key, _| match node.facts.get_mut(key) {
            Some(known) => {
                *known = voice.min(*known);
                *known == voice
            }
            None => {
                node.facts.insert(key.clone(), voice);
                true
            }
        });
        frame.about = frame.about.take().and_then(|about| node.learn(voice, about));
        frame
    }
}

fn holds_s(span_s: f64) -> f64 {
    (PATIENCE_SPANS * span_s).max(PATIENCE_S)
}

fn speaks<K: Clone + Eq + std::hash::Hash>(heard: &mut HashMap<K, Heard>, key: &K, now: Heard) -> bool {
    match heard.get_mut(key) {
        Some(last) if last.yields_to(now.voice, now.at) => {
            *last = now;
            true
        }
        Some(_) => false,
        None => {
            heard.insert(key.clone(), now);
            true
        }
    }
}

impl NodeVoices {
    /// What the node is by all that was said of it, when that is news: the best source goes before, the others fill in.
    fn learn(&mut self, voice: Voice, about: About) -> Option<About> {
        self.abouts.insert(voice, about);
        let merged = self.abouts.values().cloned().reduce(filled_in)?;
        if self.told.as_ref() == Some(&merged) {
            return None;
        }
        self.told = Some(merged.clone());
        Some(merged)
    }
}

/// `best`, with what it leaves open from `next`.
fn filled_in(best: About, next: About) -> About {
    About {
        role: best.role.or(next.role),
        engine: if best.engine == Engine::Unknown { next.engine } else { best.engine },
        version: best.version.or(next.version),
        cores: best.cores.or(next.cores),
        observed: best.observed.or(next.observed),
        skew_s: best.skew_s.or(next.skew_s),
    }
}

#[cfg(test)]
mod tests {
    use faultline_model::{Observed, QueryDeltas, Role, Signals};

    use super::*;

    const EXPORTER: Voice = Voice::Endpoint(0);

    fn frame(at_s: f64, span_s: f64, signals: &[&str]) -> Frame {
        let mut frame = Frame::new(Timestamp::from_secs(at_s), "replica-1".into());
        let values = signals.iter().map(|name| (SignalName::from(*name), 1.0)).collect();
        frame.signals = Some(Signals { span_s, values });
        frame
    }

    /// Who said which signals when, over which span, and what was heard of them.
    type Said<'a> = (Voice, f64, f64, &'a [&'a str], &'a [&'a str]);

    #[track_caller]
    fn check(said: &[Said<'_>]) {
        let mut voices = Voices::default();
        for (voice, at_s, span_s, signals, expected) in said {
            let heard = voices.hear(*voice, frame(*at_s, *span_s, signals));
            let heard = heard.signals.map(|signals| signals.values).unwrap_or_default();
            let heard: Vec<&str> = heard.keys().map(SignalName::as_str).collect();
            assert_eq!(heard, *expected, "{voice:?} at {at_s}");
        }
    }

    #[test]
    fn the_best_source_is_heard_and_the_next_when_it_is_silent() {
        let (both, own): (&[&str], &[&str]) = (&["connections", "cpu_user"], &["cpu_user"]);
        check(&[
            (Voice::Direct, 10.0, 1.0, &["connections"], &["connections"]),
            (EXPORTER, 10.5, 5.0, both, own),
            (Voice::Direct, 11.0, 1.0, &["connections"], &["connections"]),
            (EXPORTER, 15.5, 5.0, both, own),
            (EXPORTER, 30.5, 5.0, both, both),
            (Voice::Direct, 31.0, 1.0, &["connections"], &["connections"]),
            (EXPORTER, 35.5, 5.0, both, own),
        ]);
        // The first may come later, and of two of a kind one keeps the word.
        check(&[
            (Voice::Endpoint(1), 1.0, 5.0, own, own),
            (EXPORTER, 2.0, 5.0, own, own),
            (Voice::Endpoint(1), 3.0, 5.0, own, &[]),
        ]);
    }

    #[test]
    fn calls_are_not_counted_twice() {
        let mut voices = Voices::default();
        let mut counted = |voice, at_s| {
            let mut frame = Frame::new(Timestamp::from_secs(at_s), "primary".into());
            frame.queries = Some(QueryDeltas { span_s: 15.0, ..QueryDeltas::default() });
            voices.hear(voice, frame).queries.is_some()
        };
        assert!(counted(EXPORTER, 1.0));
        assert!(counted(Voice::Relayed, 5.0));
        assert!(!counted(EXPORTER, 16.0));
        assert!(counted(Voice::Direct, 20.0));
        assert!(!counted(Voice::Relayed, 35.0));
        assert!(counted(Voice::Relayed, 70.0));
    }

    #[test]
    fn what_is_known_directly_is_not_overwritten_and_what_is_not_is_filled_in() {
        let mut voices = Voices::default();
        let mut learn = |voice, about: About| {
            let mut frame = Frame::new(Timestamp::from_secs(1.0), "replica-1".into());
            frame.about = Some(about);
            voices.hear(voice, frame).about
        };
        let host =
            About { cores: Some(8), observed: Some(Observed::Metrics), role: None, ..About::default() };
        let server = About {
            role: Some(Role::Replica),
            engine: Engine::Postgres,
            version: Some("18.4".to_owned()),
            observed: Some(Observed::Direct),
            ..About::default()
        };
        assert_eq!(learn(EXPORTER, host.clone()), Some(host.clone()));
        assert_eq!(learn(Voice::Direct, server.clone()), Some(About { cores: Some(8), ..server.clone() }));
        assert_eq!(learn(EXPORTER, host.clone()), None);
        let promoted = About { role: Some(Role::Primary), ..server };
        assert_eq!(learn(Voice::Direct, promoted.clone()), Some(About { cores: Some(8), ..promoted }));
    }

    #[test]
    fn a_fact_is_the_best_sources() {
        let mut voices = Voices::default();
        let mut tell = |voice, value: i64| {
            let mut frame = Frame::new(Timestamp::from_secs(1.0), "primary".into());
            frame.facts.insert("table:item:rows".to_owned(), value.into());
            !voices.hear(voice, frame).facts.is_empty()
        };
        assert!(tell(EXPORTER, 5));
        assert!(tell(Voice::Direct, 7));
        assert!(!tell(EXPORTER, 5));
    }
}
