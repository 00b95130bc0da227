//! Waits that end: with what was waited for, with a deadline, or with the end of the program.

use std::time::{Duration, Instant};

use super::app::App;
use crate::error::{Error, Result};

/// How often is looked.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Looks again and again until `look` finds something.
///
/// # Errors
/// After `deadline`, when the program has ended, or when looking fails.
pub(super) async fn until<T>(
    what: &str,
    deadline: Duration,
    app: &mut App,
    mut look: impl AsyncFnMut(&mut App) -> Result<Option<T>>,
) -> Result<T> {
    let started = Instant::now();
    loop {
        if let Some(found) = look(app).await? {
            return Ok(found);
        }
        app.check_running()?;
        if started.elapsed() > deadline {
            return Err(Error::Deadline { what: what.to_owned(), deadline, log: app.log_tail() });
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
