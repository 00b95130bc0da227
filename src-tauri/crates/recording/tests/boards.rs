//! Every recording of the shared boards can be read. They are found by `FAULTLINE_BOARDS`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::path::{Path, PathBuf};

fn recordings(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            recordings(&path, found);
        } else if name.ends_with(".jsonl") || name.ends_with(".jsonl.zst") {
            found.push(path);
        }
    }
}

#[test]
fn every_board_reads_to_its_end() {
    let Some(folder) = std::env::var_os("FAULTLINE_BOARDS") else {
        println!("skipped: FAULTLINE_BOARDS does not name a folder with boards");
        return;
    };
    let mut found = Vec::new();
    recordings(Path::new(&folder), &mut found);
    assert!(!found.is_empty(), "no recordings in {folder:?}");
    let mut observations = 0;
    for path in &found {
        let reader =
            faultline_recording::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for observation in reader {
            observation.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            observations += 1;
        }
    }
    println!("{} recordings, {observations} observations", found.len());
}
