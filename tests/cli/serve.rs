//! `serve`: the command table over loopback, for this machine and its own page alone.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::run::{EMPTY_CLUSTER, Place};

/// Longest wait for a byte of an answer.
const ANSWER_DEADLINE: Duration = Duration::from_secs(60);
/// More than may be sent as arguments, bytes.
const TOO_LONG: usize = 300 << 10;
/// As many pages as may listen at the same time.
const MAX_STREAMS: usize = 16;

/// A running server; killed when dropped.
struct Server {
    child: Child,
    /// `127.0.0.1:PORT`
    address: String,
    /// Kept open, so that the server has somewhere to write to.
    _stderr: ChildStderr,
}

/// What was answered.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(one, _)| one.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

impl Server {
    fn start(place: &Place, more: &[&str]) -> Self {
        let mut command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.args(more).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        let stderr = child.stderr.take().unwrap();
        let mut server = Self { child, address: String::new(), _stderr: stderr };
        let address = url.trim().strip_prefix("http://").and_then(|rest| rest.strip_suffix('/'));
        server.address = address.unwrap_or_else(|| panic!("no address: {url:?}")).to_owned();
        server
    }

    /// Sends a request as it is and reads to the end of the answer.
    fn send(&self, head: &str, body: &str) -> Answer {
        let mut stream = self.connect();
        let length =
            if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        stream.write_all(format!("{head}\r\n{length}Connection: close\r\n\r\n").as_bytes()).unwrap();
        // A body that is too long is refused before it is all sent.
        stream.write_all(body.as_bytes()).ok();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    fn get(&self, path: &str) -> Answer {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: {}", self.address), "")
    }

    /// A command as the window sends it, with more headers.
    fn call(&self, command: &str, headers: &str, body: &str) -> Answer {
        let head = format!(
            "POST /api/{command} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json{headers}",
            self.address
        );
        self.send(&head, body)
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(ANSWER_DEADLINE)).unwrap();
        stream
    }

    /// Opens the stream of events and reads its first line.
    fn listen(&self) -> (String, BufReader<TcpStream>) {
        let mut stream = self.connect();
        write!(stream, "GET /api/events HTTP/1.1\r\nHost: {}\r\n\r\n", self.address).unwrap();
        let mut lines = BufReader::new(stream);
        let mut status = String::new();
        lines.read_line(&mut status).unwrap();
        (status.trim().to_owned(), lines)
    }

