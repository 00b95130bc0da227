//! What is written is read again, exactly; and files appear whole or not at all.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::collections::BTreeMap;
use std::path::Path;

use faultline_model::{
    About, Deploy, DeployKind, DeployStatus, Engine, Facts, Frame, Header, NodeName, Observation, Observed,
    QueryDelta, QueryDeltas, QueryText, Role, SessionGroup, SignalName, Signals, Timestamp,
};
use faultline_recording::{RecordingError, RecordingFile, RecordingReader, RecordingWriter, open};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

fn header(interval_s: f64) -> Header {
    Header {
        cluster: "shop".into(),
        interval_s,
        sessions_s: Some(1.0),
        fp_version: Some(1),
        title: Some("a \"title\"".to_owned()),
        engine: Engine::Postgres,
    }
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![any::<f64>().prop_filter("JSON has no other numbers", |number| number.is_finite()), 0.0..1e6]
}

fn time() -> impl Strategy<Value = Timestamp> {
    (0_i64..4_000_000_000_000_000).prop_map(Timestamp::from_micros)
}

fn fingerprint() -> impl Strategy<Value = faultline_model::Fingerprint> {
    "[0-9a-f]{16}|route:GET /[a-z]+".prop_map(|fp| fp.as_str().into())
}

fn about() -> impl Strategy<Value = About> {
    (
        option::of(any::<bool>()),
        option::of(".*"),
        option::of(any::<u32>()),
        option::of(any::<bool>()),
        option::of(number()),
    )
        .prop_map(|(primary, version, cores, direct, skew_s)| About {
            role: primary.map(|primary| if primary { Role::Primary } else { Role::Replica }),
            engine: Engine::Mysql,
            version,
            cores,
            observed: direct.map(|direct| if direct { Observed::Direct } else { Observed::Metrics }),
            skew_s,
        })
}

fn facts() -> impl Strategy<Value = Facts> {
    let value = prop_oneof![
        any::<i64>().prop_map(serde_json::Value::from),
        ".*".prop_map(serde_json::Value::from),
        Just(serde_json::Value::Null),
    ];
    btree_map("[a-z:_]{1,12}", value, 0..3)
}

fn signals() -> impl Strategy<Value = Signals> {
    let values = btree_map("x_[a-z]{1,8}".prop_map(SignalName::from), number(), 0..5);
    (prop_oneof![Just(5.0), 0.001..1e4], values).prop_map(|(span_s, values)| Signals { span_s, values })
}

fn queries() -> impl Strategy<Value = QueryDeltas> {
    let row = (fingerprint(), number(), number(), option::of(number()), option::of(number())).prop_map(
        |(fp, calls, time_ms, rows, errors)| QueryDelta {
            fp,
            calls,
            time_ms,
            rows,
            blocks_hit: errors,
            blocks_read: None,
            errors,
        },
    );
    (prop_oneof![Just(5.0), 0.001..1e4], any::<bool>(), vec(row, 0..5))
        .prop_map(|(span_s, complete, rows)| QueryDeltas { span_s, complete, rows })
}

fn sessions() -> impl Strategy<Value = Vec<SessionGroup>> {
    let group = (option::of(fingerprint()), option::of(".*"), ".*", number(), option::of(".*"), any::<u32>())
        .prop_map(|(fp, wait, state, running_ms, user, count)| SessionGroup {
            fp,
            wait,
            state,
            running_ms,
            user: user.clone(),
            app: user,
            client: None,
            count,
        });
    vec(group, 0..4)
}

fn frame() -> impl Strategy<Value = Frame> {
    let text = (fingerprint(), ".*", option::of(".*")).prop_map(|(fp, text, user)| QueryText {
        fp,
        text,
        database: None,
        user,
    });
    (
        (time(), "[a-z]{1,8}"),
        option::of(about()),
        facts(),
        option::of(signals()),
        vec(text, 0..3),
        option::of(queries()),
        option::of(sessions()),
    )
        .prop_map(|((at, node), about, facts, signals, texts, queries, sessions)| Frame {
            at,
            node: NodeName::from(node),
            about,
            facts,
            signals,
            texts,
            queries,
            sessions,
        })
}

