//! What the window costs its user: how long it takes to its first chart, and how much memory it holds. Measured from
//! outside, on real databases, with a window on a private screen; prints figures and judges nothing.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use clap::Args;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::say;
use crate::desktop::Session;
use crate::error::{Error, Result, io};
use crate::postgres::{MONITOR, Pair};
use crate::process::Process;
use crate::shop;
use crate::webdriver::{Driver, Engine};
use crate::workload::Load;

/// Major version of the PostgreSQL pair.
const POSTGRES: u8 = 18;
/// Environment variable with the databases' password.
const PASSWORD: &str = "FAULTLINE_LAB_PASSWORD";
/// How long the window may take to its first chart before the run has failed.
const CHART_DEADLINE: Duration = Duration::from_secs(60);
/// How long the program may take to end.
const END_DEADLINE: Duration = Duration::from_secs(30);
/// How often is looked whether a program has ended.
const ENDED_EVERY: Duration = Duration::from_millis(50);
/// Between two looks at the memory.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Mebibyte, kibibytes.
pub(super) const MIB_KIB: f64 = 1024.0;

/// When the page began and when its first chart was painted, both Unix milliseconds; `null` before that. A chart without
/// anything in it does not count.
const FIRST_CHART: &str = r#"
const mark = performance.getEntriesByName("first-chart")[0];
const drawn = document.querySelector(".drawing svg :is(path, polyline, polygon)");
return mark && drawn ? [performance.timeOrigin, performance.timeOrigin + mark.startTime] : null;
"#;

/// How to measure the launch.
#[derive(Clone, Debug, Args)]
pub struct Launch {
    /// The desktop program
    #[arg(long, value_name = "PATH")]
    pub app: PathBuf,
    /// How often it is started
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=100))]
    pub runs: u8,
    /// How long it watches beforehand, so that there is something to draw, seconds
    #[arg(long, value_name = "S", default_value_t = 60)]
    pub history_s: u64,
    /// Figure to reach, seconds
    #[arg(long, value_name = "S", default_value_t = 1.5)]
    pub reach_s: f64,
}

/// How to measure the memory.
#[derive(Clone, Debug, Args)]
pub struct Memory {
    /// The desktop program
    #[arg(long, value_name = "PATH")]
    pub app: PathBuf,
    /// How long the window is open, minutes
    #[arg(long, value_name = "MIN", default_value_t = 10)]
    pub minutes: u64,
}

/// Databases, their load, and a screen.
struct Stage {
    session: Session,
    arguments: Vec<String>,
    variables: Vec<(&'static str, String)>,
    load: std::sync::Arc<Load>,
    _pair: Pair,
}

impl Stage {
    async fn set_up() -> Result<Self> {
        say(&format!("starting a PostgreSQL {POSTGRES} pair with the shop's healthy load, and a screen"))?;
        let pair = Pair::start(POSTGRES).await?;
        let load = shop::open(&pair).await?;
        let session = Session::start().await?;
        let config = session.folder().write("config.toml", &configuration(&pair))?;
        let data = session.folder().path().join("store");
        let arguments = ["--config".to_owned(), text(&config), "--data".to_owned(), text(&data)];
        let mut variables = session.variables().to_vec();
        variables.push((PASSWORD, pair.primary.password().to_owned()));
        Ok(Self { session, arguments: arguments.to_vec(), variables, load, _pair: pair })
    }

    /// Starts the program as its user does.
    fn start(&self, program: &Path) -> Result<Process> {
        let log = self.session.folder().path().join("app.log");
        let cannot = || format!("write {}", log.display());
        let output = std::fs::File::options().create(true).append(true).open(&log).map_err(io(cannot()))?;
        let again = output.try_clone().map_err(io(cannot()))?;
        let mut command = Command::new(program);
        command.args(&self.arguments).envs(self.variables.iter().cloned()).stdout(output).stderr(again);
        Process::spawn("faultline", &mut command, Signal::SIGTERM)
    }

