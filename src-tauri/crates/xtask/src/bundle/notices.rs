//! The licences of everything that is built into the programs and the window: whoever passes on a package passes on
//! their notices.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::demo;
use crate::error::TaskError;
use crate::program::{self, root};

/// The packages whose programs are passed on.
const PROGRAMS: [&str; 2] = ["faultline", "faultctl"];
/// npm packages that are built into the window.
const NPM: [&str; 2] = ["svelte", "@tauri-apps/api"];
/// How the names of files with licences begin, in lower case.
const BEGINNINGS: [&str; 6] = ["licens", "licenc", "copying", "copyright", "notice", "unlicense"];
/// Files of ours whose content is somebody else's: a font that is drawn with.
const OURS: [(&str, &str); 1] = [("Inter (font)", "src-tauri/crates/chart/fonts/LICENSE-Inter.txt")];
/// Name of the file, before it is packed.
const FILE: &str = "THIRD-PARTY-LICENSES";

/// Something built in: `name version (licence)`, and where its files are.
type Part = (String, PathBuf);

/// Writes the licences to a packed file in `folder`; where it is.
pub(super) fn write(folder: &Path) -> Result<PathBuf, TaskError> {
    let mut parts = crates()?;
    for name in NPM {
        parts.push(npm_package(name)?);
    }
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut silent = BTreeSet::new();
    for (name, part) in parts {
        let found = licences(&part)?;
        if found.is_empty() {
            silent.insert(name.clone());
        }
        for text in found {
            texts.entry(text).or_default().insert(name.clone());
        }
    }
    for (name, file) in OURS {
        texts.entry(read(&root().join(file))?).or_default().insert(name.to_owned());
    }
    pack(folder, &page(&texts, &silent))
}

/// Every crate that is compiled into the programs on this system; what only builds them is left out.
fn crates() -> Result<Vec<Part>, TaskError> {
    let metadata = metadata()?;
    let list = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let packages: BTreeMap<String, Value> =
        list(&metadata, "packages").into_iter().map(|one| (text(&one, "id"), one)).collect();
    let nodes: BTreeMap<String, Value> =
        list(&metadata["resolve"], "nodes").into_iter().map(|one| (text(&one, "id"), one)).collect();
    let is_macro = |package: &Value| {
        let mut targets = list(package, "targets").into_iter();
        targets.any(|target| target["kind"][0] == "proc-macro")
    };
    let mut waiting: Vec<String> = packages
        .iter()
        .filter(|(_, package)| PROGRAMS.contains(&text(package, "name").as_str()))
        .map(|(id, _)| id.clone())
        .collect();
    let (mut seen, mut parts) = (BTreeSet::new(), Vec::new());
    while let Some(id) = waiting.pop() {
        let (Some(package), Some(node)) = (packages.get(&id), nodes.get(&id)) else { continue };
        if is_macro(package) || !seen.insert(id) {
            continue;
        }
        let needed = list(node, "deps").into_iter().filter(|dependency| {
            // Those that are not only for building or testing have no kind.
            list(dependency, "dep_kinds").iter().any(|kind| kind["kind"].is_null())
        });
        waiting.extend(needed.map(|dependency| text(&dependency, "pkg")));
        if !package["source"].is_null() {
            let manifest = PathBuf::from(text(package, "manifest_path"));
            let name = format!(
                "{} {} ({})",
                text(package, "name"),
                text(package, "version"),
                text(package, "license")
            );
            parts.push((name, manifest.parent().unwrap_or(&manifest).to_path_buf()));
        }
    }
    Ok(parts)
}

fn metadata() -> Result<Value, TaskError> {
    let host = program::output(Command::new("rustc").arg("-vV")).unwrap_or_default();
    let host = host.lines().find_map(|line| line.strip_prefix("host: "));
    let mut command = program::cargo();
    command.args(["metadata", "--locked", "--format-version", "1", "--features", demo::FEATURES]);
    if let Some(host) = host {
        command.args(["--filter-platform", host]);
    }
    let read = program::output(&mut command).and_then(|text| serde_json::from_str(&text).ok());
    read.ok_or_else(|| TaskError::Failed { command: "cargo metadata".to_owned(), code: None })
}

fn npm_package(name: &str) -> Result<Part, TaskError> {
    let folder = root().join("ui/node_modules").join(name);
    let manifest: Value = serde_json::from_str(&read(&folder.join("package.json"))?).unwrap_or_default();
    let text = |key: &str| manifest[key].as_str().unwrap_or("unknown").to_owned();
    Ok((format!("{name} {} ({})", text("version"), text("license")), folder))
}

/// The texts of the licences in a package's folder.
fn licences(folder: &Path) -> Result<Vec<String>, TaskError> {
    let unreadable = |source| TaskError::Unreadable { path: folder.to_path_buf(), source };
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name().to_string_lossy().to_lowercase();
        if entry.path().is_file() && BEGINNINGS.iter().any(|beginning| name.starts_with(beginning)) {
            texts.push(read(&entry.path())?);
        }
    }
    Ok(texts)
}

/// A text without what differs from file to file of the same licence: line ends and empty ends.
fn read(path: &Path) -> Result<String, TaskError> {
    let bytes =
        fs::read(path).map_err(|source| TaskError::Unreadable { path: path.to_path_buf(), source })?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim_matches('\n').to_owned())
}

fn page(texts: &BTreeMap<String, BTreeSet<String>>, silent: &BTreeSet<String>) -> String {
    let rule = "=".repeat(80);
    let mut page = String::from(
        "Faultline is built with the following works of others, each under its own licence.\n\
         Under MPL-2.0: the source code of each is on https://crates.io under its name and version.\n",
    );
    for (text, names) in texts {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        write!(page, "\n{rule}\n{}\n{rule}\n\n{text}\n", names.join("\n")).ok();
    }
    if !silent.is_empty() {
        let names: Vec<&str> = silent.iter().map(String::as_str).collect();
        write!(page, "\n{rule}\nWithout a text of their own:\n{}\n{rule}\n", names.join("\n")).ok();
    }
    page
}

/// Packs a text as Debian packs documents: the same bytes for the same text.
fn pack(folder: &Path, text: &str) -> Result<PathBuf, TaskError> {
    let file = folder.join(FILE);
    let unwritable = |source| TaskError::Unwritable { path: file.clone(), source };
    fs::create_dir_all(folder).map_err(unwritable)?;
    fs::write(&file, text).map_err(unwritable)?;
    program::run(Command::new("gzip").args(["--best", "--no-name", "--force"]).arg(&file))?;
    Ok(file.with_extension("gz"))
}