fn deploy() -> impl Strategy<Value = Observation> {
    (time(), "[a-z0-9-]{1,9}", option::of(".*"), option::of(time()), option::of(time())).prop_map(
        |(at, id, version, started, finished)| Observation::Deploy {
            at,
            deploy: Deploy {
                id: id.as_str().into(),
                service: "checkout".into(),
                version: version.clone(),
                previous: version,
                environment: "production".to_owned(),
                started,
                finished,
                status: DeployStatus::RolledBack,
                kind: DeployKind::Schema,
                actor: None,
                url: None,
                cluster: None,
            },
        },
    )
}

/// Puts the parts of a frame that follow one another together again.
fn merged(observations: impl Iterator<Item = Observation>) -> Vec<Observation> {
    let mut merged: Vec<Observation> = Vec::new();
    for observation in observations {
        match (merged.last_mut(), observation) {
            (Some(Observation::Frame(last)), Observation::Frame(part))
                if (last.at, &last.node) == (part.at, &part.node) =>
            {
                last.about = last.about.take().or(part.about);
                last.facts.extend(part.facts);
                last.signals = last.signals.take().or(part.signals);
                last.texts.extend(part.texts);
                last.queries = last.queries.take().or(part.queries);
                last.sessions = last.sessions.take().or(part.sessions);
            }
            (_, observation) => merged.push(observation),
        }
    }
    merged
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_again(
        observations in vec(prop_oneof![4 => frame().prop_map(Observation::Frame), 1 => deploy()], 0..8)
    ) {
        let header = header(5.0);
        let mut writer = RecordingWriter::new(Vec::new(), &header).unwrap();
        for observation in &observations {
            writer.write(observation).unwrap();
        }
        let bytes = writer.finish().unwrap();
        let reader = RecordingReader::new(bytes.as_slice()).unwrap();
        prop_assert_eq!(reader.header(), &header);
        let seen = |observation: &Observation| !matches!(observation, Observation::Frame(frame) if frame.is_empty());
        let wanted = merged(observations.into_iter().filter(seen));
        let read = merged(reader.map(|observation| observation.unwrap()));
        prop_assert_eq!(read, wanted);
    }

    #[test]
    fn any_bytes_are_taken(bytes in vec(any::<u8>(), 0..200), lines in ".{0,200}") {
        let mut damaged = b"{\"faultline_recording\":1,\"cluster\":\"a\",\"interval_s\":1}\n".to_vec();
        damaged.extend_from_slice(&bytes);
        for text in [bytes.as_slice(), lines.as_bytes(), damaged.as_slice()] {
            if let Ok(reader) = RecordingReader::new(text) {
                reader.for_each(drop);
            }
        }
    }
}

fn signal_frame(at: f64, span_s: f64, value: f64) -> Observation {
    let mut frame = Frame::new(Timestamp::from_secs(at), "primary".into());
    frame.signals = Some(Signals { span_s, values: BTreeMap::from([("throughput".into(), value)]) });
    Observation::Frame(frame)
}

