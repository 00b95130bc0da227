//! One request from its head to its answer, in an order that tells strangers nothing: host, body, secret, rate, fields,
//! store.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use axum::response::Response;
use axum::routing::post;
use faultline_model::{Clock, Deploy, DeploySink};
use secrecy::SecretString;
use tokio::time::timeout;

use super::answer::{self, Refusal};
use super::limit::TokenBucket;
use super::{MAX_BODY_BYTES, PATH, READ_DEADLINE, STORE_DEADLINE, auth, body};

/// What every request needs.
struct Shared {
    secret: SecretString,
    sink: Arc<dyn DeploySink>,
    clock: Arc<dyn Clock>,
    limits: Mutex<Limits>,
}

/// Strangers have a bucket of their own, so that their noise does not keep deploys out.
struct Limits {
    known: TokenBucket,
    strangers: TokenBucket,
}

/// The one route.
pub(crate) fn router(secret: SecretString, sink: Arc<dyn DeploySink>, clock: Arc<dyn Clock>) -> Router {
    let limits = Mutex::new(Limits { known: TokenBucket::full(), strangers: TokenBucket::full() });
    let shared = Arc::new(Shared { secret, sink, clock, limits });
    Router::new()
        .route(PATH, post(receive).fallback(async || Refusal::Method))
        .fallback(async || Refusal::NotFound)
        .with_state(shared)
}

async fn receive(State(shared): State<Arc<Shared>>, request: Request) -> Result<Response, Refusal> {
    let (head, content) = request.into_parts();
    auth::check_host(&head.headers, &head.uri)?;
    let content = read(&head.headers, content).await?;
    if let Err(refusal) = auth::check(&shared.secret, &head.headers, &content) {
        shared.take(|limits| &mut limits.strangers)?;
        tracing::warn!("the webhook refused a request without the right signature or token");
        return Err(refusal);
    }
    shared.take(|limits| &mut limits.known)?;
    let deploy = body::read(&head.headers, &content, shared.clock.now())?;
    let id = deploy.id.clone();
    shared.store(deploy).await?;
    Ok(answer::stored(&id))
}

async fn read(headers: &HeaderMap, content: Body) -> Result<Bytes, Refusal> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|announced| announced > MAX_BODY_BYTES) {
        return Err(Refusal::TooLarge);
    }
    match timeout(READ_DEADLINE, to_bytes(content, MAX_BODY_BYTES)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        // Without an announced length it was either too long or broke off, and then nobody reads the answer.
        Ok(Err(_)) if announced.is_none() => Err(Refusal::TooLarge),
        Ok(Err(_)) | Err(_) => Err(Refusal::Incomplete),
    }
}

impl Shared {
    fn take(&self, bucket: impl Fn(&mut Limits) -> &mut TokenBucket) -> Result<(), Refusal> {
        let mut limits = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        bucket(&mut limits).take(self.clock.now()).map_err(|retry_after_s| Refusal::TooMany { retry_after_s })
    }

    async fn store(&self, deploy: Deploy) -> Result<(), Refusal> {
        let message = match timeout(STORE_DEADLINE, self.sink.accept(deploy)).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(message)) => message,
            Err(_) => format!("the deploy could not be stored within {} s", STORE_DEADLINE.as_secs()),
        };
        tracing::error!(%message, "a deploy could not be stored");
        Err(Refusal::NotStored { message })
    }
}
