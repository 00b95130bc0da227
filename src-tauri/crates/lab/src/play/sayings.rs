//! What happens and what Faultline says, as lines for people on standard output.

use std::io::Write;

use serde_json::Value;

use crate::clock::unix_now;

/// How much of a query goes on one line, characters.
const QUERY_CHARS: usize = 70;

/// The lines; times are seconds from the moment that the scenario counts from, once that is known.
pub(super) struct Sayings {
    zero: f64,
    /// The last verdict in short, so that only changes are printed.
    verdict: String,
}

impl Sayings {
    pub(super) fn start() -> Self {
        Self { zero: unix_now(), verdict: String::new() }
    }

    /// From now on times count from then, Unix seconds.
    pub(super) fn zero(&mut self, at: f64) {
        self.zero = at;
    }

    /// One line that happened now.
    pub(super) fn say(&self, text: &str) {
        self.say_at(unix_now(), text);
    }

    /// One line that happened at a time, Unix seconds.
    pub(super) fn say_at(&self, at: f64, text: &str) {
        let mut out = std::io::stdout().lock();
        // A closed standard output is no reason to stop.
        let _closed = writeln!(out, "{:+8.1} s  {text}", at - self.zero).and_then(|()| out.flush());
    }

    /// A line of `watch --json`.
    pub(super) fn heard(&mut self, at: f64, line: &str) {
        let Ok(said) = serde_json::from_str::<Value>(line) else {
            return self.say_at(at, &format!("Faultline: {line}"));
        };
        let event = said["event"].as_str().unwrap_or_default();
        let text = match event {
            "opened" => {
                let load = said["load_ratio"]
                    .as_f64()
                    .map_or_else(String::new, |ratio| format!(", load ×{ratio:.1}"));
                let onset = said["onset"].as_f64().unwrap_or(at) - self.zero;
                format!("opened, since {onset:+.1} s{load}")
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
        self.say_at(at, &format!("Faultline: {text}"));
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
