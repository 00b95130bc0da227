//! Which recordings are scored, and where the truth of each is.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result, io};

/// Endings of recordings.
const ENDINGS: [&str; 2] = [".jsonl.zst", ".jsonl"];
/// Folder beside recordings that holds their truths apart.
pub const TRUTH_FOLDER: &str = "truth";

/// The committed recordings.
pub fn committed() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(3).unwrap_or(here).join("tests/recordings")
}

/// A recording and its truth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The recording.
    pub recording: PathBuf,
    /// The truth.
    pub truth: PathBuf,
}

/// The recordings among files and folders (all that are directly in one), each with its truth: `NAME.json` beside
/// `NAME.jsonl.zst` or in `truth/`.
///
/// # Errors
/// When there is none, one is no recording by its name, or one has no truth.
pub fn find(places: &[PathBuf]) -> Result<Vec<Pair>> {
    let mut recordings = Vec::new();
    for place in places {
        if place.is_dir() {
            recordings.extend(recordings_in(place)?);
        } else {
            recordings.push(place.clone());
        }
    }
    if recordings.is_empty() {
        let places = places.iter().map(|place| place.display().to_string()).collect::<Vec<_>>().join(", ");
        let what = format!("there are no recordings in {places}; `cargo xtask lab rerecord` makes them");
        return Err(Error::Wrong { what });
    }
    recordings.into_iter().map(with_truth).collect()
}

/// The recordings that are directly in a folder, by name.
///
/// # Errors
/// When the folder cannot be read.
pub fn recordings_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let cannot = || format!("read the folder {}", folder.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(io(cannot()))? {
        let path = entry.map_err(io(cannot()))?.path();
        if stem(&path).is_some() && path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// A recording's name without its ending; none for what is no recording.
pub fn stem(path: &Path) -> Option<&str> {
    let name = path.file_name()?.to_str()?;
    ENDINGS.iter().find_map(|ending| name.strip_suffix(ending)).filter(|stem| !stem.starts_with('.'))
}

fn with_truth(recording: PathBuf) -> Result<Pair> {
    let stem = stem(&recording).ok_or_else(|| Error::Wrong {
        what: format!(
            "{} is no recording: its name does not end in {}",
            recording.display(),
            ENDINGS.join(" or ")
        ),
    })?;
    let name = format!("{stem}.json");
    let places = [recording.with_file_name(&name), recording.with_file_name(TRUTH_FOLDER).join(&name)];
    let truth = places.iter().find(|place| place.is_file()).cloned().ok_or_else(|| Error::Wrong {
        what: format!(
            "{} has no truth: neither {} nor {} is there",
            recording.display(),
            places[0].display(),
            places[1].display()
        ),
    })?;
    Ok(Pair { recording, truth })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_truth_is_beside_or_apart() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at(TRUTH_FOLDER)).unwrap();
        for name in ["b.jsonl.zst", "a.jsonl", "a.json", "truth/b.json", ".c.jsonl", "manifest.toml"] {
            fs::write(at(name), "").unwrap();
        }
        let pair = |recording: &str, truth: &str| Pair { recording: at(recording), truth: at(truth) };
        let both = [pair("a.jsonl", "a.json"), pair("b.jsonl.zst", "truth/b.json")];
        assert_eq!(find(&[folder.path().to_owned()]).unwrap(), both);
        assert_eq!(find(&[at("b.jsonl.zst"), at("a.jsonl")]).unwrap(), [both[1].clone(), both[0].clone()]);

        fs::write(at("d.jsonl.zst"), "").unwrap();
        for (place, word) in [
            (folder.path().to_owned(), "d.jsonl.zst has no truth"),
            (at(TRUTH_FOLDER), "no recordings in"),
            (at("manifest.toml"), "manifest.toml is no recording"),
        ] {
            let error = find(&[place]).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
