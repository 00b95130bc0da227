//! Takes away frames that are older than the configuration keeps them.

use std::sync::Arc;
use std::time::Duration;

use faultline_history::History;
use faultline_model::Clock;
use tokio_util::sync::CancellationToken;

use crate::standing::Standing;

/// Time between two rounds.
const EVERY: Duration = Duration::from_secs(3_600);

/// Seconds in a day.
const DAY_S: f64 = 86_400.0;

/// Keeps the store to the days that the configuration says, until `stop`.
pub(crate) async fn keep_to_age(
    history: History,
    standing: Standing,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) {
    loop {
        let keep_days = standing.now().config.retention.days;
        match history.retain(clock.now() - f64::from(keep_days) * DAY_S).await {
            Ok(removed) => tracing::debug!(?removed, "Old frames were removed."),
            Err(error) => tracing::error!(%error, "Could not remove old frames."),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}
