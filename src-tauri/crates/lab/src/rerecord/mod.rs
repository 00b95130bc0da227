//! Makes the recordings anew: plays the rows of the manifest, or healthy load by the hour, each on a core of its own.
//! Nothing is tried twice; what failed is listed at the end.

mod manifest;
mod play;
mod queue;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::Args;
use tokio::sync::mpsc;

pub use manifest::{MANIFEST, Manifest, Planned};

use self::play::{Played, Stage};
use self::queue::{HOUR_S, Healthy, Kind, Queue};
use crate::error::{Error, Result, io};
use crate::scenario::Catalogue;
use crate::score::files;
use crate::workers::Workers;

/// Largest committed recording, bytes.
pub const MAX_RECORDING_BYTES: u64 = 300_000;
/// Most of all committed recordings together, bytes.
pub const MAX_TOGETHER_BYTES: u64 = 12_000_000;
/// First seed of healthy load, far from those of the manifest.
const FIRST_HEALTHY_SEED: u64 = 1_001;
/// Bytes in a kilobyte, as file sizes are told.
const KB: f64 = 1_000.0;

/// What is recorded.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// The command line program
    #[arg(long, value_name = "PATH")]
    pub faultctl: PathBuf,
    /// Only these scenarios; NAME:VARIANT for only that variant
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub only: Vec<String>,
    /// These seeds in place of the manifest's (with --into); of healthy load, the first one
    #[arg(long, value_name = "SEEDS", value_delimiter = ',')]
    pub seeds: Vec<u64>,
    /// How many are played at a time [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    pub jobs: Option<u8>,
    /// Folder for the recordings; truths go to its folder `truth` [default: tests/recordings]
    #[arg(long, value_name = "DIR")]
    pub into: Option<PathBuf>,
    /// The list of what to record [default: tests/recordings/manifest.toml]
    #[arg(long, value_name = "FILE")]
    pub manifest: Option<PathBuf>,
    /// Leave those that are there
    #[arg(long)]
    pub missing: bool,
    /// Instead of the list, so many hours of healthy load of several kinds in turns (with --into)
    #[arg(long, value_name = "HOURS", value_parser = hours)]
    pub healthy: Option<f64>,
    /// A folder with scenarios of your own
    #[arg(long, value_name = "DIR")]
    pub scenarios: Option<PathBuf>,
}

fn hours(text: &str) -> std::result::Result<f64, String> {
    match text.parse::<f64>() {
        Ok(hours) if hours > 0.0 && hours <= 1_000.0 => Ok(hours),
        _ => Err("hours are a number above 0 and up to 1000".to_owned()),
    }
}

/// Plays everything that is asked for, and says how it goes.
///
/// # Errors
/// When something that is asked for does not exist; after everything else was played, when something failed or is too
/// large.
pub async fn run(options: Options, say: fn(&str)) -> Result<()> {
    let catalogue = Catalogue::open(options.scenarios.as_deref())?;
    let (queue, count) = queue(&options, &catalogue)?;
    let into = options.into.clone().unwrap_or_else(files::committed);
    std::fs::create_dir_all(&into).map_err(io(format!("make the folder {}", into.display())))?;
    let lab = std::env::current_exe().map_err(io("find the lab's own program"))?;
    // The parts run in other folders.
    let absolute = |path: &Path| std::path::absolute(path).map_err(io(format!("find {}", path.display())));
    let stage = Stage {
        lab,
        faultctl: absolute(&options.faultctl)?,
        scenarios: options.scenarios.as_deref().map(absolute).transpose()?,
        into: absolute(&into)?,
        missing: options.missing,
    };
    let cores = play::cores()?;
    let jobs = options.jobs.map_or(cores.len(), usize::from).min(count.unwrap_or(usize::MAX)).max(1);
    let mut progress = Progress::new(count, options.healthy.is_none(), say);
    let (_workers, mut results) = start(jobs, cores, stage, queue, catalogue)?;
    while let Some((planned, result)) = results.recv().await {
        progress.take(&planned, result);
    }
    progress.finish(&into, options.healthy)
}

type Results = mpsc::UnboundedReceiver<(Planned, Result<Played>)>;

fn start(
    jobs: usize,
    cores: Vec<usize>,
    stage: Stage,
    queue: Queue,
    catalogue: Catalogue,
) -> Result<(Workers, Results)> {
    let (sender, results) = mpsc::unbounded_channel();
    let queue = Arc::new(Mutex::new(queue));
    let workers = Workers::start(jobs, move |number, stop| {
        let queue = || queue.lock().unwrap_or_else(PoisonError::into_inner);
        let core = cores.get(number % cores.len().max(1)).copied();
        let pinned = core.map_or(Ok(()), play::pin).map_err(|error| error.to_string());
        while !stop.is_set() {
            let Some(planned) = queue().next() else { return };
            let result = match &pinned {
                Ok(()) => length(&catalogue, &planned)
                    .and_then(|length_s| stage.play(&planned, Duration::from_secs_f64(length_s), stop)),
                Err(what) => Err(Error::Wrong { what: what.clone() }),
            };
            queue().done(&planned, result.as_ref().ok().map(|played| played.length_s));
            if sender.send((planned, result)).is_err() {
                return;
            }
        }
    })?;
    Ok((workers, results))
}

