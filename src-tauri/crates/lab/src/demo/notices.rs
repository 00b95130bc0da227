//! The demo's notification server: a real `dunst`, which writes down what it shows, and whose menu presses the button
//! that the demo wants pressed.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use crate::desktop::Session;
use crate::error::{Error, Result, io};

/// How long the notification server may take until it answers.
const START_DEADLINE: Duration = Duration::from_secs(20);
/// How often it is asked.
const ASK_EVERY: Duration = Duration::from_millis(200);
/// Between the fields of a record and between records in the file of shown notifications.
const FIELD: char = '\u{1f}';
const RECORD: char = '\u{1e}';

/// A notification as it was shown.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shown {
    /// Unix seconds.
    pub(super) at: f64,
    pub(super) title: String,
    pub(super) body: String,
}

/// What the notification server showed so far.
pub(super) struct Notices {
    shown: PathBuf,
}

impl Notices {
    /// Starts the notification server on the desktop and waits until it answers.
    pub(super) async fn serve(desktop: &mut Session) -> Result<Self> {
        let folder = desktop.folder();
        let shown = folder.write("shown", "")?;
        let note = format!(
            "#!/bin/sh\nprintf '%s\\037%s\\037%s\\036' \"$(date +%s.%N)\" \"$DUNST_SUMMARY\" \"$DUNST_BODY\" >> '{}'\n",
            shown.display()
        );
        let note = script(folder, "note-shown", &note)?;
        // The menu's lines are `#label (title) [id,key]`; what this prints is pressed.
        let press = script(folder, "press-roll-back", "#!/bin/sh\nexec grep -m 1 '^#Roll back '\n")?;
        let configuration = configuration(&note, &press);
        let configuration = folder.write("dunstrc", &configuration)?;
        desktop.serve_notifications(&configuration)?;
        let started = std::time::Instant::now();
        while let Err(error) = desktop.run("dunstctl", &["is-paused"]).await {
            if started.elapsed() > START_DEADLINE {
                let what = "an answer of dunst".to_owned();
                return Err(Error::Deadline { what, deadline: START_DEADLINE, log: error.to_string() });
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
        Ok(Self { shown })
    }

    /// Everything that was shown, oldest first.
    pub(super) fn shown(&self) -> Vec<Shown> {
        parse(&std::fs::read_to_string(&self.shown).unwrap_or_default())
    }

    /// Presses *Roll back* in the notification that is on the screen.
    pub(super) async fn press_roll_back(&self, desktop: &Session) -> Result<()> {
        desktop.run("dunstctl", &["context"]).await
    }
}

fn script(folder: &crate::folder::Folder, name: &str, text: &str) -> Result<PathBuf> {
    let path = folder.write(name, text)?;
    let executable = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(&path, executable).map_err(io(format!("make {} executable", path.display())))?;
    Ok(path)
}

/// Records that are complete; one that is being written is left for later.
fn parse(text: &str) -> Vec<Shown> {
    let complete = text.rfind(RECORD).map_or("", |end| &text[..end]);
    let record = |record: &str| {
        let mut fields = record.splitn(3, FIELD);
        let at = fields.next()?.parse().ok()?;
        Some(Shown { at, title: fields.next()?.to_owned(), body: fields.next()?.to_owned() })
    };
    complete.split(RECORD).filter_map(record).collect()
}

fn configuration(note: &std::path::Path, press: &std::path::Path) -> String {
    format!(
        r##"[global]
  monitor = 0
  follow = none
  width = (320, 460)
  height = 400
  origin = bottom-right
  offset = 20x20
  font = DejaVu Sans 10
  markup = full
  format = "<b>%s</b>\n%b"
  word_wrap = yes
  show_indicators = yes
  idle_threshold = 0
  frame_width = 2
  frame_color = "#6b7280"
  corner_radius = 6
  dmenu = "{press}"
  browser = /bin/true

[urgency_low]
  background = "#1f2937"
  foreground = "#f9fafb"
  timeout = 0

[urgency_normal]
  background = "#1f2937"
  foreground = "#f9fafb"
  timeout = 0

[urgency_critical]
  background = "#1f2937"
  foreground = "#f9fafb"
  frame_color = "#d55e00"
  timeout = 0

[note_everything]
  summary = "*"
  script = "{note}"
"##,
        press = press.display(),
        note = note.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_complete_records_are_read() {
        let at = |at, title: &str, body: &str| Shown { at, title: title.to_owned(), body: body.to_owned() };
        for (text, shown) in [
            ("", vec![]),
            ("1.5\u{1f}a", vec![]),
            ("1.5\u{1f}a\u{1f}b\nc\u{1e}", vec![at(1.5, "a", "b\nc")]),
            ("1.5\u{1f}a\u{1f}b\u{1e}2\u{1f}c", vec![at(1.5, "a", "b")]),
            ("x\u{1f}a\u{1f}b\u{1e}2\u{1f}c\u{1f}\u{1e}", vec![at(2.0, "c", "")]),
        ] {
            assert_eq!(parse(text), shown, "{text:?}");
        }
    }
}
