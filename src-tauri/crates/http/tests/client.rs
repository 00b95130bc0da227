//! The client against real servers on this machine: slow, huge, lying, redirecting, silent and absent ones.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request as Asked;
use axum::http::header::{AUTHORIZATION, CONTENT_ENCODING, LOCATION};
use axum::response::IntoResponse;
use axum::routing::any;
use faultline_http::{
    Auth, Bytes, ExposeSecret, HttpClient, HttpError, HttpOptions, MAX_EXCERPT_CHARS, MAX_REDIRECTS, Method,
    RedirectPolicy, Request, SecretString, StatusCode, Url,
};
use futures::{StreamExt, stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Must never occur in a message.
const CANARY: &str = "canary-9f3a71";

/// Long enough for a request on this machine, short enough to wait for.
const SHORT: Duration = Duration::from_millis(400);

fn client() -> HttpClient {
    HttpClient::new(HttpOptions::default()).unwrap()
}

fn url(addr: SocketAddr, path: &str) -> Url {
    Url::parse(&format!("http://{addr}{path}")).unwrap()
}

async fn server(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    addr
}

/// Answers every connection with these bytes, after it has read something, and keeps it open or closes it.
async fn raw(answer: &'static [u8], stay_open: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(answer).await;
            if stay_open {
                open.push(stream);
            }
        }
    });
    addr
}

/// A request full of secrets, so that every failure is also a test of masking.
fn secretive(url: Url) -> Request {
    let mut url = url;
    url.query_pairs_mut().append_pair("access_token", CANARY);
    let mut request = Request::get(url);
    request.auth = Some(Auth::Bearer(SecretString::from(CANARY.to_owned())));
    request.headers.insert("x-api-key", CANARY.parse().unwrap());
    request.deadline = SHORT;
    request
}

async fn fails(request: Request) -> HttpError {
    let shown = format!("{request:?}");
    assert!(!shown.contains(CANARY), "{shown}");
    let error = client().send(request).await.and_then(faultline_http::Response::ok).unwrap_err();
    let told = format!("{error} {error:?}");
    assert!(!told.contains(CANARY), "{told}");
    error
}

#[tokio::test]
async fn silence_and_dripping_end_at_the_deadline() {
    let silent = raw(b"", true).await;
    let half_a_head = raw(b"HTTP/1.1 200 OK\r\ncontent-le", true).await;
    let half_a_body = raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf", true).await;
    let dripping = server(Router::new().fallback(any(async || {
        let drops = stream::repeat(()).then(async |()| {
            tokio::time::sleep(SHORT / 8).await;
            Ok::<_, std::io::Error>(Bytes::from_static(b"."))
        });
        Body::from_stream(drops)
    })))
    .await;
    for addr in [silent, half_a_head, half_a_body, dripping] {
        let error = fails(secretive(url(addr, "/"))).await;
        assert_eq!(error, HttpError::Deadline { host: addr.to_string(), deadline: SHORT });
        assert!(error.may_have_been_sent());
    }
}

#[tokio::test]
async fn broken_exchanges_may_have_been_sent() {
    for answer in [
        &b""[..],
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\nhalf",
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nhalf",
        b"this is not HTTP\r\n\r\n",
    ] {
        let error = fails(secretive(url(raw(answer, false).await, "/"))).await;
        assert!(matches!(error, HttpError::Interrupted { .. }), "{error:?}");
        assert!(error.may_have_been_sent());
    }
}

#[tokio::test]
async fn a_refused_connection_was_not_sent() {
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let error = fails(secretive(url(closed, "/"))).await;
    assert!(matches!(&error, HttpError::Connect { host, .. } if *host == closed.to_string()), "{error:?}");
    assert!(!error.may_have_been_sent());
    assert!(error.to_string().contains("Connection refused"), "{error}");
}

#[tokio::test]
async fn plain_http_behind_https_is_named_as_tls() {
    let addr = raw(b"HTTP/1.1 400 Bad Request\r\n\r\n", false).await;
    let error = fails(secretive(Url::parse(&format!("https://{addr}/")).unwrap())).await;
    assert!(matches!(error, HttpError::Tls { .. }), "{error:?}");
    assert!(!error.may_have_been_sent());
}

