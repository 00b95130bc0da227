//! `record` and `replay` on made-up recordings, whole and damaged, and on every recording of the boards.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use faultline_history::History;
use faultline_model::{Frame, Header, Observation, QueryDelta, QueryDeltas, SessionGroup, Timestamp};
use faultline_recording::RecordingFile;
use serde_json::Value;

use crate::run::{EMPTY_CLUSTER, Ended, Place, Running};

/// When the made-up trouble begins, seconds after the recording.
const TROUBLE_S: u32 = 60;
/// Length of the made-up recording, seconds.
pub(crate) const LENGTH_S: u32 = 120;
/// When it begins, Unix seconds.
const BEGIN_S: f64 = 1_769_868_000.0;

fn header() -> Header {
    Header {
        cluster: "shop".into(),
        interval_s: 15.0,
        sessions_s: Some(1.0),
        fp_version: Some(faultline_fingerprint::ALGORITHM_VERSION),
        title: None,
        engine: faultline_model::Engine::Postgres,
    }
}

/// A quiet minute, and one with thirty times the load from one query.
pub(crate) fn observations(begin_s: f64) -> Vec<Observation> {
    let group = |fp: &str, count: u32| SessionGroup {
        fp: Some(fp.into()),
        wait: None,
        state: "active".into(),
        running_ms: 20.0,
        user: None,
        app: None,
        client: None,
        count,
    };
    let row = |fp: &str, calls: f64, time_ms: f64| QueryDelta {
        fp: fp.into(),
        calls,
        time_ms,
        rows: None,
        blocks_hit: None,
        blocks_read: None,
        errors: None,
    };
    (1..=LENGTH_S)
        .map(|second| {
            let bad = second > TROUBLE_S;
            let mut frame = Frame::new(Timestamp::from_secs(begin_s + f64::from(second)), "db".into());
            frame.sessions = Some(vec![group("a", 1 + second % 2), group("b", if bad { 30 } else { 1 })]);
            if second % 5 == 0 {
                let bad_ms = if bad { 150_000.0 } else { 5_000.0 };
                let rows = vec![row("a", 500.0, 7_500.0), row("b", 1_000.0, bad_ms)];
                frame.queries = Some(QueryDeltas { span_s: 5.0, complete: true, rows });
            }
            Observation::Frame(frame)
        })
        .collect()
}

fn write(path: &Path) {
    let mut file = RecordingFile::create(path, &header()).unwrap();
    observations(BEGIN_S).iter().for_each(|observation| file.write(observation).unwrap());
    file.finish().unwrap();
}

fn replay(place: &Place, file: &str) -> Ended {
    Running::start(place.bare(&["replay", file])).end()
}

fn events(ended: &Ended) -> Vec<String> {
    let event =
        |line: &str| serde_json::from_str::<Value>(line).unwrap()["event"].as_str().unwrap().to_owned();
    ended.stdout.lines().map(event).collect()
}