#[test]
fn lines_are_written_as_the_format_says() {
    let mut frame = Frame::new(Timestamp::from_secs(12.5), "primary".into());
    let fp = || "3f2a90".into();
    frame.about = Some(About { role: Some(Role::Primary), engine: Engine::Postgres, ..About::default() });
    frame.facts.insert("setting:work_mem".to_owned(), "4MB".into());
    frame.texts.push(QueryText { fp: fp(), text: "select ?".to_owned(), database: None, user: None });
    frame.signals = Some(Signals { span_s: 1.0, values: BTreeMap::from([("throughput".into(), f64::NAN)]) });
    let row = |time_ms| QueryDelta {
        fp: fp(),
        calls: 1.0,
        time_ms,
        rows: None,
        blocks_hit: None,
        blocks_read: None,
        errors: None,
    };
    frame.queries =
        Some(QueryDeltas { span_s: 5.0, complete: true, rows: vec![row(2.0), row(f64::INFINITY)] });
    frame.sessions = Some(vec![SessionGroup {
        fp: None,
        wait: None,
        state: "active".to_owned(),
        running_ms: f64::NAN,
        user: None,
        app: None,
        client: None,
        count: 2,
    }]);
    let mut of_cluster = Frame::new(Timestamp::from_secs(13.0), "".into());
    of_cluster.texts.push(QueryText { fp: fp(), text: "select ?".to_owned(), database: None, user: None });
    let mut writer = RecordingWriter::new(Vec::new(), &header(5.0)).unwrap();
    writer.write(&Observation::Frame(frame)).unwrap();
    writer.write(&Observation::Frame(of_cluster)).unwrap();
    let text = String::from_utf8(writer.finish().unwrap()).unwrap();
    insta::assert_snapshot!(text);
    RecordingReader::new(text.as_bytes()).unwrap().for_each(|observation| drop(observation.unwrap()));
}

fn write_file(path: &Path, frames: u32) {
    let mut file = RecordingFile::create(path, &header(1.0)).unwrap();
    for at in 0..frames {
        file.write(&signal_frame(f64::from(at), 1.0, f64::from(at) / 7.0)).unwrap();
    }
    file.finish().unwrap();
}

#[test]
fn files_are_compressed_by_name_and_read_by_content() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, compressed) = (folder.path().join("a.jsonl"), folder.path().join("a.jsonl.zst"));
    write_file(&plain, 1000);
    write_file(&compressed, 1000);
    let sizes = [&plain, &compressed].map(|path| std::fs::metadata(path).unwrap().len());
    assert!(sizes[1] * 4 < sizes[0], "{sizes:?}");
    let misnamed = folder.path().join("b.jsonl");
    std::fs::rename(&compressed, &misnamed).unwrap();
    for path in [plain, misnamed] {
        let last = open(&path).unwrap().map(|observation| observation.unwrap()).last();
        assert_eq!(last, Some(signal_frame(999.0, 1.0, 999.0 / 7.0)));
    }
}

#[test]
fn a_compressed_file_that_was_cut_off_gives_what_came_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl.zst");
    write_file(&path, 200_000);
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let mut frames = 0;
    let error = open(&path).unwrap().find_map(|next| match next {
        Ok(_) => {
            frames += 1;
            None
        }
        Err(error) => Some(error),
    });
    assert!(frames > 50_000, "{frames}");
    assert!(
        matches!(error, Some(RecordingError::CutOff { line }) if line == frames + 2),
        "{error:?} after {frames}"
    );

    let mut damaged = bytes.clone();
    let middle = damaged.len() / 2;
    damaged[middle..middle + 64].fill(0x55);
    std::fs::write(&path, &damaged).unwrap();
    assert!(open(&path).unwrap().any(|next| next.is_err()), "damage in the middle is noticed");
}

#[test]
fn a_file_appears_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    write_file(&path, 3);
    let before = std::fs::read(&path).unwrap();
    let mut unfinished = RecordingFile::create(&path, &header(1.0)).unwrap();
    unfinished.write(&signal_frame(0.0, 1.0, 1.0)).unwrap();
    drop(unfinished);
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
}

#[test]
fn errors_name_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing").join("a.jsonl");
    let error = open(&missing).err().unwrap().to_string();
    assert!(error.contains("a.jsonl") && error.contains("check the path"), "{error}");
    let error = RecordingFile::create(&missing, &header(1.0)).err().unwrap().to_string();
    assert!(error.contains("a.jsonl") && error.contains("check the folder"), "{error}");
}
