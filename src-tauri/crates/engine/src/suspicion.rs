//! Which queries a node is asked to look closer at, while something is suspected: those of the open incident that ran
//! there, and before there is a verdict those at work right now. Pure: what a look finds, and how often one may be had,
//! is not decided here.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use faultline_model::{EventKind, Fingerprint, Frame, NodeName, Timestamp};

use crate::watcher::Ask;

/// Most queries of one look: each may cost a statement of up to two seconds.
const MAX_SUSPECTS: usize = 3;

/// A query ran on a node when it was seen there within this time, seconds.
const RAN_WITHIN_S: f64 = 60.0;

/// Queries of a node that are remembered before old ones are forgotten.
const MAX_RAN: usize = 2_000;

/// What was seen of one node lately.
#[derive(Debug, Default)]
struct Work {
    ran: HashMap<Fingerprint, Timestamp>,
    /// Queries at work in the last sample, most sessions first.
    at_work: Vec<(Fingerprint, u32)>,
    /// Sessions that waited for locks in it.
    locked: u32,
}

/// What is suspected in a cluster.
#[derive(Debug, Default)]
pub(crate) struct Suspicion {
    nodes: BTreeMap<NodeName, Work>,
    /// Queries of the open incident, most suspect first.
    queries: Vec<Fingerprint>,
}

impl Suspicion {
    /// Takes in what was seen.
    pub(crate) fn see(&mut self, frame: &Frame) {
        let work = self.nodes.entry(frame.node.clone()).or_default();
        let counted = frame.queries.iter().flat_map(|queries| queries.rows.iter().map(|row| &row.fp));
        let sampled = frame.sessions.iter().flatten().filter(|group| group.is_active());
        for fp in counted.chain(sampled.clone().filter_map(|group| group.fp.as_ref())) {
            match work.ran.get_mut(fp) {
                Some(last) => *last = frame.at,
                None => {
                    work.ran.insert(fp.clone(), frame.at);
                }
            }
        }
        if work.ran.len() > MAX_RAN {
            work.ran.retain(|_, last| ran_lately(*last, frame.at));
        }
        if frame.sessions.is_some() {
            let mut at_work: BTreeMap<&Fingerprint, u32> = BTreeMap::new();
            work.locked = 0;
            for group in sampled {
                if group.wait.as_deref().is_some_and(|wait| wait.starts_with("Lock")) {
                    work.locked += group.count;
                }
                if let Some(fp) = &group.fp {
                    *at_work.entry(fp).or_default() += group.count;
                }
            }
            work.at_work = at_work.into_iter().map(|(fp, count)| (fp.clone(), count)).collect();
            work.at_work.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
            work.at_work.truncate(MAX_SUSPECTS);
        }
    }

    /// Takes in what analysis said.
    pub(crate) fn hear(&mut self, event: &EventKind) {
        match event {
            EventKind::Verdict(verdict) => {
                self.queries = verdict.queries.iter().map(|query| query.fp.clone()).collect();
            }
            EventKind::Opened(_) | EventKind::Resolved { .. } => self.queries.clear(),
            EventKind::Recovering { .. } => {}
        }
    }

    /// What a node is asked for at `now`. Nothing when none of the suspects ran there and nobody waits for a lock.
    pub(crate) fn ask(&self, node: &NodeName, now: Timestamp) -> Ask {
        let work = self.nodes.get(node)?;
        let ran = |fp: &&Fingerprint| work.ran.get(*fp).is_some_and(|last| ran_lately(*last, now));
        let suspects: Vec<Fingerprint> = if self.queries.is_empty() {
            work.at_work.iter().map(|(fp, _)| fp.clone()).collect()
        } else {
            self.queries.iter().filter(ran).take(MAX_SUSPECTS).cloned().collect()
        };
        (!suspects.is_empty() || work.locked > 0).then(|| Arc::from(suspects))
    }
}

fn ran_lately(last: Timestamp, now: Timestamp) -> bool {
    now.secs_since(last).abs() <= RAN_WITHIN_S
}

#[cfg(test)]
mod tests {
    use faultline_model::{SessionGroup, SuspectQuery, Verdict};

    use super::*;

    fn frame(node: &str, at_s: f64, sessions: &[(&str, Option<&str>, u32)]) -> Frame {
        let mut frame = Frame::new(Timestamp::from_secs(at_s), node.into());
        let group = |(fp, wait, count): &(&str, Option<&str>, u32)| SessionGroup {
            fp: Some((*fp).into()).filter(|fp: &Fingerprint| !fp.as_str().is_empty()),
            wait: wait.map(str::to_owned),
            count: *count,
            ..serde_json::from_str("{}").unwrap()
        };
        frame.sessions = Some(sessions.iter().map(group).collect());
        frame
    }

    fn verdict(fps: &[&str]) -> EventKind {
        let query = |fp: &&str| SuspectQuery { fp: (*fp).into(), text: None, share: 0.2 };
        let queries = fps.iter().map(query).collect();
        EventKind::Verdict(Verdict { incident: "1".into(), causes: vec![], deploys: vec![], queries })
    }

    #[track_caller]
    fn check(suspicion: &Suspicion, node: &str, at_s: f64, expected: Option<&[&str]>) {
        let ask = suspicion.ask(&node.into(), Timestamp::from_secs(at_s));
        let found = ask.as_ref().map(|fps| fps.iter().map(Fingerprint::as_str).collect::<Vec<_>>());
        assert_eq!(found.as_deref(), expected, "{node} at {at_s}");
    }

    #[test]
    fn before_a_verdict_the_busiest_queries_are_looked_at_and_then_the_suspects_where_they_ran() {
        let mut suspicion = Suspicion::default();
        suspicion.see(&frame("p", 10.0, &[("a", None, 2), ("b", None, 9), ("c", None, 1), ("d", None, 3)]));
        suspicion.see(&frame("r", 10.0, &[("a", None, 1)]));
        suspicion.see(&frame("idle", 10.0, &[]));
        check(&suspicion, "p", 11.0, Some(&["b", "d", "a"]));
        check(&suspicion, "r", 11.0, Some(&["a"]));
        check(&suspicion, "idle", 11.0, None);
        check(&suspicion, "unknown", 11.0, None);

        suspicion.hear(&verdict(&["c", "elsewhere", "b", "d", "a"]));
        check(&suspicion, "p", 11.0, Some(&["c", "b", "d"]));
        check(&suspicion, "r", 11.0, Some(&["a"]));
        check(&suspicion, "p", 100.0, None);
        suspicion.hear(&EventKind::Resolved { incident: "1".into() });
        check(&suspicion, "r", 11.0, Some(&["a"]));
    }

    #[test]
    fn who_waits_for_a_lock_is_looked_at_without_a_suspect() {
        let mut suspicion = Suspicion::default();
        suspicion.see(&frame("p", 10.0, &[("", Some("Lock:transactionid"), 2)]));
        check(&suspicion, "p", 11.0, Some(&[]));
        suspicion.see(&frame("p", 11.0, &[("", Some("IO:DataFileRead"), 2)]));
        check(&suspicion, "p", 12.0, None);
    }
}