    /// Waits, and fails if the program ends meanwhile.
    async fn watch(&self, program: &mut Process, duration: Duration) -> Result<()> {
        tokio::time::sleep(duration).await;
        match program.try_wait()? {
            None => Ok(()),
            Some(status) => {
                let log = std::fs::read(self.session.folder().path().join("app.log")).unwrap_or_default();
                let log = String::from_utf8_lossy(&log).into_owned();
                Err(Error::Ended { program: "faultline".to_owned(), status: status.to_string(), log })
            }
        }
    }
}

pub(super) async fn launch(options: &Launch) -> Result<()> {
    let app = absolute(&options.app)?;
    let stage = Stage::set_up().await?;
    say(&format!("watching for {} s, so that there is a history to draw", options.history_s))?;
    let mut watching = stage.start(&app)?;
    stage.watch(&mut watching, Duration::from_secs(options.history_s)).await?;
    end(watching).await?;
    stage.load.stop().await;
    let mut all_s = Vec::new();
    for number in 1..=options.runs {
        let run = one_launch(&stage, &app).await?;
        say(&format!(
            "run {number}: {:.2} s to the first painted chart ({:.2} s of it until the page began)",
            run.chart_s, run.page_s
        ))?;
        all_s.push(run.chart_s);
    }
    all_s.sort_by(f64::total_cmp);
    let middle_s = median(&all_s);
    let (least_s, most_s) = (all_s.first().copied().unwrap_or(0.0), all_s.last().copied().unwrap_or(0.0));
    say(&format!(
        "launch to first painted chart: median {middle_s:.2} s of {} runs ({least_s:.2} to {most_s:.2} s); to reach: {:.2} s",
        options.runs, options.reach_s
    ))
}

/// Seconds since the program was started.
struct Run {
    page_s: f64,
    chart_s: f64,
}

/// Starts the program by the driver, which reads the page's own clock afterwards and so costs the measured time little.
async fn one_launch(stage: &Stage, app: &Path) -> Result<Run> {
    let folder = stage.session.folder();
    let stamp = folder.path().join("started");
    let starter = folder.write("start", &starter(&stamp, app))?;
    std::fs::set_permissions(&starter, std::fs::Permissions::from_mode(0o700))
        .map_err(io(format!("make {} a program", starter.display())))?;
    let engine = Engine::Program { binary: starter, arguments: stage.arguments.clone() };
    let driver = Driver::start(engine, &stage.variables, &folder.path().join("driver.log")).await?;
    let page = driver.open().await?;
    let look = async || {
        let times = page.script(FIRST_CHART, Vec::new()).await?;
        Ok(times[0].as_f64().zip(times[1].as_f64()))
    };
    let (page_ms, chart_ms) = page.until("the first painted chart", CHART_DEADLINE, look).await?;
    let started = Started::read(&stamp)?;
    page.close().await?;
    drop(driver);
    started.end().await?;
    Ok(Run { page_s: page_ms / 1e3 - started.at_s, chart_s: chart_ms / 1e3 - started.at_s })
}

/// Writes down time and process, and becomes the program.
fn starter(stamp: &Path, app: &Path) -> String {
    format!(
        "#!/bin/sh\necho \"$(date +%s.%N) $$\" > '{}'\nexec '{}' \"$@\"\n",
        stamp.display(),
        app.display()
    )
}

/// A program that the driver started.
struct Started {
    /// When, Unix seconds.
    at_s: f64,
    pid: Pid,
}

impl Started {
    /// What the starter wrote down.
    fn read(stamp: &Path) -> Result<Self> {
        let written = std::fs::read_to_string(stamp).map_err(io(format!("read {}", stamp.display())))?;
        let parsed = written.trim().split_once(' ').and_then(|(time, pid)| {
            Some(Self { at_s: time.parse().ok()?, pid: Pid::from_raw(pid.parse().ok()?) })
        });
        parsed.ok_or_else(|| Error::Wrong { what: format!("{} holds {written:?}", stamp.display()) })
    }

