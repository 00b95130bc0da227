//! The client: sends one request and reads its answer within deadline and limit.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::redirect::Policy;
use secrecy::SecretString;
use url::Url;

use crate::error::{HttpError, root_cause};
use crate::mask::{host_of, mask_url};
use crate::redirect::{follow, is_redirect};
use crate::request::Request;
use crate::response::Response;
use crate::{proxy, tls};

/// Longest time for name look-up, connection and TLS where the caller states none.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// An idle connection is kept this long for the next request to the same server.
const IDLE_CONNECTION: Duration = Duration::from_secs(60);

/// As many idle connections are kept for one server.
const MAX_IDLE_CONNECTIONS: usize = 2;

/// Who the client is to servers that ask for a certificate.
#[derive(Clone, Debug)]
pub struct ClientIdentity {
    /// Its certificate and those between it and its authority, as PEM.
    pub certificate_pem: Vec<u8>,
    /// The certificate's private key, as PEM.
    pub key_pem: SecretString,
}

/// How the client is set up.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// `User-Agent` of every request.
    pub user_agent: String,
    /// Longest time for name look-up, connection and TLS.
    pub connect_timeout: Duration,
    /// Authorities to trust besides the system's, as PEM.
    pub ca_pem: Option<Vec<u8>>,
    /// Whether those of `ca_pem` alone are trusted, and the system's are not.
    pub only_ca: bool,
    /// Shown to servers that ask for a certificate.
    pub identity: Option<ClientIdentity>,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            user_agent: concat!("faultline/", env!("CARGO_PKG_VERSION")).to_owned(),
            connect_timeout: CONNECT_TIMEOUT,
            ca_pem: None,
            only_ca: false,
            identity: None,
        }
    }
}

/// Sends requests. Clones share their connections.
#[derive(Clone, Debug)]
pub struct HttpClient {
    inner: reqwest::Client,
}

impl HttpClient {
    /// A client with the system's authorities and `ca_pem`, and the environment's proxies (never for this machine).
    /// On a machine without any authorities it works for `http`, and says so where `https` is tried.
    ///
    /// # Errors
    /// [`HttpError::Setup`] when `ca_pem`, `identity`, the user agent or a proxy of the environment cannot be used.
    pub fn new(options: HttpOptions) -> Result<Self, HttpError> {
        tls::install_tls_provider();
        let authorities = options.ca_pem.as_deref().map(tls::certificates).transpose()?.unwrap_or_default();
        let identity = options.identity.as_ref().map(tls::identity).transpose()?;
        let base = || -> Result<reqwest::ClientBuilder, HttpError> {
            let builder = reqwest::Client::builder()
                .user_agent(options.user_agent.as_str())
                .connect_timeout(options.connect_timeout)
                .pool_idle_timeout(IDLE_CONNECTION)
                .pool_max_idle_per_host(MAX_IDLE_CONNECTIONS)
                .redirect(Policy::none())
                .referer(false)
                // A request that may have had an effect is never sent again behind the caller's back.
                .retry(reqwest::retry::never())
                .no_proxy();
            let builder = identity.iter().cloned().fold(builder, reqwest::ClientBuilder::identity);
            Ok(proxy::from_environment()?.into_iter().fold(builder, reqwest::ClientBuilder::proxy))
        };
        let alone = |authorities| {
            base()?.tls_certs_only(authorities).build().map_err(|error| HttpError::Setup {
                detail: format!("{}; check user agent, `ca`, `certificate` and `key`", root_cause(&error)),
            })
        };
        if options.only_ca {
            return Ok(Self { inner: alone(authorities)? });
        }
        let built = base()?.tls_certs_merge(authorities.clone()).build().or_else(|error| {
            tracing::warn!(%error, "the system's certificate authorities cannot be loaded; only those of `ca` are trusted");
            alone(authorities)
        });
        Ok(Self { inner: built? })
    }

    /// Sends the request and reads the whole answer, whatever its status ([`Response::ok`] turns error statuses into
    /// errors).
    ///
    /// # Errors
    /// See [`HttpError`]; [`HttpError::may_have_been_sent`] says whether the server may have acted.
    pub async fn send(&self, request: Request) -> Result<Response, HttpError> {
        let host = host_of(&request.url);
        let deadline = request.deadline;
        tracing::debug!(method = %request.method, url = %mask_url(&request.url), "request");
        tokio::time::timeout(deadline, self.exchange(request))
            .await
            .unwrap_or(Err(HttpError::Deadline { host, deadline }))
    }

    async fn exchange(&self, mut request: Request) -> Result<Response, HttpError> {
        let secrets = request.secrets();
        let mut hops = 0;
        loop {
            let mut answer = match self.one_hop(&request).await {
                Ok(answer) => answer,
                Err(error) if hops > 0 => return Err(error.after_first_hop()),
                Err(error) => return Err(error),
            };
            if is_redirect(answer.status()) {
                request = follow(request, &answer, hops)?;
                hops += 1;
                continue;
            }
            let body = read_body(&mut answer, &request.url, request.max_body_bytes).await?;
            return Ok(Response::new(answer.status(), answer.headers().clone(), body, request.url, secrets));
        }
    }

    async fn one_hop(&self, request: &Request) -> Result<reqwest::Response, HttpError> {
        let url = &request.url;
        if !matches!(url.scheme(), "http" | "https") {
            let detail = format!("{} is not a scheme of the web; use http or https", url.scheme());
            return Err(HttpError::InvalidRequest { host: host_of(url), detail });
        }
        let mut builder =
            self.inner.request(request.method.clone(), url.clone()).headers(request.headers.clone());
        if let Some(auth) = &request.auth {
            let (name, value) = auth.header(url)?;
            builder = builder.header(name, value);
        }
        if let Some(body) = &request.body {
            builder = builder.body(body.clone());
        }
        builder.send().await.map_err(|error| HttpError::from_reqwest(&error, url))
    }
}

/// Reads the body piece by piece, so that neither a long nor a cunningly compressed answer is ever held in full.
async fn read_body(
    answer: &mut reqwest::Response,
    url: &Url,
    limit_bytes: usize,
) -> Result<Bytes, HttpError> {
    let too_large = || HttpError::BodyTooLarge { host: host_of(url), limit_bytes };
    if answer.content_length().is_some_and(|announced| announced > limit_bytes as u64) {
        return Err(too_large());
    }
    let mut body = BytesMut::new();
    while let Some(piece) = answer.chunk().await.map_err(|error| HttpError::from_reqwest(&error, url))? {
        if body.len() + piece.len() > limit_bytes {
            return Err(too_large());
        }
        body.extend_from_slice(&piece);
    }
    Ok(body.freeze())
}