#[tokio::test]
async fn huge_bodies_stop_at_the_limit() {
    const LIMIT: usize = 64 << 10;
    let bomb = {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        for _ in 0..64 {
            gzip.write_all(&[0; 1 << 20]).unwrap();
        }
        Bytes::from(gzip.finish().unwrap())
    };
    let addr = server(
        Router::new()
            .route("/announced", any(async || vec![b'x'; LIMIT + 1]))
            .route("/fits", any(async || vec![b'x'; LIMIT]))
            .route(
                "/endless",
                any(async || {
                    Body::from_stream(stream::repeat_with(|| {
                        Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; 4096]))
                    }))
                }),
            )
            .route("/bomb", any(async move || ([(CONTENT_ENCODING, "gzip")], bomb.clone()))),
    )
    .await;
    for path in ["/announced", "/endless", "/bomb"] {
        let mut request = secretive(url(addr, path));
        request.max_body_bytes = LIMIT;
        request.deadline = Duration::from_secs(30);
        let error = fails(request).await;
        assert_eq!(error, HttpError::BodyTooLarge { host: addr.to_string(), limit_bytes: LIMIT }, "{path}");
    }
    let mut request = Request::get(url(addr, "/fits"));
    request.max_body_bytes = LIMIT;
    assert_eq!(client().send(request).await.unwrap().body.len(), LIMIT);
}

#[tokio::test]
async fn compressed_answers_are_read() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(br#"{"status":"succeeded"}"#).unwrap();
    let body = gzip.finish().unwrap();
    let addr =
        server(Router::new().fallback(any(async move || ([(CONTENT_ENCODING, "gzip")], body.clone())))).await;
    let answer = client().send(Request::get(url(addr, "/"))).await.unwrap();
    assert_eq!(answer.json::<serde_json::Value>().unwrap()["status"], "succeeded");
}

#[tokio::test]
async fn auth_stays_on_its_host() {
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    let stranger = server(Router::new().fallback(any(async move || {
        count.fetch_add(1, Ordering::SeqCst);
    })))
    .await;
    let addr = server(
        Router::new()
            .route(
                "/away/{code}",
                any(async move |code: axum::extract::Path<u16>| {
                    (
                        StatusCode::from_u16(*code).unwrap(),
                        [(LOCATION, format!("http://{stranger}/?x={CANARY}"))],
                    )
                }),
            )
            .route("/nowhere", any(async || StatusCode::FOUND))
            .route("/script", any(async || (StatusCode::FOUND, [(LOCATION, "javascript:alert(1)")]))),
    )
    .await;
    for policy in [RedirectPolicy::None, RedirectPolicy::SameHost] {
        for method in [Method::GET, Method::POST] {
            for path in
                ["/away/301", "/away/302", "/away/303", "/away/307", "/away/308", "/nowhere", "/script"]
            {
                let mut request = secretive(url(addr, path));
                request.method = method.clone();
                request.redirect = policy;
                let error = fails(request).await;
                let HttpError::Redirect { status, .. } = &error else { panic!("{path} {error:?}") };
                assert_eq!(error.may_have_been_sent(), matches!(status.as_u16(), 302 | 303), "{path}");
            }
        }
    }
    assert_eq!(seen.load(Ordering::SeqCst), 0, "the other host was asked");
}

