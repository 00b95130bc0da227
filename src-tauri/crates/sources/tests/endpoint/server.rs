//! An endpoint on this machine that answers as the test wants, and a clock that stands until it is set.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::Response;
use faultline_model::{Clock, EndpointKind, EndpointSpec, NodeId, Timestamp};

/// What a request was.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    /// Fields of a form.
    pub(crate) form: Vec<(String, String)>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// A parameter, wherever it was sent.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().chain(&self.form).find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

type Answer = Box<dyn Fn(&Asked) -> Response<String> + Send + Sync>;

struct Shared {
    answer: Answer,
    asked: Mutex<Vec<Asked>>,
}

/// The endpoint. It ends with the test's runtime.
#[derive(Clone)]
pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Server {
    pub(crate) async fn start(answer: impl Fn(&Asked) -> Response<String> + Send + Sync + 'static) -> Self {
        let shared = Arc::new(Shared { answer: Box::new(answer), asked: Mutex::default() });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = Router::new().fallback(handle).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, shared }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }
}

async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response<String> {
    let (parts, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let pairs = |text: &[u8]| url::form_urlencoded::parse(text).into_owned().collect();
    let asked = Asked {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: pairs(parts.uri.query().unwrap_or_default().as_bytes()),
        headers: parts
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect(),
        form: pairs(&body),
    };
    let answer = (shared.answer)(&asked);
    shared.asked.lock().unwrap().push(asked);
    answer
}

pub(crate) fn text(body: impl Into<String>) -> Response<String> {
    typed("text/plain; version=0.0.4", body)
}

pub(crate) fn json(body: impl Into<String>) -> Response<String> {
    typed("application/json", body)
}

pub(crate) fn typed(content_type: &str, body: impl Into<String>) -> Response<String> {
    Response::builder().header("content-type", content_type).body(body.into()).unwrap()
}

pub(crate) fn status(status: u16, content_type: &str, body: &str) -> Response<String> {
    Response::builder().status(status).header("content-type", content_type).body(body.to_owned()).unwrap()
}

/// A clock that stands until it is set.
pub(crate) struct Still(AtomicI64);

impl Still {
    pub(crate) fn at(secs: f64) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(Timestamp::from_secs(secs).as_micros())))
    }

    pub(crate) fn set(&self, secs: f64) {
        self.0.store(Timestamp::from_secs(secs).as_micros(), Ordering::SeqCst);
    }
}

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// An endpoint without anything special.
pub(crate) fn spec(kind: EndpointKind, url: String, signals: &[(&str, &str)]) -> EndpointSpec {
    EndpointSpec {
        id: NodeId { cluster: "shop".into(), node: "edge".into() },
        kind,
        url,
        auth: None,
        headers: Default::default(),
        ca: None,
        client: None,
        signals: signals.iter().map(|(name, text)| ((*name).into(), (*text).to_owned())).collect(),
        presets: Vec::new(),
        selector: String::new(),
        role: None,
        statements: None,
        interval_s: 5.0,
    }
}
