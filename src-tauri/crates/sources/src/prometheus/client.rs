//! The way to one endpoint and back: scrapes, instant and range queries, each with a deadline and limits. Not in here:
//! what is asked, how often, and what becomes of a failure.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use faultline_http::header::{ACCEPT, CONTENT_TYPE, DATE};
use faultline_http::{
    Auth, Bytes, ClientIdentity, ExposeSecret as _, HeaderMap, HeaderName, HeaderValue, HttpClient,
    HttpError, HttpOptions, Method, RedirectPolicy, Request, Response, Url, host_of,
};
use faultline_model::{EndpointAuth, EndpointSpec, ROUND_TRIP_DEADLINE, Timestamp};
use secrecy::SecretString;
use tokio::time::Instant;
use url::form_urlencoded;

use super::address;
use super::answer::{self, Answer, Notes, RangeAnswer, Series};
use super::exposition::{self, Exposition, Format};
use super::trouble::Trouble;
use crate::error::SourceError;

/// Most points a series that one range query may ask for: Prometheus refuses more.
pub const MAX_RANGE_POINTS: u32 = 11_000;

/// Most range queries that one range is split into.
pub const MAX_RANGE_PARTS: usize = 64;

/// Longest answer, after decompression, bytes.
pub const MAX_BODY_BYTES: usize = 32 << 20;

/// Shortest deadline of an exchange, however often the endpoint is asked.
const MIN_DEADLINE: Duration = Duration::from_secs(2);

/// So much sooner than we stop waiting is the server to stop working.
const SERVER_GIVES_UP_BEFORE: Duration = Duration::from_millis(250);

/// Queries longer than this are sent in a body: proxies cut long addresses, bytes.
const MAX_QUERY_IN_URL_BYTES: usize = 1_500;

/// Longest certificate or key file, bytes.
const MAX_PEM_BYTES: u64 = 1 << 20;

/// What a scrape asks for, in the order in which Prometheus 3 prefers it, without what we do not read (protobuf).
/// The order matters: in OpenMetrics some libraries give counters other names, and those are the ones that Prometheus
/// knows.
const SCRAPE_ACCEPT: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
     application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
     text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

/// What a page brought, and when.
#[derive(Clone, Debug)]
pub struct Scraped {
    /// The page.
    pub page: Exposition,
    /// How long the exchange took.
    pub took: Duration,
    /// What the server's clock said (`Date` of the answer, whole seconds), where it said anything.
    pub server_date: Option<String>,
}

/// One endpoint. Connects when it is asked, and keeps its connections.
#[derive(Debug)]
pub struct Endpoint {
    /// As it was given; of its parts those that say how to get there are used.
    spec: EndpointSpec,
    url: Url,
    headers: HeaderMap,
    deadline: Duration,
    /// Made anew when the connection fails and certificates come from files: they may have been renewed.
    http: Mutex<HttpClient>,
}

impl Endpoint {
    /// The endpoint; connects nothing. Certificate files are read.
    ///
    /// # Errors
    /// [`SourceError::BadUrl`] and [`SourceError::BadEndpoint`] when address, headers or certificates cannot be used.
    pub fn open(spec: &EndpointSpec) -> Result<Self, SourceError> {
        let url = address::parse(&spec.url).map_err(|reason| SourceError::BadUrl {
            target: spec.id.to_string(),
            reason,
            example: "https://host:9090",
        })?;
        let bad = |reason: String| SourceError::BadEndpoint { target: spec.id.to_string(), reason };
        let http = client(spec).map_err(&bad)?;
        Ok(Self {
            headers: headers(spec).map_err(&bad)?,
            deadline: Duration::from_secs_f64(spec.interval_s.clamp(0.0, 3600.0))
                .clamp(MIN_DEADLINE, ROUND_TRIP_DEADLINE),
            spec: spec.clone(),
            url,
            http: Mutex::new(http),
        })
    }

    /// The endpoint's address.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Host and port, for messages.
    pub fn host(&self) -> String {
        host_of(&self.url)
    }

    /// The deadline of each exchange.
    pub fn deadline(&self) -> Duration {
        self.deadline
    }

