//! Deploy systems on this machine that answer as they are told and keep what they were asked.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// What a deploy system was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// Answers the n-th request with the n-th answer, and the last one for ever.
type Script = Arc<dyn Fn(SocketAddr, usize) -> Response + Send + Sync>;

/// A deploy system that keeps what it was asked.
pub(crate) struct System {
    pub(crate) addr: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

#[derive(Clone)]
struct Shared {
    addr: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    script: Script,
}

async fn answer(State(shared): State<Shared>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap();
    let line = format!("{} {}", head.method, head.uri);
    let nth = {
        let mut asked = shared.asked.lock().unwrap();
        asked.push(Asked { line, headers: head.headers, body });
        asked.len() - 1
    };
    (shared.script)(shared.addr, nth)
}

impl System {
    pub(crate) async fn start(
        script: impl Fn(SocketAddr, usize) -> Response + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let shared = Shared { addr, asked: Arc::clone(&asked), script: Arc::new(script) };
        let router = Router::new().fallback(answer).with_state(shared);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { addr, asked }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

/// Reads one request and answers with these bytes, then closes or says nothing more.
pub(crate) async fn raw(answer: &'static [u8], stay_open: bool) -> SocketAddr {
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
