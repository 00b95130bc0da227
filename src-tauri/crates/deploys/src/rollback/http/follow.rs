//! Looking at a run until it has ended. Only reading: whatever happens in here, nothing is sent a second time.

use faultline_http::{HttpError, Request, StatusCode, Url, host_of};
use faultline_model::RollbackOutcome;
use tokio::time::{Instant, sleep};

use super::answer::{self, State};
use super::{HttpRollback, MAX_ANSWER_BYTES};

/// After this many looks in a row that brought nothing the run is given up as unknown.
pub const MAX_FAILED_POLLS: u32 = 30;

/// What one look brought.
enum Look {
    /// The run is over, or cannot be followed.
    End(RollbackOutcome),
    /// Still under way, in the deploy system's word.
    Running(String),
    /// Nothing this time; why.
    Nothing(String),
}

impl HttpRollback {
    /// How the run will be followed, in one line.
    pub(super) fn describe_follow(&self) -> String {
        let every = self.follow.interval.as_secs_f64();
        let most = self.follow.deadline.as_secs_f64();
        format!("GET the run's status on the same host every {every} s until it ends, for at most {most} s")
    }

    /// Looks at the run until it has ended.
    pub(super) async fn follow_run(&self, url: Url) -> RollbackOutcome {
        let host = host_of(&url);
        let began = Instant::now();
        let unknown = |why: String| RollbackOutcome::Unknown {
            message: format!("{host} has taken the rollback, but {why}; look there how it ends."),
        };
        let mut failed_looks = 0;
        let mut heard = None;
        loop {
            let last = match self.look(&url).await {
                Look::End(outcome) => return outcome,
                Look::Running(word) => {
                    failed_looks = 0;
                    heard.insert(format!("its run is still {word:?}")).clone()
                }
                Look::Nothing(why) => {
                    failed_looks += 1;
                    if failed_looks >= MAX_FAILED_POLLS {
                        return unknown(format!("it cannot be followed any more: {why}"));
                    }
                    heard.clone().unwrap_or(why)
                }
            };
            if began.elapsed().saturating_add(self.follow.interval) >= self.follow.deadline {
                let waited = self.follow.deadline.as_secs_f64();
                return unknown(format!("after {waited} s {last}"));
            }
            sleep(self.follow.interval).await;
        }
    }

    async fn look(&self, url: &Url) -> Look {
        let host = host_of(url);
        let unknown = |why: String| {
            let message = format!("{host} has taken the rollback, but {why}; look there how it ends.");
            Look::End(RollbackOutcome::Unknown { message })
        };
        let mut request = Request::get(url.clone());
        request.auth = self.prepared.auth();
        request.deadline = self.prepared.request_deadline;
        request.max_body_bytes = MAX_ANSWER_BYTES;
        let answer = match self.http.send(request).await {
            Ok(answer) => answer,
            Err(error @ HttpError::Redirect { .. }) => return unknown(error.to_string()),
            Err(error) => return Look::Nothing(error.to_string()),
        };
        match answer.status {
            status if status.is_success() => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                return unknown(format!(
                    "it answered {} when asked how it stands {}",
                    answer.status,
                    self.token_advice(answer.status)
                ));
            }
            status => return Look::Nothing(format!("it answered {status} when asked how it stands")),
        }
        let body = match answer::read(&answer) {
            Ok(body) => body,
            Err(why) => return Look::Nothing(why),
        };
        match answer::state(&body, &self.follow) {
            State::Running(word) => Look::Running(answer.clean(&word)),
            State::None => unknown("its answer has neither `status` nor `state`".to_owned()),
            state => Look::End(answer::ended(&state, &host, &answer, &body)),
        }
    }
}
