//! Who may speak to the webhook, how much and how fast.

use std::net::SocketAddr;
use std::sync::Arc;

use faultline_deploys::DeployError;
use faultline_deploys::webhook::{
    self, BURST_REQUESTS, MAX_BODY_BYTES, PATH, SIGNATURE_HEADER, WebhookOptions,
};
use faultline_http::{Method, SecretString, StatusCode};
use faultline_model::DeploySink;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::{Hook, SECRET, Stopped, Store, full, read, secret};

#[tokio::test]
async fn only_who_knows_the_secret_may_speak() {
    let hook = Hook::start().await;
    let body = full().to_string();
    let signed = webhook::sign(&secret(), body.as_bytes());
    let other_body = webhook::sign(&secret(), b"{}");
    let other_key = webhook::sign(&SecretString::from("guess".to_owned()), body.as_bytes());
    let bearer = format!("Bearer {SECRET}");
    let upper = format!("sha256={}", signed["sha256=".len()..].to_uppercase());
    let cases: &[(&[(&str, &str)], u16)] = &[
        (&[(SIGNATURE_HEADER, &signed)], 202),
        (&[("X-Faultline-Signature", &upper)], 202),
        (&[("authorization", &bearer)], 202),
        (&[("authorization", &format!("bearer  {SECRET} "))], 202),
        (&[], 401),
        (&[(SIGNATURE_HEADER, &other_body)], 401),
        (&[(SIGNATURE_HEADER, &other_key)], 401),
        (&[(SIGNATURE_HEADER, &signed["sha256=".len()..])], 401),
        (&[(SIGNATURE_HEADER, "sha256=")], 401),
        (&[(SIGNATURE_HEADER, "sha256=zz")], 401),
        (&[(SIGNATURE_HEADER, &signed[..signed.len() - 2])], 401),
        (&[(SIGNATURE_HEADER, &other_body), ("authorization", &bearer)], 401),
        (&[("authorization", SECRET)], 401),
        (&[("authorization", &format!("Basic {SECRET}"))], 401),
        (&[("authorization", &format!("Bearer {SECRET}x"))], 401),
        (&[("authorization", "Bearer ")], 401),
    ];
    for (headers, status) in cases {
        let answer = hook.send(Method::POST, PATH, headers, body.as_bytes()).await;
        assert_eq!(answer.status.as_u16(), *status, "{headers:?}: {}", answer.excerpt());
        if answer.status == StatusCode::UNAUTHORIZED {
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
            assert_eq!(read(&answer)["code"], "unauthorized");
        }
    }
    assert_eq!(hook.stored(), cases.iter().filter(|(_, status)| *status == 202).count());
}

#[tokio::test]
async fn there_is_one_path_and_one_method() {
    let hook = Hook::start().await;
    for (method, path, status, code) in [
        (Method::GET, "/", 404, "not_found"),
        (Method::POST, "/v1/deploys/", 404, "not_found"),
        (Method::POST, "/v2/deploys", 404, "not_found"),
        (Method::GET, PATH, 405, "method_not_allowed"),
        (Method::PUT, PATH, 405, "method_not_allowed"),
        (Method::OPTIONS, PATH, 405, "method_not_allowed"),
    ] {
        let answer = hook.send(method, path, &[("origin", "http://evil.example")], b"{}").await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        let told = read(&answer);
        assert_eq!(told["code"], code);
        assert!(told["hint"].as_str().unwrap().contains(PATH));
        assert_eq!(answer.header("allow").is_some(), status == 405);
        assert!(!answer.headers.keys().any(|name| name.as_str().starts_with("access-control-")));
    }
}

