//! Reads a workload: one that comes with the lab, or a folder of the user's own. Whether it makes sense is in
//! `check.rs`.

use std::path::{Path, PathBuf};

use super::check::{self, Problem};
use super::{Service, Step, Workload};
use crate::error::{Error, Result, io};
use crate::spans;

/// The file in a workload's folder that names the others.
const FILE: &str = "workload.toml";

/// The workloads that come with the lab: name, and the files with their texts.
const EMBEDDED: &[(&str, &[(&str, &str)])] = &[(
    "shop",
    &[
        (FILE, include_str!("../../workloads/shop/workload.toml")),
        ("schema.sql", include_str!("../../workloads/shop/schema.sql")),
        ("checkout.toml", include_str!("../../workloads/shop/checkout.toml")),
        ("search.toml", include_str!("../../workloads/shop/search.toml")),
        ("account.toml", include_str!("../../workloads/shop/account.toml")),
        ("fulfilment.toml", include_str!("../../workloads/shop/fulfilment.toml")),
    ],
)];

impl Workload {
    /// One that comes with the lab.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn named(name: &str) -> Result<Self> {
        let Some((name, files)) = EMBEDDED.iter().find(|(embedded, _)| *embedded == name) else {
            let names: Vec<&str> = EMBEDDED.iter().map(|(name, _)| *name).collect();
            let what = format!("there is no workload {name:?} in the lab; there is {}", names.join(", "));
            return Err(Error::Wrong { what });
        };
        read(&Path::new("workloads").join(name), |path| {
            let file = files.iter().find(|(file, _)| path.file_name().is_some_and(|name| name == *file));
            let missing = || io(format!("read {}", path.display()))(std::io::ErrorKind::NotFound.into());
            file.map(|(_, text)| (*text).to_owned()).ok_or_else(missing)
        })
    }

    /// A folder with a `workload.toml`.
    ///
    /// # Errors
    /// When a file cannot be read, or says something that makes no sense.
    pub fn from_folder(folder: &Path) -> Result<Self> {
        read(folder, |path| std::fs::read_to_string(path).map_err(io(format!("read {}", path.display()))))
    }
}

/// A text, and where it is from.
struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    fn wrong(&self, problem: &Problem) -> Error {
        let offset = spans::offset_of(&self.text, &problem.place);
        spans::wrong(&self.path, &self.text, offset, problem.message.as_str())
    }
}

fn read(folder: &Path, text_of: impl Fn(&Path) -> Result<String>) -> Result<Workload> {
    let open = |name: &str| {
        let path = folder.join(name);
        text_of(&path).map(|text| Source { path, text })
    };
    let main = open(FILE)?;
    let mut workload: Workload = spans::read(&main.path, &main.text)?;
    let mut known = check::head(&workload).map_err(|problem| main.wrong(&problem))?;
    for (number, service) in workload.services.iter_mut().enumerate() {
        let at = ["services".to_owned(), number.to_string()];
        complete(service);
        known.service(service, &at).map_err(|problem| main.wrong(&problem))?;
    }
    for (number, name) in workload.service_files.iter().enumerate() {
        check::plain_name(name, &["service_files".to_owned(), number.to_string()])
            .map_err(|problem| main.wrong(&problem))?;
        let file = open(name)?;
        let mut service: Service = spans::read(&file.path, &file.text)?;
        complete(&mut service);
        known.service(&service, &[]).map_err(|problem| file.wrong(&problem))?;
        workload.services.push(service);
    }
    check::whole(&workload).map_err(|problem| main.wrong(&problem))?;
    workload.schema_sql = {
        let schema = open(&workload.schema)?;
        check::schema(&schema.text, &workload.sizes)
            .map_err(|(offset, message)| spans::wrong(&schema.path, &schema.text, offset, message))?;
        schema.text
    };
    Ok(workload)
}

/// Gives the service's steps their names, and its routes the steps that they name. A name that is none stays for the
/// check to find.
fn complete(service: &mut Service) {
    for (name, step) in &mut service.steps {
        step.name.get_or_insert_with(|| name.clone());
    }
    for step in service.routes.iter_mut().flat_map(|route| &mut route.steps) {
        if let Some(found) = lookup(step, &service.steps) {
            *step = found;
        }
    }
}

/// The step that a name stands for.
pub(super) fn lookup(step: &Step, steps: &std::collections::BTreeMap<String, Step>) -> Option<Step> {
    step.name.as_deref().filter(|_| step.is_name()).and_then(|name| steps.get(name)).cloned()
}
