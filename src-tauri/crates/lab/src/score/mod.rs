//! How good Faultline is on recordings whose truth is known: replays each as a child process, measures what was printed
//! against the truth, and puts simple lists beside it. Nothing of the truth reaches a replay.

mod baselines;
pub mod files;
mod interval;
mod measure;
mod printed;
mod recorded;
mod replay;
mod report;
mod table;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use clap::Args;
use tokio::sync::mpsc;

pub use files::Pair;
pub use interval::{Share, Spread, poisson_upper};
pub use measure::{Answer, Due, Guessed, Outcome};
pub use printed::{Incident, Printed};
pub use recorded::{Cost, Counters, Deployed, Recorded};
pub use report::{Baseline, FalseAlarms, Figures, Named, Ranked, Report, Row};
pub use table::render;

use crate::error::{Error, Result, io};
use crate::truth::Truth;
use crate::workers::{Stop, Workers};

/// What is scored.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// The command line program that replays
    #[arg(long, value_name = "PATH")]
    pub faultctl: PathBuf,
    /// Print everything that was measured as JSON
    #[arg(long)]
    pub json: bool,
    /// Also print what was said and what was due, recording by recording
    #[arg(long, conflicts_with = "json")]
    pub each: bool,
    /// How many replays run at a time
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub jobs: u8,
    /// Recordings (or folders of them); the truth of NAME.jsonl.zst is NAME.json beside it or in truth/. Without any,
    /// the committed ones
    #[arg(value_name = "FILES")]
    pub files: Vec<PathBuf>,
}

/// Scores and prints.
///
/// # Errors
/// When there is nothing to score, a truth is missing or wrong, or a replay failed (after everything was printed).
pub async fn run(options: Options, say: fn(&str)) -> Result<()> {
    let places = if options.files.is_empty() { vec![files::committed()] } else { options.files };
    let report = score(&options.faultctl, files::find(&places)?, options.jobs.into()).await?;
    if options.json {
        let text = serde_json::to_string_pretty(&report).map_err(|error| io("write JSON")(error.into()))?;
        say(&text);
    } else {
        say(render(&report, options.each).trim_end());
    }
    match report.problems().count() {
        0 => Ok(()),
        count => Err(Error::Wrong { what: format!("replays had {count} problems, see above") }),
    }
}

/// Replays recordings, `jobs` at a time, and measures what was printed. Rows keep the order of the pairs.
///
/// # Errors
/// When a file cannot be read, a truth is wrong, or the program cannot be started.
pub async fn score(faultctl: &Path, pairs: Vec<Pair>, jobs: usize) -> Result<Report> {
    let (started, count) = (Instant::now(), pairs.len());
    let queue: Arc<Mutex<VecDeque<_>>> = Arc::new(Mutex::new(pairs.into_iter().enumerate().collect()));
    let (sender, mut rows) = mpsc::unbounded_channel();
    // Replays run in a folder of their own.
    let faultctl = std::path::absolute(faultctl).map_err(io(format!("find {}", faultctl.display())))?;
    let _workers = Workers::start(jobs.min(count), move |_number, stop| {
        let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        while !stop.is_set()
            && let Some((index, pair)) = next()
        {
            if sender.send((index, score_one(&faultctl, &pair, stop))).is_err() {
                return;
            }
        }
    })?;
    let mut done = Vec::with_capacity(count);
    while let Some((index, row)) = rows.recv().await {
        done.push((index, row?));
    }
    if done.len() != count {
        return Err(Error::Wrong { what: format!("only {} of {count} recordings were scored", done.len()) });
    }
    done.sort_by_key(|(index, _)| *index);
    Ok(Report::new(done.into_iter().map(|(_, row)| row).collect(), started.elapsed().as_secs_f64()))
}

fn score_one(faultctl: &Path, pair: &Pair, stop: &Stop) -> Result<Row> {
    let truth = Truth::read(&pair.truth)?;
    let recorded = Recorded::read(&pair.recording)?;
    let printed = replay::replay(faultctl, &pair.recording, stop)?;
    let outcome = Outcome::new(&truth, &recorded, &printed)?;
    Ok(Row {
        file: pair.recording.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        scenario: truth.scenario,
        variant: truth.variant,
        seed: truth.seed,
        intensity: truth.intensity,
        outcome,
        problems: printed.problems,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const RECORDING: &str = r#"{"faultline_recording":1,"cluster":"shop","interval_s":5,"engine":"postgres"}
{"t":1000,"node":"a","sessions":[]}
{"t":1100,"node":"a","sessions":[]}
"#;
    const TRUTH: &str = r#"{"scenario":"SCENARIO","seed":1,"variant":null,"intensity":1.0,"onset":1050.0,"effect":null,
        "end":1090.0,"cause":"network","also":[],"deploy":null,"queries":[],"delay_from":"onset","counts_from":null}"#;

    #[tokio::test]
    async fn many_are_scored_at_a_time_and_stay_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for scenario in ["a", "b", "c", "d", "e"] {
            fs::write(at(&format!("{scenario}-1.jsonl")), RECORDING).unwrap();
            fs::write(at(&format!("{scenario}-1.json")), TRUTH.replace("SCENARIO", scenario)).unwrap();
        }
        let faultctl = at("faultctl");
        let opened = r#"{"t":1053.0,"event":"opened","incident":"1","cluster":"shop","onset":1050.0,"severity":"warning","load_ratio":null}"#;
        fs::write(&faultctl, format!("#!/bin/sh\necho '{opened}'\n")).unwrap();
        fs::set_permissions(&faultctl, fs::Permissions::from_mode(0o700)).unwrap();
        let pairs = files::find(&[folder.path().to_owned()]).unwrap();
        let report = score(&faultctl, pairs.clone(), 3).await.unwrap();
        let names: Vec<_> = report.files.iter().map(|row| row.file.as_str()).collect();
        assert_eq!(names, ["a-1.jsonl", "b-1.jsonl", "c-1.jsonl", "d-1.jsonl", "e-1.jsonl"]);
        assert_eq!((report.total.opened.k, report.total.delay_s.median), (5, Some(3.0)));

        // What cannot be scored ends it, with the name of the file.
        fs::write(at("c-1.json"), "{}").unwrap();
        let error = score(&faultctl, pairs, 3).await.unwrap_err().to_string();
        assert!(error.contains("c-1.json is no truth file"), "{error}");
    }
}
