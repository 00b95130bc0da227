//! A command: JSON arguments in, the command's answer or its error out.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::time::timeout;

use super::Served;
use super::answer::{self, Refusal};

/// Longest arguments, bytes.
const MAX_BODY_BYTES: usize = 256 << 10;
/// How long the arguments may take to arrive.
const BODY_DEADLINE: Duration = Duration::from_secs(10);
/// How long a command may take. The window itself gives up earlier.
const CALL_DEADLINE: Duration = Duration::from_secs(30);

pub(super) async fn call(
    State(served): State<Arc<Served>>,
    Path((domain, name)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Refusal> {
    let (head, body) = request.into_parts();
    if !is_json(&head.headers) {
        return Err(Refusal::ContentType);
    }
    let args: Value = serde_json::from_slice(&read(&head.headers, body).await?).map_err(|_| Refusal::Body)?;
    // On a task of its own: what was begun is brought to its end, whether or not the page still waits for it.
    let command = tokio::spawn(async move { served.api.call(&domain, &name, args).await });
    match timeout(CALL_DEADLINE, command).await {
        Ok(Ok(Ok(answer))) => Ok(Json(answer).into_response()),
        Ok(Ok(Err(error))) => Ok(answer::failed(error)),
        Ok(Err(_broken)) => Err(Refusal::Broken),
        Err(_elapsed) => Err(Refusal::Deadline),
    }
}

/// Whether the body is said to be JSON. A foreign page cannot say so without asking first, which is not answered.
fn is_json(headers: &HeaderMap) -> bool {
    let said = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = said.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

async fn read(headers: &HeaderMap, body: Body) -> Result<axum::body::Bytes, Refusal> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > MAX_BODY_BYTES as u64) {
        return Err(Refusal::TooLong);
    }
    match timeout(BODY_DEADLINE, to_bytes(body, MAX_BODY_BYTES)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_too_long_or_broken_off)) => Err(Refusal::TooLong),
        Err(_elapsed) => Err(Refusal::SlowBody),
    }
}
