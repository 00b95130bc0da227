//! The deploy system's HTTP side.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::json;
use subtle::ConstantTimeEq;

use super::Inner;
use super::books::Refusal;

/// Largest body that is read, bytes.
const BODY_LIMIT: usize = 16 * 1024;
/// Longest idempotency key, bytes.
const KEY_LIMIT: usize = 255;

#[derive(Clone)]
struct Shared {
    inner: Arc<Inner>,
    address: SocketAddr,
}

/// Body of a rollback request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    to: String,
}

pub(super) fn routes(inner: Arc<Inner>, address: SocketAddr) -> Router {
    Router::new()
        .route("/services/{service}", get(service))
        .route("/services/{service}/rollback", post(rollback))
        .route("/runs/{id}", get(run))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(Shared { inner, address })
}

async fn service(State(shared): State<Shared>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    if let Some(refused) = refused(&shared, &headers) {
        return refused;
    }
    let books = &shared.inner.books;
    let Some(version) = books.current(&name) else { return no_service(&name) };
    Json(json!({ "service": name, "version": version, "history": books.history(&name) })).into_response()
}

async fn rollback(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Response {
    if let Some(refused) = refused(&shared, &headers) {
        return refused;
    }
    if shared.inner.books.current(&name).is_none() {
        return no_service(&name);
    }
    let wish: Wish = match serde_json::from_slice(&body) {
        Ok(wish) => wish,
        Err(error) => {
            return problem(
                StatusCode::UNPROCESSABLE_ENTITY,
                &format!("body must be {{\"to\":\"…\"}}: {error}"),
            );
        }
    };
    let key = headers.get("Idempotency-Key").and_then(|key| key.to_str().ok());
    if key.is_some_and(|key| key.len() > KEY_LIMIT) {
        return problem(StatusCode::UNPROCESSABLE_ENTITY, "Idempotency-Key is too long");
    }
    let inner = &shared.inner;
    let (run, change) = match inner.books.begin_rollback(&name, &wish.to, key, crate::clock::unix_now()) {
        Ok(begun) => begun,
        Err(Refusal::AlreadyThere) => {
            return problem(StatusCode::CONFLICT, &format!("{name} runs {} already", wish.to));
        }
        Err(Refusal::NeverRan) => {
            return problem(StatusCode::UNPROCESSABLE_ENTITY, &format!("{name} never ran {}", wish.to));
        }
    };
    if let Some(change) = change {
        let rolling = Arc::clone(inner);
        let id = run.id;
        let mut roll_outs = inner.roll_outs.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        roll_outs.spawn(async move {
            rolling.roll_out(&change).await;
            rolling.books.finish_run(id);
        });
    }
    let path = format!("/runs/{}", run.id);
    let body = json!({ "run": run.id, "status": run.status, "status_url": format!("http://{}{path}", shared.address) });
    (StatusCode::ACCEPTED, [(header::LOCATION, path)], Json(body)).into_response()
}

async fn run(State(shared): State<Shared>, Path(id): Path<u64>, headers: HeaderMap) -> Response {
    if let Some(refused) = refused(&shared, &headers) {
        return refused;
    }
    match shared.inner.books.run(id) {
        Some(run) => Json(run).into_response(),
        None => problem(StatusCode::NOT_FOUND, &format!("there is no run {id}")),
    }
}

/// An answer for callers that do not bear the token.
fn refused(shared: &Shared, headers: &HeaderMap) -> Option<Response> {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let wanted = format!("Bearer {}", shared.inner.token);
    let same = bool::from(given.as_bytes().ct_eq(wanted.as_bytes()));
    (!same).then(|| {
        problem(StatusCode::UNAUTHORIZED, "send the deploy system's token as `Authorization: Bearer …`")
    })
}

fn no_service(name: &str) -> Response {
    problem(StatusCode::NOT_FOUND, &format!("there is no service {name:?}"))
}

fn problem(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "error": message }))).into_response()
}
