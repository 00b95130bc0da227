//! The request of the `http` provider: templates read once, filled for a deploy, and described with secrets masked.

use std::time::Duration;

use faultline_http::header::{AUTHORIZATION, CONTENT_TYPE};
use faultline_http::{
    Auth, Bytes, HeaderMap, HeaderName, HeaderValue, MASK, Method, Request, SecretString, is_secret_name,
    mask_url,
};
use faultline_model::RollbackTarget;

use crate::error::DeployError;
use crate::rollback::HttpRollbackSpec;
use crate::rollback::template::{
    DEPLOY_PLACEHOLDERS, JsonTemplate, RUN_PLACEHOLDER, Template, UrlTemplate, Values,
};

/// The header by which a deploy system tells a repeated request from a new one.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The methods that can change something.
const METHODS: &[Method] = &[Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

/// Headers that are Faultline's to set.
const RESERVED_HEADERS: &[&str] =
    &[IDEMPOTENCY_KEY, "content-length", "host", "transfer-encoding", "connection"];

/// The specification, read and checked.
pub(crate) struct Prepared {
    method: Method,
    url: UrlTemplate,
    headers: Vec<(HeaderName, Template)>,
    body: Option<JsonTemplate>,
    pub(crate) token: Option<SecretString>,
    token_header: Option<HeaderName>,
    pub(crate) token_name: Option<String>,
    pub(crate) request_deadline: Duration,
    pub(crate) status_url: Option<UrlTemplate>,
}

impl Prepared {
    pub(crate) fn new(spec: HttpRollbackSpec) -> Result<Self, DeployError> {
        let method = METHODS.iter().find(|method| method.as_str() == spec.method.to_ascii_uppercase());
        let method = method.cloned().ok_or_else(|| DeployError::Rollback {
            key: "method",
            detail: format!("{:?} is none of POST, PUT, PATCH, DELETE", spec.method),
        })?;
        if spec.follow.as_ref().is_some_and(|follow| follow.interval.is_zero()) {
            let detail = "it is zero; choose a second or more".to_owned();
            return Err(DeployError::Rollback { key: "follow.interval", detail });
        }
        let token_header =
            spec.token_header.as_deref().map(|name| header_name("token_header", name)).transpose()?;
        let headers = spec.headers.iter().map(|(name, value)| header_template(name, value));
        let headers = headers.collect::<Result<Vec<_>, _>>()?;
        let carrier = token_header.as_ref().unwrap_or(&AUTHORIZATION);
        if spec.token.is_some() && headers.iter().any(|(name, _)| name == carrier) {
            let detail = format!("{carrier} is set from `token`; leave one of them out");
            return Err(DeployError::Rollback { key: "headers", detail });
        }
        let body = spec.body.as_deref().map(|body| JsonTemplate::parse("body", body, DEPLOY_PLACEHOLDERS));
        let status_url = spec.follow.as_ref().and_then(|follow| follow.status_url.as_deref());
        let in_status_url: Vec<&str> = DEPLOY_PLACEHOLDERS.iter().copied().chain([RUN_PLACEHOLDER]).collect();
        let status_url =
            status_url.map(|url| UrlTemplate::parse("follow.status_url", url, &in_status_url)).transpose()?;
        let url = UrlTemplate::parse("url", &spec.url, DEPLOY_PLACEHOLDERS)?;
        if status_url.as_ref().is_some_and(|status| !status.same_origin(&url)) {
            return Err(DeployError::Rollback {
                key: "follow.status_url",
                detail: "it is on another host than `url`; the token is sent to one host only".to_owned(),
            });
        }
        Ok(Self {
            method,
            url,
            headers,
            body: body.transpose()?,
            token: spec.token,
            token_header,
            token_name: spec.token_name,
            request_deadline: spec.request_deadline,
            status_url,
        })
    }

    /// Whether any part of the request names the version to go back to.
    pub(crate) fn names_previous(&self) -> bool {
        self.url.uses("previous")
            || self.headers.iter().any(|(_, template)| template.uses("previous"))
            || self.body.as_ref().is_some_and(|body| body.uses("previous"))
    }

    /// The token in its header.
    pub(crate) fn auth(&self) -> Option<Auth> {
        let token = self.token.clone()?;
        Some(match &self.token_header {
            Some(name) => Auth::Header { name: name.clone(), value: token },
            None => Auth::Bearer(token),
        })
    }

    /// The request for a deploy, complete or not at all.
    pub(crate) fn request(&self, target: &RollbackTarget) -> Result<Request, String> {
        let values = Values::of(target);
        let mut headers = HeaderMap::new();
        let key = HeaderValue::from_str(&target.idempotency_key)
            .map_err(|_| "the idempotency key has characters that no header can carry".to_owned())?;
        headers.insert(IDEMPOTENCY_KEY, key);
        let body = self.body.as_ref().map(|body| body.fill(&values, DEPLOY_PLACEHOLDERS)).transpose()?;
        if body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        for (name, template) in &self.headers {
            let text = template.fill(&values, |value| Ok(value.to_owned()))?;
            let mut value = HeaderValue::from_str(&text)
                .map_err(|_| format!("the header {name} would have characters that no header can carry"))?;
            value.set_sensitive(is_secret_name(name.as_str()));
            headers.insert(name.clone(), value);
        }
        Ok(Request {
            headers,
            body: body.map(Bytes::from),
            auth: self.auth(),
            deadline: self.request_deadline,
            ..Request::new(self.method.clone(), self.url.fill(&values)?)
        })
    }

    /// The request in one line, secrets masked.
    pub(crate) fn describe(&self, request: &Request) -> String {
        let mut text = format!("{} {}", request.method, mask_url(&request.url));
        match &request.auth {
            Some(Auth::Header { name, .. }) => text.push_str(&format!(" · {name}: {MASK}")),
            Some(_) => text.push_str(&format!(" · authorization: Bearer {MASK}")),
            None => {}
        }
        let mut headers: Vec<(&HeaderName, &HeaderValue)> = request.headers.iter().collect();
        headers.sort_by_key(|(name, _)| name.as_str());
        for (name, value) in headers {
            let value = if value.is_sensitive() { MASK } else { value.to_str().unwrap_or(MASK) };
            text.push_str(&format!(" · {name}: {value}"));
        }
        if let Some(body) = &request.body {
            text.push_str(&format!(" · {}", String::from_utf8_lossy(body)));
        }
        text
    }
}

fn header_name(key: &'static str, name: &str) -> Result<HeaderName, DeployError> {
    let wrong = |detail: String| DeployError::Rollback { key, detail };
    let parsed = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| wrong(format!("{name:?} is not a header name")))?;
    if RESERVED_HEADERS.contains(&parsed.as_str()) {
        return Err(wrong(format!("{name} is set by Faultline; leave it out")));
    }
    Ok(parsed)
}

fn header_template(name: &str, value: &str) -> Result<(HeaderName, Template), DeployError> {
    let parsed = header_name("headers", name)?;
    if parsed == CONTENT_TYPE && !value.to_ascii_lowercase().contains("json") {
        let detail = "the body is always JSON; leave content-type out or name a JSON type".to_owned();
        return Err(DeployError::Rollback { key: "headers", detail });
    }
    Ok((parsed, Template::parse("headers", value, DEPLOY_PLACEHOLDERS)?))
}
