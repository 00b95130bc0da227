//! The webhook over real connections: who may speak, how much, what a deploy must look like, and what is stored.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod bodies;
mod cdevents;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use faultline_deploys::webhook::{self, PATH, WebhookOptions, WebhookServer};
use faultline_http::{
    Bytes, HeaderName, HttpClient, HttpOptions, Method, Request, Response, SecretString, StatusCode, Url,
};
use faultline_model::{Clock, Deploy, DeploySink, Timestamp};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// Shared by senders and webhook; must occur in no answer.
const SECRET: &str = "correct-horse-battery-staple";

/// What time it is at the webhook, Unix seconds.
const NOW_S: f64 = 1_800_000_000.0;

struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(NOW_S)
    }
}

/// Keeps what it is given, or fails in the way it is told to.
#[derive(Default)]
struct Store {
    deploys: Mutex<Vec<Deploy>>,
    fault: Option<&'static str>,
}

#[async_trait]
impl DeploySink for Store {
    async fn accept(&self, deploy: Deploy) -> Result<(), String> {
        match self.fault {
            Some(fault) => Err(fault.to_owned()),
            None => {
                self.deploys.lock().unwrap().push(deploy);
                Ok(())
            }
        }
    }
}

/// A webhook of its own for every test.
struct Hook {
    addr: SocketAddr,
    store: Arc<Store>,
    server: WebhookServer,
    shutdown: CancellationToken,
    http: HttpClient,
}

impl Hook {
    async fn start() -> Self {
        Self::with(Store::default()).await
    }

    async fn with(store: Store) -> Self {
        let store = Arc::new(store);
        let shutdown = CancellationToken::new();
        let options = WebhookOptions { listen: "127.0.0.1:0".parse().unwrap(), secret: secret() };
        let server = webhook::serve(
            options,
            Arc::clone(&store) as Arc<dyn DeploySink>,
            Arc::new(Stopped),
            shutdown.clone(),
        );
        let server = server.await.unwrap();
        let http = HttpClient::new(HttpOptions::default()).unwrap();
        Self { addr: server.addr, store, server, shutdown, http }
    }

    /// Sends a request as it is.
    async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        let mut request = Request::new(method, Url::parse(&format!("http://{}{path}", self.addr)).unwrap());
        for (name, value) in headers {
            request.headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        request.body = Some(Bytes::copy_from_slice(body));
        let answer = self.http.send(request).await.unwrap();
        let told = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(!told.contains(SECRET), "{told}");
        answer
    }

    /// Posts a body with the right signature.
    async fn post(&self, headers: &[(&str, &str)], body: &[u8]) -> Response {
        let signature = webhook::sign(&secret(), body);
        let headers: Vec<(&str, &str)> =
            headers.iter().copied().chain([(webhook::SIGNATURE_HEADER, signature.as_str())]).collect();
        self.send(Method::POST, PATH, &headers, body).await
    }

    /// Posts JSON and gives back what was stored of it.
    async fn stores(&self, headers: &[(&str, &str)], body: &Value) -> Deploy {
        let answer = self.post(headers, body.to_string().as_bytes()).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{body}: {}", answer.excerpt());
        let deploy = self.store.deploys.lock().unwrap().pop().unwrap();
        assert_eq!(read(&answer)["id"], deploy.id.as_str());
        deploy
    }

    /// Posts JSON that must be refused, and gives back the field that is named.
    async fn refuses(&self, headers: &[(&str, &str)], body: &Value) -> String {
        let answer = self.post(headers, body.to_string().as_bytes()).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {}", answer.excerpt());
        let told = read(&answer);
        let field = told["field"].as_str().unwrap().to_owned();
        assert!(told["message"].as_str().unwrap().starts_with(&field), "{told}");
        assert!(!told["hint"].as_str().unwrap().is_empty(), "{told}");
        assert_eq!(told["code"], "invalid_field");
        assert_eq!(self.stored(), 0, "{body} was refused and stored");
        field
    }

    fn stored(&self) -> usize {
        self.store.deploys.lock().unwrap().len()
    }
}

fn secret() -> SecretString {
    SecretString::from(SECRET.to_owned())
}

fn read(answer: &Response) -> Value {
    answer.json().unwrap()
}

/// A deploy with every field.
fn full() -> Value {
    json!({
        "id": "checkout-142", "service": "checkout", "version": "v142", "previous": "v141",
        "environment": "production", "started": NOW_S - 12.5, "finished": NOW_S - 2.0, "status": "succeeded",
        "kind": "deploy", "actor": "ci", "url": "https://deploy.example/checkout/142"
    })
}
