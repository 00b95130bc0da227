//! One recording: the lab's own `run` as a child process, pinned to the worker's core. Both files appear whole, or none
//! does.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::manifest::Planned;
use crate::error::{Error, Result, io};
use crate::process::Process;
use crate::score::Recorded;
use crate::score::files::TRUTH_FOLDER;
use crate::workers::Stop;

/// How long a play may take beyond the scenario's own length: servers are made and filled, on one core.
const SLACK: Duration = Duration::from_secs(600);
/// How often a play is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Last lines of a failed play's output that are told.
const LAST_LINES: usize = 15;

/// What all plays have in common.
#[derive(Clone, Debug)]
pub(super) struct Stage {
    /// The lab's own program.
    pub(super) lab: PathBuf,
    pub(super) faultctl: PathBuf,
    pub(super) scenarios: Option<PathBuf>,
    /// Where recordings go; truths go to a folder in there.
    pub(super) into: PathBuf,
    /// Whether recordings that are there stay.
    pub(super) missing: bool,
}

/// What came of a play.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Played {
    /// Size of the recording.
    pub(super) bytes: u64,
    /// Its length, seconds.
    pub(super) length_s: f64,
    /// How long it took; none when it was there already.
    pub(super) took: Option<Duration>,
}

/// The cores that this process may use.
///
/// # Errors
/// When the system does not tell.
pub(super) fn cores() -> Result<Vec<usize>> {
    let set = sched_getaffinity(Pid::from_raw(0)).map_err(|error| io("ask for the cores")(error.into()))?;
    Ok((0..CpuSet::count()).filter(|core| set.is_set(*core) == Ok(true)).collect())
}

/// Pins the calling thread, and what it starts from now on, to a core.
///
/// # Errors
/// When the system does not allow it.
pub(super) fn pin(core: usize) -> Result<()> {
    let mut set = CpuSet::new();
    set.set(core)
        .and_then(|()| sched_setaffinity(Pid::from_raw(0), &set))
        .map_err(|error| io(format!("use core {core}"))(error.into()))
}

impl Stage {
    /// Plays one, unless it is there and may stay.
    ///
    /// # Errors
    /// When the play fails or takes too long; what was there before is there still.
    pub(super) fn play(&self, planned: &Planned, length: Duration, stop: &Stop) -> Result<Played> {
        let truths = self.into.join(TRUTH_FOLDER);
        let (recording, truth) =
            (self.into.join(planned.recording_name()), truths.join(planned.truth_name()));
        if self.missing && recording.is_file() && truth.is_file() {
            return played(&recording, None);
        }
        fs::create_dir_all(&truths).map_err(io(format!("make the folder {}", truths.display())))?;
        // In the same folder, so that files get their names without being copied.
        let aside = tempfile::Builder::new()
            .prefix(".rerecord-")
            .tempdir_in(&self.into)
            .map_err(io(format!("make a folder in {}", self.into.display())))?;
        let at = |name: &str| aside.path().join(name);
        let (new_recording, new_truth) = (at("new.jsonl.zst"), at("new.json"));
        let started = Instant::now();
        self.run(planned, [&new_recording, &new_truth], &at("log"), length + SLACK, stop)?;
        let result = played(&new_recording, Some(started.elapsed()))?;
        for (from, to) in [(new_recording, recording), (new_truth, truth)] {
            fs::rename(from, &to).map_err(io(format!("write {}", to.display())))?;
        }
        Ok(result)
    }

    fn run(
        &self,
        planned: &Planned,
        [recording, truth]: [&Path; 2],
        log: &Path,
        deadline: Duration,
        stop: &Stop,
    ) -> Result<()> {
        let mut command = Command::new(&self.lab);
        command.arg("run").arg(&planned.scenario).arg("--seed").arg(planned.seed.to_string());
        if let Some(variant) = &planned.variant {
            command.arg("--variant").arg(variant);
        }
        if let Some(scenarios) = &self.scenarios {
            command.arg("--scenarios").arg(scenarios);
        }
        command.arg("--faultctl").arg(&self.faultctl);
        command.arg("--record").arg(recording).arg("--truth").arg(truth);
        let cannot = || format!("write {}", log.display());
        let output = File::create(log).map_err(io(cannot()))?;
        command.stdout(output.try_clone().map_err(io(cannot()))?).stderr(output);
        let mut process = Process::spawn(&planned.stem(), &mut command, Signal::SIGTERM)?;
        let started = Instant::now();
        loop {
            match process.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => {
                    let program = planned.stem();
                    return Err(Error::Ended { program, status: status.to_string(), log: last_lines(log) });
                }
                None if stop.is_set() => return Err(Error::Interrupted),
                None if started.elapsed() > deadline => {
                    let what = format!("the end of {}", planned.stem());
                    return Err(Error::Deadline { what, deadline, log: last_lines(log) });
                }
                None => std::thread::sleep(LOOK_EVERY),
            }
        }
    }
}

fn played(recording: &Path, took: Option<Duration>) -> Result<Played> {
    let bytes = fs::metadata(recording).map_err(io(format!("read {}", recording.display())))?.len();
    let recorded = Recorded::read(recording)?;
    Ok(Played { bytes, length_s: recorded.last - recorded.first, took })
}

fn last_lines(log: &Path) -> String {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
}

#[cfg(test)]
#[path = "play_tests.rs"]
mod tests;
