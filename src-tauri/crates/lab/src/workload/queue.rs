//! Requests that wait for a connection of their service, those of the version that is being rolled out apart.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

/// Requests of a version that wait; more are turned away.
pub(super) const QUEUE_LENGTH: usize = 400;

/// A request that waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    /// The route's number.
    pub(super) route: usize,
    /// What everything about it is drawn from.
    pub(super) seed: u64,
    /// When it was due to arrive.
    pub(super) arrived: Instant,
}

/// Which of a service's versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// The one that most or all have.
    Stable,
    /// The one that some have.
    Canary,
}

/// Both lanes. Whoever waits longest for a request gets the next one.
#[derive(Debug, Default)]
pub(super) struct Queue {
    lanes: Mutex<[VecDeque<Request>; 2]>,
    arrived: [Notify; 2],
}

impl Queue {
    /// Adds a request; whether there was room.
    pub(super) fn push(&self, lane: Lane, request: Request) -> bool {
        let mut lanes = self.lock();
        let waiting = &mut lanes[lane as usize];
        if waiting.len() >= QUEUE_LENGTH {
            return false;
        }
        waiting.push_back(request);
        drop(lanes);
        self.arrived[lane as usize].notify_one();
        true
    }

    /// The next request of a lane. Nothing is lost when this is dropped while it waits.
    pub(super) async fn take(&self, lane: Lane) -> Request {
        loop {
            let mut arrived = pin!(self.arrived[lane as usize].notified());
            // Waits from here on, so that nothing that arrives between the look and the wait is missed.
            arrived.as_mut().enable();
            if let Some(request) = self.lock()[lane as usize].pop_front() {
                return request;
            }
            arrived.await;
        }
    }

    /// Puts what waits in the canary's lane behind what waits in the other: there is one version again.
    pub(super) fn merge(&self) {
        let mut lanes = self.lock();
        let waiting = std::mem::take(&mut lanes[Lane::Canary as usize]);
        let count = waiting.len();
        lanes[Lane::Stable as usize].extend(waiting);
        drop(lanes);
        (0..count).for_each(|_| self.arrived[Lane::Stable as usize].notify_one());
    }

    fn lock(&self) -> MutexGuard<'_, [VecDeque<Request>; 2]> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