    /// Reads the whole page.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn scrape(&self) -> Result<Scraped, Trouble> {
        self.scrape_only(|_| true).await
    }

    /// Reads the page and keeps the samples of the metrics that `wanted` picks by name (`http_requests_total`,
    /// `latency_bucket`); the rest is checked and let go.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn scrape_only(&self, wanted: impl Fn(&str) -> bool) -> Result<Scraped, Trouble> {
        let mut request = Request::get(self.url.clone());
        request.headers.insert(ACCEPT, HeaderValue::from_static(SCRAPE_ACCEPT));
        // Some exporters stop working for us by it.
        let patience = self.patience().as_secs_f64().to_string();
        if let Ok(value) = HeaderValue::from_str(&patience) {
            request.headers.insert(HeaderName::from_static("x-prometheus-scrape-timeout-seconds"), value);
        }
        let sent = Instant::now();
        let response = self.send(request).await?.ok()?;
        let took = sent.elapsed();
        let format = Format::of(response.header(CONTENT_TYPE.as_str()));
        let detail = match format {
            Ok(format) => match std::str::from_utf8(&response.body) {
                Ok(text) => match exposition::read(text, format, wanted) {
                    Ok(page) => {
                        let server_date = response.header(DATE.as_str()).map(str::to_owned);
                        return Ok(Scraped { page, took, server_date });
                    }
                    Err(fault) => response.clean(&fault.to_string()),
                },
                Err(error) => format!("it is not UTF-8 from byte {} on", error.valid_up_to()),
            },
            Err(reason) => response.clean(&reason),
        };
        Err(Trouble::Format { host: self.host(), detail })
    }

    /// Asks for the value of an expression, at `at` or at the server's own now.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn query(&self, expression: &str, at: Option<Timestamp>) -> Result<Answer, Trouble> {
        let mut parameters = vec![("query", expression.to_owned())];
        parameters.extend(at.map(|at| ("time", seconds(at))));
        answer::instant(&self.ask("query", parameters).await?)
    }

    /// Asks for an expression over time, every `step_s` seconds from `from` to `to`, both included. More points than
    /// [`MAX_RANGE_POINTS`] are asked for part by part.
    ///
    /// # Errors
    /// See [`Trouble`]; the first part that fails ends it.
    pub async fn range(
        &self,
        expression: &str,
        from: Timestamp,
        to: Timestamp,
        step_s: f64,
    ) -> Result<RangeAnswer, Trouble> {
        let parts = parts(from, to, step_s).ok_or_else(|| Trouble::TooMuch {
            host: self.host(),
            detail: format!(
                "a range of {} s every {step_s} s; at most {MAX_RANGE_PARTS} times {MAX_RANGE_POINTS} points",
                to.secs_since(from)
            ),
        })?;
        let (mut all, mut notes) = (std::collections::BTreeMap::<_, Vec<_>>::new(), Notes::default());
        let mut points = 0;
        for (from, to) in parts {
            let parameters = vec![
                ("query", expression.to_owned()),
                ("start", seconds(from)),
                ("end", seconds(to)),
                ("step", step_s.to_string()),
            ];
            let part = answer::range(&self.ask("query_range", parameters).await?)?;
            notes.is_partial |= part.notes.is_partial;
            notes.warnings.extend(part.notes.warnings);
            notes.warnings.dedup();
            points += part.series.iter().map(|one| one.points.len()).sum::<usize>();
            if points > answer::MAX_ANSWER_POINTS {
                let detail = format!("at most {} values of a range; narrow it", answer::MAX_ANSWER_POINTS);
                return Err(Trouble::TooMuch { host: self.host(), detail });
            }
            for one in part.series {
                all.entry(one.labels).or_default().extend(one.points);
            }
        }
        let series = all.into_iter().map(|(labels, points)| Series { labels, points }).collect();
        Ok(RangeAnswer { series, notes })
    }

    async fn ask(
        &self,
        name: &str,
        mut parameters: Vec<(&'static str, String)>,
    ) -> Result<Response, Trouble> {
        // Prometheus takes no fractions with a unit.
        parameters.push(("timeout", format!("{}ms", self.patience().as_millis())));
        let url = address::api(&self.url, name);
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(&parameters).finish();
        let mut request = if form.len() <= MAX_QUERY_IN_URL_BYTES {
            let mut url = url;
            url.query_pairs_mut().extend_pairs(&parameters);
            Request::get(url)
        } else {
            let mut request = Request::new(Method::POST, url);
            // What is asked changes nothing, so that it may be sent again where the server points on.
            request.redirect = RedirectPolicy::SameHost;
            let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
            request.headers.insert(CONTENT_TYPE, kind);
            request.body = Some(Bytes::from(form));
            request
        };
        request.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        Ok(self.send(request).await?)
    }

    async fn send(&self, mut request: Request) -> Result<Response, HttpError> {
        request.deadline = self.deadline;
        request.max_body_bytes = MAX_BODY_BYTES;
        request.headers.extend(self.headers.clone());
        request.auth = self.spec.auth.as_ref().map(auth);
        let http = self.http.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let answer = http.send(request).await;
        if let Err(error) = &answer
            && (self.spec.ca.is_some() || self.spec.client.is_some())
            && Trouble::from(error.clone()).may_be_certificates()
            && let Ok(anew) = client(&self.spec)
        {
            *self.http.lock().unwrap_or_else(PoisonError::into_inner) = anew;
        }
        answer
    }

    /// How long the server may work on an answer.
    fn patience(&self) -> Duration {
        self.deadline - SERVER_GIVES_UP_BEFORE
    }
}

