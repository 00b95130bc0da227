//! Replays a recording with `faultctl` as a child process: a copy under a name that says nothing, with a deadline and a
//! limit on what it may print.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::printed::Printed;
use crate::error::{Result, io};
use crate::folder::Folder;
use crate::process::Process;
use crate::workers::Stop;

/// How long a replay may take: an hour of recording takes less on a busy machine with a development build.
const DEADLINE: Duration = Duration::from_secs(300);
/// Most that a replay may print, on each stream, bytes.
const MAX_OUTPUT_BYTES: u64 = 64 << 20;
/// How often a replay is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Most of an error that is told, characters.
const MAX_ERROR_CHARS: usize = 300;

/// Replays a file. A replay that fails is no error of ours: it has said nothing, and why is among the problems.
///
/// # Errors
/// When the file cannot be copied, or the program cannot be started.
pub(crate) fn replay(faultctl: &Path, file: &Path, stop: &Stop) -> Result<Printed> {
    let folder = Folder::create(None)?;
    let copy = folder.path().join("recording");
    fs::copy(file, &copy).map_err(io(format!("copy {}", file.display())))?;
    let (out, err) = (folder.path().join("out"), folder.path().join("err"));
    let mut command = Command::new(faultctl);
    command.arg("replay").arg(&copy).current_dir(folder.path());
    command.stdout(stream(&out)?).stderr(stream(&err)?);
    let process = Process::spawn("faultctl replay", &mut command, Signal::SIGKILL)?;
    if let Err(problem) = to_the_end(process, &out, &err, stop)? {
        return Ok(Printed { incidents: Vec::new(), problems: vec![problem] });
    }
    let text = fs::read(&out).map_err(io(format!("read {}", out.display())))?;
    Ok(Printed::read(&String::from_utf8_lossy(&text)))
}

fn stream(path: &PathBuf) -> Result<Stdio> {
    Ok(File::create(path).map_err(io(format!("write {}", path.display())))?.into())
}

/// Waits for its end; the inner error says why there is none, or none that counts.
fn to_the_end(
    mut process: Process,
    out: &Path,
    err: &Path,
    stop: &Stop,
) -> Result<std::result::Result<(), String>> {
    let started = Instant::now();
    loop {
        if let Some(status) = process.try_wait()? {
            return Ok(if status.success() { Ok(()) } else { Err(format!("{status}: {}", end_of(err))) });
        }
        let too_much = [out, err].iter().any(|path| size(path) > MAX_OUTPUT_BYTES);
        let ended_because = if too_much {
            format!("printed more than {MAX_OUTPUT_BYTES} bytes")
        } else if started.elapsed() > DEADLINE {
            format!("took longer than {} s", DEADLINE.as_secs())
        } else if stop.is_set() {
            "interrupted".to_owned()
        } else {
            std::thread::sleep(LOOK_EVERY);
            continue;
        };
        process.kill();
        return Ok(Err(ended_because));
    }
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// The last words of an error output, on one line.
fn end_of(err: &Path) -> String {
    let text = fs::read(err).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let begin = text.char_indices().rev().nth(MAX_ERROR_CHARS).map_or(0, |(index, _)| index);
    text.get(begin..).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A program in place of `faultctl`, and a recording.
    fn check(script: &str) -> Printed {
        let folder = tempfile::tempdir().unwrap();
        let (program, file) = (folder.path().join("faultctl"), folder.path().join("n-plus-one-7.jsonl.zst"));
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
        fs::write(&file, "{}").unwrap();
        replay(&program, &file, &Stop::default()).unwrap()
    }

    #[test]
    fn what_was_printed_is_read() {
        let printed = check(r#"echo '{"t":1,"event":"resolved","incident":"1"}'"#);
        assert_eq!(printed.problems, ["line 1: incident 1 was never opened"]);
        assert_eq!(check("true"), Printed::default());
        // The name says nothing, and nothing is beside it that would.
        for word in ["n-plus-one", ".json"] {
            let script = format!(r#"case "$* $(ls)" in *{word}*) exit 1;; esac; [ "$(cat "$2")" = '{{}}' ]"#);
            assert_eq!(check(&script), Printed::default());
        }
    }

    #[test]
    fn a_failure_is_silence_with_a_reason() {
        for (script, word) in [
            (
                r#"echo '{"t":1,"event":"later"}'; echo 'line 3 is damaged' >&2; exit 2"#,
                "exit status: 2: line 3 is damaged",
            ),
            ("kill -s TERM $$", "signal: 15"),
            ("yes '{\"t\":1,\"event\":\"later\",\"text\":\"0123456789012345678901234567890\"}'", "more than"),
        ] {
            let printed = check(script);
            assert!(printed.incidents.is_empty());
            assert!(matches!(&printed.problems[..], [problem] if problem.contains(word)), "{printed:?}");
        }
    }
}
