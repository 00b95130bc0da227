//! The benchmarks: each prints its figure beside the figure to reach.

use std::path::Path;
use std::process::Command;

use clap::Args;

use crate::bundle::Build;
use crate::error::TaskError;
use crate::program::{self, cargo, root};
use crate::steps::say;
use crate::{demo, setup};

/// What the lab measures on the real window: from the start to the first chart, five times; and what it holds after ten
/// minutes.
const WINDOW: [&str; 2] = ["launch", "memory"];
/// What the lab measures on its own servers, without a window: whether the healthy shop is healthy.
const SERVERS: [&str; 1] = ["healthy"];
/// What the lab measures of the command line program: what watching many nodes costs it, and what it costs a database.
const WATCHERS: [&str; 2] = ["footprint", "sources"];

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only those whose name contains this
    filter: Option<String>,
    /// Only list them
    #[arg(long)]
    list: bool,
    /// Install what is missing without asking (for those with a window)
    #[arg(long)]
    yes: bool,
}

/// A benchmark.
enum Bench {
    /// One of a crate.
    Crate { package: String, target: String },
    /// One of the real window, by the lab.
    Window(&'static str),
    /// One of the lab's servers, by the lab.
    Servers(&'static str),
    /// One of the command line program, by the lab.
    Watcher(&'static str),
}

impl Bench {
    fn name(&self) -> String {
        match self {
            Self::Crate { package, target } => format!("{package} {target}"),
            Self::Window(what) => format!("window {what}"),
            Self::Servers(what) => format!("lab {what}"),
            Self::Watcher(what) => format!("watch {what}"),
        }
    }

    fn run(&self) -> Result<(), TaskError> {
        match self {
            Self::Crate { package, target } => {
                program::run(cargo().args(["bench", "--locked", "-p", package, "--bench", target]))
            }
            Self::Window(what) => {
                let programs = program::target_folder()?.join(Build::Release.folder());
                let mut lab = Command::new(programs.join("faultline-lab"));
                lab.current_dir(root()).args(["bench", what, "--app"]).arg(programs.join("faultline"));
                program::run(&mut lab)
            }
            Self::Servers(what) => {
                setup::servers()?;
                let build = ["build", "--locked", "--release", "-p", "faultline-lab"];
                program::run(cargo().args(build))?;
                let programs = program::target_folder()?.join(Build::Release.folder());
                program::run(Command::new(programs.join("faultline-lab")).args(["bench", what]))
            }
            Self::Watcher(what) => {
                setup::servers()?;
                let build = ["build", "--locked", "--release", "-p", "faultline-lab", "-p", "faultctl"];
                program::run(cargo().args(build))?;
                let programs = program::target_folder()?.join(Build::Release.folder());
                let mut lab = Command::new(programs.join("faultline-lab"));
                lab.args(["bench", what, "--faultctl"]).arg(programs.join("faultctl"));
                program::run(&mut lab)
            }
        }
    }
}

/// Runs the benchmarks one after the other, or lists them.
pub(crate) fn run(options: &Options) -> Result<(), TaskError> {
    let wanted =
        |bench: &Bench| options.filter.as_ref().is_none_or(|filter| bench.name().contains(filter.as_str()));
    let benches: Vec<_> = all()?.into_iter().filter(wanted).collect();
    if !options.list && benches.iter().any(|bench| matches!(bench, Bench::Window(_))) {
        setup::run(options.yes)?;
        demo::build_window()?;
        Build::Release.programs()?;
    }
    for bench in benches {
        say(&format!("── {}", bench.name()));
        if !options.list {
            bench.run()?;
        }
    }
    Ok(())
}

/// Every `benches/<target>.rs` of every crate, and those of the lab.
fn all() -> Result<Vec<Bench>, TaskError> {
    let mut of_crates = Vec::new();
    for one in entries(&root().join("src-tauri/crates"))? {
        let benches = one.path().join("benches");
        if !benches.is_dir() {
            continue;
        }
        let folder = one.file_name().to_string_lossy().into_owned();
        let package = if folder == "faultctl" { folder } else { format!("faultline-{folder}") };
        for file in entries(&benches)? {
            if let Some(target) = file.file_name().to_string_lossy().strip_suffix(".rs") {
                of_crates.push((package.clone(), target.to_owned()));
            }
        }
    }
    of_crates.sort();
    let of_crates = of_crates.into_iter().map(|(package, target)| Bench::Crate { package, target });
    let of_lab = WINDOW.map(Bench::Window).into_iter().chain(SERVERS.map(Bench::Servers));
    let of_lab = of_lab.chain(WATCHERS.map(Bench::Watcher));
    Ok(of_crates.chain(of_lab).collect())
}

fn entries(folder: &Path) -> Result<Vec<std::fs::DirEntry>, TaskError> {
    let unreadable = |source| TaskError::Unreadable { path: folder.to_path_buf(), source };
    std::fs::read_dir(folder).and_then(Iterator::collect).map_err(unreadable)
}
