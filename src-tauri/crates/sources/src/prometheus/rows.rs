//! How each aspect of an endpoint stands, and which rows have not been told yet. Pure: from what was found to rows.

use std::collections::BTreeMap;

use faultline_http::{HttpError, StatusCode};
use faultline_model::{EndpointKind, EndpointSpec, HealthLevel, HealthRow};

use super::trouble::Trouble;

/// Parts of the endpoint's name in its rows.
pub(super) const CONNECTION: &str = "connection";
pub(super) const TLS: &str = "tls";
pub(super) const AUTH: &str = "auth";
pub(super) const FORMAT: &str = "format";
pub(super) const LIMITS: &str = "limits";
pub(super) const CLOCK: &str = "clock";
pub(super) const FRESHNESS: &str = "freshness";

/// A warning about what the endpoint answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Note {
    /// [`FORMAT`] or [`LIMITS`].
    pub(super) aspect: &'static str,
    pub(super) message: String,
    pub(super) hint: &'static str,
}

/// The rows of an endpoint. Several endpoints may speak of one node, and the database itself does as well, so that each
/// aspect names the endpoint.
#[derive(Debug)]
pub(super) struct Rows {
    target: String,
    host: String,
    stands: BTreeMap<String, HealthRow>,
    news: BTreeMap<String, HealthRow>,
}

impl Rows {
    pub(super) fn new(target: String, host: String) -> Self {
        Self { target, host, stands: BTreeMap::new(), news: BTreeMap::new() }
    }

    /// A row of the endpoint itself.
    pub(super) fn of_endpoint(
        &self,
        aspect: &str,
        level: HealthLevel,
        message: impl Into<String>,
    ) -> HealthRow {
        HealthRow::new(&self.target, format!("metrics {aspect} ({})", self.host), level, message)
    }

    /// A row of what the endpoint is asked for: a signal, a preset.
    pub(super) fn of(&self, aspect: String, level: HealthLevel, message: impl Into<String>) -> HealthRow {
        HealthRow::new(&self.target, aspect, level, message)
    }

    /// Notes a row; it is news only when it differs from what was told.
    pub(super) fn set(&mut self, row: HealthRow) {
        if self.stands.get(&row.aspect) != Some(&row) {
            self.news.insert(row.aspect.clone(), row.clone());
            self.stands.insert(row.aspect.clone(), row);
        }
    }

    /// Whether something is noted under the aspect.
    pub(super) fn has(&self, aspect: &str) -> bool {
        self.stands.contains_key(aspect)
    }

    pub(super) fn take_news(&mut self) -> Vec<HealthRow> {
        std::mem::take(&mut self.news).into_values().collect()
    }

    pub(super) fn all(&mut self) -> Vec<HealthRow> {
        self.news.clear();
        self.stands.values().cloned().collect()
    }

    /// The endpoint answered, and what it answered was taken in. `notes` are what is to be told instead of that all is well,
    /// the first of each aspect.
    pub(super) fn reached(&mut self, spec: &EndpointSpec, notes: &[Note]) {
        self.set(self.of_endpoint(CONNECTION, HealthLevel::Ok, "the endpoint answers"));
        let secure = spec.url.starts_with("https:");
        let tls = match (secure, spec.client.is_some()) {
            (true, true) => (HealthLevel::Ok, "the connection is secure, both sides by certificate"),
            (true, false) => (HealthLevel::Ok, "the connection is secure"),
            (false, _) => (HealthLevel::NotApplicable, "the address is plain http"),
        };
        self.set(self.of_endpoint(TLS, tls.0, tls.1));
        let auth = if spec.auth.is_none() {
            self.of_endpoint(AUTH, HealthLevel::NotApplicable, "no token or password is sent")
        } else if secure || is_this_machine(&spec.url) {
            self.of_endpoint(AUTH, HealthLevel::Ok, "the token or password is taken")
        } else {
            let message = "the token or password goes over the network in the clear";
            self.of_endpoint(AUTH, HealthLevel::Warning, message).with_hint("Use an address with https://.")
        };
        self.set(auth);
        let format = match spec.kind {
            EndpointKind::Scrape => "the page is that of an exporter",
            EndpointKind::Promql => "the server answers queries",
        };
        for (aspect, usual) in [(FORMAT, format), (LIMITS, "what it answers is within the limits")] {
            let row = match notes.iter().find(|note| note.aspect == aspect) {
                Some(note) => {
                    self.of_endpoint(aspect, HealthLevel::Warning, &note.message).with_hint(note.hint)
                }
                None => self.of_endpoint(aspect, HealthLevel::Ok, usual),
            };
            self.set(row);
        }
    }

    /// Nothing was had from the endpoint. What depends on it is not known any more.
    pub(super) fn failed(&mut self, trouble: &Trouble, spec: &EndpointSpec) {
        let (aspect, hint) = advice(trouble, spec);
        let row = self.of_endpoint(aspect, HealthLevel::Error, trouble.to_string());
        let row = match hint {
            Some(hint) => row.with_hint(hint),
            None => row,
        };
        let keep = row.aspect.clone();
        self.stands.retain(|aspect, _| *aspect == keep);
        self.news.clear();
        self.set(row);
        if aspect != CONNECTION && !trouble.is_unreachable() {
            self.set(self.of_endpoint(CONNECTION, HealthLevel::Ok, "the endpoint answers"));
        }
    }
}

/// Which aspect a failure belongs to, and what to do where the failure does not say so itself.
fn advice(trouble: &Trouble, spec: &EndpointSpec) -> (&'static str, Option<&'static str>) {
    match trouble {
        Trouble::Http(HttpError::Tls { .. }) => (TLS, None),
        Trouble::Http(HttpError::Interrupted { .. })
            if spec.url.starts_with("https:") && spec.client.is_none() =>
        {
            (
                CONNECTION,
                Some("Where the endpoint asks for a client's certificate, name it: certificate and key."),
            )
        }
        Trouble::Http(HttpError::BodyTooLarge { .. }) | Trouble::TooMuch { .. } => {
            (LIMITS, Some("Have the exporter show less, or name an address that does (collect[], match[])."))
        }
        Trouble::Http(HttpError::Unreadable { .. }) | Trouble::Format { .. } => (FORMAT, None),
        _ => match trouble.status() {
            Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => (
                AUTH,
                Some(match spec.auth {
                    None => "Add token, or user and password, to this [[metrics]].",
                    Some(_) => "Enter the right token or password; X-Scope-OrgID may be needed as a header.",
                }),
            ),
            Some(StatusCode::NOT_FOUND) => (
                FORMAT,
                Some(match spec.kind {
                    EndpointKind::Scrape => "Exporters mostly have their metrics at /metrics.",
                    EndpointKind::Promql => {
                        "Name the server's base address: /api/v1/query is looked for below it."
                    }
                }),
            ),
            _ => (CONNECTION, None),
        },
    }
}

fn is_this_machine(url: &str) -> bool {
    faultline_http::Url::parse(url).is_ok_and(|url| faultline_http::is_loopback(&url))
}
