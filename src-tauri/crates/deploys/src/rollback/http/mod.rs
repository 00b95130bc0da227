//! The `http` provider: one request to the deploy system, followed to its end. Not in here: retries. A request that may
//! have been received is never sent again; where that is not certain the outcome is unknown.

mod answer;
mod follow;
mod prepare;

use std::time::Duration;

use async_trait::async_trait;
use faultline_http::{HttpClient, HttpError, RedirectPolicy, Response, StatusCode, host_of, is_loopback};
use faultline_model::{Rollback, RollbackOutcome, RollbackPreview, RollbackTarget};

use self::answer::State;
use self::prepare::Prepared;
use super::template::Values;
use super::{Follow, HttpRollbackSpec};
use crate::error::DeployError;

pub use self::answer::{FAILURE_WORDS, SUCCESS_WORDS};
pub use self::follow::MAX_FAILED_POLLS;

/// Name of the provider.
const PROVIDER: &str = "http";

/// Longest time for one exchange with the deploy system where the user states none.
pub const REQUEST_DEADLINE: Duration = Duration::from_secs(30);

/// Time between two looks at a run where the user states none.
pub const FOLLOW_INTERVAL: Duration = Duration::from_secs(1);

/// A run that has not ended after this long has an unknown outcome, where the user states nothing else.
pub const FOLLOW_DEADLINE: Duration = Duration::from_secs(600);

/// Longest answer that is read, bytes.
const MAX_ANSWER_BYTES: usize = 1 << 20;

/// A request to the deploy system.
pub(crate) struct HttpRollback {
    prepared: Prepared,
    follow: Follow,
    http: HttpClient,
}

impl HttpRollback {
    /// Reads and checks the templates.
    pub(crate) fn new(spec: HttpRollbackSpec, http: HttpClient) -> Result<Self, DeployError> {
        let follow = spec.follow.clone().unwrap_or_default();
        Ok(Self { prepared: Prepared::new(spec)?, follow, http })
    }

    /// Says what the answer to the request itself means, and where it leads.
    async fn after_sending(&self, target: &RollbackTarget, answer: Response) -> RollbackOutcome {
        let host = host_of(answer.url());
        let status = answer.status;
        if !status.is_success() {
            return self.refused(&answer);
        }
        let body = match answer::read(&answer) {
            Ok(body) => body,
            Err(detail) => {
                return RollbackOutcome::Unknown {
                    message: format!(
                        "{host} answered {status}, but {detail}; look there before sending again."
                    ),
                };
            }
        };
        let state = answer::state(&body, &self.follow);
        if let State::Succeeded | State::Failed = state {
            return answer::ended(&state, &host, &answer, &body);
        }
        match self.status_url(target, &answer, &body, &state) {
            Ok(Some(url)) => self.follow_run(url).await,
            Ok(None) if state == State::None => RollbackOutcome::Succeeded {
                message: match answer::message(&answer, &body) {
                    Some(message) => format!("{host} answered {status}: {message}"),
                    None => format!("{host} answered {status}."),
                },
            },
            Ok(None) => RollbackOutcome::Unknown {
                message: format!(
                    "{host} has taken the rollback but does not say where to follow it; look there how it ends."
                ),
            },
            Err(detail) => RollbackOutcome::Unknown {
                message: format!("{host} has taken the rollback, but {detail}; look there how it ends."),
            },
        }
    }

    /// Where the run can be followed: as configured, else as the answer says. `Err` where it says so in a way that
    /// cannot be used.
    fn status_url(
        &self,
        target: &RollbackTarget,
        answer: &Response,
        body: &serde_json::Value,
        state: &State,
    ) -> Result<Option<faultline_http::Url>, String> {
        match &self.prepared.status_url {
            Some(template) => {
                let values = Values::of(target);
                let values = match answer::run_id(body) {
                    Some(run) => values.with_run(run),
                    None => values,
                };
                template.fill(&values).map(Some)
            }
            None => answer::status_url(answer, body, state),
        }
    }

