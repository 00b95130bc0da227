//! How fast senders may post: token buckets on the clock that is handed in.

use faultline_model::Timestamp;

/// Requests per second that are taken in the long run.
pub const REQUESTS_PER_S: f64 = 5.0;

/// Requests that are taken at once.
pub const BURST_REQUESTS: f64 = 60.0;

/// A bucket that holds [`BURST_REQUESTS`] and fills by [`REQUESTS_PER_S`].
#[derive(Debug)]
pub(crate) struct TokenBucket {
    tokens: f64,
    at: Option<Timestamp>,
}

impl TokenBucket {
    /// A full bucket.
    pub(crate) const fn full() -> Self {
        Self { tokens: BURST_REQUESTS, at: None }
    }

    /// Takes one token; `Err` is the whole number of seconds until there is one again.
    pub(crate) fn take(&mut self, now: Timestamp) -> Result<(), u64> {
        // A clock that was set back fills nothing, and counts from its new time on.
        let passed_s = self.at.map_or(0.0, |at| now.secs_since(at).max(0.0));
        self.at = Some(now);
        self.tokens = (self.tokens + passed_s * REQUESTS_PER_S).min(BURST_REQUESTS);
        if self.tokens < 1.0 {
            return Err(((1.0 - self.tokens) / REQUESTS_PER_S).ceil().max(1.0) as u64);
        }
        self.tokens -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_taken_and_then_the_rate() {
        let mut bucket = TokenBucket::full();
        let at = Timestamp::from_secs;
        for _ in 0..BURST_REQUESTS as usize {
            assert_eq!(bucket.take(at(100.0)), Ok(()));
        }
        assert_eq!(bucket.take(at(100.0)), Err(1));
        assert_eq!(bucket.take(at(100.2)), Ok(()));
        assert_eq!(bucket.take(at(100.2)), Err(1));
        assert_eq!(bucket.take(at(50.0)), Err(1), "a clock set back fills nothing");
        assert_eq!(bucket.take(at(50.2)), Ok(()));
    }
}
