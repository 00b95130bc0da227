//! What is asked of a Prometheus server and how its answers are taken, held against Prometheus' own specification.

use faultline_model::{EndpointAuth, EndpointKind, Timestamp};
use faultline_sources::prometheus::{Endpoint, MAX_RANGE_POINTS, Trouble};
use serde_json::Value;

use crate::server::{Asked, Server, json, spec, status};

const SPECIFICATION: &str = include_str!("../../../../../tests/specs/prometheus/openapi.json");

fn specification() -> Value {
    serde_json::from_str(SPECIFICATION).unwrap()
}

/// Checks a request against the specification: its path and method, every parameter known, all that must be there.
fn check(asked: &Asked) {
    let api = specification();
    let path = asked.path.strip_prefix("/prometheus/api/v1").unwrap();
    let operation = &api["paths"][path][asked.method.to_lowercase()];
    assert!(operation.is_object(), "{} {}", asked.method, asked.path);
    let (known, required): (Vec<String>, Vec<String>) = if asked.method == "GET" {
        assert!(asked.form.is_empty());
        let parameters = operation["parameters"].as_array().unwrap();
        let name = |one: &Value| one["name"].as_str().unwrap().to_owned();
        let required = parameters.iter().filter(|one| one["required"] == true).map(name).collect();
        (parameters.iter().map(name).collect(), required)
    } else {
        assert_eq!(asked.header("content-type"), Some("application/x-www-form-urlencoded"));
        let body =
            &operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]["$ref"];
        let schema = &api.pointer(&body.as_str().unwrap()[1..]).unwrap();
        let required = schema["required"].as_array().unwrap();
        (
            schema["properties"].as_object().unwrap().keys().cloned().collect(),
            required.iter().map(|one| one.as_str().unwrap().to_owned()).collect(),
        )
    };
    let sent = if asked.method == "GET" { &asked.query } else { &asked.form };
    for (name, _) in sent {
        assert!(known.contains(name), "{name} is no parameter of {}", asked.path);
    }
    for name in required {
        assert!(sent.iter().any(|(own, _)| *own == name), "{name} is missing");
    }
    assert_eq!(asked.header("accept"), Some("application/json"));
    assert!(asked.header("accept-encoding").unwrap().contains("gzip"));
}

/// An example answer of the specification.
fn example(path: &str, code: &str, name: &str) -> String {
    let api = specification();
    let content = &api["paths"][path]["get"]["responses"][code]["content"]["application/json"];
    content["examples"][name]["value"].to_string()
}

#[tokio::test]
async fn queries_are_asked_as_specified() {
    let server = Server::start(|asked| match asked.path.ends_with("range") {
        true => json(example("/query_range", "200", "matrixResult")),
        false => json(example("/query", "200", "vectorResult")),
    })
    .await;
    let mut spec = spec(EndpointKind::Promql, server.url("/prometheus"), &[]);
    spec.headers.insert("X-Scope-OrgID".to_owned(), "shop".into());
    spec.auth = Some(EndpointAuth::Bearer("hunter2".into()));
    let endpoint = Endpoint::open(&spec).unwrap();
    let long = format!("sum({})", vec!["up"; 600].join(" + "));
    let from = Timestamp::from_secs(1_767_433_020.25);
    endpoint.query("up{job=\"a&b\"}", None).await.unwrap();
    endpoint.query("up", Some(from)).await.unwrap();
    endpoint.query(&long, None).await.unwrap();
    endpoint.range("up", from, from + 60.0, 5.0).await.unwrap();
    endpoint.range(&long, from, from + 60.0, 5.0).await.unwrap();
    let asked = server.asked();
    asked.iter().for_each(check);
    let said: Vec<_> =
        asked.iter().map(|one| (one.method.as_str(), one.parameter("query").unwrap().len())).collect();
    assert_eq!(said, [("GET", 13), ("GET", 2), ("POST", long.len()), ("GET", 2), ("POST", long.len())]);
    assert_eq!(asked[0].parameter("query"), Some("up{job=\"a&b\"}"));
    assert_eq!((asked[0].parameter("time"), asked[0].parameter("timeout")), (None, Some("4750ms")));
    assert_eq!(asked[1].parameter("time"), Some("1767433020.250"));
    for (name, value) in [("start", "1767433020.250"), ("end", "1767433080.250"), ("step", "5")] {
        assert_eq!(asked[3].parameter(name), Some(value));
    }
    for one in &asked {
        assert_eq!(one.header("x-scope-orgid"), Some("shop"));
        assert_eq!(one.header("authorization"), Some("Bearer hunter2"));
    }
}