#[tokio::test]
async fn a_page_led_to_this_machine_is_turned_away() {
    let hook = Hook::start().await;
    let body = full().to_string();
    let signed = webhook::sign(&secret(), body.as_bytes());
    for (host, status) in [
        ("localhost:7787", 202),
        ("[::1]:7787", 202),
        ("127.0.0.1", 202),
        ("evil.example", 403),
        ("localhost.evil.example:7787", 403),
        ("10.0.0.7:7787", 403),
    ] {
        let headers = [("host", host), (SIGNATURE_HEADER, signed.as_str())];
        let answer = hook.send(Method::POST, PATH, &headers, body.as_bytes()).await;
        assert_eq!(answer.status.as_u16(), status, "{host}");
    }
}

#[tokio::test]
async fn long_bodies_are_refused_however_they_come() {
    let hook = Hook::start().await;
    let mut fits = full();
    fits["filler"] = "x".repeat(MAX_BODY_BYTES - full().to_string().len() - r#","filler":"""#.len()).into();
    assert_eq!(fits.to_string().len(), MAX_BODY_BYTES);
    assert_eq!(hook.post(&[], fits.to_string().as_bytes()).await.status, StatusCode::ACCEPTED);
    let answer = hook.post(&[], &vec![b' '; MAX_BODY_BYTES + 1]).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(read(&answer)["code"], "too_large");

    let mut stream = TcpStream::connect(hook.addr).await.unwrap();
    let head = format!("POST {PATH} HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("{:x}\r\n{}\r\n", 8192, "x".repeat(8192));
    let mut answer = [0; 12];
    for _ in 0..=MAX_BODY_BYTES / 8192 {
        stream.write_all(chunk.as_bytes()).await.unwrap();
    }
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
}

#[tokio::test]
async fn floods_are_slowed_and_strangers_do_not_lock_out_senders() {
    let hook = Hook::start().await;
    let body = full().to_string();
    let burst = BURST_REQUESTS as usize;
    for _ in 0..burst {
        assert_eq!(hook.send(Method::POST, PATH, &[], b"{}").await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(hook.send(Method::POST, PATH, &[], b"{}").await.status, StatusCode::TOO_MANY_REQUESTS);
    for _ in 0..burst {
        assert_eq!(hook.post(&[], body.as_bytes()).await.status, StatusCode::ACCEPTED);
    }
    let answer = hook.post(&[], body.as_bytes()).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(read(&answer)["code"], "too_many_requests");
    assert_eq!(hook.stored(), burst);
}

#[tokio::test]
async fn what_is_not_stored_is_not_accepted() {
    let hook =
        Hook::with(Store { fault: Some("the disk is full; free some space"), ..Store::default() }).await;
    let answer = hook.post(&[], full().to_string().as_bytes()).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(read(&answer)["message"], "the disk is full; free some space");
}

#[tokio::test]
async fn it_stops_when_told_to_even_with_senders_connected() {
    let hook = Hook::start().await;
    assert_eq!(hook.post(&[], full().to_string().as_bytes()).await.status, StatusCode::ACCEPTED);
    let idle = TcpStream::connect(hook.addr).await.unwrap();
    hook.shutdown.cancel();
    hook.server.stopped().await;
    assert!(TcpStream::connect(hook.addr).await.is_err());
    drop(idle);
}

#[tokio::test]
async fn options_that_cannot_be_used_are_named() {
    let taken = Hook::start().await;
    let check = async |listen: SocketAddr, secret: &str, part: &str| {
        let options = WebhookOptions { listen, secret: SecretString::from(secret.to_owned()) };
        assert!(!format!("{options:?}").contains(SECRET));
        let sink: Arc<dyn DeploySink> = Arc::new(Store::default());
        let error: DeployError =
            webhook::serve(options, sink, Arc::new(Stopped), CancellationToken::new()).await.unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    };
    check("0.0.0.0:0".parse().unwrap(), SECRET, "use 127.0.0.1 or [::1]").await;
    check("[::]:0".parse().unwrap(), SECRET, "use 127.0.0.1 or [::1]").await;
    check("127.0.0.1:0".parse().unwrap(), "", "secret is empty").await;
    check(taken.addr, SECRET, "choose another port").await;
}
