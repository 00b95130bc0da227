//! Replays of the recordings: sound, the same every time, and never ahead of their time.

use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use faultline_lab::process::Process;
use faultline_lab::score::score;
use faultline_recording::RecordingFile;
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::{a_few, pairs};

/// How long a replay may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(90);
/// How many run at a time.
const JOBS: usize = 2;
/// Where recordings are cut, parts of their length.
const CUTS: [f64; 2] = [0.4, 0.75];

/// What a replay prints, line by line.
fn replay(file: &Path) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let (out, err) = (folder.path().join("out"), folder.path().join("err"));
    let mut command = Command::new(faultline_tests::faultctl());
    command.arg("replay").arg(file).current_dir(folder.path());
    command.stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap());
    let status = Process::spawn("replay", &mut command, Signal::SIGKILL).unwrap().wait(DEADLINE).unwrap();
    let errors = std::fs::read_to_string(err).unwrap();
    assert!(status.is_some_and(|status| status.success()), "{}: {status:?} {errors}", file.display());
    assert_eq!(errors, "", "{}", file.display());
    std::fs::read_to_string(out).unwrap().lines().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn most_troubles_are_opened_and_nothing_fails() {
    let report = score(faultline_tests::faultctl(), pairs(), JOBS).await.unwrap();
    assert_eq!(report.problems().collect::<Vec<_>>(), []);
    // Less than this is no matter of quality: something is broken.
    let opened = report.total.opened;
    assert!(opened.k * 2 > opened.n, "{opened:?}; not opened: {:?}", report.missed);
    let named = report.total.when_said.deploy_top1;
    assert!(named.k * 4 > named.n, "the guilty deploy is hardly ever named: {named:?}");
    let (healthy, alarmed) =
        report.files.iter().filter(|row| !row.outcome.is_due()).fold((0, 0), |count, row| {
            (count.0 + 1, count.1 + usize::from(!row.outcome.false_alarms_s.is_empty()))
        });
    assert!(healthy > 0 && alarmed * 2 < healthy, "{alarmed} of {healthy} healthy recordings have alarms");
}

#[test]
fn a_replay_says_the_same_every_time() {
    for pair in a_few(pairs()) {
        assert_eq!(replay(&pair.recording), replay(&pair.recording), "{}", pair.recording.display());
    }
}

#[test]
fn nothing_looks_ahead() {
    let folder = tempfile::tempdir().unwrap();
    for pair in a_few(pairs()) {
        let whole = replay(&pair.recording);
        for part in CUTS {
            let cut = folder.path().join("cut.jsonl");
            let until = cut_at(&pair.recording, part, &cut);
            // What is said at the time of the last line may need the next one to know that a second is over.
            let before = |lines: &[String]| {
                lines.iter().filter(|line| time(line) < until).cloned().collect::<Vec<_>>()
            };
            assert_eq!(before(&replay(&cut)), before(&whole), "{} cut at {part}", pair.recording.display());
        }
    }
}

fn time(line: &str) -> f64 {
    serde_json::from_str::<Value>(line).unwrap()["t"].as_f64().unwrap()
}

/// Writes the first part of a recording, and returns the time at which it ends.
fn cut_at(from: &Path, part: f64, to: &Path) -> f64 {
    let recording = faultline_recording::open(from).unwrap();
    let header = recording.header().clone();
    let observations: Vec<_> = recording.map(Result::unwrap).collect();
    let kept = (observations.len() as f64 * part) as usize;
    let mut file = RecordingFile::create(to, &header).unwrap();
    observations[..kept].iter().for_each(|observation| file.write(observation).unwrap());
    file.finish().unwrap();
    observations[..kept].iter().map(|observation| observation.at().as_secs()).fold(f64::MIN, f64::max)
}