/// How long a play takes by itself, seconds.
fn length(catalogue: &Catalogue, planned: &Planned) -> Result<f64> {
    let phases = catalogue.scenario(&planned.scenario, planned.variant.as_deref())?.phases;
    Ok((phases.warm_up_s + phases.healthy_s + phases.healthy_jitter_s + phases.after_s).max(0.0))
}

/// What is to be played, and how many they are where that is known.
fn queue(options: &Options, catalogue: &Catalogue) -> Result<(Queue, Option<usize>)> {
    let needs_folder = |what: &str| Error::Wrong {
        what: format!("{what} needs --into: the committed recordings are those of the manifest"),
    };
    if let Some(hours) = options.healthy {
        if options.into.is_none() {
            return Err(needs_folder("--healthy"));
        }
        let first_seed = options.seeds.first().copied().unwrap_or(FIRST_HEALTHY_SEED);
        let kinds = healthy_kinds(&options.only, catalogue)?;
        return Ok((Queue::Healthy(Healthy::new(kinds, first_seed, hours)), None));
    }
    if !options.seeds.is_empty() && options.into.is_none() {
        return Err(needs_folder("--seeds"));
    }
    let manifest = options.manifest.clone().unwrap_or_else(|| files::committed().join(MANIFEST));
    let rows = chosen(Manifest::read(&manifest)?.recordings, &options.only, &options.seeds)?;
    for planned in &rows {
        catalogue.scenario(&planned.scenario, planned.variant.as_deref())?;
    }
    let count = rows.len();
    Ok((Queue::Listed(rows.into()), Some(count)))
}

/// The rows that are wanted, with other seeds if there are any.
fn chosen(rows: Vec<Planned>, only: &[String], seeds: &[u64]) -> Result<Vec<Planned>> {
    for name in only {
        if !rows.iter().any(|planned| is_meant(planned, name)) {
            let what = format!("no recording in the list is {name:?}: write NAME or NAME:VARIANT");
            return Err(Error::Wrong { what });
        }
    }
    let mut rows: Vec<Planned> = rows
        .into_iter()
        .filter(|planned| only.is_empty() || only.iter().any(|name| is_meant(planned, name)))
        .collect();
    if !seeds.is_empty() {
        let kinds: BTreeSet<_> = rows.into_iter().map(|one| (one.scenario, one.variant)).collect();
        let with_seeds = |(scenario, variant): (String, Option<String>)| {
            let planned = move |seed: &u64| Planned {
                scenario: scenario.clone(),
                variant: variant.clone(),
                seed: *seed,
            };
            seeds.iter().map(planned)
        };
        rows = kinds.into_iter().flat_map(with_seeds).collect();
    }
    Ok(rows)
}

fn is_meant(planned: &Planned, name: &str) -> bool {
    match name.split_once(':') {
        Some((scenario, variant)) => {
            planned.scenario == scenario && planned.variant.as_deref() == Some(variant)
        }
        None => planned.scenario == name,
    }
}

/// Scenarios in which no incident is due: all of them, or those that are named.
fn healthy_kinds(only: &[String], catalogue: &Catalogue) -> Result<Vec<Kind>> {
    let all =
        || catalogue.scenarios().filter(|one| one.truth.cause.is_none()).map(|one| (one.name.as_str(), None));
    let named = only.iter().map(|name| {
        name.split_once(':').map_or((name.as_str(), None), |(name, variant)| (name, Some(variant)))
    });
    let wanted: Vec<(&str, Option<&str>)> = if only.is_empty() { all().collect() } else { named.collect() };
    wanted
        .into_iter()
        .map(|(name, variant)| {
            let scenario = catalogue.scenario(name, variant)?;
            if scenario.truth.cause.is_some() {
                let what =
                    format!("{name} is trouble: healthy load is of scenarios whose truth has no cause");
                return Err(Error::Wrong { what });
            }
            let length_s = scenario.phases.healthy_s + scenario.phases.after_s;
            Ok(Kind { scenario: name.to_owned(), variant: variant.map(str::to_owned), length_s })
        })
        .collect()
}

/// How it goes, told line by line.
struct Progress {
    say: fn(&str),
    /// How many are to be; none when that is not known.
    count: Option<usize>,
    /// Whether files may not be larger than committed ones.
    limited: bool,
    started: Instant,
    done: usize,
    seconds: f64,
    failures: Vec<String>,
}

impl Progress {
    fn new(count: Option<usize>, limited: bool, say: fn(&str)) -> Self {
        Self { say, count, limited, started: Instant::now(), done: 0, seconds: 0.0, failures: Vec::new() }
    }

