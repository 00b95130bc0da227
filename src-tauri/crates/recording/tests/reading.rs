//! What is read from lines, whole and damaged.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use faultline_model::{Engine, Observation, Role};
use faultline_recording::{MAX_LINE_BYTES, RecordingError, RecordingReader};

const HEADER: &str = r#"{"faultline_recording":1,"cluster":"shop","interval_s":5}"#;

fn reader(text: &str) -> Result<RecordingReader<&[u8]>, RecordingError> {
    RecordingReader::new(text.as_bytes())
}

/// The observations of lines after the header, and the error that ended them.
fn read(lines: &str) -> (Vec<Observation>, Option<String>) {
    let mut observations = Vec::new();
    let text = format!("{HEADER}\n{lines}");
    let mut reader = reader(&text).unwrap();
    while let Some(next) = reader.next() {
        match next {
            Ok(observation) => observations.push(observation),
            Err(error) => {
                assert!(reader.next().is_none(), "nothing comes after an error");
                return (observations, Some(error.to_string()));
            }
        }
    }
    (observations, None)
}

#[test]
fn every_kind_of_line_is_read() {
    let lines = r#"{"t":12.0,"node":"primary","about":{"role":"primary","engine":"postgres","version":"18.4","cores":8,"observed":"direct","skew_s":0.02}}
{"t":12.0,"node":"primary","facts":{"setting:work_mem":"4MB","table:item:rows":1800000,"plan:3f2a90":"b71c"}}
{"t":12.0,"node":"primary","signals":{"throughput":812.0,"latency_ms":4.1,"cpu_user":null},"span_s":1}
{"t":12.0,"query":{"fp":"3f2a90","text":"select * from item where order_id = ?","database":"shop","user":"checkout"}}
{"t":12.0,"node":"primary","query":{"fp":"3f2a91","text":"select ?"}}
{"t":12.5,"node":"primary","queries":[{"fp":"3f2a90","calls":120,"time_ms":88.2,"rows":120,"blocks_hit":900,"blocks_read":3,"errors":0}]}
{"t":13,"node":"primary","queries":[{"fp":"3f2a90","calls":1,"time_ms":2}],"complete":false,"span_s":2}
{"t":14,"node":"primary","sessions":[{"fp":"3f2a90","wait":"Lock:transactionid","state":"active","running_ms":840,"user":"checkout","app":"checkout@v142","client":"10.0.0.7","count":3}]}
{"t":15,"node":"primary","sessions":[]}
{"t":16,"deploy":{"id":"checkout-142","service":"checkout","version":"v142","previous":"v141","environment":"production","started":10.0,"finished":null,"status":"succeeded","kind":"deploy","actor":"ci","url":"https://ci/142"}}
"#;
    let (observations, error) = read(lines);
    assert_eq!(error, None);
    insta::assert_debug_snapshot!(observations);
}

#[test]
fn what_is_not_known_is_ignored() {
    let lines = r#"{"t":1,"node":"a","weather":{"rain":true}}
{"weather":"fine"}

{"t":1,"node":"a","signals":{"x_a":1},"mood":"good"}
{"t":1,"node":"a","facts":{}}
"#;
    let (observations, error) = read(lines);
    assert_eq!((observations.len(), error), (1, None));
}

#[test]
fn a_line_may_be_of_several_kinds() {
    let lines = r#"{"t":1,"node":"a","signals":{"x_a":1},"sessions":[],"deploy":{"id":"1","service":"s"}}"#;
    let (observations, error) = read(lines);
    assert_eq!(error, None);
    let [Observation::Frame(frame), Observation::Deploy { deploy, .. }] = observations.as_slice() else {
        panic!("{observations:?}")
    };
    assert!(frame.signals.is_some() && frame.sessions.as_ref().is_some_and(Vec::is_empty));
    assert_eq!(deploy.environment, "production");
}

