//! Which recordings there are to be: a file with one row each.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;

use crate::error::{Error, Result, io};
use crate::spans;

/// Name of the manifest in the folder of the recordings.
pub const MANIFEST: &str = "manifest.toml";

/// All rows.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// In the order of the file.
    #[serde(default, rename = "recording")]
    pub recordings: Vec<Planned>,
}

/// A recording that is to be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Planned {
    /// Which scenario.
    pub scenario: String,
    /// Which variant; none for the scenario as it is.
    pub variant: Option<String>,
    /// Of the random numbers.
    pub seed: u64,
}

impl Manifest {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, or is no manifest, or two rows are one recording.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(io(format!("read {}", path.display())))?;
        let manifest: Self = spans::read(path, &text)?;
        let mut stems = BTreeSet::new();
        for planned in &manifest.recordings {
            let stem = planned.stem();
            let wrong = |what| Error::Wrong { what: format!("{}: {stem} {what}", path.display()) };
            if !stem.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) {
                return Err(wrong("is no name for a file: letters, digits, - and _ are"));
            }
            if !stems.insert(stem.clone()) {
                return Err(wrong("is there twice"));
            }
        }
        Ok(manifest)
    }
}

impl Planned {
    /// Name of its files without the ending: `SCENARIO[-VARIANT]-SEED`.
    pub fn stem(&self) -> String {
        match &self.variant {
            Some(variant) => format!("{}-{variant}-{}", self.scenario, self.seed),
            None => format!("{}-{}", self.scenario, self.seed),
        }
    }

    /// File name of the recording.
    pub fn recording_name(&self) -> String {
        format!("{}.jsonl.zst", self.stem())
    }

    /// File name of the truth.
    pub fn truth_name(&self) -> String {
        format!("{}.json", self.stem())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Manifest> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(MANIFEST);
        std::fs::write(&path, text).unwrap();
        Manifest::read(&path)
    }

    #[test]
    fn rows_have_names() {
        let manifest = read(
            r#"
            [[recording]]
            scenario = "n-plus-one"
            seed = 7
            variant = "mild"

            [[recording]]
            scenario = "quiet"
            seed = 1
            "#,
        );
        let names: Vec<_> = manifest.unwrap().recordings.iter().map(Planned::recording_name).collect();
        assert_eq!(names, ["n-plus-one-mild-7.jsonl.zst", "quiet-1.jsonl.zst"]);
        assert_eq!(read("").unwrap().recordings, []);
    }

    #[test]
    fn what_is_no_manifest_is_told() {
        let row = "[[recording]]\nscenario = \"quiet\"\nseed = 1\n";
        for (text, word) in [
            (format!("{row}{row}"), "quiet-1 is there twice"),
            (row.replace("quiet", "../quiet"), "../quiet-1 is no name for a file"),
            (row.replace("seed", "sead"), "manifest.toml:3: unknown field `sead`"),
            (row.replace('1', "-1"), "manifest.toml:3:"),
        ] {
            let error = read(&text).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