/// A range in parts of at most [`MAX_RANGE_POINTS`] points, none twice; `None` when these would be too many.
fn parts(from: Timestamp, to: Timestamp, step_s: f64) -> Option<Vec<(Timestamp, Timestamp)>> {
    let span_s = to.secs_since(from);
    if !(step_s.is_finite() && step_s >= 0.001 && span_s >= 0.0) {
        return None;
    }
    let steps = (span_s / step_s + 1e-9).floor();
    let per_part = f64::from(MAX_RANGE_POINTS);
    let count = ((steps + 1.0) / per_part).ceil();
    if count > MAX_RANGE_PARTS as f64 {
        return None;
    }
    let at = |step: f64| from + step * step_s;
    let part = |index: usize| {
        let first = index as f64 * per_part;
        (at(first), at((first + per_part - 1.0).min(steps)))
    };
    Some((0..count as usize).map(part).collect())
}

/// As the API takes it: Unix seconds, milliseconds at most.
fn seconds(at: Timestamp) -> String {
    format!("{:.3}", at.as_secs())
}

fn auth(auth: &EndpointAuth) -> Auth {
    match auth {
        EndpointAuth::Bearer(token) => Auth::Bearer(token.clone()),
        EndpointAuth::Basic { user, password } => {
            Auth::Basic { user: user.clone(), password: password.clone() }
        }
    }
}

fn headers(spec: &EndpointSpec) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in &spec.headers {
        let unusable =
            || format!("the header {name} cannot be sent; a header is one line of plain characters");
        let name = HeaderName::try_from(name.as_str()).map_err(|_| unusable())?;
        let mut value = HeaderValue::from_str(value.expose_secret()).map_err(|_| unusable())?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

fn client(spec: &EndpointSpec) -> Result<HttpClient, String> {
    let ca_pem = spec.ca.as_deref().map(|path| pem(path, "ca")).transpose()?;
    let identity = match &spec.client {
        None => None,
        Some(client) => Some(ClientIdentity {
            certificate_pem: pem(&client.certificate, "certificate")?,
            key_pem: SecretString::from(
                String::from_utf8(pem(&client.key, "key")?)
                    .map_err(|_| format!("`key` {} is not a PEM file", client.key.display()))?,
            ),
        }),
    };
    let only_ca = ca_pem.is_some();
    HttpClient::new(HttpOptions { ca_pem, only_ca, identity, ..HttpOptions::default() })
        .map_err(|error| error.to_string())
}

fn pem(path: &Path, key: &str) -> Result<Vec<u8>, String> {
    let cannot = |reason: String| format!("`{key}` {} cannot be read: {reason}", path.display());
    let length = std::fs::metadata(path).map_err(|error| cannot(error.to_string()))?.len();
    if length > MAX_PEM_BYTES {
        return Err(cannot(format!("it is longer than {MAX_PEM_BYTES} bytes")));
    }
    std::fs::read(path).map_err(|error| cannot(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_range_is_asked_for_part_by_part_and_no_point_twice() {
        for (span_s, step_s, expected) in [
            (0.0, 5.0, Some(1)),
            (10_999.0 * 5.0, 5.0, Some(1)),
            (11_000.0 * 5.0, 5.0, Some(2)),
            (30.0 * 86_400.0, 60.0, Some(4)),
            (30.0 * 86_400.0, 1.0, None),
            (-1.0, 5.0, None),
            (60.0, 0.0, None),
            (60.0, f64::NAN, None),
        ] {
            let from = Timestamp::from_secs(1_700_000_000.0);
            let found = parts(from, from + span_s, step_s);
            assert_eq!(found.as_ref().map(Vec::len), expected, "{span_s} every {step_s}");
            let Some(found) = found else { continue };
            assert_eq!(found[0].0, from);
            let last = found[found.len() - 1].1;
            assert!(last <= from + span_s && (from + span_s).secs_since(last) < step_s, "{found:?}");
            for (one, next) in found.iter().zip(&found[1..]) {
                assert!((next.0.secs_since(one.1) - step_s).abs() < 1e-6, "{found:?}");
                assert!(one.1.secs_since(one.0) / step_s < f64::from(MAX_RANGE_POINTS));
            }
        }
    }
}