#[test]
fn everything_before_the_damage_counts() {
    let good = "{\"t\":1,\"node\":\"a\",\"signals\":{\"x_a\":1}}\n";
    let cases = [
        ("{\"t\":2,\"node\":\"a\",\"signals\":{\"x_a\":", "cut off in line 3"),
        ("{\"t\":2,\"node\":\"a\",\"signals\":{\"x_a\":\n", "line 3 is damaged: EOF while parsing"),
        ("\u{0}\u{1}garbage\n", "line 3 is damaged: expected value (column 1)"),
        ("[1]\n", "line 3 is damaged"),
        ("{\"node\":\"a\",\"signals\":{\"x_a\":1}}\n", "line 3 is damaged: it has no time `t`"),
        ("{\"t\":2,\"signals\":{\"x_a\":1}}\n", "line 3 is damaged: it has no `node`"),
        ("{\"t\":1e300,\"node\":\"a\",\"signals\":{\"x_a\":1}}\n", "no time in Unix seconds"),
        ("{\"t\":1,\"node\":\"a\",\"signals\":{\"x_a\":\"1\"}}\n", "line 3 is damaged: invalid type: string"),
        ("{\"t\":1,\"node\":\"a\",\"signals\":{\"x_a\":1e999}}\n", "line 3 is damaged: number out of range"),
        (
            "{\"t\":1,\"node\":\"a\",\"signals\":{},\"span_s\":0}\n",
            "`span_s` is 0, it must be more than 0 seconds",
        ),
        ("{\"t\":1,\"deploy\":{\"id\":\"1\"}}\n", "line 3 is damaged: missing field `service`"),
    ];
    for (damaged, part) in cases {
        for after in ["", good] {
            if after == good && !damaged.ends_with('\n') {
                continue;
            }
            let (observations, error) = read(&format!("{good}{damaged}{after}"));
            let error = error.expect(damaged);
            assert!(error.contains(part), "{error}\n{damaged}");
            assert_eq!(observations.len(), 1, "{damaged}");
        }
    }
}

#[test]
fn the_last_line_needs_no_line_feed() {
    let (observations, error) = read("{\"t\":1,\"node\":\"a\",\"sessions\":[]}");
    assert_eq!((observations.len(), error), (1, None));
}

#[test]
fn lines_without_end_are_refused() {
    let (observations, error) = read(&"x".repeat(MAX_LINE_BYTES + 1));
    assert!(observations.is_empty() && error.is_some_and(|error| error.contains("line 2 is longer than")));
}

#[test]
fn headers_are_tolerant_where_they_may_be() {
    let full = r#"{"faultline_recording":1,"cluster":"shop","interval_s":5,"sessions_s":1,"fp_version":1,"title":"t","engine":"mariadb","new":[]}"#;
    let full = reader(full).unwrap();
    let header = full.header();
    assert_eq!(
        (header.cluster.as_str(), header.sessions_s, header.engine),
        ("shop", Some(1.0), Engine::Mariadb)
    );
    for text in [
        HEADER.to_owned(),
        format!("\u{feff}{HEADER}\r\n"),
        r#"{"faultline_recording":1,"cluster":"shop","interval_s":5,"engine":"oracle","title":null}"#
            .to_owned(),
    ] {
        let reader = reader(&text).unwrap();
        assert_eq!((reader.header().interval_s, reader.header().engine), (5.0, Engine::Unknown), "{text}");
    }
}

#[test]
fn what_is_no_recording_is_refused() {
    let cases = [
        ("", "line 1 is not the header of a recording (the file is empty)"),
        ("\n", "line 1 is not the header"),
        ("PNG\n", "line 1 is not the header of a recording (expected value (column 1))"),
        ("{\"t\":1}\n", "missing field `faultline_recording`"),
        ("{\"faultline_recording\":1,\"clus", "cut off in line 1"),
        (
            "{\"faultline_recording\":2}\n",
            "format version 2, this program reads up to 1; use a newer Faultline",
        ),
        ("{\"faultline_recording\":1,\"cluster\":\"a\"}\n", "missing field `interval_s`"),
        ("{\"faultline_recording\":1,\"cluster\":\"a\",\"interval_s\":0}\n", "`interval_s` is 0"),
    ];
    for (text, part) in cases {
        let error = reader(text).err().unwrap_or_else(|| panic!("{text}")).to_string();
        assert!(error.contains(part), "{error}\n{text}");
    }
}

#[test]
fn spans_default_to_the_header() {
    let (observations, _) =
        read("{\"t\":1,\"node\":\"a\",\"about\":{\"role\":\"edge\"},\"signals\":{},\"queries\":[]}");
    let [Observation::Frame(frame)] = observations.as_slice() else { panic!("{observations:?}") };
    assert_eq!(frame.signals.as_ref().unwrap().span_s, 5.0);
    assert_eq!(frame.queries.as_ref().map(|queries| (queries.span_s, queries.complete)), Some((5.0, true)));
    assert_eq!(frame.about.as_ref().unwrap().role, Some(Role::Edge));
}