    fn end(mut self, signal: Signal) -> ExitStatus {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
        self.child.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A place with a small window to serve.
fn place_with_page() -> (Place, String) {
    let place = Place::new(EMPTY_CLUSTER);
    std::fs::create_dir_all(place.path("ui/assets")).unwrap();
    std::fs::write(place.path("ui/index.html"), "<!doctype html><title>Faultline</title>").unwrap();
    std::fs::write(place.path("ui/assets/app.js"), "export {};").unwrap();
    let ui = place.file("ui");
    (place, ui)
}

#[test]
fn commands_are_answered_as_in_the_window() {
    let place = Place::new(EMPTY_CLUSTER);
    let server = Server::start(&place, &[]);
    let overview = server.call("overview/get", "", "{}");
    assert_eq!(overview.status, 200, "{overview:?}");
    assert_eq!(overview.json()["clusters"][0]["name"], "shop");
    let origin = format!("\r\nOrigin: http://{}\r\nSec-Fetch-Site: same-origin", server.address);
    assert_eq!(server.call("overview/get", &origin, "{}").status, 200, "as the page asks");
    let charts = json!({
        "cluster": "shop", "from": null, "to": null, "last_s": 900.0, "width_px": 1200,
        "panel_height_px": 300, "theme": "dark", "group": "query", "utc_offset_s": 0,
    });
    let drawn = server.call("charts/draw", "", &charts.to_string());
    assert!(drawn.json()["panels"][0]["svg"].as_str().unwrap().starts_with("<svg"), "{drawn:?}");

    for (command, body, status, code, words) in [
        ("nobody/get", "{}", 400, "bad_request", "nobody|get"),
        ("incidents/get", r#"{"id":"7"}"#, 404, "not_found", "7"),
        ("incidents/get", r#"{"name":"7"}"#, 400, "bad_request", "id"),
        ("links/open", r#"{"url":"https://evil.example/"}"#, 409, "refused", "evil.example"),
        ("overview/get", "{", 400, "bad_request", "no JSON"),
        ("overview/get", "", 400, "bad_request", "no JSON"),
    ] {
        let answer = server.call(command, "", body);
        assert_eq!(answer.status, status, "{command} {body}: {answer:?}");
        assert_eq!(answer.json()["code"], code, "{command} {body}: {answer:?}");
        assert!(answer.json()["message"].as_str().unwrap().contains(words), "{command} {body}: {answer:?}");
    }
    let answer = server.call("overview/get", "", &format!("\"{}\"", "x".repeat(TOO_LONG)));
    assert_eq!(answer.status, 413, "{answer:?}");
}

#[test]
fn foreign_pages_and_names_are_refused() {
    let (place, ui) = place_with_page();
    let server = Server::start(&place, &["--ui", &ui]);
    let post = |host: &str, kind: &str, headers: &str| {
        server.send(
            &format!("POST /api/overview/get HTTP/1.1\r\nHost: {host}\r\nContent-Type: {kind}{headers}"),
            "{}",
        )
    };
    let own = server.address.as_str();
    assert_eq!(post(own, "application/json; charset=utf-8", "").status, 200);
    for (what, answer, status) in [
        ("a rebound name", post("evil.example", "application/json", ""), 403),
        ("two hosts", post(own, "application/json", "\r\nHost: 127.0.0.1"), 403),
        ("a foreign page", post(own, "application/json", "\r\nOrigin: https://evil.example"), 403),
        (
            "another page of this machine",
            post(own, "application/json", "\r\nOrigin: http://localhost:1"),
            403,
        ),
        ("a sandboxed page", post(own, "application/json", "\r\nOrigin: null"), 403),
        ("a foreign frame", post(own, "application/json", "\r\nSec-Fetch-Site: cross-site"), 403),
        ("a form", post(own, "application/x-www-form-urlencoded", ""), 415),
        ("a form's text", post(own, "text/plain", ""), 415),
        ("a page by a rebound name", server.send("GET / HTTP/1.1\r\nHost: evil.example", ""), 403),
        ("no host", server.send("GET / HTTP/1.0", ""), 403),
        ("a command as a page", server.get("/api/overview/get"), 405),
        (
            "a preflight",
            server.send(
                &format!("OPTIONS /api/overview/get HTTP/1.1\r\nHost: {own}\r\nOrigin: https://evil.example"),
                "",
            ),
            403,
        ),
        (
            "a foreign listener",
            server.send(
                &format!("GET /api/events HTTP/1.1\r\nHost: {own}\r\nOrigin: https://evil.example"),
                "",
            ),
            403,
        ),
    ] {
        assert_eq!(answer.status, status, "{what}: {answer:?}");
        assert!(answer.header("access-control-allow-origin").is_none(), "{what}: {answer:?}");
        assert!(answer.json()["message"].is_string(), "{what}: {answer:?}");
    }
}

#[test]
fn the_page_runs_under_the_windows_policy_and_nothing_beside_it_is_served() {
    let (place, ui) = place_with_page();
    let server = Server::start(&place, &["--ui", &ui]);
    for (path, kind, content) in [
        ("/", "text/html; charset=utf-8", "Faultline"),
        ("/index.html", "text/html; charset=utf-8", "Faultline"),
        ("/assets/app.js", "text/javascript; charset=utf-8", "export"),
    ] {
        let answer = server.get(path);
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(kind)), "{path}: {answer:?}");
        assert!(answer.body.contains(content), "{path}: {answer:?}");
        assert_eq!(answer.header("content-security-policy"), Some(policy().as_str()), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("x-frame-options"), Some("DENY"), "{path}");
    }
    // The configuration lies beside the folder of the window.
    for path in
        ["/../config.toml", "/%2e%2e/config.toml", "/assets/..%2f..%2fconfig.toml", "/assets", "/nothing.js"]
    {
        assert_eq!(server.get(path).status, 404, "{path}");
    }
}

/// The policy of `tauri.conf.json`, with this server in the place of Tauri's own protocol.
fn policy() -> String {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../tauri.conf.json");
    let configuration: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let directives = configuration["app"]["security"]["csp"].as_object().unwrap();
    let names = [
        "default-src",
        "connect-src",
        "img-src",
        "style-src",
        "script-src",
        "object-src",
        "base-uri",
        "form-action",
        "frame-ancestors",
    ];
    assert_eq!(directives.len(), names.len(), "a directive is not served: {directives:?}");
    let directive = |name: &str| match name {
        "connect-src" => "connect-src 'self'".to_owned(),
        _ => format!("{name} {}", directives[name].as_str().unwrap()),
    };
    names.map(directive).join("; ")
}

#[test]
fn changes_are_told_and_no_more_listen_than_may() {
    let place = Place::new(EMPTY_CLUSTER);
    let server = Server::start(&place, &[]);
    let mut listening: Vec<_> = (0..MAX_STREAMS).map(|_| server.listen()).collect();
    assert!(listening.iter().all(|(status, _)| status == "HTTP/1.1 200 OK"), "{listening:?}");
    let (status, _) = server.listen();
    assert_eq!(status, "HTTP/1.1 503 Service Unavailable");

    place.run(&["mark", "--service", "checkout", "--version", "v142"]).expect(0, &[]);
    for (_, stream) in &mut listening {
        let changed = stream.lines().map(Result::unwrap).find_map(|line| {
            let changed: Value = serde_json::from_str(line.strip_prefix("data:")?.trim()).unwrap();
            (changed["topic"] == "deploys").then_some(changed)
        });
        assert!(changed.is_some(), "the stream ended");
    }
    // Streams that are open do not keep the server from ending.
    assert_eq!(server.end(Signal::SIGTERM).code(), Some(0));
    for (_, mut stream) in listening {
        let mut rest = String::new();
        stream.read_to_string(&mut rest).unwrap();
    }
}

#[test]
fn it_ends_politely_and_says_why_it_cannot_begin() {
    let (place, ui) = place_with_page();
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        assert_eq!(Server::start(&place, &[]).end(signal).code(), Some(0), "{signal}");
    }
    let server = Server::start(&place, &["--ui", &ui]);
    let taken = server.address.clone();
    for (arguments, code, words) in [
        (vec!["--listen", "0.0.0.0:0"], 64, vec!["0.0.0.0", "127.0.0.1", "other machines"]),
        (vec!["--listen", "somewhere"], 64, vec!["somewhere", "--listen"]),
        (vec!["--ui", "nowhere"], 64, vec!["nowhere", "index.html", "npm run build"]),
        (vec!["--listen", taken.as_str()], 2, vec![taken.as_str(), "--listen"]),
        (vec!["--listen", "127.0.0.1:0"], 2, vec!["another Faultline", "--data"]),
    ] {
        place.run(&[&["serve"][..], &arguments].concat()).expect(code, &words);
    }
}
