//! What happens and what Faultline says, as lines for people on standard output.

use serde_json::Value;

use crate::timeline::Timeline;

/// How much of a query goes on one line, characters.
const QUERY_CHARS: usize = 70;

/// The lines on the timeline.
pub(super) struct Sayings {
    timeline: Timeline,
    /// The last verdict in short, so that only changes are printed.
    verdict: String,
}

impl Sayings {
    pub(super) fn start() -> Self {
        Self { timeline: Timeline::start(), verdict: String::new() }
    }

    /// From now on times count from then, Unix seconds.
    pub(super) fn zero(&mut self, at: f64) {
        self.timeline.onset(at);
    }

    /// One line that happened now.
    pub(super) fn say(&self, text: &str) {
        self.timeline.say(text);
    }

    /// A line of `watch --json`.
    pub(super) fn heard(&mut self, at: f64, line: &str) {
        let Ok(said) = serde_json::from_str::<Value>(line) else {
            return self.timeline.say_at(at, &format!("Faultline: {line}"));
        };
        let event = said["event"].as_str().unwrap_or_default();
        let text = match event {
            "opened" => {
                let load = said["load_ratio"]
                    .as_f64()
                    .map_or_else(String::new, |ratio| format!(", load ×{ratio:.1}"));
                let since = said["onset"].as_f64().zip(self.timeline.onset_at());
                let since =
                    since.map_or_else(String::new, |(onset, zero)| format!(", since {:+.1} s", onset - zero));
                format!("opened{since}{load}")
            }
            "verdict" => {
                let verdict = verdict(&said);
                if verdict == self.verdict {
                    return;
                }
                self.verdict.clone_from(&verdict);
                verdict
            }
            event => event.to_owned(),
        };
        self.timeline.say_at(at, &format!("Faultline: {text}"));
    }
}

/// The first cause, deploy and query.
fn verdict(said: &Value) -> String {
    let percent = |share: &Value| (share.as_f64().unwrap_or_default() * 100.0).round();
    let (cause, deploy, query) = (&said["causes"][0], &said["deploys"][0], &said["queries"][0]);
    let text: String = query["text"].as_str().unwrap_or("no query").chars().take(QUERY_CHARS).collect();
    format!(
        "{} {} %; deploy {} {} %; {text} {} %",
        cause["cause"].as_str().unwrap_or("no cause"),
        percent(&cause["score"]),
        deploy["id"].as_str().unwrap_or("none"),
        percent(&deploy["probability"]),
        percent(&query["share"]),
    )
}
