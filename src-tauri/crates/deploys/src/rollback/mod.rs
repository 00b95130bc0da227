//! Ways back: one file a provider, and the registry that opens them.

mod http;
mod link;
mod template;
mod warnings;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use faultline_http::{HttpClient, SecretString, Url, host_of};
use faultline_model::Rollback;

use crate::error::DeployError;

pub use http::{
    FAILURE_WORDS, FOLLOW_DEADLINE, FOLLOW_INTERVAL, MAX_FAILED_POLLS, REQUEST_DEADLINE, SUCCESS_WORDS,
};

/// Every provider that [`open`] knows.
pub const PROVIDERS: &[&str] = &["http", "link"];

/// How to undo the deploys of one service.
///
/// Addresses, headers and bodies are templates: `{service}`, `{version}`, `{previous}`, `{environment}` and `{id}` stand
/// for the deploy that is undone. Nothing is sent when one of them is not known.
#[derive(Clone, Debug)]
pub enum RollbackSpec {
    /// Opens the deploy system's own page.
    Link {
        /// Template of the page's address; placeholders after the host only.
        url: String,
    },
    /// Sends a request and follows it to its end.
    Http(Box<HttpRollbackSpec>),
}

/// A rollback by one HTTP request.
#[derive(Clone)]
pub struct HttpRollbackSpec {
    /// `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: String,
    /// Template of the address; placeholders after the host only.
    pub url: String,
    /// Templates of further headers.
    pub headers: BTreeMap<String, String>,
    /// Template of the body: JSON with placeholders inside of strings.
    pub body: Option<String>,
    /// Sent as `Authorization: Bearer …`, or as it is in `token_header`.
    pub token: Option<SecretString>,
    /// The header that carries the token where the deploy system has one of its own, such as `PRIVATE-TOKEN`.
    pub token_header: Option<String>,
    /// What the token is called in the configuration (`env:DEPLOY_TOKEN`), for messages.
    pub token_name: Option<String>,
    /// Longest time for any one exchange.
    pub request_deadline: Duration,
    /// How the run is followed; the deploy system's answer decides when `None`.
    pub follow: Option<Follow>,
}

impl HttpRollbackSpec {
    /// A request without headers, body and token, with the default limits.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            url: url.into(),
            headers: BTreeMap::new(),
            body: None,
            token: None,
            token_header: None,
            token_name: None,
            request_deadline: REQUEST_DEADLINE,
            follow: None,
        }
    }
}

/// Method and host only: users write secrets into headers and addresses although there is `token`.
impl fmt::Debug for HttpRollbackSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = Url::parse(&self.url).map_or_else(|_| "?".to_owned(), |url| host_of(&url));
        f.debug_struct("HttpRollbackSpec")
            .field("method", &self.method)
            .field("host", &host)
            .field("headers", &self.headers.keys())
            .field("token_name", &self.token_name)
            .field("follow", &self.follow)
            .finish_non_exhaustive()
    }
}

/// How a run is followed to its end.
#[derive(Clone, Debug)]
pub struct Follow {
    /// Template of the address that tells how the run stands, on the host of the request; `{run}` stands for the `id`
    /// of the answer. When `None`: the answer's `status_url`, else its `Location`, else its `url`.
    pub status_url: Option<String>,
    /// Time between two looks; not zero.
    pub interval: Duration,
    /// After this long the outcome is unknown.
    pub deadline: Duration,
    /// Words in `status`, `state` or `conclusion` that mean success, besides [`SUCCESS_WORDS`].
    pub success: Vec<String>,
    /// Words that mean failure, besides [`FAILURE_WORDS`].
    pub failure: Vec<String>,
}

impl Default for Follow {
    fn default() -> Self {
        Self {
            status_url: None,
            interval: FOLLOW_INTERVAL,
            deadline: FOLLOW_DEADLINE,
            success: Vec::new(),
            failure: Vec::new(),
        }
    }
}

/// Opens the way back that a specification describes. Nothing is sent.
///
/// # Errors
/// [`DeployError::Rollback`] naming the key that cannot be used.
pub fn open(spec: RollbackSpec, http: HttpClient) -> Result<Box<dyn Rollback>, DeployError> {
    Ok(match spec {
        RollbackSpec::Link { url } => Box::new(link::LinkRollback::new(&url)?),
        RollbackSpec::Http(spec) => Box::new(http::HttpRollback::new(*spec, http)?),
    })
}