#[tokio::test]
async fn redirects_on_the_same_host_are_followed() {
    let addr = server(
        Router::new()
            .route(
                "/end",
                any(async |asked: Asked| {
                    let auth =
                        asked.headers().get(AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
                    format!("{} {}", asked.method(), auth.unwrap_or_default())
                }),
            )
            .route("/loop", any(async || (StatusCode::FOUND, [(LOCATION, "/loop")])))
            .route(
                "/to/{code}",
                any(async |code: axum::extract::Path<u16>| {
                    (StatusCode::from_u16(*code).unwrap(), [(LOCATION, "/end")])
                }),
            ),
    )
    .await;
    let ask = async |method: Method, path: &str| {
        let mut request = Request::new(method, url(addr, path));
        request.redirect = RedirectPolicy::SameHost;
        request.body = Some(Bytes::from_static(b"{}"));
        request.auth =
            Some(Auth::Basic { user: "me".to_owned(), password: SecretString::from("pw".to_owned()) });
        client().send(request).await.map(|answer| String::from_utf8(answer.body.to_vec()).unwrap())
    };
    for (method, code, wanted) in [
        (Method::GET, 301, "GET"),
        (Method::GET, 302, "GET"),
        (Method::POST, 303, "GET"),
        (Method::POST, 307, "POST"),
        (Method::DELETE, 308, "DELETE"),
    ] {
        let answer = ask(method, &format!("/to/{code}")).await.unwrap();
        assert_eq!(answer, format!("{wanted} Basic bWU6cHc="), "{code}");
    }
    for (method, path) in [(Method::POST, "/to/301"), (Method::POST, "/to/302"), (Method::GET, "/loop")] {
        let error = ask(method, path).await.unwrap_err();
        assert!(matches!(error, HttpError::Redirect { .. }), "{path} {error:?}");
    }
    assert!(ask(Method::GET, "/loop").await.unwrap_err().to_string().contains("too many redirects"));
    assert_eq!(MAX_REDIRECTS, 5);
}

#[tokio::test]
async fn excerpts_are_short_and_hold_no_secret() {
    let addr = server(Router::new().fallback(any(async |asked: Asked| {
        let echo = format!("{:?}\n\u{1b}[31m{}\0 {}", asked.headers(), asked.uri(), "long ".repeat(100_000));
        (StatusCode::INTERNAL_SERVER_ERROR, echo).into_response()
    })))
    .await;
    let error = fails(secretive(url(addr, "/"))).await;
    let HttpError::Status { host, status, excerpt } = error else { panic!("{error:?}") };
    assert_eq!((host, status), (addr.to_string(), StatusCode::INTERNAL_SERVER_ERROR));
    assert!(excerpt.chars().count() <= MAX_EXCERPT_CHARS && excerpt.contains("***"), "{excerpt}");
    assert!(!excerpt.contains(char::is_control), "{excerpt:?}");

    let mut request = Request::get(url(addr, "/"));
    let password = SecretString::from(CANARY.to_owned());
    request.auth = Some(Auth::Basic { user: "me".to_owned(), password: password.clone() });
    let answer = client().send(request).await.unwrap();
    assert!(!answer.excerpt().contains("bWU6Y2FuYXJ5"), "the credentials' Base64 is masked, too");
    assert!(!format!("{answer:?}").contains(password.expose_secret()));
    let error = answer.json::<serde_json::Value>().unwrap_err().to_string();
    assert!(error.contains("expected JSON") && !error.contains(CANARY), "{error}");
}

#[tokio::test]
async fn what_cannot_be_sent_is_said_without_the_secret() {
    let addr = raw(b"", true).await;
    let mut broken_token = secretive(url(addr, "/"));
    broken_token.auth = Some(Auth::Bearer(SecretString::from(format!("{CANARY}\n"))));
    for request in [broken_token, secretive(Url::parse("ftp://localhost/").unwrap())] {
        let error = fails(request).await;
        assert!(matches!(error, HttpError::InvalidRequest { .. }), "{error:?}");
        assert!(!error.may_have_been_sent());
    }
}

#[test]
fn options_that_cannot_be_used_are_named() {
    let check = |options: HttpOptions, part: &str| {
        let error = HttpClient::new(options).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    };
    check(HttpOptions { ca_pem: Some(b"nothing".to_vec()), ..HttpOptions::default() }, "`ca`");
    let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec();
    check(HttpOptions { ca_pem: Some(broken), ..HttpOptions::default() }, "`ca`");
    check(HttpOptions { user_agent: "line\nbreak".to_owned(), ..HttpOptions::default() }, "user agent");
}
