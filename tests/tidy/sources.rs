//! What a source file looks like: it opens with a sentence on what is in it, it is short, and nothing in it was left
//! for later.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{assert_none, root};

/// Longest file, lines.
const MAX_LINES: usize = 500;
/// Files that may be longer, each with a reason. Keep it empty.
const MAY_BE_LONGER: &[&str] = &[];
/// Where our sources are.
const FOLDERS: &[&str] = &["src-tauri", "tests"];
/// Folders in there that are not ours.
const NOT_OURS: &[&str] = &["target", "node_modules", "gen"];
/// What nobody leaves behind. Taken apart, so that this file passes its own test.
const FORGOTTEN: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("to", "do!("),
    concat!("unimplemented", "!("),
    concat!("db", "g!("),
];

/// Every Rust file of ours with its text.
pub(crate) fn files() -> Vec<(PathBuf, String)> {
    let mut out = Vec::new();
    for folder in FOLDERS {
        collect(&root().join(folder), &mut out);
    }
    assert!(out.len() > 50, "the sources were not found");
    out
}

fn collect(folder: &Path, out: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            if !NOT_OURS.iter().any(|name| path.ends_with(name)) {
                collect(&path, out);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            out.push((path, text));
        }
    }
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

#[test]
fn files_open_with_what_is_in_them() {
    let opens = |text: &str| {
        text.lines()
            .find(|line| !line.trim().is_empty() && !line.starts_with("#!"))
            .is_some_and(|line| line.starts_with("//!"))
    };
    let findings: Vec<String> = files()
        .iter()
        .filter(|(_, text)| !opens(text))
        .map(|(path, _)| format!("{} does not open with `//!` and a sentence on what is in it", shown(path)))
        .collect();
    assert_none("module documentation", &findings);
}

#[test]
fn no_file_is_a_placeholder() {
    let findings: Vec<String> = files()
        .iter()
        .filter(|(_, text)| text.starts_with(concat!("//! ", "Placeholder")))
        .map(|(path, _)| format!("{} is a placeholder", shown(path)))
        .collect();
    assert_none("placeholders", &findings);
}

#[test]
fn files_are_short() {
    let findings: Vec<String> = files()
        .iter()
        .filter(|(path, text)| {
            text.lines().count() > MAX_LINES && !MAY_BE_LONGER.contains(&shown(path).as_str())
        })
        .map(|(path, text)| {
            format!("{} has {} lines, {MAX_LINES} are enough", shown(path), text.lines().count())
        })
        .collect();
    assert_none("long files", &findings);
}

#[test]
fn nothing_was_left_for_later() {
    let is_test = |path: &Path| path.components().any(|part| part.as_os_str() == "tests");
    let mut findings = Vec::new();
    for (path, text) in files().iter().filter(|(path, _)| !is_test(path)) {
        for (index, line) in text.lines().enumerate() {
            findings.extend(
                FORGOTTEN
                    .iter()
                    .filter(|word| line.contains(**word))
                    .map(|word| format!("{}:{}: {word}", shown(path), index + 1)),
            );
        }
    }
    assert_none("left for later", &findings);
}
