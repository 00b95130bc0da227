//! What changed, as server-sent events, until the page goes or the server ends.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use faultline_api::changed;
use faultline_engine::{Engine, EngineEvent};
use futures::stream::{Stream, unfold};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::Served;
use super::answer::Refusal;

/// Most pages that listen at the same time.
const MAX_STREAMS: usize = 16;
/// How often a quiet stream says that it is still there, so that a page that is gone is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Hands out streams.
pub(super) struct Streams {
    engine: Arc<Engine>,
    places: Arc<Semaphore>,
    stop: CancellationToken,
}

impl Streams {
    pub(super) fn new(engine: Arc<Engine>, stop: CancellationToken) -> Self {
        Self { engine, places: Arc::new(Semaphore::new(MAX_STREAMS)), stop }
    }
}

/// One page's stream and its place among them.
struct Listening {
    events: Receiver<EngineEvent>,
    stop: CancellationToken,
    _place: OwnedSemaphorePermit,
}

pub(super) async fn stream(State(served): State<Arc<Served>>) -> Result<Response, Refusal> {
    let streams = &served.events;
    let place = Arc::clone(&streams.places).try_acquire_owned().map_err(|_| Refusal::TooManyStreams)?;
    let events = streams.engine.listen();
    let listening = Listening { events, stop: streams.stop.clone(), _place: place };
    Ok(Sse::new(messages(listening)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response())
}

fn messages(listening: Listening) -> impl Stream<Item = Result<Event, Infallible>> {
    unfold(listening, async |mut listening| {
        loop {
            let event = tokio::select! {
                () = listening.stop.cancelled() => return None,
                event = listening.events.recv() => event,
            };
            match event {
                Ok(event) => match Event::default().json_data(changed(&event)) {
                    Ok(message) => return Some((Ok(message), listening)),
                    Err(error) => tracing::warn!(%error, "A change could not be told to the page."),
                },
                // The next event makes the page ask again for everything that it shows.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    })
}
