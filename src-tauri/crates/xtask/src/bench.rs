//! The benchmarks: each prints its figure beside the figure to reach.

use clap::Args;

use crate::error::TaskError;
use crate::program::{self, cargo, root};
use crate::steps::say;

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only those whose name contains this
    filter: Option<String>,
    /// Only list them
    #[arg(long)]
    list: bool,
}

/// A benchmark: `<package>` and `<target>`.
type Bench = (String, String);

/// Runs the benchmarks one after the other, or lists them.
pub(crate) fn run(options: &Options) -> Result<(), TaskError> {
    let wanted = |bench: &Bench| {
        let name = format!("{} {}", bench.0, bench.1);
        options.filter.as_ref().is_none_or(|filter| name.contains(filter.as_str()))
    };
    for (package, target) in all()?.into_iter().filter(wanted) {
        say(&format!("── {package} {target}"));
        if !options.list {
            program::run(cargo().args(["bench", "--locked", "-p", &package, "--bench", &target]))?;
        }
    }
    Ok(())
}

/// Every `benches/<target>.rs` of every crate.
fn all() -> Result<Vec<Bench>, TaskError> {
    let crates = root().join("src-tauri/crates");
    let read = |path: &std::path::Path| {
        std::fs::read_dir(path).map_err(|source| TaskError::Unreadable { path: path.to_path_buf(), source })
    };
    let mut out = Vec::new();
    for one in read(&crates)?.flatten() {
        let benches = one.path().join("benches");
        if !benches.is_dir() {
            continue;
        }
        let folder = one.file_name().to_string_lossy().into_owned();
        let package = if folder == "faultctl" { folder } else { format!("faultline-{folder}") };
        for file in read(&benches)?.flatten() {
            if let Some(target) = file.file_name().to_string_lossy().strip_suffix(".rs") {
                out.push((package.clone(), target.to_owned()));
            }
        }
    }
    out.sort();
    Ok(out)
}
