//! A scenario of the user's own, on a workload of the user's own, in a folder: played on a real pair, and replayed.

use std::path::Path;
use std::process::{Command, Output};

use faultline_lab::score::files::Pair;
use faultline_lab::score::score;
use faultline_lab::truth::Truth;
use faultline_model::Cause;

/// The folder.
fn own() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/own"))
}

fn lab(arguments: &[&str]) -> Output {
    Command::new(faultline_tests::lab()).args(arguments).arg("--scenarios").arg(own()).output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_played_recorded_and_judged_without_rust() {
    let folder = tempfile::tempdir().unwrap();
    let pair = Pair { recording: folder.path().join("a.jsonl.zst"), truth: folder.path().join("a.json") };
    let [recording, told] = [&pair.recording, &pair.truth].map(|path| path.to_str().unwrap());
    let faultctl = faultline_tests::faultctl().to_str().unwrap();
    let options = ["--seed", "3", "--variant", "more", "--record", recording, "--truth", told];
    let played = lab(&[&["run", "shelves", "--faultctl", faultctl], options.as_slice()].concat());
    let said = String::from_utf8_lossy(&played.stdout);
    let errors = String::from_utf8_lossy(&played.stderr);
    assert!(played.status.success(), "{errors}\n{said}");
    for part in ["deployed catalogue v4", "deployed lending v8", "rolled lending back"] {
        assert!(said.contains(part), "{part} is missing in:\n{said}");
    }

    let truth = Truth::read(&pair.truth).unwrap();
    assert_eq!(
        (truth.cause, truth.variant.as_deref(), truth.intensity),
        (Some(Cause::QueryRegression), Some("more"), 2.0)
    );
    assert_eq!(truth.deploy.map(|id| id.to_string()).as_deref(), Some("lending-v8"));
    let texts: Vec<&str> = truth.queries.iter().map(|query| query.text.as_str()).collect();
    assert_eq!(texts, ["select title from book where shelf = ? || ? % ? order by title"]);
    assert!(truth.onset.unwrap() < truth.end.unwrap());

    let report = score(faultline_tests::faultctl(), vec![pair], 1).await.unwrap();
    assert_eq!(report.problems().collect::<Vec<_>>(), []);
    assert_eq!(report.files.len(), 1);
}

#[test]
fn it_is_listed_beside_the_others() {
    let listed = lab(&["list"]);
    assert!(listed.status.success());
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    for name in ["n-plus-one", "shelves"] {
        assert!(listed.lines().any(|line| line.starts_with(name)), "{name} is missing in:\n{listed}");
    }
}
