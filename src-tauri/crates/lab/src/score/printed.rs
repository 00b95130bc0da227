//! What a replay printed, line by line, as incidents with their verdicts. Judging it is not in here.

use std::cmp::Ordering;

use faultline_model::{EventKind, IncidentEvent, IncidentId, Verdict};
use serde::Deserialize;
use serde_json::Value;

/// Events that are read; others are for other readers.
const EVENTS: [&str; 4] = ["opened", "verdict", "recovering", "resolved"];
/// Most problems of one replay that are told apart.
const MAX_PROBLEMS: usize = 10;

/// An incident as a replay told it. Times are Unix seconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Incident {
    /// Its id.
    pub id: IncidentId,
    /// When it was opened.
    pub opened: f64,
    /// When it was over; none when that was not said.
    pub resolved: Option<f64>,
    /// What was said about it and when, in order.
    pub verdicts: Vec<(f64, Verdict)>,
}

impl Incident {
    /// What stood at a time.
    pub fn verdict_at(&self, t: f64) -> Option<&(f64, Verdict)> {
        self.verdicts.iter().take_while(|(at, _)| *at <= t).last()
    }
}

/// All that a replay printed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Printed {
    /// In the order in which they were opened.
    pub incidents: Vec<Incident>,
    /// Lines that mean nothing, or go against the format.
    pub problems: Vec<String>,
}

impl Printed {
    /// Reads JSON Lines; what cannot be read is a problem and no event.
    pub fn read(text: &str) -> Self {
        let (mut printed, mut last) = (Self::default(), f64::NEG_INFINITY);
        for (index, line) in text.lines().enumerate() {
            let mut problem = |what: String| {
                if printed.problems.len() < MAX_PROBLEMS {
                    printed.problems.push(format!("line {}: {what}", index + 1));
                }
            };
            match event(line) {
                Ok(Some(event)) => {
                    let t = event.t.as_secs();
                    if t < last {
                        problem(format!("goes back in time by {:.3} s", last - t));
                    }
                    last = last.max(t);
                    if let Err(what) = printed.take(t, event.kind) {
                        printed.problems.push(format!("line {}: {what}", index + 1));
                    }
                }
                Ok(None) => {}
                Err(error) => problem(error.to_string()),
            }
        }
        printed.problems.truncate(MAX_PROBLEMS);
        printed
    }

    fn take(&mut self, t: f64, event: EventKind) -> Result<(), String> {
        if let EventKind::Opened(opened) = &event {
            if self.incidents.iter().any(|incident| incident.id == opened.incident) {
                return Err(format!("incident {} is opened again", opened.incident));
            }
            let id = opened.incident.clone();
            self.incidents.push(Incident { id, opened: t, resolved: None, verdicts: Vec::new() });
            return Ok(());
        }
        let id = event.incident();
        let Some(incident) = self.incidents.iter_mut().find(|incident| incident.id == *id) else {
            return Err(format!("incident {id} was never opened"));
        };
        match event {
            EventKind::Verdict(mut verdict) => {
                best_first(&mut verdict);
                incident.verdicts.push((t, verdict));
            }
            EventKind::Resolved { .. } => incident.resolved = Some(t),
            EventKind::Opened(_) | EventKind::Recovering { .. } => {}
        }
        Ok(())
    }
}

fn event(line: &str) -> serde_json::Result<Option<IncidentEvent>> {
    let value: Value = serde_json::from_str(line)?;
    let known = value.get("event").and_then(Value::as_str).is_none_or(|name| EVENTS.contains(&name));
    if known { IncidentEvent::deserialize(value).map(Some) } else { Ok(None) }
}

/// Numbers rank, not places; what is equal stays as it was printed.
fn best_first(verdict: &mut Verdict) {
    fn descending(a: f64, b: f64) -> Ordering {
        b.total_cmp(&a)
    }
    verdict.causes.sort_by(|a, b| descending(a.score, b.score));
    verdict.deploys.sort_by(|a, b| descending(a.probability, b.probability));
    verdict.queries.sort_by(|a, b| descending(a.share, b.share));
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPENED: &str = r#"{"t":94.0,"event":"opened","incident":"1","cluster":"shop","onset":90.0,"severity":"critical","load_ratio":null}"#;
    const VERDICT: &str = r#"{"t":97.0,"event":"verdict","incident":"1","causes":[{"cause":"abuse","verdict":"ruled_out","score":0.1,"why":""},{"cause":"network","verdict":"supported","score":0.9,"why":""}],"deploys":[{"id":null,"probability":0.4},{"id":"a-1","probability":0.6}],"queries":[]}"#;
    const RESOLVED: &str = r#"{"t":140.0,"event":"resolved","incident":"1"}"#;

    #[test]
    fn an_incident_is_put_together() {
        let lines = [OPENED, VERDICT, r#"{"t":98.0,"event":"rollback","incident":"1","to":4}"#, RESOLVED];
        let printed = Printed::read(&lines.join("\n"));
        assert_eq!(printed.problems, Vec::<String>::new());
        let [incident] = &printed.incidents[..] else { panic!("{printed:?}") };
        assert_eq!((incident.opened, incident.resolved), (94.0, Some(140.0)));
        let (at, verdict) = incident.verdict_at(97.0).unwrap();
        assert_eq!((*at, verdict.causes[0].cause.name()), (97.0, "network"));
        assert_eq!(verdict.deploys[0].id, Some("a-1".into()));
        assert_eq!(incident.verdict_at(96.9), None);
    }

    #[test]
    fn what_goes_against_the_format_is_told() {
        for (lines, word) in [
            (vec!["noise"], "line 1: expected"),
            (vec![r#"{"t":1}"#], "line 1: missing field `event`"),
            (vec![OPENED, r#"{"t":"x","event":"resolved","incident":"1"}"#], "line 2: invalid type"),
            (vec![VERDICT], "line 1: incident 1 was never opened"),
            (vec![OPENED, OPENED], "line 2: incident 1 is opened again"),
            (vec![OPENED, RESOLVED, VERDICT], "line 3: goes back in time by 43.000 s"),
        ] {
            let problems = Printed::read(&lines.join("\n")).problems;
            assert!(matches!(&problems[..], [problem] if problem.starts_with(word)), "{problems:?}");
        }
        assert_eq!(Printed::read(&"noise\n".repeat(100)).problems.len(), MAX_PROBLEMS);
    }
}
