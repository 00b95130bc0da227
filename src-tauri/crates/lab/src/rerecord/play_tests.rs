//! Plays with a small program in place of the lab's own.

use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::*;

const RECORDING: &str = r#"{"faultline_recording":1,"cluster":"shop","interval_s":5,"engine":"postgres"}
{"t":10,"node":"a","sessions":[]}
{"t":25,"node":"a","sessions":[]}
"#;

/// A folder with a program that writes its arguments, and whatever the script adds.
fn stage(script: &str) -> (TempDir, Stage) {
    let folder = tempfile::tempdir().unwrap();
    let (lab, sample) = (folder.path().join("lab"), folder.path().join("sample"));
    fs::write(&sample, RECORDING).unwrap();
    let words = r#"for word; do case $last in --record) record=$word;; --truth) truth=$word;; esac; last=$word; done"#;
    fs::write(&lab, format!("#!/bin/sh\n{words}\nsample={}\n{script}\n", sample.display())).unwrap();
    fs::set_permissions(&lab, fs::Permissions::from_mode(0o700)).unwrap();
    let into = folder.path().join("recordings");
    let faultctl = "/opt/faultctl".into();
    (folder, Stage { lab, faultctl, scenarios: Some("/own".into()), into, missing: false })
}

fn planned() -> Planned {
    Planned { scenario: "n-plus-one".to_owned(), variant: Some("mild".to_owned()), seed: 7 }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|one| one.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn both_files_get_their_names() {
    let (_folder, stage) = stage(r#"cp "$sample" "$record"; echo "$@" > "$truth""#);
    let played = stage.play(&planned(), Duration::from_secs(1), &Stop::default()).unwrap();
    assert_eq!((played.bytes, played.length_s), (RECORDING.len() as u64, 15.0));
    assert_eq!(names(&stage.into), ["n-plus-one-mild-7.jsonl.zst", "truth"]);
    let said = fs::read_to_string(stage.into.join("truth/n-plus-one-mild-7.json")).unwrap();
    let begin = "run n-plus-one --seed 7 --variant mild --scenarios /own --faultctl /opt/faultctl --record ";
    assert!(said.starts_with(begin), "{said}");

    let missing = Stage { missing: true, lab: "/nowhere".into(), ..stage };
    let there = missing.play(&planned(), Duration::from_secs(1), &Stop::default()).unwrap();
    assert_eq!((there.length_s, there.took), (15.0, None));
}

#[test]
fn what_fails_leaves_nothing_behind() {
    for (script, word) in [
        (
            r#"cp "$sample" "$record"; echo no server >&2; exit 3"#,
            "exit status: 3; its last words:\nno server",
        ),
        (r#"echo noise > "$record"; touch "$truth""#, "header"),
        (r#"cp "$sample" "$record""#, "n-plus-one-mild-7.json"),
    ] {
        let (_folder, stage) = stage(script);
        let error = stage.play(&planned(), Duration::from_secs(1), &Stop::default()).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
        assert!(!names(&stage.into).iter().any(|name| name.starts_with('.')), "{:?}", names(&stage.into));
        assert_eq!(names(&stage.into.join("truth")), Vec::<String>::new());
    }
}

#[test]
fn what_a_pinned_thread_starts_is_pinned() {
    let cores = cores().unwrap();
    let last = *cores.last().unwrap();
    let seen = std::thread::spawn(move || {
        pin(last).unwrap();
        Command::new("sh").args(["-c", "grep Cpus_allowed_list /proc/self/status"]).output().unwrap().stdout
    });
    let seen = String::from_utf8(seen.join().unwrap()).unwrap();
    assert_eq!(seen.split_whitespace().last(), Some(last.to_string().as_str()), "{seen}");
}
