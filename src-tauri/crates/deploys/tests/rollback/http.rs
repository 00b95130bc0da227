//! The `http` provider.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::response::{IntoResponse, Response};
use faultline_deploys::{Follow, HttpRollbackSpec, RollbackSpec};
use faultline_http::SecretString;
use faultline_model::{RollbackOutcome, RollbackTarget};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::contract::{self, CANARY};
use super::system::{System, raw};
use super::{target, try_open};

/// The request that the laboratory's deploy service takes, with looks in quick succession.
fn spec(addr: SocketAddr) -> HttpRollbackSpec {
    HttpRollbackSpec {
        headers: [
            ("X-Api-Key".to_owned(), CANARY.to_owned()),
            ("X-Env".to_owned(), "{environment}".to_owned()),
        ]
        .into(),
        body: Some(r#"{"to":"{previous}"}"#.to_owned()),
        token: Some(SecretString::from(CANARY.to_owned())),
        token_name: Some("env:DEPLOY_TOKEN".to_owned()),
        follow: Some(Follow { interval: Duration::from_millis(5), ..Follow::default() }),
        ..HttpRollbackSpec::new("post", format!("http://{addr}/services/{{service}}/rollback?token={CANARY}"))
    }
}

async fn run(spec: HttpRollbackSpec, target: &RollbackTarget) -> RollbackOutcome {
    let rollback = try_open(RollbackSpec::Http(Box::new(spec))).unwrap();
    let outcome = rollback.run(target).await;
    let told = format!("{outcome:?}");
    assert!(!told.contains(CANARY), "{told}");
    outcome
}

/// Which of the three it is, and what it says.
fn told(outcome: &RollbackOutcome) -> (&'static str, &str) {
    match outcome {
        RollbackOutcome::Succeeded { message } => ("succeeded", message),
        RollbackOutcome::Failed { message } => ("failed", message),
        RollbackOutcome::Unknown { message } => ("unknown", message),
    }
}

/// Runs against answers and checks how it ended, what was said, and that the rollback itself was asked for once.
async fn check(
    name: &str,
    script: impl Fn(SocketAddr, usize) -> Response + Send + Sync + 'static,
    wanted: (&str, &str),
) {
    let system = System::start(script).await;
    let outcome = run(spec(system.addr), &target(json!({}))).await;
    let (ended, message) = told(&outcome);
    assert_eq!(ended, wanted.0, "{name}: {message}");
    assert!(message.contains(wanted.1), "{name}: {message}");
    let posts = system.asked().iter().filter(|asked| asked.line.starts_with("POST")).count();
    assert_eq!(posts, 1, "{name}");
}

fn accepted(addr: SocketAddr) -> Response {
    let url = format!("http://{addr}/runs/run-1");
    let body = json!({"id": "run-1", "status": "running", "status_url": url});
    (StatusCode::ACCEPTED, [(LOCATION, url)], axum::Json(body)).into_response()
}

fn reply(status: u16, body: Value) -> Response {
    (StatusCode::from_u16(status).unwrap(), axum::Json(body)).into_response()
}

/// A plain text that repeats the secret, as a careless server would.
fn echo(status: u16) -> Response {
    (StatusCode::from_u16(status).unwrap(), format!("you sent Bearer {CANARY}")).into_response()
}

fn done() -> Response {
    reply(200, json!({"status": "succeeded"}))
}

#[tokio::test]
async fn it_keeps_the_contract() {
    let system = System::start(|addr, _| accepted(addr)).await;
    let rollback = try_open(RollbackSpec::Http(Box::new(spec(system.addr)))).unwrap();
    contract::check(rollback.as_ref(), || system.asked().len()).await;
}

#[tokio::test]
async fn what_is_previewed_is_what_is_sent_and_followed() {
    let system = System::start(|addr, nth| match nth {
        0 => accepted(addr),
        1..4 => reply(200, json!({"status": "running", "message": "draining"})),
        _ => reply(200, json!({"status": "succeeded", "message": "v141 runs on 3 of 3 hosts"})),
    })
    .await;
    let target = target(json!({"service": "check out/eu"}));
    let rollback = try_open(RollbackSpec::Http(Box::new(spec(system.addr)))).unwrap();
    let preview = rollback.preview(&target).await.unwrap();
    assert_eq!(
        preview.requests,
        [
            format!(
                "POST http://{}/services/check%20out%2Feu/rollback?token=*** · authorization: Bearer *** · \
                 content-type: application/json · idempotency-key: key-checkout-142 · x-api-key: *** · \
                 x-env: production · {{\"to\":\"v141\"}}",
                system.addr
            ),
            "GET the run's status on the same host every 0.005 s until it ends, for at most 600 s".to_owned(),
        ]
    );
    let outcome = run(spec(system.addr), &target).await;
    let (ended, message) = told(&outcome);
    assert_eq!(ended, "succeeded");
    assert!(message.contains("v141 runs on 3 of 3 hosts"), "{message}");

    let asked = system.asked();
    assert_eq!(asked[0].line, format!("POST /services/check%20out%2Feu/rollback?token={CANARY}"));
    assert_eq!(asked[0].body, r#"{"to":"v141"}"#);
    for (name, value) in [
        ("idempotency-key", "key-checkout-142"),
        ("authorization", &format!("Bearer {CANARY}")),
        ("content-type", "application/json"),
        ("x-env", "production"),
        ("x-api-key", CANARY),
    ] {
        assert_eq!(asked[0].headers[name], value, "{name}");
    }
    for look in &asked[1..] {
        assert_eq!((look.line.as_str(), look.body.as_str()), ("GET /runs/run-1", ""));
        assert_eq!(look.headers["authorization"], format!("Bearer {CANARY}"));
        assert!(!look.headers.contains_key("idempotency-key"));
    }
    assert_eq!(asked.len(), 5);
}

#[tokio::test]
async fn the_token_may_have_a_header_of_its_own() {
    let system =
        System::start(|_, nth| if nth == 0 { reply(202, json!({"url": "/runs/1"})) } else { done() }).await;
    let mut spec = spec(system.addr);
    spec.token_header = Some("PRIVATE-TOKEN".to_owned());
    let rollback = try_open(RollbackSpec::Http(Box::new(spec.clone()))).unwrap();
    let preview = rollback.preview(&target(json!({}))).await.unwrap();
    assert!(preview.requests[0].contains(" · private-token: *** · "), "{preview:?}");
    assert_eq!(told(&run(spec, &target(json!({}))).await).0, "succeeded");
    for asked in system.asked() {
        assert_eq!(asked.headers["private-token"], CANARY);
        assert!(!asked.headers.contains_key("authorization"));
    }
}

#[tokio::test]
async fn answers_to_the_request_itself() {
    check("plain ok", |_, _| "ok".into_response(), ("succeeded", "200")).await;
    check("no content", |_, _| StatusCode::NO_CONTENT.into_response(), ("succeeded", "204")).await;
    check("done at once", |_, _| reply(200, json!({"state": "DONE"})), ("succeeded", "done")).await;
    check("failed at once", |_, _| reply(200, json!({"status": "failed"})), ("failed", "by hand")).await;
    check("own words", |_, _| reply(202, json!({"message": "queued"})), ("succeeded", "queued")).await;
    let page = |_, _| reply(201, json!({"url": "https://elsewhere.example/runs/1"}));
    check("page for people", page, ("succeeded", "201")).await;
    let itself = |_, _| reply(200, json!({"url": "/services/checkout"}));
    check("its own address", itself, ("succeeded", "200")).await;
    let nowhere = |_, _| reply(202, json!({"status": "queued"}));
    check("nowhere to follow", nowhere, ("unknown", "does not say where to follow")).await;

    check("401", |_, _| echo(401), ("failed", "the token env:DEPLOY_TOKEN was refused")).await;
    check("403", |_, _| echo(403), ("failed", "the token env:DEPLOY_TOKEN may not do this")).await;
    check("404", |_, _| echo(404), ("failed", "check the rollback's `url`")).await;
    let busy = |_, _| reply(409, json!({"error": "a deploy of checkout is under way"}));
    check("409", busy, ("failed", "a deploy of checkout is under way")).await;
    check("422", |_, _| echo(422), ("failed", "nothing was undone")).await;
    check("429", |_, _| echo(429), ("failed", "nothing was undone")).await;
    check("500", |_, _| echo(500), ("failed", "how far it came")).await;
    check("502", |_, _| echo(502), ("unknown", "before sending again")).await;
    check("504", |_, _| echo(504), ("unknown", "before sending again")).await;
}

#[tokio::test]
async fn runs_are_followed_to_their_end() {
    let then = |looks: &'static [fn() -> Response]| {
        move |addr: SocketAddr, nth: usize| match nth {
            0 => accepted(addr),
            _ => looks[(nth - 1).min(looks.len() - 1)](),
        }
    };
    check(
        "failing run",
        then(&[|| {
            reply(200, json!({"status": "failed", "message": format!("health check {CANARY}\u{1b}[0m")}))
        }]),
        ("failed", "health check ***"),
    )
    .await;
    check(
        "completed, but cancelled",
        then(&[|| reply(200, json!({"status": "completed", "conclusion": "cancelled"}))]),
        ("failed", "failed"),
    )
    .await;
    check(
        "stumbling",
        then(&[|| echo(503), || echo(404), || "{\"stat".into_response(), done]),
        ("succeeded", "done"),
    )
    .await;
    check("lost", then(&[|| echo(404)]), ("unknown", "cannot be followed any more")).await;
    check("cut for ever", then(&[|| "{\"stat".into_response()]), ("unknown", "cut off")).await;
    check("token lost", then(&[|| echo(401)]), ("unknown", "env:DEPLOY_TOKEN was refused")).await;
    check(
        "says nothing",
        then(&[|| reply(200, json!({"id": "run-1"}))]),
        ("unknown", "neither `status` nor `state`"),
    )
    .await;
    check(
        "led away",
        then(&[|| (StatusCode::FOUND, [(LOCATION, "http://localhost:1/")]).into_response()]),
        ("unknown", "not followed"),
    )
    .await;
}

#[tokio::test]
async fn where_to_follow_is_found_on_the_same_host_only() {
    let stranger = System::start(|_, _| reply(200, json!({"status": "succeeded"}))).await;
    let away = format!("http://{}/runs/1", stranger.addr);
    for (name, headers, body, wanted) in [
        ("location alone", Some("/runs/7"), Value::Null, ("succeeded", "GET /runs/7")),
        ("relative url", None, json!({"url": "/runs/8"}), ("succeeded", "GET /runs/8")),
        (
            "status_url first",
            Some("/wrong"),
            json!({"status_url": "/runs/9", "url": "/w"}),
            ("succeeded", "GET /runs/9"),
        ),
        ("url away is a page", Some("/runs/10"), json!({"url": away}), ("succeeded", "GET /runs/10")),
        ("location away", Some(away.as_str()), Value::Null, ("unknown", "POST")),
        ("status_url away", None, json!({"status_url": away}), ("unknown", "POST")),
        (
            "status_url with another scheme",
            None,
            json!({"status_url": "https://127.0.0.1/"}),
            ("unknown", "POST"),
        ),
    ] {
        let location = headers.map(str::to_owned);
        let system = System::start(move |_, nth| {
            if nth > 0 {
                return reply(200, json!({"status": "succeeded"}));
            }
            let mut answer =
                if body.is_null() { StatusCode::ACCEPTED.into_response() } else { reply(202, body.clone()) };
            if let Some(location) = &location {
                answer.headers_mut().insert(LOCATION, location.parse().unwrap());
            }
            answer
        })
        .await;
        let outcome = run(spec(system.addr), &target(json!({}))).await;
        assert_eq!(told(&outcome).0, wanted.0, "{name}: {outcome:?}");
        let last = system.asked().last().unwrap().line.clone();
        assert!(last.starts_with(wanted.1), "{name}: {last}");
    }
    assert_eq!(stranger.asked().len(), 0, "the other host was asked");
}

#[tokio::test]
async fn the_users_own_way_of_following_goes_first() {
    let system = System::start(|_, nth| match nth {
        0 => reply(200, json!({"id": 77, "status": "queued", "status_url": "/wrong"})),
        1 => reply(200, json!({"status": "rolling"})),
        _ => reply(200, json!({"status": "Landed"})),
    })
    .await;
    let follow = Follow {
        status_url: Some(format!("http://{}/{{service}}/runs/{{run}}", system.addr)),
        interval: Duration::from_millis(5),
        success: vec!["landed".to_owned()],
        ..Follow::default()
    };
    let outcome =
        run(HttpRollbackSpec { follow: Some(follow), ..spec(system.addr) }, &target(json!({}))).await;
    assert_eq!(told(&outcome).0, "succeeded", "{outcome:?}");
    assert_eq!(system.asked()[1].line, "GET /checkout/runs/77");
}

#[tokio::test]
async fn a_run_that_never_ends_is_unknown() {
    let system = System::start(|addr, nth| match nth {
        0 => accepted(addr),
        _ => reply(200, json!({"status": "waiting for approval"})),
    })
    .await;
    let follow = Follow {
        interval: Duration::from_millis(5),
        deadline: Duration::from_millis(50),
        ..Follow::default()
    };
    let outcome =
        run(HttpRollbackSpec { follow: Some(follow), ..spec(system.addr) }, &target(json!({}))).await;
    let (ended, message) = told(&outcome);
    assert_eq!(ended, "unknown");
    assert!(message.contains("waiting for approval") && message.contains("look there"), "{message}");
}

#[tokio::test]
async fn a_redirect_elsewhere_is_not_followed() {
    let stranger = System::start(|_, _| "ok".into_response()).await;
    let away = format!("http://{}/", stranger.addr);
    let undone = ("failed", "Nothing was undone");
    // Servers also answer with these when they have acted.
    let perhaps = ("unknown", "before sending again");
    for (status, wanted) in [(301, undone), (302, perhaps), (303, perhaps), (307, undone), (308, undone)] {
        let away = away.clone();
        let script =
            move |_, _| (StatusCode::from_u16(status).unwrap(), [(LOCATION, away.clone())]).into_response();
        check("redirect", script, wanted).await;
    }
    assert_eq!(stranger.asked().len(), 0, "the other host was asked");
}

#[tokio::test]
async fn an_answer_that_never_came_is_unknown() {
    let cut =
        b"HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\ncontent-length: 90\r\n\r\n{\"id\":\"run";
    let short =
        b"HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{\"id\":\"run";
    const SHORT: Duration = Duration::from_millis(400);
    for (addr, part) in [
        (raw(b"", true).await, "did not answer in full"),
        (raw(cut, true).await, "did not answer in full"),
        (raw(b"", false).await, "broke off"),
        (raw(cut, false).await, "broke off"),
        (raw(short, false).await, "cut off or not valid JSON"),
    ] {
        let mut spec = spec(addr);
        if part == "did not answer in full" {
            spec.request_deadline = SHORT;
        }
        let outcome = run(spec, &target(json!({}))).await;
        let (ended, message) = told(&outcome);
        assert_eq!(ended, "unknown", "{message}");
        assert!(message.contains(part) && message.to_lowercase().contains("look there"), "{message}");
    }
}

#[tokio::test]
async fn a_system_that_is_not_there_was_sent_nothing() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let outcome = run(spec(closed), &target(json!({}))).await;
    let (ended, message) = told(&outcome);
    assert_eq!(ended, "failed");
    assert!(message.starts_with("Nothing was sent") && message.contains("cannot be reached"), "{message}");
}