#[tokio::test]
async fn the_answers_of_the_specification_are_taken() {
    for (name, expected) in [
        ("vectorResult", Ok(2)),
        ("scalarResult", Ok(1)),
        ("matrixResult", Err("wrap it in a function such as rate")),
        ("histogramResult", Err("native histograms")),
    ] {
        let server = Server::start(move |_| json(example("/query", "200", name))).await;
        let endpoint = Endpoint::open(&spec(EndpointKind::Promql, server.url(""), &[])).unwrap();
        match (endpoint.query("up", None).await, expected) {
            (Ok(answer), Ok(count)) => {
                assert_eq!(answer.samples.len(), count, "{name}");
                assert_eq!(answer.samples[0].at, Some(Timestamp::from_secs(1_767_436_620.0)), "{name}");
            }
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{name}: {error}"),
            (got, _) => panic!("{name}: {got:?}"),
        }
    }
    let server = Server::start(|_| json(example("/query_range", "200", "matrixResult"))).await;
    let endpoint = Endpoint::open(&spec(EndpointKind::Promql, server.url(""), &[])).unwrap();
    let at = Timestamp::from_secs(1_767_433_020.0);
    let found = endpoint.range("up", at, at + 3_600.0, 1_800.0).await.unwrap();
    assert_eq!(found.series[0].points.len(), 3);
    assert_eq!((found.series[0].points[0], found.series[0].labels.get("job")), ((at, 1.0), "prometheus"));
}

#[tokio::test]
async fn more_than_eleven_thousand_points_are_asked_for_part_by_part() {
    let server = Server::start(|asked| {
        let number = |name| asked.parameter(name).unwrap().parse::<f64>().unwrap();
        let (start, end, step) = (number("start"), number("end"), number("step"));
        let count = ((end - start) / step).round() as u32 + 1;
        assert!(count <= MAX_RANGE_POINTS, "Prometheus refuses {count} points");
        let points: Vec<_> = (0..count).map(|n| (start + f64::from(n) * step, "1")).collect();
        let result = serde_json::json!([{ "metric": { "job": "a" }, "values": points }]);
        json(
            serde_json::json!({ "status": "success", "data": { "resultType": "matrix", "result": result } })
                .to_string(),
        )
    })
    .await;
    let endpoint = Endpoint::open(&spec(EndpointKind::Promql, server.url("/prometheus"), &[])).unwrap();
    let from = Timestamp::from_secs(1_767_000_000.0);
    let found = endpoint.range("up", from, from + 150_000.0, 5.0).await.unwrap();
    let points = &found.series[0].points;
    assert_eq!((server.asked().len(), points.len(), points[30_000].0), (3, 30_001, from + 150_000.0));
    assert!(points.windows(2).all(|pair| pair[1].0.secs_since(pair[0].0) == 5.0));
    let error = endpoint.range("up", from, from + 1e7, 1.0).await.unwrap_err();
    assert!(matches!(error, Trouble::TooMuch { .. }), "{error}");
}

#[tokio::test]
async fn what_the_server_refuses_is_said_in_its_words_without_secrets() {
    let refused =
        |kind: &str, error: &str| format!(r#"{{"status":"error","errorType":"{kind}","error":"{error}"}}"#);
    for (code, content_type, body, parts) in [
        (400, "application/json", refused("bad_data", "1:5: parse error: unexpected <by>"), &["bad_data", "1:5: parse error"][..]),
        (422, "application/json", refused("execution", "many-to-many matching"), &["refused the query (execution)"]),
        (503, "application/json", refused("timeout", "query timed out in expression evaluation"), &["timed out"]),
        (401, "application/json", refused("unauthorized", "token hunter2 is wrong"), &["token *** is wrong"]),
        (401, "text/plain", "no org id".to_owned(), &["401", "no org id"]),
        (502, "text/html", "<h1>Bad Gateway</h1> for hunter2".to_owned(), &["502", "Bad Gateway"]),
        (200, "text/html", "<h1>Sign in</h1>".to_owned(), &["text/html", "base address"]),
        (200, "application/json", "{\"status\":\"success\"}".to_owned(), &["it has no data"]),
        (200, "application/json", "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":{},\"value\":[1,2]}]}}".to_owned(), &["expected JSON"]),
    ] {
        let server = Server::start(move |_| status(code, content_type, &body)).await;
        let mut spec = spec(EndpointKind::Promql, server.url(""), &[]);
        spec.auth = Some(EndpointAuth::Basic { user: "u".to_owned(), password: "hunter2".into() });
        let error = Endpoint::open(&spec).unwrap().query("up", None).await.unwrap_err().to_string();
        assert!(parts.iter().all(|part| error.contains(part)), "{code}: {error}");
        assert!(!error.contains("hunter2"), "{code}: {error}");
    }
}

#[tokio::test]
async fn an_answer_with_more_series_than_anyone_asked_for_is_not_taken_in() {
    let one = r#"{"metric":{"n":"1"},"value":[1,"1"]}"#;
    let all = vec![one; 10_001].join(",");
    let body = format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{all}]}}}}"#);
    let server = Server::start(move |_| json(body.clone())).await;
    let endpoint = Endpoint::open(&spec(EndpointKind::Promql, server.url(""), &[])).unwrap();
    let error = endpoint.query("up", None).await.unwrap_err();
    assert!(matches!(error, Trouble::TooMuch { .. }), "{error}");
}