    fn take(&mut self, planned: &Planned, result: Result<Played>) {
        self.done += 1;
        let name = planned.recording_name();
        let what = match result {
            Ok(played) => {
                self.seconds += played.length_s;
                if self.limited && played.bytes > MAX_RECORDING_BYTES {
                    let what =
                        format!("{name} has {} bytes; {MAX_RECORDING_BYTES} are the most", played.bytes);
                    self.failures.push(what);
                }
                let took = played.took.map_or_else(
                    || "was there".to_owned(),
                    |took| format!("took {:.0} s", took.as_secs_f64()),
                );
                format!("{took}, {:.0} s, {:.0} kB", played.length_s, played.bytes as f64 / KB)
            }
            Err(error) => {
                self.failures.push(format!("{name}: {error}"));
                "FAILED".to_owned()
            }
        };
        let of = self.count.map_or_else(
            || format!("{}, {:.2} h", self.done, self.seconds / HOUR_S),
            |count| format!("{}/{count}", self.done),
        );
        (self.say)(&format!("[{of}] {name}: {what}"));
    }

    fn finish(mut self, into: &Path, wanted_h: Option<f64>) -> Result<()> {
        let bytes = together(into)?;
        if self.limited && bytes > MAX_TOGETHER_BYTES {
            let folder = into.display();
            self.failures.push(format!(
                "the recordings in {folder} have {bytes} bytes together; {MAX_TOGETHER_BYTES} are the most"
            ));
        }
        let (hours, minutes) = (self.seconds / HOUR_S, self.started.elapsed().as_secs_f64() / 60.0);
        if wanted_h.is_some_and(|wanted| hours < wanted) {
            self.failures.push(format!("only {hours:.2} hours came together"));
        }
        (self.say)(&format!(
            "{} tried, {hours:.2} hours recorded, in {minutes:.0} minutes; {} has {:.1} MB of recordings",
            self.done,
            into.display(),
            bytes as f64 / KB / KB
        ));
        if self.failures.is_empty() {
            return Ok(());
        }
        let what = format!("{} failures:\n{}", self.failures.len(), self.failures.join("\n"));
        Err(Error::Wrong { what })
    }
}

/// Size of all recordings in a folder, bytes.
///
/// # Errors
/// When the folder or a file cannot be read.
pub fn together(folder: &Path) -> Result<u64> {
    files::recordings_in(folder)?
        .iter()
        .map(|path| {
            std::fs::metadata(path).map(|data| data.len()).map_err(io(format!("read {}", path.display())))
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(text: &str) -> Planned {
        let parts: Vec<&str> = text.split('/').collect();
        let variant = Some(parts[1]).filter(|variant| !variant.is_empty());
        Planned {
            scenario: parts[0].to_owned(),
            variant: variant.map(str::to_owned),
            seed: parts[2].parse().unwrap(),
        }
    }

    #[test]
    fn rows_are_chosen_by_name_and_get_other_seeds() {
        let rows = ["quiet//1", "surge//1", "surge/mild/2", "surge/mild/3"].map(planned).to_vec();
        for (only, seeds, expected) in [
            (vec![], vec![], vec!["quiet//1", "surge//1", "surge/mild/2", "surge/mild/3"]),
            (vec!["quiet"], vec![], vec!["quiet//1"]),
            (vec!["surge:mild"], vec![], vec!["surge/mild/2", "surge/mild/3"]),
            (vec!["surge"], vec![8, 9], vec!["surge//8", "surge//9", "surge/mild/8", "surge/mild/9"]),
        ] {
            let only: Vec<String> = only.into_iter().map(str::to_owned).collect();
            let expected: Vec<Planned> = expected.into_iter().map(planned).collect();
            assert_eq!(chosen(rows.clone(), &only, &seeds).unwrap(), expected, "{only:?} {seeds:?}");
        }
        for name in ["surge:wild", "serge"] {
            let error = chosen(rows.clone(), &[name.to_owned()], &[]).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
    }

    #[test]
    fn what_is_too_large_or_failed_is_listed() {
        let folder = tempfile::tempdir().unwrap();
        let played = |bytes| Ok(Played { bytes, length_s: 1_800.0, took: None });
        let failed = || Err(Error::Wrong { what: "no server".to_owned() });
        for (limited, results, wanted_h, words) in [
            (true, vec![played(MAX_RECORDING_BYTES)], None, vec![]),
            (
                true,
                vec![played(MAX_RECORDING_BYTES + 1), failed()],
                None,
                vec!["2 failures", "a-1.jsonl.zst has 300001", "a-1.jsonl.zst: no server"],
            ),
            (false, vec![played(MAX_RECORDING_BYTES + 1), played(1)], Some(1.0), vec![]),
            (false, vec![played(1)], Some(1.0), vec!["only 0.50 hours"]),
        ] {
            let mut progress = Progress::new(None, limited, |_line| {});
            results.into_iter().for_each(|result| progress.take(&planned("a//1"), result));
            let error = progress.finish(folder.path(), wanted_h).err().map(|error| error.to_string());
            assert_eq!(error.is_none(), words.is_empty(), "{error:?}");
            let error = error.unwrap_or_default();
            assert!(words.iter().all(|word| error.contains(word)), "{error}");
        }
    }
}