    /// A status that is not 2xx.
    fn refused(&self, answer: &Response) -> RollbackOutcome {
        let host = host_of(answer.url());
        let said = match answer.excerpt() {
            excerpt if excerpt.is_empty() => String::new(),
            excerpt => format!(": {excerpt}"),
        };
        let status = answer.status;
        let failed = |advice: &str| RollbackOutcome::Failed {
            message: format!("{host} answered {status}{said} {advice}"),
        };
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => failed(&self.token_advice(status)),
            StatusCode::NOT_FOUND => failed("– nothing was undone; check the rollback's `url`."),
            StatusCode::CONFLICT => {
                failed("– nothing was undone; another deploy may be under way, look there what holds it up.")
            }
            StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => RollbackOutcome::Unknown {
                message: format!(
                    "{host} answered {status}{said} – the deploy system behind it may have acted; look there before sending again."
                ),
            },
            _ if status.is_server_error() => failed("– look there how far it came before sending again."),
            _ => failed("– nothing was undone; correct the rollback's configuration or roll back there."),
        }
    }

    /// What to do about a token that was refused.
    fn token_advice(&self, status: StatusCode) -> String {
        match (&self.prepared.token_name, &self.prepared.token) {
            (Some(name), Some(_)) if status == StatusCode::FORBIDDEN => {
                format!("– the token {name} may not do this; give it the right to roll back.")
            }
            (Some(name), Some(_)) => {
                format!("– the token {name} was refused; store a valid one under that name.")
            }
            (None, Some(_)) => {
                "– the rollback's `token` was refused; store a valid one with the right to roll back."
                    .to_owned()
            }
            (_, None) => "– it wants a token; set the rollback's `token`.".to_owned(),
        }
    }
}

#[async_trait]
impl Rollback for HttpRollback {
    fn provider(&self) -> &'static str {
        PROVIDER
    }

    async fn preview(&self, target: &RollbackTarget) -> Result<RollbackPreview, String> {
        let request = self.prepared.request(target)?;
        let mut warnings = super::warnings::of(target);
        if !self.prepared.names_previous() {
            warnings
                .push("The request names no version to go back to; the deploy system chooses it.".to_owned());
        }
        if request.auth.is_some() && request.url.scheme() == "http" && !is_loopback(&request.url) {
            warnings.push(format!("The token goes to {} unencrypted; use https.", host_of(&request.url)));
        }
        let deploy = &target.deploy;
        let summary = match &deploy.previous {
            Some(previous) => format!(
                "Asks {} to take {} in {} back to {previous}.",
                host_of(&request.url),
                deploy.title(),
                deploy.environment
            ),
            None => format!(
                "Asks {} to undo {} in {}.",
                host_of(&request.url),
                deploy.title(),
                deploy.environment
            ),
        };
        Ok(RollbackPreview {
            provider: PROVIDER.to_owned(),
            summary,
            requests: vec![self.prepared.describe(&request), self.describe_follow()],
            warnings,
            open_url: None,
        })
    }

    async fn run(&self, target: &RollbackTarget) -> RollbackOutcome {
        let mut request = match self.prepared.request(target) {
            Ok(request) => request,
            Err(error) => return RollbackOutcome::Failed { message: format!("Nothing was sent: {error}.") },
        };
        request.redirect = RedirectPolicy::None;
        request.max_body_bytes = MAX_ANSWER_BYTES;
        match self.http.send(request).await {
            Ok(answer) => self.after_sending(target, answer).await,
            Err(error) if error.may_have_been_sent() => RollbackOutcome::Unknown {
                message: format!("The rollback may be under way: {error}. Look there before sending again."),
            },
            Err(error @ HttpError::Redirect { .. }) => {
                RollbackOutcome::Failed { message: format!("Nothing was undone: {error}.") }
            }
            Err(error) => RollbackOutcome::Failed { message: format!("Nothing was sent: {error}.") },
        }
    }
}
