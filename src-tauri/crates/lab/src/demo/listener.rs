//! Takes in what Faultline says, by its event log and by its notifications, prints it and keeps what counts.

use super::events::Said;
use super::judge::{Judge, Truth};
use super::notices::Shown;
use super::stage::Stage;
use crate::clock::unix_now;
use crate::error::Result;
use crate::timeline::Timeline;

/// How much of a text goes on one line of the timeline, characters.
const LINE_CHARS: usize = 110;

/// What was heard so far.
#[derive(Default)]
pub(super) struct Heard {
    /// When the incident was opened, first time, Unix seconds.
    pub(super) opened: Option<f64>,
    pub(super) judge: Judge,
    pub(super) notices: Vec<Shown>,
    /// States of the rollback in the order that they came, with the time.
    pub(super) rollback: Vec<(f64, String)>,
    pub(super) resolved: Option<f64>,
    /// The last line about suspects, so that only changes are printed.
    suspects: String,
}

impl Heard {
    /// When the rollback got into a state, Unix seconds.
    pub(super) fn rollback_at(&self, state: &str) -> Option<f64> {
        self.rollback.iter().find(|(_, reached)| reached == state).map(|(at, _)| *at)
    }

    /// Takes in what is new.
    pub(super) fn listen(&mut self, stage: &mut Stage, truth: &Truth, timeline: &Timeline) -> Result<()> {
        if let Some(private) = &stage.private {
            let shown = private.notices.shown();
            for notice in shown.iter().skip(self.notices.len()) {
                let text = one_line(&plain(&format!("{} — {}", notice.title, notice.body)));
                timeline.say_at(notice.at, &format!("notification: {text}"));
            }
            self.notices = shown;
        }
        for said in stage.events.new_lines()? {
            self.hear(unix_now(), said, truth, timeline);
        }
        Ok(())
    }

    fn hear(&mut self, now: f64, said: Said, truth: &Truth, timeline: &Timeline) {
        match said {
            Said::Opened { incident, onset, severity, load_ratio } => {
                self.opened.get_or_insert(now);
                let load = load_ratio.map_or_else(String::new, |ratio| format!(", load ×{ratio:.1}"));
                let off =
                    timeline.onset_at().map_or_else(String::new, |at| format!(" ({:+.1} s off)", onset - at));
                timeline
                    .say(&format!("incident {incident} opened: {severity}{load}; dated to its onset{off}"));
            }
            Said::Verdict { causes, deploys, queries } => {
                self.judge.hear(now, &deploys, &queries, truth);
                let deploy = deploys.first().map_or_else(String::new, |first| {
                    let id = first.id.as_deref().unwrap_or("no deploy");
                    format!("{id} {:.0} %", first.probability * 100.0)
                });
                let query = queries.first().map_or_else(String::new, |first| {
                    format!(
                        " | {:.0} % of the extra load: {}",
                        first.share * 100.0,
                        first.text.as_deref().unwrap_or("?")
                    )
                });
                let named = one_line(&format!("{deploy}{query}"));
                let mut suspects = format!("verdict: {named}");
                for cause in causes.iter().filter(|cause| cause.verdict == "supported") {
                    suspects.push_str(&one_line(&format!("\n{:21}+ {}: {}", "", cause.cause, cause.why)));
                }
                // The numbers move all the time; who is named does not.
                let names: String =
                    suspects.chars().filter(|character| !character.is_ascii_digit()).collect();
                if names != self.suspects {
                    timeline.say(&suspects);
                    self.suspects = names;
                }
            }
            Said::Rollback { state, deploy, message } => {
                let of = deploy.map_or_else(String::new, |deploy| format!(" of {deploy}"));
                let message = message.map_or_else(String::new, |message| one_line(&format!(": {message}")));
                timeline.say(&format!("rollback{of} {}{message}", state.replace('_', " ")));
                self.rollback.push((now, state));
            }
            Said::Recovering {} => timeline.say("recovering"),
            Said::Resolved { incident } => {
                self.resolved.get_or_insert(now);
                timeline.say(&format!("incident {incident} resolved"));
            }
            Said::Other => {}
        }
    }
}

/// Notifications are escaped for a markup that the terminal does not have.
fn plain(markup: &str) -> String {
    markup.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

fn one_line(text: &str) -> String {
    let (lead, rest) = match text.strip_prefix('\n') {
        Some(rest) => ("\n", rest),
        None => ("", text),
    };
    let kept: String = rest.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LINE_CHARS).collect();
    let more = if rest.chars().count() > LINE_CHARS { "…" } else { "" };
    format!("{lead}{kept}{more}")
}