#[tokio::test]
async fn previews_warn_of_what_is_unusual() {
    let warnings = async |spec: HttpRollbackSpec| {
        let rollback = try_open(RollbackSpec::Http(Box::new(spec))).unwrap();
        rollback.preview(&target(json!({"previous": null}))).await.unwrap().warnings.join("\n")
    };
    let mut unencrypted = HttpRollbackSpec::new("POST", "http://deploy.example/{service}/undo");
    assert!(warnings(unencrypted.clone()).await.contains("names no version to go back to"));
    unencrypted.token = Some(SecretString::from(CANARY.to_owned()));
    let told = warnings(unencrypted).await;
    assert!(told.contains("deploy.example unencrypted") && !told.contains(CANARY), "{told}");
}

#[test]
fn specifications_that_cannot_be_used_are_named() {
    let base = || HttpRollbackSpec::new("POST", "https://deploy.example/{service}");
    let headers = |name: &str, value: &str| HttpRollbackSpec {
        headers: [(name.to_owned(), value.to_owned())].into(),
        token: Some(SecretString::from(CANARY.to_owned())),
        ..base()
    };
    let follow = |url: &str| HttpRollbackSpec {
        follow: Some(Follow { status_url: Some(url.to_owned()), ..Follow::default() }),
        ..base()
    };
    let never = Follow { interval: Duration::ZERO, ..Follow::default() };
    let never = HttpRollbackSpec { follow: Some(never), ..base() };
    let body = |body: &str| HttpRollbackSpec { body: Some(body.to_owned()), ..base() };
    for (spec, key) in [
        (HttpRollbackSpec::new("GET", "https://deploy.example/"), "method"),
        (HttpRollbackSpec::new("POST", "https://{service}.example/"), "url"),
        (HttpRollbackSpec::new("POST", "https://deploy.example/{run}"), "url"),
        (headers("Idempotency-Key", "x"), "headers"),
        (headers("Authorization", "Bearer x"), "headers"),
        (HttpRollbackSpec { token_header: Some("X-T".to_owned()), ..headers("x-t", CANARY) }, "headers"),
        (HttpRollbackSpec { token_header: Some("Host".to_owned()), ..base() }, "token_header"),
        (headers("Content-Type", "text/plain"), "headers"),
        (headers("not a name", "x"), "headers"),
        (headers("X-To", "{nothing}"), "headers"),
        (body("to={previous}"), "body"),
        (body(r#"{"to":{previous}}"#), "body"),
        (body(r#"{"to":"{prev}"}"#), "body"),
        (follow("https://elsewhere.example/runs/{run}"), "follow.status_url"),
        (follow("/runs/{run}"), "follow.status_url"),
        (never, "follow.interval"),
    ] {
        let shown = format!("{spec:?}");
        let error = try_open(RollbackSpec::Http(Box::new(spec))).err().unwrap().to_string();
        assert!(error.starts_with(&format!("`{key}` of the rollback")), "{error}");
        assert!(!error.contains(CANARY) && !shown.contains(CANARY), "{error} {shown}");
    }
}

#[tokio::test]
async fn values_that_no_header_can_carry_send_nothing() {
    let system = System::start(|_, _| "ok".into_response()).await;
    let mut spec = spec(system.addr);
    spec.headers.insert("X-To".to_owned(), "{previous}".to_owned());
    for previous in ["v1\r\nX-Evil: 1", "v1\0"] {
        let outcome = run(spec.clone(), &target(json!({ "previous": previous }))).await;
        let (ended, message) = told(&outcome);
        assert_eq!(ended, "failed");
        assert!(message.starts_with("Nothing was sent") && message.contains("x-to"), "{message}");
    }
    assert_eq!(system.asked().len(), 0);
}

#[tokio::test]
async fn mislabelled_json_is_read_all_the_same() {
    let body = Bytes::from_static(br#"{"status":"failed"}"#);
    let script = move |_, _| ([(CONTENT_TYPE, "text/html")], body.clone()).into_response();
    check("text/html", script, ("failed", "by hand")).await;
}