#[test]
fn what_came_before_a_damage_is_replayed() {
    let place = Place::new(EMPTY_CLUSTER);
    write(&place.path("whole.jsonl"));
    write(&place.path("whole.jsonl.zst"));
    let whole = replay(&place, "whole.jsonl");
    whole.expect(0, &[]);
    assert_eq!((events(&whole)[0].as_str(), whole.stderr.as_str()), ("opened", ""));
    assert_eq!(replay(&place, "whole.jsonl.zst").stdout, whole.stdout);

    let text = std::fs::read_to_string(place.path("whole.jsonl")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let (cut_at, count) = (lines.len() - 20, lines.len());
    let head = |upto: usize| lines[..upto].join("\n") + "\n";
    let packed = std::fs::read(place.path("whole.jsonl.zst")).unwrap();
    let bent = |line: &str| format!("{}{line}\n{}\n", head(cut_at), lines[cut_at..].join("\n")).into_bytes();
    let at_line = |number: usize| format!("line {number}");
    for (name, bytes, words) in [
        ("cut.jsonl", text.as_bytes()[..text.len() - 30].to_vec(), vec![at_line(count), "cut off".into()]),
        ("noise.jsonl", bent("\u{0}\u{1b}[2J not JSON"), vec![at_line(cut_at + 1), "damaged".into()]),
        ("type.jsonl", bent(r#"{"t":"noon","node":"db","sessions":[]}"#), vec![at_line(cut_at + 1)]),
        ("time.jsonl", bent(r#"{"node":"db","sessions":[]}"#), vec![at_line(cut_at + 1), "`t`".into()]),
        (
            "huge.jsonl",
            bent(&format!(r#"{{"t":1,"x":"{}"}}"#, "x".repeat(17 << 20))),
            vec![at_line(cut_at + 1)],
        ),
        ("cut.jsonl.zst", packed[..packed.len() - 10].to_vec(), vec!["line ".into()]),
    ] {
        std::fs::write(place.path(name), bytes).unwrap();
        let ended = replay(&place, name);
        let words: Vec<&str> = words.iter().map(String::as_str).chain([name]).collect();
        ended.expect(2, &words);
        assert!(whole.stdout.starts_with(&ended.stdout), "{name}: {ended:?}");
        if !name.ends_with("zst") {
            assert!(ended.stdout.contains("opened"), "{name}: {ended:?}");
        }
        assert!(!ended.stderr.contains('\u{1b}') && ended.stderr.len() < 1_000, "{name}: {ended:?}");
    }
}

#[test]
fn what_is_no_recording_is_said_so() {
    let place = Place::new(EMPTY_CLUSTER);
    let later = br#"{"faultline_recording":2,"cluster":"shop","interval_s":5}"#;
    for (name, bytes, word) in [
        ("empty.jsonl", b"".to_vec(), "empty"),
        ("text.jsonl", b"hello\n".to_vec(), "header"),
        ("json.jsonl", b"{\"t\":1}\n".to_vec(), "header"),
        ("later.jsonl", later.to_vec(), "version 2"),
        ("picture.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec(), "header"),
        ("packed.jsonl.zst", b"\x28\xb5\x2f\xfd\0\0\0\0noise".to_vec(), "line 1"),
        ("long.jsonl", b"[".repeat(17 << 20), "line 1"),
        ("deep.jsonl", b"[".repeat(1 << 20), "line 1"),
    ] {
        std::fs::write(place.path(name), bytes).unwrap();
        let ended = replay(&place, name);
        ended.expect(2, &[name, word]);
        assert!(ended.stdout.is_empty() && ended.stderr.len() < 1_000, "{name}: {ended:?}");
    }
    replay(&place, "nowhere.jsonl").expect(2, &["nowhere.jsonl", "check the path"]);
    std::fs::create_dir(place.path("folder.jsonl")).unwrap();
    replay(&place, "folder.jsonl").expect(2, &["folder.jsonl"]);
}

#[test]
fn an_empty_store_makes_no_recording() {
    let place = Place::new(EMPTY_CLUSTER);
    let ended = place.run(&["record", "--from", "-1h", "--to", "-1s", "-o", &place.file("x.jsonl")]);
    ended.expect(2, &["shop", "nothing was seen"]);
    let ended = place.run(&["record", "--for", "1s", "-o", &place.file("x.jsonl")]);
    ended.expect(2, &["shop", "nothing was seen"]);
    assert!(!place.path("x.jsonl").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_of_the_store_replays_as_it_was() {
    let place = Place::new(EMPTY_CLUSTER);
    let history = History::open(&place.data()).await.unwrap();
    history.append(&"shop".into(), &observations(BEGIN_S)).await.unwrap();
    history.close().await;
    write(&place.path("original.jsonl"));
    let original = replay(&place, "original.jsonl");
    let (from, to) = (BEGIN_S.to_string(), (BEGIN_S + f64::from(LENGTH_S) + 1.0).to_string());
    for (name, redact) in
        [("copy.jsonl.zst", &[][..]), ("copy.jsonl", &[]), ("redacted.jsonl", &["--redact"])]
    {
        let file = place.file(name);
        let arguments = [&["record", "--from", &from, "--to", &to, "-o", &file], redact].concat();
        place.run(&arguments).expect(0, &[]);
        let copy = replay(&place, name);
        copy.expect(0, &[]);
        if redact.is_empty() {
            assert_eq!(copy.stdout, original.stdout, "{name}");
        } else {
            assert_eq!(events(&copy), events(&original), "{name}");
            assert!(!copy.stdout.contains("shop"), "{copy:?}");
        }
    }
    let nowhere = place.file("no/such/folder/x.jsonl");
    let ended = place.run(&["record", "--from", &from, "--to", &to, "-o", &nowhere]);
    ended.expect(2, &["no/such/folder", "check the folder"]);
    let outside = ["record", "--from", &to, "--to", "2026-02-01T00:00:00Z", "-o", &nowhere];
    place.run(&outside).expect(2, &["nothing was seen"]);
}

fn boards(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.display().to_string();
        if path.is_dir() {
            boards(&path, found);
        } else if name.ends_with(".jsonl") || name.ends_with(".jsonl.zst") {
            found.push(path);
        }
    }
}

/// What the recordings say is judged elsewhere; here they must be read to their end.
#[test]
fn every_board_replays_to_its_end() {
    let Some(folder) = std::env::var_os("FAULTLINE_BOARDS") else {
        println!("skipped: FAULTLINE_BOARDS does not name a folder with boards");
        return;
    };
    let mut files = Vec::new();
    boards(Path::new(&folder), &mut files);
    assert!(!files.is_empty(), "no recordings in {folder:?}");
    let (place, began) = (Place::new(EMPTY_CLUSTER), Instant::now());
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut failed = Vec::new();
        while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let ended = replay(&place, &file.display().to_string());
            let readable = ended.stdout.lines().all(|line| serde_json::from_str::<Value>(line).is_ok());
            if ended.code != Some(0) || !ended.stderr.is_empty() || !readable {
                failed.push(format!("{}: {:?} {}", file.display(), ended.code, ended.stderr));
            }
        }
        failed
    };
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let failed: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    println!("{} recordings in {:.1} s", files.len(), began.elapsed().as_secs_f64());
    assert_eq!(failed, Vec::<String>::new());
}