    /// Asks it to end and waits until it has: of a second one, the first would only be told.
    async fn end(&self) -> Result<()> {
        let asked = Instant::now();
        // It may have ended with the driver.
        let _ended = kill(self.pid, Signal::SIGTERM);
        while kill(self.pid, None).is_ok() {
            if asked.elapsed() > END_DEADLINE {
                let what = "the end of the program".to_owned();
                return Err(Error::Deadline { what, deadline: END_DEADLINE, log: String::new() });
            }
            tokio::time::sleep(ENDED_EVERY).await;
        }
        Ok(())
    }
}

pub(super) fn median(sorted: &[f64]) -> f64 {
    let (upper, lower) = (sorted.len() / 2, sorted.len().saturating_sub(1) / 2);
    let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
    f64::midpoint(at(lower), at(upper))
}

pub(super) async fn memory(options: &Memory) -> Result<()> {
    let app = absolute(&options.app)?;
    let stage = Stage::set_up().await?;
    let mut program = stage.start(&app)?;
    say(&format!("the window is open; looking every minute for {} minutes", options.minutes))?;
    for minute in 1..=options.minutes {
        stage.watch(&mut program, LOOK_EVERY).await?;
        say(&format!("after {minute} min"))?;
        for held in all_held(program.pid())? {
            say(&format!(
                "  {:<20} {:>7.1} MiB resident, {:>7.1} MiB with its share of what is shared",
                held.name,
                held.resident_kib / MIB_KIB,
                held.share_kib / MIB_KIB
            ))?;
        }
    }
    end(program).await
}

/// What a process holds.
pub(super) struct Held {
    name: String,
    /// RSS.
    pub(super) resident_kib: f64,
    /// PSS: pages that several processes share count in parts.
    pub(super) share_kib: f64,
}

/// What a process and all that it started hold; the process first.
fn all_held(pid: u32) -> Result<Vec<Held>> {
    let mut all = Vec::new();
    for one in family(pid)? {
        // It may have ended since it was listed.
        if let Some(held) = held(one) {
            all.push(held);
        }
    }
    Ok(all)
}

pub(super) fn held(pid: u32) -> Option<Held> {
    let folder = PathBuf::from(format!("/proc/{pid}"));
    let program = std::fs::read_link(folder.join("exe")).ok()?;
    let name = program.file_name()?.to_string_lossy().into_owned();
    let rollup = std::fs::read_to_string(folder.join("smaps_rollup")).ok()?;
    let kib = |key: &str| {
        let line = rollup.lines().find_map(|line| line.strip_prefix(key))?;
        line.trim().trim_end_matches(" kB").parse::<f64>().ok()
    };
    Some(Held { name, resident_kib: kib("Rss:")?, share_kib: kib("Pss:")? })
}

/// A process and its descendants.
pub(super) fn family(pid: u32) -> Result<Vec<u32>> {
    let mut parents = Vec::new();
    for entry in std::fs::read_dir("/proc").map_err(io("list the processes"))? {
        let entry = entry.map_err(io("list the processes"))?;
        let Ok(one) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // The name is in brackets and may hold anything; state and parent follow.
        let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
        parents.extend(parent.map(|parent: u32| (one, parent)));
    }
    let mut family = vec![pid];
    let mut next = 0;
    while let Some(&parent) = family.get(next) {
        family.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(one, _)| *one));
        next += 1;
    }
    Ok(family)
}

async fn end(mut program: Process) -> Result<()> {
    let ending = tokio::task::spawn_blocking(move || {
        program.signal(Signal::SIGTERM);
        program.wait(END_DEADLINE)
    });
    let ended = ending.await.map_err(|error| io("end the program")(std::io::Error::other(error)))??;
    match ended {
        Some(status) if status.success() => Ok(()),
        other => {
            let status = other.map_or_else(|| "nothing, in time".to_owned(), |status| status.to_string());
            Err(Error::Ended { program: "faultline".to_owned(), status, log: String::new() })
        }
    }
}

fn configuration(pair: &Pair) -> String {
    let node = |name: &str, url: String| {
        format!(
            "[[cluster.node]]\nname = \"{name}\"\nengine = \"postgres\"\nurl = \"{url}\"\npassword = \"env:{PASSWORD}\"\n"
        )
    };
    let primary = node("primary", pair.primary.address(MONITOR));
    let replica = node("replica-1", pair.standby.address(MONITOR));
    format!("[[cluster]]\nname = \"shop\"\nenvironment = \"production\"\n\n{primary}\n{replica}")
}

fn absolute(path: &Path) -> Result<PathBuf> {
    path.canonicalize().map_err(io(format!("find {}", path.display())))
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        let check = |sorted: &[f64], expected: f64| assert_eq!(median(sorted), expected, "{sorted:?}");
        check(&[1.0], 1.0);
        check(&[1.0, 2.0], 1.5);
        check(&[1.0, 2.0, 9.0], 2.0);
        check(&[1.0, 2.0, 3.0, 9.0], 2.5);
    }

    #[test]
    fn a_process_is_of_its_own_family_and_holds_something() {
        let held = all_held(std::process::id()).unwrap();
        assert!(held[0].resident_kib >= held[0].share_kib && held[0].share_kib > 0.0, "{}", held[0].name);
    }
}
