//! All scenarios: those that come with the lab, and those of a folder of the user's own. Each is one file; adding one
//! is nothing else.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::values::list;
use super::{Scenario, check};
use crate::error::{Error, Result, io};
use crate::spans;
use crate::workload::Workload;

/// Where the lab's own scenarios are: one file each, read when they are wanted.
const SCENARIOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios");
/// Where the lab's own workloads are: one folder each.
const WORKLOADS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/workloads");
/// The file in a workload's folder.
const WORKLOAD_FILE: &str = "workload.toml";

/// All scenarios by their names, checked.
#[derive(Clone, Debug)]
pub struct Catalogue {
    scenarios: BTreeMap<String, Scenario>,
}

impl Catalogue {
    /// The lab's own, and those of a folder, which win over the lab's own of the same name.
    ///
    /// # Errors
    /// When a file cannot be read or makes no sense.
    pub fn open(own: Option<&Path>) -> Result<Self> {
        let builtin = Self::builtin()?;
        match own {
            Some(folder) => builtin.with_folder(folder),
            None => Ok(builtin),
        }
    }

    /// The lab's own.
    ///
    /// # Errors
    /// When a file cannot be read or makes no sense.
    pub fn builtin() -> Result<Self> {
        Self { scenarios: BTreeMap::new() }.with_folder(Path::new(SCENARIOS))
    }

    /// With the scenarios of a folder as well: every `.toml` in it. They win over others of the same name. A workload of
    /// theirs is a folder in that folder.
    ///
    /// # Errors
    /// When a file cannot be read or makes no sense, or there is none.
    pub fn with_folder(mut self, folder: &Path) -> Result<Self> {
        let paths = files(folder)?;
        if paths.is_empty() {
            return Err(Error::Wrong {
                what: format!("there is no scenario in {}: a scenario is a .toml file", folder.display()),
            });
        }
        for path in paths {
            let scenario = Scenario::read(&path)?;
            let workload = scenario.workload()?;
            check::check(&scenario, &workload)?;
            for name in scenario.variants.keys() {
                check::check(&scenario.variant(name)?, &workload)?;
            }
            self.scenarios.insert(scenario.name.clone(), scenario);
        }
        Ok(self)
    }

    /// One of them, as it is or with another intensity.
    ///
    /// # Errors
    /// When there is no such scenario, or it has no such variant.
    pub fn scenario(&self, name: &str, variant: Option<&str>) -> Result<Scenario> {
        let Some(scenario) = self.scenarios.get(name) else {
            let what = format!("there is no scenario {name:?}; there is {}", list(self.scenarios.keys()));
            return Err(Error::Wrong { what });
        };
        variant.map_or_else(|| Ok(scenario.clone()), |variant| scenario.variant(variant))
    }

    /// All of them by name, as they are without a variant.
    pub fn scenarios(&self) -> impl Iterator<Item = &Scenario> {
        self.scenarios.values()
    }
}

impl Scenario {
    /// Its workload: a folder beside the file, or one that comes with the lab.
    ///
    /// # Errors
    /// When there is none of that name, or it makes no sense.
    pub fn workload(&self) -> Result<Arc<Workload>> {
        let beside = self.path.with_file_name(&self.workload);
        let builtin = Path::new(WORKLOADS).join(&self.workload);
        let is_workload = |folder: &PathBuf| folder.join(WORKLOAD_FILE).is_file();
        let Some(folder) = [beside, builtin].into_iter().find(is_workload) else {
            let message = format!(
                "there is no workload {:?}: neither a folder beside this file, nor one that comes with the lab",
                self.workload
            );
            let offset = super::values::at(&self.text, &["workload"]);
            return Err(spans::wrong(&self.path, &self.text, offset, message));
        };
        Workload::from_folder(&folder).map(Arc::new)
    }
}

/// The scenarios' files in a folder, in the order of their names.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let cannot = || io(format!("look for scenarios in {}", folder.display()));
    let entries = std::fs::read_dir(folder).map_err(cannot())?;
    let paths: Result<Vec<PathBuf>, _> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut paths = paths.map_err(cannot())?;
    paths.retain(|path| path.extension() == Some(OsStr::new("toml")) && path.is_file());
    paths.sort();
    Ok(paths)
}
