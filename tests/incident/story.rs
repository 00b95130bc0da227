//! The story: healthy, a harmless deploy, the bad one, a crash of the watcher, the way back, and the same from the file.

use std::time::Duration;

use faultline_lab::clock::unix_now;

use crate::redaction;
use crate::stage::Stage;
use crate::{Line, events, of_analysis};

/// Healthy load before the harmless deploy, and after it.
const BASELINE: Duration = Duration::from_secs(40);
const BETWEEN: Duration = Duration::from_secs(10);
/// How long it goes on hurting under the second watcher.
const HURTING: Duration = Duration::from_secs(10);
/// How long naming deploy and query may take; the machine may be busy.
const NAMED_DEADLINE: Duration = Duration::from_secs(120);
/// How long the end may take once the old version is back: a minute must be calm.
const RESOLVED_DEADLINE: Duration = Duration::from_secs(240);

/// How long is watched after the end: a replay says what belongs to a time when it has seen a later one.
const AFTERMATH: Duration = Duration::from_secs(5);

/// Part of the guilty query's text.
const GUILTY: &str = "from order_item where order_id";

fn names_both(line: &Line) -> bool {
    let query = line["queries"][0]["text"].as_str().unwrap_or_default().to_lowercase().replace('"', "");
    line["event"] == "verdict" && line["deploys"][0]["id"] == "checkout-142" && query.contains(GUILTY)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_live_is_said_again_by_its_recording() {
    let stage = Stage::set_up().await;
    let from = unix_now() - 5.0;
    let live = live_incident(&stage).await;
    stage.close().await;

    let range = [format!("{from}"), format!("{}", unix_now() + 1.0)];
    let record = |file: &str, redact: &[&str]| {
        let path = stage.path(file);
        let fixed = ["record", "--from", &range[0], "--to", &range[1], "-o", path.to_str().unwrap()];
        stage.run(&[&fixed, redact].concat());
        Stage::replay(&path)
    };
    let replayed = record("incident.jsonl.zst", &[]);
    same(&of_analysis(&live), &of_analysis(&replayed));
    assert_eq!(replayed.len(), of_analysis(&replayed).len(), "replay says nothing else");

    let redacted = record("redacted.jsonl", &["--redact"]);
    redaction::check(&replayed, &redacted, &std::fs::read_to_string(stage.path("redacted.jsonl")).unwrap());
}

/// Everything that was said live, by both watchers.
async fn live_incident(stage: &Stage) -> Vec<Line> {
    let mut watch = stage.watch("first.log");
    watch.quiet(BASELINE).await;
    stage.deploy("search", "88", &["--version", "88", "--previous", "87", "--id", "search-88"]).await;
    watch.quiet(BETWEEN).await;
    let bad = ["--version", "v142", "--previous", "v141", "--id", "checkout-142"];
    stage.deploy("checkout", "v142", &bad).await;
    watch.until("a verdict that names deploy and query", NAMED_DEADLINE, names_both).await;
    // The next verdict may come after two seconds at the earliest, so that nothing is lost between store and pipe.
    let first = tokio::task::block_in_place(|| watch.crash());
    let opened = events(&first, "opened");
    assert_eq!(opened.len(), 1, "{first:#?}");
    assert_eq!(opened[0]["cluster"], "shop");
    let incident = opened[0]["incident"].clone();

    let mut watch = stage.watch("second.log");
    watch.listen(HURTING).await;
    let back = ["--version", "v141", "--previous", "v142", "--kind", "rollback", "--id", "checkout-143"];
    stage.deploy("checkout", "v141", &back).await;
    let resolved = |line: &Line| line["event"] == "resolved";
    watch.until("the end of the incident", RESOLVED_DEADLINE, resolved).await;
    watch.listen(AFTERMATH).await;
    let second = tokio::task::block_in_place(|| watch.end());
    assert_eq!(events(&second, "opened"), Vec::<&Line>::new(), "it goes on as it was: {second:#?}");
    assert!(second.iter().all(|line| line["incident"] == incident), "under its id: {second:#?}");
    [first, second].concat()
}

/// The same lines, one by one, so that a difference shows where it begins.
#[track_caller]
fn same(live: &[&Line], replayed: &[&Line]) {
    for (number, (live, replayed)) in live.iter().zip(replayed).enumerate() {
        assert_eq!(live, replayed, "line {number}: left live, right replayed");
    }
    assert_eq!(live.len(), replayed.len(), "live {live:#?}\nreplayed {replayed:#?}");
}
